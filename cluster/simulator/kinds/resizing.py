"""The resize subresource of a pod: what may be asked for while it runs.

The rules and sentences are those of ValidatePodResize (kubernetes/pkg/apis/core/validation).
"""

from collections.abc import Iterator
from typing import Any

from cluster.simulator.kinds.container_rules import amount_causes
from cluster.simulator.kinds.qos import qos_class
from cluster.simulator.kinds.rules import Document
from cluster.simulator.problems import Cause, forbidden_field, wrong

LISTED = ("containers", "initContainers")
RESIZABLE = ("cpu", "memory")
OF_THE_POD = "InPlacePodLevelResourcesVerticalScaling"
OF_INIT_CONTAINERS = "InPlacePodVerticalScalingInitContainers"


def resized_spec(old: Document, sent: Document) -> Document:
    """The spec with what was sent of its resources; containers in another order or number stay as sent, to be refused."""
    spec = dict(old)
    for listed in LISTED:
        before, wanted = old.get(listed) or [], sent.get(listed) or []
        if [one.get("name") for one in before] != [one.get("name") for one in wanted]:
            spec[listed] = wanted
        elif before:
            spec[listed] = [_resized(one, new) for one, new in zip(before, wanted, strict=True)]
    if "resources" in sent:
        spec["resources"] = sent["resources"]
    return spec


def _resized(container: Document, sent: Document) -> Document:
    kept = {key: value for key, value in container.items() if key not in ("resources", "resizePolicy")}
    told: Document = {key: sent[key] for key in ("resources", "resizePolicy") if key in sent}
    return {"resources": {}, **kept, **told}


def resize_causes(new: Document, old: Document) -> list[Cause]:
    """Every broken rule."""
    if moved := list(_moved(new["spec"], old["spec"])):
        return moved
    causes = []
    if qos_class(new["spec"]) != qos_class(old["spec"]):
        shown = (old.get("status") or {}).get("qosClass", "")
        causes.append(wrong("spec", shown, "Pod QOS Class may not change as a result of resizing"))
    if not _node_resizes(old):
        causes.append(forbidden_field("spec", "Pod running on node without support for resize"))
    for listed in LISTED:
        for number, (one, before) in enumerate(
            zip(new["spec"].get(listed) or [], old["spec"].get(listed) or [], strict=True)
        ):
            causes += _container_causes(one, before, f"spec.{listed}[{number}].resources")
    return causes


def features_of(new: Document, old: Document) -> Iterator[str]:
    """What a node has to declare for such a change of a spec."""
    if (new.get("resources") or {}) != (old.get("resources") or {}):
        yield OF_THE_POD
    before = {one.get("name"): one for one in old.get("initContainers") or []}
    for one in new.get("initContainers") or []:
        known = before.get(one.get("name"))
        if known and one.get("restartPolicy") != "Always" and one.get("resources") != known.get("resources"):
            yield OF_INIT_CONTAINERS
            return


def _moved(new: Document, old: Document) -> Iterator[Cause]:
    for listed in LISTED:
        names = [one.get("name") for one in new.get(listed) or []]
        before = [one.get("name") for one in old.get(listed) or []]
        if len(names) != len(before):
            yield forbidden_field(f"spec.{listed}", f"{listed} may not be added or removed on resize")
            continue
        for number, (name, former) in enumerate(zip(names, before, strict=True)):
            if name != former:
                place = f"spec.{listed}[{number}].name"
                yield forbidden_field(place, f"{listed} may not be renamed or reordered on resize")


def _node_resizes(pod: Document) -> bool:
    """A kubelet that can, tells what the containers it runs have."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    running = [one for one in statuses if (one.get("state") or {}).get("running")]
    return not running or running[0].get("resources") is not None


def _container_causes(new: Document, old: Document, place: str) -> Iterator[Cause]:
    asked, had = new.get("resources") or {}, old.get("resources") or {}
    yield from amount_causes(asked, place)
    for kind in ("requests", "limits"):
        if not (had.get(kind) or {}).keys() <= (asked.get(kind) or {}).keys():
            yield forbidden_field(f"{place}.{kind}", f"resource {kind} cannot be removed")
    if _fixed(asked) != _fixed(had):
        yield forbidden_field("spec", "only cpu and memory resources are mutable")


def _fixed(resources: dict[str, Any]) -> dict[str, Any]:
    return {
        kind: {key: amount for key, amount in (resources.get(kind) or {}).items() if key not in RESIZABLE}
        for kind in ("requests", "limits")
    } | {"claims": resources.get("claims")}
