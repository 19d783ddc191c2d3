"""Who may write what only the product may: our own accounts, the cluster's administrators, its controllers and kubelets. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from cluster.admission.reviews import Requester

OURS = "runai"
"""The namespace of our service accounts."""
CONTROLLERS = frozenset({"system:kube-controller-manager", "system:kube-scheduler", "system:apiserver"})
"""They make pods from templates that were judged when someone wrote them; the rest of them are service accounts of kube-system."""
GROUPS = frozenset(
    {
        "system:masters",
        "system:nodes",
        "system:serviceaccounts:kube-system",
        f"system:serviceaccounts:{OURS}",
    }
)


RESERVERS = frozenset({"system:masters", f"system:serviceaccounts:{OURS}"})
"""They say which devices a pod was given. The cluster's controllers have nothing to copy there."""


@dataclass(frozen=True)
class Trust:
    """Names and groups that are believed. Operators of other kinds are not: nobody judges their templates."""

    users: frozenset[str] = CONTROLLERS
    groups: frozenset[str] = GROUPS
    reservers: frozenset[str] = RESERVERS

    @classmethod
    def also_of(cls, groups: Iterable[str]) -> "Trust":
        """Of these groups as of our own accounts."""
        more = frozenset(groups)
        return cls(groups=GROUPS | more, reservers=RESERVERS | more)

    def believes(self, requester: Requester) -> bool:
        return requester.name in self.users or not self.groups.isdisjoint(requester.groups)

    def may_reserve(self, requester: Requester) -> bool:
        return not self.reservers.isdisjoint(requester.groups)
