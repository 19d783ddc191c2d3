"""What a container's processes find in their environment. Pure.

The order is the kubelet's (makeEnvironmentVariables in kubernetes/pkg/kubelet/kubelet_pods.go): first what `envFrom` brings,
a later source over an earlier one, then `env` one after the other, which may refer to all of it. Variables of services are
left out: nothing answers at their addresses here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cluster.documents import Document, name_of, namespace_of, uid_of
from cluster.quantities import milli, whole
from cluster.simulator.kubelet.references import Findings, Lacking, needed, reference_in
from cluster.simulator.limits.pod_totals import containers_of

PATHS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
_KINDS = {"configmap": "ConfigMap", "secret": "Secret"}
_NODES_SHARE = ("cpu", "memory", "ephemeral-storage")
"""What a container without a limit is told the node's amount of."""


@dataclass(frozen=True)
class Surroundings:
    """What the node knows of a pod and the pod's document does not say."""

    pod_ip: str = ""
    host_ip: str = ""
    allocatable: Mapping[str, str] = field(default_factory=dict)
    devices: tuple[str, ...] = ()
    """UUIDs of the devices the runtime shows the container."""


def environment_of(
    pod: Document, container: Mapping[str, Any], around: Surroundings, findings: Findings
) -> dict[str, str]:
    """The runtime's variables, and over them the container's own. Raises Lacking."""
    found = {"PATH": PATHS, "HOSTNAME": str(pod["spec"].get("hostname") or name_of(pod))}
    if around.devices:
        found["NVIDIA_VISIBLE_DEVICES"] = ",".join(around.devices)
    return found | variables_of(pod, container, around, findings) | {"HOME": "/root"}


def variables_of(
    pod: Document, container: Mapping[str, Any], around: Surroundings, findings: Findings
) -> dict[str, str]:
    """What the pod says of them; `$(NAME)` in a command means one of these. Raises Lacking."""
    told: dict[str, str] = {}
    for source in container.get("envFrom") or []:
        told |= _all_of(source, findings)
    for entry in container.get("env") or []:
        if entry.get("value"):
            told[entry["name"]] = expanded(str(entry["value"]), told)
            continue
        value = _sourced(pod, container, entry.get("valueFrom") or {}, around, findings)
        if value is not None:
            told[entry["name"]] = value
    return told


def _all_of(source: Mapping[str, Any], findings: Findings) -> dict[str, str]:
    reference = reference_in(source, "configMapRef", "secretRef")
    if reference is None:
        return {}
    said = source.get("configMapRef") or source["secretRef"]
    contents = needed(findings, reference, optional=bool(said.get("optional")))
    if contents is None:
        return {}
    return {f"{source.get('prefix') or ''}{key}": text for key, text in contents.texts.items()}


def _sourced(
    pod: Document,
    container: Mapping[str, Any],
    source: Mapping[str, Any],
    around: Surroundings,
    findings: Findings,
) -> str | None:
    """None when an optional key is not there: the variable is not set then."""
    if field_ref := source.get("fieldRef"):
        return _field(pod, around, str(field_ref.get("fieldPath", "")))
    if resource_ref := source.get("resourceFieldRef"):
        return _amount(pod, container, resource_ref, around)
    reference = reference_in(source, "configMapKeyRef", "secretKeyRef")
    if reference is None:
        return ""
    told = source.get("configMapKeyRef") or source["secretKeyRef"]
    optional, key = bool(told.get("optional")), str(told.get("key", ""))
    contents = needed(findings, reference, optional=optional)
    if contents is None or (optional and key not in contents.texts):
        return None
    if key not in contents.texts:
        sort, name = reference
        raise Lacking(f"couldn't find key {key} in {_KINDS[sort]} {namespace_of(pod)}/{name}")
    return contents.texts[key]


def expanded(text: str, known: Mapping[str, str]) -> str:
    """`$(NAME)` stands for a variable that was set before; `$$` is one dollar sign; what is not known stays as it is."""
    return _REFERENCE.sub(lambda match: "$" if match[1] is None else known.get(match[1], match[0]), text)


def _field(pod: Document, around: Surroundings, path: str) -> str:
    known = {
        "metadata.name": name_of(pod),
        "metadata.namespace": namespace_of(pod),
        "metadata.uid": uid_of(pod),
        "spec.nodeName": str(pod["spec"].get("nodeName", "")),
        "spec.serviceAccountName": str(pod["spec"].get("serviceAccountName", "")),
        "status.podIP": around.pod_ip,
        "status.podIPs": around.pod_ip,
        "status.hostIP": around.host_ip,
        "status.hostIPs": around.host_ip,
    }
    if path.endswith("']"):
        part, _, key = path[:-2].partition("['")
        return str((pod["metadata"].get(part.removeprefix("metadata.")) or {}).get(key, ""))
    return known.get(path, "")


def _amount(
    pod: Document, container: Mapping[str, Any], told: Mapping[str, Any], around: Surroundings
) -> str:
    """In units of the divisor, rounded up. A container without a limit is told the pod's, or else the node's."""
    if name := told.get("containerName"):
        container = next((one for one in containers_of(pod["spec"]) if one["name"] == name), {})
        if not container:
            raise Lacking(f"container {name} not found")
    bound, _, resource = str(told.get("resource", "")).partition(".")
    amounts = dict((container.get("resources") or {}).get(bound) or {})
    if bound == "limits" and resource in _NODES_SHARE and _is_zero(amounts.get(resource)):
        of_the_pod = ((pod["spec"].get("resources") or {}).get("limits") or {}).get(resource)
        amounts[resource] = of_the_pod or around.allocatable.get(resource, "0")
    divisor = told.get("divisor")
    count = milli if resource == "cpu" else whole
    unit = 1 if _is_zero(divisor) else str(divisor)
    return str(-(-count(amounts.get(resource, "0")) // count(unit)))


def _is_zero(quantity: str | int | None) -> bool:
    return quantity is None or milli(quantity) == 0
