"""Cells of what is about traffic and sizes: ingresses, policies, endpoint slices, autoscalers. Pure."""

from datetime import datetime
from typing import Any

from cluster.simulator.tables.ages import age_of
from cluster.simulator.tables.workloads import NONE, selector_words

Document = dict[str, Any]
UNSET = "<unset>"
NOT_MEASURED = "<unknown>"


def ingress_cells(document: Document, now: datetime) -> list[Any]:
    spec = document.get("spec", {})
    balancer = (document.get("status") or {}).get("loadBalancer") or {}
    addresses = {one.get("ip") or one.get("hostname") or "" for one in balancer.get("ingress") or []}
    hosts = [rule["host"] for rule in spec.get("rules") or [] if rule.get("host")]
    return [
        document["metadata"]["name"],
        spec.get("ingressClassName") or NONE,
        _shortened(hosts) or "*",
        ",".join(sorted(addresses - {""})),
        "80, 443" if spec.get("tls") else "80",
        age_of(document, now),
    ]


def network_policy_cells(document: Document, now: datetime) -> list[Any]:
    selector = document.get("spec", {}).get("podSelector") or {}
    return [document["metadata"]["name"], selector_words(selector), age_of(document, now)]


def endpoint_slice_cells(document: Document, now: datetime) -> list[Any]:
    ports = [str(port.get("port") or port.get("name") or "*") for port in document.get("ports") or []]
    addresses = [address for one in document.get("endpoints") or [] for address in one.get("addresses") or []]
    return [
        document["metadata"]["name"],
        document.get("addressType", ""),
        _shortened(ports) or UNSET,
        _shortened(addresses) or UNSET,
        age_of(document, now),
    ]


def autoscaler_cells(document: Document, now: datetime) -> list[Any]:
    """Nothing here measures for autoscalers: their targets are shown, what is reached is not known."""
    spec, target = document.get("spec", {}), document.get("spec", {}).get("scaleTargetRef", {})
    metrics = [_target_text(metric) for metric in spec.get("metrics") or []]
    shown = ", ".join(metrics[:2]) + (f" + {len(metrics) - 2} more..." if len(metrics) > 2 else "")
    return [
        document["metadata"]["name"],
        f"{target.get('kind', '')}/{target.get('name', '')}",
        shown or NONE,
        str(spec["minReplicas"]) if "minReplicas" in spec else UNSET,
        spec.get("maxReplicas", 0),
        (document.get("status") or {}).get("currentReplicas", 0),
        age_of(document, now),
    ]


def _target_text(metric: Document) -> str:
    kind = str(metric.get("type", ""))
    source = metric.get(kind[:1].lower() + kind[1:]) or {}
    target = source.get("target") or {}
    named = f"{source.get('name')}: " if kind in ("Resource", "ContainerResource") else ""
    if "averageUtilization" in target:
        return f"{named}{NOT_MEASURED}/{target['averageUtilization']}%"
    if "averageValue" in target:
        end = " (avg)" if kind in ("External", "Object") else ""
        return f"{named}{NOT_MEASURED}/{target['averageValue']}{end}"
    return f"{named}{NOT_MEASURED}/{target.get('value', '')}"


def _shortened(texts: list[str]) -> str:
    more = f" + {len(texts) - 3} more..." if len(texts) > 3 else ""
    return ",".join(texts[:3]) + more
