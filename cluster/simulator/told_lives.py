"""The life a pod is told to have: by its annotations, and where those say nothing by its kind. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from cluster.documents import controller_of
from cluster.simulator import annotations as told
from cluster.simulator.stages import SIGKILL_EXIT, Life

_JOB_RUN_SECONDS = 600.0
FAILURES: dict[str, Callable[[Life], Life]] = {
    "image-pull": lambda life: life,
    "crash-loop": lambda life: replace(
        life, exit_code=life.exit_code or 1, run=5.0 if life.run is None else life.run
    ),
    "oom": lambda life: replace(
        life, exit_code=SIGKILL_EXIT, exit_reason="OOMKilled", run=30.0 if life.run is None else life.run
    ),
}
"""How each value of the annotation `simulator/fail` changes a life."""


def life_of(pod: Mapping[str, Any]) -> Life:
    """What the pod's annotations tell, with defaults by kind; raises AnnotationWrong."""
    notes = pod["metadata"].get("annotations") or {}
    owner = controller_of(pod)
    finite = owner is not None and owner.get("kind") == "Job"
    failure = told.choice(notes, told.FAIL, frozenset(FAILURES))
    run = told.seconds(notes, told.RUN_SECONDS, _JOB_RUN_SECONDS if finite and failure is None else -1.0)
    life = Life(
        pull=told.seconds(notes, told.PULL_SECONDS, Life.pull),
        start=told.seconds(notes, told.START_SECONDS, Life.start),
        ready=told.seconds(notes, told.READY_SECONDS, Life.ready),
        run=None if run < 0 else run,
        stop=told.seconds(notes, told.STOP_SECONDS, Life.stop),
        exit_code=told.whole(notes, told.EXIT_CODE, 0, 0, 255),
        failure=failure,
        restart_policy=str(pod["spec"].get("restartPolicy") or "Always"),
    )
    return FAILURES[failure](life) if failure else life
