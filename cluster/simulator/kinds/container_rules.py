"""The rules of one container: its name and image, ports, environment, mounts, and what it asks for."""

import re
from collections.abc import Iterator
from typing import Any

from cluster.quantities import parse_quantity
from cluster.simulator.problems import Cause, missing, unsupported, wrong

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
PORT_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?")
PRINTABLE = re.compile(r"[ -<>-~]+")
PROTOCOLS = ["SCTP", "TCP", "UDP"]
PULL_POLICIES = ["Always", "IfNotPresent", "Never"]


def container_causes(container: dict[str, Any], place: str, names: set[str]) -> list[Cause]:
    causes = []
    name = container.get("name", "")
    if not name:
        causes.append(missing(f"{place}.name"))
    elif len(name) > 63 or not DNS_LABEL.fullmatch(name):
        detail = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
        causes.append(wrong(f"{place}.name", name, detail))
    elif name in names:
        causes.append(Cause(f"{place}.name", "FieldValueDuplicate", f'Duplicate value: "{name}"'))
    names.add(name)
    if not container.get("image"):
        causes.append(missing(f"{place}.image"))
    causes += [*_ports(container, place), *_environment(container, place), *_mounts(container, place)]
    policy = container.get("imagePullPolicy", "Always")
    if policy not in PULL_POLICIES:
        causes.append(unsupported(f"{place}.imagePullPolicy", policy, PULL_POLICIES))
    resources = container.get("resources", {})
    limits = resources.get("limits", {})
    for key, amount in resources.get("requests", {}).items():
        if "/" in key and key not in limits:
            causes.append(
                missing(
                    f"{place}.resources.limits", f"Limit must be set for non overcommitable resources: {key}"
                )
            )
        elif "/" in key and limits[key] != amount:
            causes.append(
                wrong(f"{place}.resources.requests", amount, f"must be equal to {key} limit of {limits[key]}")
            )
    causes += amount_causes(resources, f"{place}.resources")
    return causes


def _ports(container: dict[str, Any], place: str) -> Iterator[Cause]:
    names: set[str] = set()
    for number, port in enumerate(container.get("ports") or []):
        where, name = f"{place}.ports[{number}]", port.get("name")
        if name:
            if not PORT_NAME.fullmatch(name):
                yield from _port_name(name, f"{where}.name")
            elif name in names:
                yield Cause(f"{where}.name", "FieldValueDuplicate", f'Duplicate value: "{name}"')
            names.add(name)
        for key in ("containerPort", "hostPort"):
            value = port.get(key) or 0
            if not value and key == "containerPort":
                yield missing(f"{where}.{key}")
            elif value and not 0 < value < 65536:
                yield wrong(f"{where}.{key}", value, "must be between 1 and 65535, inclusive")
        protocol = port.get("protocol", "TCP")
        if protocol not in PROTOCOLS:
            yield unsupported(f"{where}.protocol", protocol, PROTOCOLS)


def _port_name(name: str, place: str) -> Iterator[Cause]:
    """Each rule that it breaks, as the API tells them."""
    if len(name) > 15:
        yield wrong(place, name, "must be no more than 15 characters")
    if not re.fullmatch(r"[-a-z0-9]+", name):
        yield wrong(place, name, "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search(r"[a-z]", name):
        yield wrong(place, name, "must contain at least one letter (a-z)")
    if "--" in name:
        yield wrong(place, name, "must not contain consecutive hyphens")
    if name.startswith("-") or name.endswith("-"):
        yield wrong(place, name, "must not begin or end with a hyphen")


def _environment(container: dict[str, Any], place: str) -> Iterator[Cause]:
    for number, variable in enumerate(container.get("env") or []):
        where, name = f"{place}.env[{number}].name", variable.get("name", "")
        if not name:
            yield missing(where)
        elif not PRINTABLE.fullmatch(name):
            detail = "a valid environment variable name must consist only of printable ASCII characters other than '='"
            yield wrong(where, name, detail)


def _mounts(container: dict[str, Any], place: str) -> Iterator[Cause]:
    """Whether their volumes exist is the pod's affair."""
    seen: set[str] = set()
    for number, mount in enumerate(container.get("volumeMounts") or []):
        where, path = f"{place}.volumeMounts[{number}]", mount.get("mountPath", "")
        if not mount.get("name"):
            yield missing(f"{where}.name")
        if not path:
            yield missing(f"{where}.mountPath")
        elif path in seen:
            yield wrong(f"{where}.mountPath", path, "must be unique")
        seen.add(path)


def amount_causes(resources: dict[str, Any], place: str) -> Iterator[Cause]:
    limits = resources.get("limits") or {}
    for kind in ("limits", "requests"):
        for key, amount in (resources.get(kind) or {}).items():
            if parse_quantity(amount) < 0:
                yield wrong(f"{place}.{kind}[{key}]", amount, "must be greater than or equal to 0")
            elif (
                kind == "requests"
                and "/" not in key
                and parse_quantity(amount) > parse_quantity(limits.get(key, amount))
            ):
                detail = f"must be less than or equal to {key} limit of {limits[key]}"
                yield wrong(f"{place}.requests", amount, detail)
