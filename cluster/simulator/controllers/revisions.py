"""ControllerRevisions: the templates a StatefulSet or a DaemonSet has had, by which kubectl rolls it back."""

import copy
from typing import Any

from cluster.client import ClusterClient
from cluster.documents import Document, controller_of, name_of, namespace_of, owner_reference, uid_of
from cluster.errors import AlreadyExists
from cluster.kinds import CONTROLLER_REVISIONS
from cluster.simulator.controllers.rollout import template_hash
from cluster.watch import WatchCache

_KEPT = 10


class Revisions:
    """Made from the present template when it is new; the oldest that nobody uses go."""

    def __init__(self, client: ClusterClient) -> None:
        self._client = client
        self.revisions = WatchCache(client, CONTROLLER_REVISIONS)

    def present(self, owner: Document) -> str:
        """The name of the revision of the owner's template; it exists after this."""
        name = f"{name_of(owner)}-{template_hash(owner['spec']['template'])}"
        owned = self._owned(owner)
        known = next((one for one in owned if name_of(one) == name), None)
        newest = max((int(one["revision"]) for one in owned), default=0)
        if known is None:
            self._make(owner, name, newest + 1)
        elif int(known["revision"]) != newest:
            self._client.merge_patch(
                CONTROLLER_REVISIONS, name, {"revision": newest + 1}, namespace=namespace_of(owner)
            )
        return name

    def template(self, owner: Document, name: str) -> Document | None:
        """The template of an earlier revision, or None when it is gone."""
        for one in self._owned(owner):
            if name_of(one) == name:
                template: dict[str, Any] = copy.deepcopy(one["data"]["spec"]["template"])
                template.pop("$patch", None)
                return template
        return None

    def forget(self, owner: Document, used: set[str]) -> None:
        """Only so many unused ones are kept (`revisionHistoryLimit`)."""
        limit = int(owner["spec"].get("revisionHistoryLimit", _KEPT))
        unused = sorted(
            (one for one in self._owned(owner) if name_of(one) not in used),
            key=lambda one: int(one["revision"]),
        )
        for one in unused[: max(len(unused) - limit, 0)]:
            self._client.delete(CONTROLLER_REVISIONS, name_of(one), namespace_of(owner), uid=uid_of(one))

    def _owned(self, owner: Document) -> list[Document]:
        found = []
        for one in self.revisions.items():
            controller = controller_of(one)
            if controller is not None and controller["uid"] == uid_of(owner):
                found.append(one)
        return found

    def _make(self, owner: Document, name: str, number: int) -> None:
        template = {**copy.deepcopy(owner["spec"]["template"]), "$patch": "replace"}
        document = {
            "apiVersion": CONTROLLER_REVISIONS.api_version,
            "kind": CONTROLLER_REVISIONS.kind,
            "metadata": {
                "name": name,
                "namespace": namespace_of(owner),
                "labels": dict((owner["spec"].get("selector") or {}).get("matchLabels") or {}),
                "ownerReferences": [owner_reference(owner)],
            },
            "data": {"spec": {"template": template}},
            "revision": number,
        }
        try:
            self._client.create(CONTROLLER_REVISIONS, document, namespace=namespace_of(owner))
        except AlreadyExists:
            return  # the watch has not shown it yet
