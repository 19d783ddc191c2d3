"""LimitRanges: what a container gets that asks for nothing, and what a container, a pod or a claim may ask for. Pure."""

from collections.abc import Iterable, Iterator
from typing import Any

from cluster.simulator.limits.amounts import Amount, Amounts, read_amounts
from cluster.simulator.limits.pod_totals import containers_of, pod_total

Document = dict[str, Any]
NOTE = "kubernetes.io/limit-ranger"
CONTAINER, POD, CLAIM = "Container", "Pod", "PersistentVolumeClaim"


def limits_of(limit_range: Document, kind: str) -> list[Document]:
    found: list[Document] = [
        one for one in (limit_range.get("spec") or {}).get("limits") or [] if one.get("type") == kind
    ]
    return found


def give_defaults(pod: Document, limit_range: Document) -> None:
    """Containers get what they do not say; a note in the pod's annotations tells which. Changes fresh parts in place."""
    given: dict[str, dict[str, str]] = {"requests": {}, "limits": {}}
    for limit in limits_of(limit_range, CONTAINER):
        given["requests"] |= limit.get("defaultRequest") or {}
        given["limits"] |= limit.get("default") or {}
    spec = pod["spec"]
    notes: list[str] = []
    for listed, title in (("containers", "container"), ("initContainers", "init container")):
        if listed in spec:
            spec[listed] = [_completed(container, given, title, notes) for container in spec[listed]]
    if notes:
        annotations = pod["metadata"].get("annotations") or {}
        pod["metadata"]["annotations"] = {**annotations, NOTE: "LimitRanger plugin set: " + "; ".join(notes)}


def _completed(
    container: Document, given: dict[str, dict[str, str]], title: str, notes: list[str]
) -> Document:
    """The container with what it does not say; `notes` gets a sentence for requests and one for limits."""
    resources = container.get("resources") or {}
    for side in ("requests", "limits"):
        said = resources.get(side) or {}
        missing = {name: text for name, text in given[side].items() if name not in said}
        if missing:
            resources = {**resources, side: {**said, **missing}}
            notes.append(f"{', '.join(sorted(missing))} {side[:-1]} for {title} {container.get('name', '')}")
    return {**container, "resources": resources}


def pod_violations(pod: Document, limit_range: Document) -> list[str]:
    """A sentence for each limit that a container or the pod as a whole breaks."""
    spec = pod["spec"]
    found: list[str] = []
    for limit in (limit_range.get("spec") or {}).get("limits") or []:
        if limit.get("type") == CONTAINER:
            for container in containers_of(spec):
                resources = container.get("resources") or {}
                requests, limits = (read_amounts(resources.get(side)) for side in ("requests", "limits"))
                found += _broken(limit, requests, limits)
        elif limit.get("type") == POD:
            found += _broken(limit, pod_total(spec, "requests"), pod_total(spec, "limits"))
    return list(dict.fromkeys(found))


def claim_violations(claim: Document, limit_range: Document) -> list[str]:
    """Claims have requests only."""
    requests = read_amounts((claim["spec"].get("resources") or {}).get("requests"))
    found: list[str] = []
    for limit in limits_of(limit_range, CLAIM):
        found += _too_little(limit, requests, {})
        for name, most in _sorted(limit.get("max")):
            said = f"maximum {name} usage per {CLAIM} is {most}"
            if name not in requests:
                found.append(f"{said}.  No request is specified")
            elif requests[name].number > most.number:
                found.append(f"{said}, but request is {requests[name]}")
    return found


def _broken(limit: Document, requests: Amounts, limits: Amounts) -> Iterable[str]:
    yield from _too_little(limit, requests, limits)
    yield from _too_much(limit, requests, limits)
    for name, ratio in _sorted(limit.get("maxLimitRequestRatio")):
        yield from _ratio(
            f"{name} max limit to request ratio per {limit['type']} is {ratio}",
            ratio,
            requests.get(name),
            limits.get(name),
        )


def _too_little(limit: Document, requests: Amounts, limits: Amounts) -> Iterator[str]:
    for name, least in _sorted(limit.get("min")):
        said = f"minimum {name} usage per {limit['type']} is {least}"
        if name not in requests:
            yield f"{said}.  No request is specified"
        elif requests[name].number < least.number:
            yield f"{said}, but request is {requests[name]}"
        elif name in limits and limits[name].number < least.number:
            yield f"{said}, but limit is {limits[name]}"


def _too_much(limit: Document, requests: Amounts, limits: Amounts) -> Iterator[str]:
    for name, most in _sorted(limit.get("max")):
        said = f"maximum {name} usage per {limit['type']} is {most}"
        if name not in limits:
            yield f"{said}.  No limit is specified"
        elif limits[name].number > most.number:
            yield f"{said}, but limit is {limits[name]}"
        elif name in requests and requests[name].number > most.number:
            yield f"{said}, but request is {requests[name]}"


def _ratio(said: str, most: Amount, request: Amount | None, limit: Amount | None) -> Iterator[str]:
    if request is None or not request.number:
        yield f"{said}, but no request is specified or request is 0"
    elif limit is None or not limit.number:
        yield f"{said}, but no limit is specified or limit is 0"
    elif limit.number / request.number > most.number:
        yield f"{said}, but provided ratio is {float(limit.number / request.number):f}"


def _sorted(listed: Any) -> list[tuple[str, Amount]]:
    return sorted(read_amounts(listed).items())
