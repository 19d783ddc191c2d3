"""What a submission would do, told before it is sent: where it fits now, and what it means for the project's quota."""

from dataclasses import dataclass, field
from typing import Any

from organization.models import Project
from ui.wording import number
from workloads.kinds import KINDS
from workloads.priorities import Preemptibility
from workloads.queries import GPU, PoolRoom, held_by_projects, quota_in, room_of
from workloads.spec import WorkloadSpec

Family = str


@dataclass(frozen=True)
class Effect:
    """The right column of the form. `bullet` holds GPUs for {% bullet %}; `note` is (family, title, text)."""

    family: Family
    headline: str
    text: str
    bullet: dict[str, float | None] = field(default_factory=dict)
    pool: str = ""
    note: tuple[Family, str, str] | None = None


def effect_of(project: Project, spec: WorkloadSpec) -> Effect:
    """From what the portal knows now; the scheduler decides when it comes to it."""
    pods, gpus = KINDS[spec.kind].pods_at_once(spec), spec.resources.gpu.devices
    pools = list(spec.node_pools or project.default_node_pools or ["default"])
    rooms = room_of(project.cluster_id)
    family, headline, text = _fit(pods, gpus, [rooms[name] for name in pools if name in rooms])
    if not gpus:
        return Effect(family, headline, text)
    quota = quota_in(project, pools[0])
    sums = held_by_projects([project.pk]).get((project.pk, pools[0]), {})
    held, asked = sums.get("held_gpu_milli", 0) / GPU, pods * gpus
    deserved = quota.gpu_deserved_milli / GPU if quota else 0.0
    bullet: dict[str, float | None] = {
        "held": held,
        "quota": deserved,
        "waiting": float(asked),
        "scale": max(held + asked, deserved, 1.0),
    }
    note = _note(project, pools[0], spec, asked=asked, held=held, deserved=deserved, sums=sums)
    return Effect(family, headline, text, bullet, pools[0], note)


def _fit(pods: int, gpus: int, rooms: list[PoolRoom]) -> tuple[Family, str, str]:
    if not any(room.nodes for room in rooms):
        return "off", "Whether it fits is not known", "No ready node of these pools has been seen yet."
    if not gpus:
        return "run", "Needs no GPU", "It starts where cores and memory are free."
    each = f"{number(gpus)} {'GPU' if gpus == 1 else 'GPUs'} on one node"
    for place, room in enumerate(rooms):
        if room.places(gpus) >= pods:
            where = f"in {room.name}" + (", its next choice" if place else "")
            return "run", f"Fits now {where}", f"{number(room.places(gpus))} places of {each} are free there."
    best = max(rooms, key=lambda room: (room.places(gpus), room.most))
    if best.places(gpus):
        headline = f"{best.places(gpus)} of {pods} pods fit now in {best.name}"
        return "wait", headline, "The others start as places come free."
    return (
        "wait",
        "It would wait now",
        f"It needs {each}. The most free on one node is {best.most}, in {best.name}.",
    )


def _note(
    project: Project,
    pool: str,
    spec: WorkloadSpec,
    *,
    asked: int,
    held: float,
    deserved: float,
    sums: dict[str, Any],
) -> tuple[Family, str, str] | None:
    fixed = sums.get("fixed_gpu_milli", 0) / GPU
    if spec.preemptibility is Preemptibility.NON_PREEMPTIBLE:
        if fixed + asked > deserved:
            return (
                "bad",
                "It will not start like this.",
                _no_quota_left(fixed, deserved, asked, pool),
            )
        return None
    over = max(0.0, held + asked - max(deserved, held))
    if not over:
        return None
    all_of_it = over >= asked
    title = (
        f"All {number(asked)} GPUs are over quota."
        if all_of_it
        else f"{number(over)} of {number(asked)} GPUs are over quota."
    )
    if asked == 1:
        title = "The GPU is over quota."
    seconds = spec.grace_seconds
    return (
        "wait",
        title,
        f"Other projects may take them back with {seconds} s notice; the run then waits and starts again.",
    )


def _no_quota_left(fixed: float, deserved: float, asked: int, pool: str) -> str:
    return (
        f"Uninterruptible work holds {number(fixed)} of {number(deserved)} quota GPUs in {pool}; "
        f"this asks for {number(asked)} more. Let it be interrupted, or ask for less."
    )
