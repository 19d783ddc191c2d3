"""Has a request worked whose answer was lost? Told from what stands in the cluster now. Pure."""

from collections.abc import Mapping
from typing import Any

from cluster.documents import Document, annotations_of, labels_of, uid_of
from cluster.quantities import parse_quantity

_SERVERS_OWN = frozenset({"metadata", "status", "apiVersion", "kind"})


def was_created(sent: Mapping[str, Any], found: Document) -> bool:
    """Whether what stands there is what we sent: our marks and owners on it, and nothing in it that says otherwise.

    A namesake of someone else has other labels, other owners, or another spec. Fields that the server or a webhook added
    are no difference; one they changed is, and then the caller hears AlreadyExists and judges by what it knows.
    """
    return _marks_stand(sent, found) and all(
        _stands(value, found.get(name)) for name, value in sent.items() if name not in _SERVERS_OWN
    )


def was_replaced(sent: Mapping[str, Any], found: Document, subresource: str | None) -> bool:
    """Whether our replacement is what stands there: the conflict is then with our own first try."""
    sent_uid = (sent.get("metadata") or {}).get("uid")
    if sent_uid and sent_uid != uid_of(found):
        return False
    if subresource == "status":
        return _stands(sent.get("status"), found.get("status"))
    return was_created(sent, found)


def was_bound(pod: Document, uid: str, node: str) -> bool:
    """Whether this very pod has this very node."""
    return uid_of(pod) == uid and pod["spec"].get("nodeName") == node


def _marks_stand(sent: Mapping[str, Any], found: Document) -> bool:
    metadata = sent.get("metadata") or {}
    owners = {owner.get("uid") for owner in found["metadata"].get("ownerReferences") or []}
    return (
        (metadata.get("labels") or {}).items() <= labels_of(found).items()
        and (metadata.get("annotations") or {}).items() <= annotations_of(found).items()
        and {owner.get("uid") for owner in metadata.get("ownerReferences") or []} <= owners
    )


def _stands(sent: Any, found: Any) -> bool:
    """Whether everything that was sent is in what was found; empty and absent are the same to the server."""
    if isinstance(sent, Mapping):
        inside = found if isinstance(found, Mapping) else {}
        return all(_stands(value, inside.get(name)) for name, value in sent.items())
    if isinstance(sent, list | tuple) and sent:
        return (
            isinstance(found, list)
            and len(sent) == len(found)
            and all(_stands(one, other) for one, other in zip(sent, found, strict=True))
        )
    if not sent and not found and not isinstance(sent, bool):
        return True
    return bool(sent == found) or _same_quantity(sent, found)


def _same_quantity(sent: Any, found: Any) -> bool:
    """1000m is stored as 1."""
    if not isinstance(sent, str) or not isinstance(found, str):
        return False
    try:
        return parse_quantity(sent) == parse_quantity(found)
    except (ValueError, ArithmeticError):
        return False
