"""Pure: the volumes a pod mounts -> where it may run because of them, what has to be made for it first, or why it must wait."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from cluster.documents import Document, is_deleting, key_of, name_of, namespace_of
from scheduling.engine.model.constraints import Constraints, LabelRequirement, NodeTerm
from scheduling.requests import UnreadablePod
from scheduling.selectors import read_requirement

SELECTED_NODE = "volume.kubernetes.io/selected-node"
NO_PROVISIONER = "kubernetes.io/no-provisioner"
ONE_POD = "ReadWriteOncePod"
TERMS_AT_MOST = 64
"""Alternatives of node terms after joining those of all volumes; more is a slip."""

Terms = tuple[NodeTerm, ...]


@dataclass(frozen=True)
class Mounting:
    """What the volumes mean for one pod. `terms` are further required node terms, one alternative list per volume.

    `to_place` are claims (namespace, name) that get their volume on the node the pod is given. `code` and `message` say why
    the pod cannot be placed now; empty when it can.
    """

    terms: tuple[Terms, ...] = ()
    to_place: tuple[tuple[str, str], ...] = ()
    code: str = ""
    message: str = ""


NOTHING = Mounting()


@dataclass
class Volumes:
    """Claims, volumes and classes of a cluster at one moment."""

    claims: dict[tuple[str, str], Document] = field(default_factory=dict)
    volumes: dict[str, Document] = field(default_factory=dict)
    classes: dict[str, Document] = field(default_factory=dict)
    used_by: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """Claim -> uids of the pods with a place that mount it."""

    @classmethod
    def of(
        cls, claims: Iterable[Document], volumes: Iterable[Document], classes: Iterable[Document]
    ) -> "Volumes":
        return cls(
            {key_of(one): one for one in claims},
            {name_of(one): one for one in volumes},
            {name_of(one): one for one in classes},
        )

    def mounting(self, pod: Document) -> Mounting:
        """All volumes of the pod together; the first that stands in the way is told."""
        terms: list[Terms] = []
        to_place: list[tuple[str, str]] = []
        for key in claims_of(pod):
            one = self._claim(key, str(pod["metadata"].get("uid")))
            if one.code:
                return one
            terms += one.terms
            to_place += one.to_place
        return Mounting(tuple(terms), tuple(to_place)) if terms or to_place else NOTHING

    def _claim(self, key: tuple[str, str], pod: str) -> Mounting:
        claim, name = self.claims.get(key), key[1]
        if claim is None or is_deleting(claim):
            there = "is being deleted" if claim else "does not exist"
            return Mounting(code="VolumeClaimMissing", message=f"Its volume claim {name} {there}.")
        others = self.used_by.get(key, set()) - {pod}
        if others and ONE_POD in (claim["spec"].get("accessModes") or []):
            return Mounting(
                code="VolumeInUse",
                message=f"Its volume claim {name} may be mounted by one pod only ({ONE_POD}), and another has it.",
            )
        volume = str(claim["spec"].get("volumeName") or "")
        return self._bound(name, volume) if volume else self._unbound(key, claim)

    def _bound(self, claim: str, volume: str) -> Mounting:
        found = self.volumes.get(volume)
        if found is None:
            return Mounting(
                code="VolumeMissing", message=f"The volume {volume} of its claim {claim} does not exist."
            )
        required = (found["spec"].get("nodeAffinity") or {}).get("required") or {}
        terms = _terms(required.get("nodeSelectorTerms"))
        return Mounting((terms,)) if terms else NOTHING

    def _unbound(self, key: tuple[str, str], claim: Document) -> Mounting:
        name = key[1]
        class_name = str(claim["spec"].get("storageClassName") or "")
        found = self.classes.get(class_name)
        if found is None or found.get("volumeBindingMode") != "WaitForFirstConsumer":
            of = f" (storage class {class_name})" if class_name else ""
            return Mounting(code="VolumeNotBound", message=f"Its volume claim {name} has no volume yet{of}.")
        if found.get("provisioner") == NO_PROVISIONER:
            return Mounting(
                code="RuleNotServed",
                message=f"Its volume claim {name} asks for a local volume that waits for its first pod (storage class"
                f" {class_name}); this scheduler does not choose among such volumes: bind the claim to one.",
            )
        topologies = [
            {
                "matchExpressions": [
                    {**one, "operator": "In"} for one in term.get("matchLabelExpressions") or []
                ]
            }
            for term in found.get("allowedTopologies") or []
        ]
        terms = _terms(topologies)
        return Mounting((terms,) if terms else (), (key,))


def claims_of(pod: Document) -> list[tuple[str, str]]:
    """(namespace, name) of the claims a pod mounts; an ephemeral volume's claim has the pod's name before its own."""
    found = []
    for volume in pod["spec"].get("volumes") or []:
        if volume.get("persistentVolumeClaim"):
            found.append((namespace_of(pod), str(volume["persistentVolumeClaim"].get("claimName"))))
        elif volume.get("ephemeral"):
            found.append((namespace_of(pod), f"{name_of(pod)}-{volume.get('name')}"))
    return found


def _terms(written: Any) -> Terms:
    return tuple(
        NodeTerm(
            tuple(read_requirement(one) for one in term.get("matchExpressions") or []),
            tuple(read_requirement(one) for one in term.get("matchFields") or []),
        )
        for term in written or []
    )


def constrained(constraints: Constraints, mounting: Mounting) -> Constraints:
    """The pod's own node terms and those of every volume must hold together: each alternative of one with each of the others.

    Volumes of one class say the same, and are asked once: without that, and counted only afterwards, thirty of them would be
    more alternatives than there is memory for.
    """
    if not mounting.terms:
        return constraints
    lists = list(dict.fromkeys(terms for terms in (constraints.node_terms, *mounting.terms) if terms))
    count = math.prod(len(terms) for terms in lists)
    if count > TERMS_AT_MOST:
        raise UnreadablePod(
            "InvalidAffinity",
            f"Its node affinity and its volumes have {count} alternatives together; at most {TERMS_AT_MOST} are read.",
        )
    return replace(constraints, node_terms=tuple(_join(chosen) for chosen in product(*lists)))


def _join(terms: Iterable[NodeTerm]) -> NodeTerm:
    chosen = list(terms)
    if any(not term.expressions and not term.fields for term in chosen):
        return NodeTerm()  # an empty term matches nothing, and nothing with something is nothing
    expressions: list[LabelRequirement] = [one for term in chosen for one in term.expressions]
    fields: list[LabelRequirement] = [one for term in chosen for one in term.fields]
    return NodeTerm(tuple(expressions), tuple(fields))
