"""Cells of the remaining kinds. Pure."""

from datetime import datetime
from typing import Any

from cluster.documents import controller_of
from cluster.simulator.tables.ages import UNKNOWN, age, age_of
from cluster.simulator.tables.workloads import NONE
from cluster.simulator.volumes import DEFAULT_CLASS

Document = dict[str, Any]
MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def _name(document: Document) -> str:
    return str(document["metadata"]["name"])


def plain_cells(document: Document, now: datetime) -> list[Any]:
    return [_name(document), age_of(document, now)]


def namespace_cells(document: Document, now: datetime) -> list[Any]:
    return [_name(document), document.get("status", {}).get("phase", ""), age_of(document, now)]


def config_map_cells(document: Document, now: datetime) -> list[Any]:
    entries = len(document.get("data") or {}) + len(document.get("binaryData") or {})
    return [_name(document), entries, age_of(document, now)]


def secret_cells(document: Document, now: datetime) -> list[Any]:
    return [_name(document), document.get("type", ""), len(document.get("data") or {}), age_of(document, now)]


def revision_cells(document: Document, now: datetime) -> list[Any]:
    owner = controller_of(document)
    group = owner["apiVersion"].rpartition("/")[0] if owner else ""
    kind = f"{owner['kind'].lower()}.{group}".rstrip(".") if owner else ""
    name = f"{kind}/{owner['name']}" if owner else NONE
    return [_name(document), name, document.get("revision", 0), age_of(document, now)]


def lease_cells(document: Document, now: datetime) -> list[Any]:
    return [_name(document), document.get("spec", {}).get("holderIdentity", ""), age_of(document, now)]


def storage_class_cells(document: Document, now: datetime) -> list[Any]:
    default = (document["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true"
    return [
        _name(document) + (" (default)" if default else ""),
        document.get("provisioner", ""),
        document.get("reclaimPolicy", "Delete"),
        document.get("volumeBindingMode", "Immediate"),
        bool(document.get("allowVolumeExpansion")),
        age_of(document, now),
    ]


def webhook_cells(document: Document, now: datetime) -> list[Any]:
    return [_name(document), len(document.get("webhooks") or []), age_of(document, now)]


def priority_class_cells(document: Document, now: datetime) -> list[Any]:
    is_default = bool(document.get("globalDefault"))
    policy = document.get("preemptionPolicy", "")
    return [_name(document), document.get("value", 0), is_default, age_of(document, now), policy]


def node_cells(document: Document, now: datetime) -> list[Any]:
    status, spec, labels = (
        document.get("status", {}),
        document.get("spec", {}),
        document["metadata"].get("labels") or {},
    )
    conditions = [c for c in status.get("conditions") or [] if c["type"] == "Ready"]
    state = (
        "Ready"
        if conditions and conditions[0].get("status") == "True"
        else "NotReady"
        if conditions
        else "Unknown"
    )
    if spec.get("unschedulable"):
        state += ",SchedulingDisabled"
    prefix = "node-role.kubernetes.io/"
    roles = sorted({key.removeprefix(prefix) for key in labels if key.startswith(prefix) and key != prefix})
    addresses = {entry["type"]: entry["address"] for entry in status.get("addresses") or []}
    info = status.get("nodeInfo", {})
    return [
        _name(document),
        state,
        ",".join(roles) or NONE,
        age_of(document, now),
        info.get("kubeletVersion", ""),
        addresses.get("InternalIP", NONE),
        addresses.get("ExternalIP", NONE),
        info.get("osImage") or UNKNOWN,
        info.get("kernelVersion") or UNKNOWN,
        info.get("containerRuntimeVersion") or UNKNOWN,
    ]


def service_cells(document: Document, now: datetime) -> list[Any]:
    spec = document.get("spec", {})
    ports = []
    for port in spec.get("ports") or []:
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        ports.append(f"{port['port']}{node}/{port.get('protocol', 'TCP')}")
    selector = ",".join(f"{key}={value}" for key, value in sorted((spec.get("selector") or {}).items()))
    external = ",".join(spec.get("externalIPs") or [])
    if not external and spec.get("type") == "LoadBalancer":
        external = "<pending>"
    if spec.get("type") == "ExternalName":
        external = spec.get("externalName", "")
    address = spec.get("clusterIP") or NONE
    kind = spec.get("type", "ClusterIP")
    return [
        _name(document),
        kind,
        address,
        external or NONE,
        ",".join(ports) or NONE,
        age_of(document, now),
        selector or NONE,
    ]


def event_cells(document: Document, now: datetime) -> list[Any]:
    """Of a core event; the newer dialect is converted before."""
    series = document.get("series") or {}
    first = document.get("firstTimestamp") or document.get("eventTime")
    last = series.get("lastObservedTime") or document.get("lastTimestamp") or first
    about = document.get("involvedObject") or {}
    target = (
        f"{about.get('kind', '').lower()}/{about.get('name', '')}"
        if about.get("name")
        else about.get("kind", "").lower()
    )
    source = document.get("source") or {}
    component = source.get("component") or document.get("reportingComponent", "")
    host = source.get("host") or document.get("reportingInstance", "")
    place = f"{component}, {host}" if host else component
    count = series.get("count") or document.get("count") or 1
    message = str(document.get("message", "")).strip()
    shown_first = age(first, now)
    return [
        age(last, now),
        document.get("type", ""),
        document.get("reason", ""),
        target,
        about.get("fieldPath", ""),
        place,
        message,
        shown_first,
        count,
        _name(document),
    ]


def claim_cells(document: Document, now: datetime) -> list[Any]:
    spec, status = document.get("spec", {}), document.get("status", {})
    bound = bool(spec.get("volumeName"))
    phase = "Terminating" if document["metadata"].get("deletionTimestamp") else status.get("phase", "")
    return [
        _name(document),
        phase,
        spec.get("volumeName", ""),
        status.get("capacity", {}).get("storage", "") if bound else "",
        _modes(status.get("accessModes")) if bound else "",
        spec.get("storageClassName", ""),
        spec.get("volumeAttributesClassName") or "<unset>",
        age_of(document, now),
        spec.get("volumeMode") or "<unset>",
    ]


def volume_cells(document: Document, now: datetime) -> list[Any]:
    spec, status = document.get("spec", {}), document.get("status", {})
    claim = spec.get("claimRef") or {}
    phase = "Terminating" if document["metadata"].get("deletionTimestamp") else status.get("phase", "")
    return [
        _name(document),
        spec.get("capacity", {}).get("storage", ""),
        _modes(spec.get("accessModes")),
        spec.get("persistentVolumeReclaimPolicy", ""),
        phase,
        f"{claim.get('namespace')}/{claim.get('name')}" if claim else "",
        spec.get("storageClassName", ""),
        spec.get("volumeAttributesClassName") or "<unset>",
        status.get("reason", ""),
        age_of(document, now),
        spec.get("volumeMode") or "<unset>",
    ]


def _modes(modes: list[str] | None) -> str:
    return ",".join(MODES.get(mode, mode) for mode in modes or [])


def budget_cells(document: Document, now: datetime) -> list[Any]:
    spec = document.get("spec", {})
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    allowed = document.get("status", {}).get("disruptionsAllowed", 0)
    shown = ["N/A" if value is None else str(value) for value in (least, most)]
    return [_name(document), *shown, allowed, age_of(document, now)]


def binding_cells(document: Document, now: datetime) -> list[Any]:
    """Of role bindings of both scopes."""
    role = document["roleRef"]
    subjects = document.get("subjects") or []

    def named(kind: str) -> str:
        found = [s for s in subjects if s.get("kind") == kind]
        return ", ".join(f"{s['namespace']}/{s['name']}" if s.get("namespace") else s["name"] for s in found)

    reference = f"{role['kind']}/{role['name']}"
    return [
        _name(document),
        reference,
        age_of(document, now),
        named("User"),
        named("Group"),
        named("ServiceAccount"),
    ]


def quota_cells(document: Document, now: datetime) -> list[Any]:
    """Limits apart from everything else."""
    status = document.get("status", {})
    used = status.get("used") or {}
    shares = {
        name: f"{name}: {used.get(name, '0')}/{most}" for name, most in (status.get("hard") or {}).items()
    }
    limits = [text for name, text in sorted(shares.items()) if name.startswith("limits.")]
    others = [text for name, text in sorted(shares.items()) if not name.startswith("limits.")]
    return [_name(document), ", ".join(others), ", ".join(limits), age_of(document, now)]


def created_cells(document: Document, now: datetime) -> list[Any]:
    """Kinds whose table shows the moment of creation itself."""
    return [_name(document), document["metadata"].get("creationTimestamp")]
