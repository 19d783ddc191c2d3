"""The subresources of a pod that change one part of its spec: debugging containers, and what containers are given."""

from cluster.simulator.kinds.resizing import resize_causes, resized_spec
from cluster.simulator.kinds.rules import Document
from cluster.simulator.problems import Cause, forbidden_field, missing

EPHEMERAL, RESIZE = "ephemeralcontainers", "resize"


def only_that_part(document: Document, old: Document, subresource: str) -> None:
    """Whatever else was sent is dropped, as Kubernetes does."""
    sent = document.get("spec") or {}
    spec = dict(old["spec"])
    if subresource == EPHEMERAL:
        spec.pop("ephemeralContainers", None)
        if sent.get("ephemeralContainers"):
            spec["ephemeralContainers"] = [{"resources": {}, **one} for one in sent["ephemeralContainers"]]
    else:
        spec = resized_spec(spec, sent)
    for key in [key for key in document if key not in ("metadata", "spec")]:
        del document[key]
    document.update({key: value for key, value in old.items() if key not in ("metadata", "spec")})
    document["spec"] = spec


def part_causes(document: Document, old: Document, subresource: str) -> list[Cause]:
    """A debugging container stays as it was added, and stays."""
    if subresource == RESIZE:
        return resize_causes(document, old)
    place = "spec.ephemeralContainers"
    listed = document["spec"].get("ephemeralContainers") or []
    found = {one.get("name"): one for one in listed}
    causes = [
        forbidden_field(place, f'existing ephemeral containers "{one["name"]}" may not be {word}')
        for one in old["spec"].get("ephemeralContainers") or []
        if (word := "removed" if one["name"] not in found else "changed" if found[one["name"]] != one else "")
    ]
    taken = {one["name"] for key in ("containers", "initContainers") for one in old["spec"].get(key) or []}
    for number, one in enumerate(listed):
        causes += [missing(f"{place}[{number}].{key}") for key in ("name", "image") if not one.get(key)]
        if one.get("name") in taken:
            where = f"{place}[{number}].name"
            causes.append(Cause(where, "FieldValueDuplicate", f'Duplicate value: "{one["name"]}"'))
        taken.add(one.get("name"))
    return causes
