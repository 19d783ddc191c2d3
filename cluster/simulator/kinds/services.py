"""Services: an address of their own, ports with targets."""

import ipaddress
from typing import Any

from cluster.simulator.kinds.rules import Document, KindRules, Surroundings
from cluster.simulator.problems import Cause, missing, wrong

RANGE = ipaddress.ip_network("10.96.0.0/16")
FIRST_NODE_PORT, LAST_NODE_PORT = 30000, 32767


def _on_create(document: Document, around: Surroundings) -> None:
    spec = document.get("spec", {})
    kind = spec.get("type", "ClusterIP")
    if kind != "ExternalName":
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")
        _give_address(spec, around)
    if kind in ("NodePort", "LoadBalancer"):
        _give_node_ports(spec, around)
    document["status"] = {"loadBalancer": {}}


def _fill(document: Document) -> None:
    spec = document.get("spec", {})
    _fill_ports(spec)
    kind = spec.get("type", "ClusterIP")
    if kind != "ExternalName":
        spec.setdefault("internalTrafficPolicy", "Cluster")
    if kind in ("NodePort", "LoadBalancer"):
        spec.setdefault("externalTrafficPolicy", "Cluster")


def _fill_ports(spec: dict[str, Any]) -> None:
    spec_ports = [dict(port) for port in spec.get("ports", [])]
    for port in spec_ports:
        port.setdefault("targetPort", port.get("port"))
    if spec_ports:
        spec["ports"] = spec_ports


def _give_address(spec: dict[str, Any], around: Surroundings) -> None:
    if not spec.get("clusterIP"):
        taken = {
            stored.document.get("spec", {}).get("clusterIP") for stored in around.store.listed("services")
        }
        spec["clusterIP"] = next(str(address) for address in RANGE.hosts() if str(address) not in taken)
    spec.setdefault("clusterIPs", [spec["clusterIP"]])


def _give_node_ports(spec: dict[str, Any], around: Surroundings) -> None:
    services = [stored.document for stored in around.store.listed("services")]
    taken = {
        port.get("nodePort") for service in services for port in service.get("spec", {}).get("ports", [])
    }
    for port in spec.get("ports", []):
        if not port.get("nodePort"):
            port["nodePort"] = next(n for n in range(FIRST_NODE_PORT, LAST_NODE_PORT + 1) if n not in taken)
            taken.add(port["nodePort"])


def _on_update(new: Document, old: Document, around: Surroundings) -> None:
    spec = new["spec"] = dict(new.get("spec", {}))
    for key in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"):
        if key in old.get("spec", {}):
            spec.setdefault(key, old["spec"][key])
    if spec.get("type") in ("NodePort", "LoadBalancer"):
        _give_node_ports(spec, around)


def _causes(new: Document, old: Document | None) -> list[Cause]:
    spec = new.get("spec", {})
    ports = spec.get("ports", [])
    causes = []
    if not ports and spec.get("clusterIP") != "None" and spec.get("type") != "ExternalName":
        causes.append(missing("spec.ports"))
    for index, port in enumerate(ports):
        for key in ("port", "targetPort"):
            number = port.get(key, 0)
            if isinstance(number, int) and not 1 <= number <= 65535:
                causes.append(
                    wrong(f"spec.ports[{index}].{key}", number, "must be between 1 and 65535, inclusive")
                )
        if len(ports) > 1 and not port.get("name"):
            causes.append(missing(f"spec.ports[{index}].name"))
    if old is not None and spec.get("clusterIP") != old.get("spec", {}).get("clusterIP"):
        causes.append(wrong("spec.clusterIPs[0]", [spec.get("clusterIP")], "may not change once set"))
    return causes


RULES = KindRules(
    fill=_fill, on_create=_on_create, on_update=_on_update, causes=_causes, returns_deleted=True
)
