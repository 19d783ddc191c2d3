"""The door of the scheduling engine: a pure function from a snapshot to a plan.

    from scheduling.engine.model.gangs import Gang
    from scheduling.engine.model.gpus import GpuRequest
    from scheduling.engine.model.nodes import Node
    from scheduling.engine.model.queues import Queue
    from scheduling.engine.model.resources import Bounds
    from scheduling.engine.model.tasks import Task, TaskRequest, TaskState

    snapshot = ClusterSnapshot.build(
        nodes=[Node("node-a", gpus=8, cpu_milli=64_000, memory_bytes=512 * 10**9, gpu_memory_mib=81_920)],
        queues=[Queue("research"), Queue("vision", parent="research", deserved=Bounds(gpu_milli=4000))],
        gangs=[
            Gang(
                uid="train-1",
                queue="vision",
                priority=50,
                tasks=[Task("train-1-0", TaskRequest(GpuRequest(devices=2), cpu_milli=4000, memory_bytes=16 * 10**9))],
            ),
            Gang(
                uid="notebook-1",
                queue="vision",
                priority=100,
                tasks=[
                    Task(
                        "notebook-1-0",
                        TaskRequest(GpuRequest(devices=1, portion_milli=500)),
                        TaskState.RUNNING,
                        node="node-a",
                        gpu_groups=("group-1",),
                    )
                ],
            ),
        ],
    )
    plan = run_cycle(snapshot, SchedulerConfig(), now=1_900_000_000.0)
    plan.binds  # [Bind(task="train-1-0", gang="train-1", node="node-a", ...)]

`now` and every instant are seconds since the epoch; the engine reads no clock.
"""

from scheduling.engine.config import SchedulerConfig
from scheduling.engine.cycle import explain_one, run_cycle
from scheduling.engine.model.snapshot import ClusterSnapshot
from scheduling.engine.plan import Plan

__all__ = ["ClusterSnapshot", "Plan", "SchedulerConfig", "explain_one", "run_cycle"]
