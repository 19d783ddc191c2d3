"""The kind that a CustomResourceDefinition serves."""

from cluster.documents import Document
from cluster.kinds import Kind


def kind_of(definition: Document) -> Kind | None:
    """In its stored version."""
    spec = definition["spec"]
    version = next((one["name"] for one in spec["versions"] if one.get("storage")), None)
    if version is None:
        return None
    return Kind(
        spec["group"],
        version,
        spec["names"]["plural"],
        spec["names"]["kind"],
        spec.get("scope") == "Namespaced",
    )
