"""Which form a client wants its answer in."""

from dataclasses import dataclass

from cluster.simulator.problems import not_acceptable

OFFERED = ["application/json", "application/yaml"]
KNOWN_SHAPES = {("meta.k8s.io", "v1"), ("apidiscovery.k8s.io", "v2")}


@dataclass(frozen=True)
class Form:
    """`shape` is object, Table or PartialObjectMetadata (also for lists)."""

    shape: str = "object"
    yaml: bool = False


def wanted_form(accept: str) -> Form:
    """The first form of an Accept header that the server can give. Raises 406 when there is none."""
    if not accept:
        return Form()
    for entry in accept.split(","):
        media, *options = (part.strip() for part in entry.split(";"))
        if media not in ("application/json", "*/*", "application/*", "application/yaml"):
            continue
        asked = dict(option.partition("=")[::2] for option in options)
        shape = asked.get("as", "")
        if shape and (asked.get("g"), asked.get("v")) not in KNOWN_SHAPES:
            continue
        if shape == "PartialObjectMetadataList":
            shape = "PartialObjectMetadata"
        return Form(shape or "object", media == "application/yaml")
    raise not_acceptable(OFFERED)
