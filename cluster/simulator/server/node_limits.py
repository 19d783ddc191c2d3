"""What a pod's node says to a resize before it is stored: what it cannot do at all, and what is more than it has.

As the admission plugins NodeDeclaredFeatureValidator and PodResizeValidator do it
(kubernetes/plugin/pkg/admission/{nodedeclaredfeatures,podresize}); whether there is room beside others the node itself judges.
"""

from cluster.simulator.kinds.pod_parts import RESIZE
from cluster.simulator.kinds.resizing import RESIZABLE, features_of
from cluster.simulator.kubelet.requests import amount_of, requests_of
from cluster.simulator.problems import Cause, Problem, forbidden
from cluster.simulator.resources import Resource
from cluster.simulator.server.api import Api, Document


def keep_within_node(
    api: Api, resource: Resource, document: Document, old: Document, subresource: str
) -> None:
    """Raises 403."""
    if resource.storage != "pods" or subresource != RESIZE or document["spec"] == old["spec"]:
        return
    node = document["spec"].get("nodeName")
    if not node:
        return
    stored = api.store.get("nodes", "", node)
    if stored is None:
        raise _refused(document, f'node "{node}" not found')
    status = stored.document.get("status") or {}
    missing = sorted(
        set(features_of(document["spec"], old["spec"])) - set(status.get("declaredFeatures") or [])
    )
    if missing:
        named = ", ".join(missing)
        text = f'pod update requires features {named} which are not available on node "{node}"'
        raise _refused(document, text)
    short = _short(document, status.get("allocatable") or {})
    if short:
        text = f"node didn't have enough allocatable resources: {'; '.join(short)}"
        raise _refused(document, text, [Cause("", "NodeCapacity", "")])


def _short(pod: Document, allocatable: dict[str, str]) -> list[str]:
    requests = requests_of(pod)
    found = []
    for name in RESIZABLE:
        asked, has = requests.get(name, 0), amount_of(name, allocatable.get(name, "0"))
        if asked > has:
            found.append(f"{name}, requested: {asked}, allocatable: {has}")
    return found


def _refused(pod: Document, text: str, causes: list[Cause] | None = None) -> Problem:
    return forbidden("pods", "", pod["metadata"]["name"], text, causes)
