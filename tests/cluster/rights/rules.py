"""The roles of deploy/rbac as plain sets: which account may do what, where."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cluster import rights
from cluster.documents import Document


@dataclass(frozen=True, order=True)
class Right:
    """`resource` with its subresource, such as pods/log; `namespace` "" is everywhere."""

    group: str
    resource: str
    verb: str
    namespace: str = ""

    def __str__(self) -> str:
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.verb} {self.resource}{f'.{self.group}' if self.group else ''}{where}"


def granted(documents: Iterable[Document] | None = None) -> dict[str, set[Right]]:
    """Service account of the product -> what its roles grant; an account without a role has an empty set."""
    found = list(rights.documents() if documents is None else documents)
    roles = {_key(one["kind"], one): one for one in found if one["kind"] in ("Role", "ClusterRole")}
    accounts: dict[str, set[Right]] = {
        one["metadata"]["name"]: set() for one in found if one["kind"] == "ServiceAccount"
    }
    for binding in (one for one in found if one["kind"] in ("RoleBinding", "ClusterRoleBinding")):
        namespace = binding["metadata"].get("namespace", "")
        reference = binding["roleRef"]
        where = "" if reference["kind"] == "ClusterRole" else namespace
        role = roles[reference["kind"], where, reference["name"]]
        for subject in binding["subjects"]:
            accounts[subject["name"]] |= set(_rights_of(role, namespace))
    return accounts


def verbs_by_resource(found: Iterable[Right]) -> dict[tuple[str, str], set[str]]:
    table: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for right in found:
        table[right.group, right.resource].add(right.verb)
    return dict(table)


def _rights_of(role: Document, namespace: str) -> Iterator[Right]:
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    yield Right(group, resource, verb, namespace)


def _key(kind: str, document: Document) -> tuple[str, str, str]:
    return kind, document["metadata"].get("namespace", ""), document["metadata"]["name"]
