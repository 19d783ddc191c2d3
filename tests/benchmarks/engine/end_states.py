"""The state every pod is in after one cycle, and the anchor's on the same inputs ("name status node")."""

import json
from pathlib import Path

from scheduling.engine.model.snapshot import ClusterSnapshot
from scheduling.engine.plan import Plan

PROJECT = Path(__file__).resolve().parents[3]
SHARED = PROJECT.parent / "shared" / "bench" / "anchor_states"
"""Beside the checkout, where it is there at all."""


def recorded_names(folder: Path = SHARED) -> list[str]:
    """The inputs whose end states are recorded."""
    return sorted(path.stem for path in folder.glob("*.json"))


def recorded_states(name: str, folder: Path = SHARED) -> set[str]:
    jobs: dict[str, list[str]] = json.loads((folder / f"{name}.json").read_text())
    return {" ".join(state.split()) for states in jobs.values() for state in states}


def end_states(snapshot: ClusterSnapshot, plan: Plan) -> set[str]:
    """What the plan makes of the pods of the snapshot."""
    places = {
        task.uid: (task.state.name.capitalize(), task.node) for gang in snapshot.gangs for task in gang.tasks
    }
    places |= {one.task: ("Releasing", one.node) for one in plan.evictions}
    places |= {one.task: ("Binding", one.node) for one in plan.binds}
    places |= {one.task: ("Pipelined", one.node) for one in plan.nominations}
    return {" ".join((name, *place)).strip() for name, place in places.items()}


def differing_pods(name: str, snapshot: ClusterSnapshot, plan: Plan) -> int:
    """How many pods are not in the state or on the node where the anchor has them."""
    return len(recorded_states(name) - end_states(snapshot, plan))
