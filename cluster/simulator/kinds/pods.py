"""Pods: defaults that depend on other fields, admission (priority, tolerations), what may change, graceful deletion."""

from typing import Any

from cluster import clock
from cluster.documents import format_time
from cluster.simulator.kinds.container_rules import container_causes
from cluster.simulator.kinds.pod_parts import EPHEMERAL, RESIZE, only_that_part, part_causes
from cluster.simulator.kinds.qos import qos_class
from cluster.simulator.kinds.rules import Document, KindRules, Surroundings
from cluster.simulator.kinds.service_accounts import admit_account
from cluster.simulator.limits.ranges import give_defaults
from cluster.simulator.problems import Cause, Problem, forbidden, forbidden_field, missing, unsupported

FINISHED = ("Succeeded", "Failed")
RESTART_POLICIES = ("Always", "OnFailure", "Never")
DEFAULT_TOLERATIONS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
SYSTEM_PRIORITIES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
CHANGEABLE = (
    "activeDeadlineSeconds",
    "terminationGracePeriodSeconds",
    "tolerations",
    "containers",
    "initContainers",
    "schedulingGates",
)


def fill_pod_spec(spec: dict[str, Any]) -> None:
    """Defaults of a pod's or template's spec that depend on other fields, in place; a field that is not served yet is dropped."""
    spec.pop("schedulingGroup", None)  # behind a feature gate that is off
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    listed = ("containers", "initContainers", "ephemeralContainers")
    for container in [one for key in listed for one in spec.get(key, [])]:
        if "imagePullPolicy" not in container:
            container["imagePullPolicy"] = _pull_policy(container.get("image", ""))
        if spec.get("hostNetwork"):
            for port in container.get("ports", []):
                port.setdefault("hostPort", port.get("containerPort"))


def _pull_policy(image: str) -> str:
    """Images without a tag, or with `latest`, are pulled each time."""
    if "@" in image:
        return "IfNotPresent"
    tag = image.rpartition("/")[2].partition(":")[2]
    return "Always" if tag in ("", "latest") else "IfNotPresent"


def _fill(document: Document) -> None:
    spec = document.get("spec")
    if spec is None:
        return
    fill_pod_spec(spec)
    spec.setdefault("enableServiceLinks", True)
    for container in [*spec.get("containers", []), *spec.get("initContainers", [])]:
        resources = container.get("resources")
        if resources and resources.get("limits"):
            requests = {**resources["limits"], **resources.get("requests", {})}
            container["resources"] = {**resources, "requests": requests}


def _admit(document: Document, around: Surroundings) -> None:
    """Defaults of the namespace, service account, priority, tolerations; a second time only what is missing then."""
    spec = document.setdefault("spec", {})
    for stored in around.store.listed("limitranges", document["metadata"].get("namespace", "")):
        give_defaults(document, stored.document)
    admit_account(document, around)
    _resolve_priority(document, around)
    present = {
        (t.get("key"), t.get("effect")) for t in spec.get("tolerations", []) if t.get("operator") != "Equal"
    }
    added = [
        {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
        for key in DEFAULT_TOLERATIONS
        if (key, "NoExecute") not in present and (key, None) not in present and (None, None) not in present
    ]
    if added:
        spec["tolerations"] = [*spec.get("tolerations", []), *added]


def _on_create(document: Document, around: Surroundings) -> None:
    document["status"] = {"phase": "Pending", "qosClass": qos_class(document["spec"])}
    if document["spec"].get("schedulingGates"):
        told = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "SchedulingGated",
            "message": "Scheduling is blocked due to non-empty scheduling gates",
            "lastProbeTime": None,
            "lastTransitionTime": format_time(clock.now()),
        }
        document["status"]["conditions"] = [told]


def _resolve_priority(document: Document, around: Surroundings) -> None:
    spec, metadata = document["spec"], document["metadata"]
    name = spec.get("priorityClassName", "")
    if not name:
        for stored in around.store.listed("priorityclasses.scheduling.k8s.io"):
            if stored.document.get("globalDefault"):
                name = spec["priorityClassName"] = stored.name
    if name in SYSTEM_PRIORITIES:
        value, policy = SYSTEM_PRIORITIES[name], "PreemptLowerPriority"
    elif name:
        found = around.store.get("priorityclasses.scheduling.k8s.io", "", name)
        if found is None:
            raise _refuse(metadata, f"no PriorityClass with name {name} was found")
        value, policy = (
            found.document["value"],
            found.document.get("preemptionPolicy", "PreemptLowerPriority"),
        )
    else:
        value, policy = 0, "PreemptLowerPriority"
    if "priority" in spec and spec["priority"] != value:
        detail = "the integer value of priority (%d) must not be provided in pod spec; priority admission controller computed %d from the given PriorityClass name"
        raise _refuse(metadata, detail % (spec["priority"], value))
    spec["priority"] = value
    spec.setdefault("preemptionPolicy", policy)


def _refuse(metadata: dict[str, Any], detail: str) -> Problem:
    return forbidden("pods", "", metadata.get("name", ""), detail)


def _on_update(new: Document, old: Document, around: Surroundings) -> None:
    status = new.get("status", {})
    if "qosClass" not in status and "qosClass" in old.get("status", {}):
        new["status"] = {**status, "qosClass": old["status"]["qosClass"]}


def pod_spec_causes(
    spec: dict[str, Any],
    place: str,
    *,
    restart: tuple[str, ...] = RESTART_POLICIES,
    claimed: frozenset[str] = frozenset(),
) -> list[Cause]:
    """The broken rules of a pod's or template's spec; `claimed` volumes are given to each pod when it is made."""
    causes: list[Cause] = []
    if not spec.get("containers"):
        causes.append(missing(f"{place}.containers"))
    policy = spec.get("restartPolicy", "Always")
    if policy not in restart and policy in RESTART_POLICIES:
        listed = ", ".join(f'"{name}"' for name in restart)
        causes.append(missing(f"{place}.restartPolicy", f"valid values: {listed}"))
    elif policy not in restart:
        causes.append(unsupported(f"{place}.restartPolicy", policy, list(restart)))
    names: set[str] = set()
    for key in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(key, [])):
            causes += container_causes(container, f"{place}.{key}[{index}]", names)
    volumes = claimed | {volume.get("name") for volume in spec.get("volumes", [])}
    for index, container in enumerate(spec.get("containers", [])):
        for number, mount in enumerate(container.get("volumeMounts", [])):
            if mount.get("name") not in volumes:
                field = f"{place}.containers[{index}].volumeMounts[{number}].name"
                causes.append(Cause(field, "FieldValueNotFound", f'Not found: "{mount.get("name")}"'))
    return causes


def _causes(new: Document, old: Document | None) -> list[Cause]:
    if old is None:
        return pod_spec_causes(new.get("spec", {}), "spec")
    if new.get("spec") is old.get("spec"):
        return []
    if _fixed(new["spec"]) != _fixed(old["spec"]):
        detail = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
        return [forbidden_field("spec", detail)]
    return []


def _fixed(spec: dict[str, Any]) -> dict[str, Any]:
    """The parts of a pod that stay as they are."""
    fixed = {key: value for key, value in spec.items() if key not in CHANGEABLE}
    for key in ("containers", "initContainers"):
        fixed[key] = [{k: v for k, v in c.items() if k != "image"} for c in spec.get(key, [])]
    return fixed


def _grace_seconds(document: Document, asked: int | None) -> int:
    """A pod that never reached a node, or has ended, goes at once."""
    spec, status = document.get("spec", {}), document.get("status", {})
    if not spec.get("nodeName") or status.get("phase") in FINISHED:
        return 0
    if asked is not None:
        return max(asked, 0)
    return int(spec.get("terminationGracePeriodSeconds", 30))


RULES = KindRules(
    has_generation=True,
    graceful=True,
    fill=_fill,
    admit=_admit,
    on_create=_on_create,
    on_update=_on_update,
    causes=_causes,
    parts=(EPHEMERAL, RESIZE),
    only_that_part=only_that_part,
    part_causes=part_causes,
    grace_seconds=_grace_seconds,
    returns_deleted=True,
)
