"""Who works at the demo company, how it is organised and what runs on the first day: data only."""

from dataclasses import dataclass, field

TENANT = "acme"
CLUSTER = "oslo-1"
POOLS = ("h100", "a100", "l40s")


@dataclass(frozen=True)
class DemoPerson:
    """`project` is where the role holds; empty: everywhere."""

    name: str
    full_name: str
    role: str
    projects: tuple[str, ...] = ()

    @property
    def email(self) -> str:
        return f"{self.name}@acme.example"


PEOPLE = (
    DemoPerson("root", "Rut Olsen", "system-administrator"),
    DemoPerson("ben", "Ben Adeyemi", "project-administrator", ("vision",)),
    DemoPerson("ada", "Ada Kowalska", "researcher", ("vision", "speech")),
    DemoPerson("eve", "Eve Tanaka", "viewer", ("vision",)),
)


@dataclass(frozen=True)
class DemoProject:
    """GPU quota by pool."""

    name: str
    description: str
    gpus: dict[str, int]


@dataclass(frozen=True)
class DemoDepartment:
    name: str
    description: str
    gpus: dict[str, int]
    projects: tuple[DemoProject, ...]


DEPARTMENTS = (
    DemoDepartment(
        "research",
        "Models and methods",
        {"h100": 24, "a100": 8, "l40s": 4},
        (
            DemoProject("vision", "Detection and segmentation", {"h100": 12, "a100": 4, "l40s": 2}),
            DemoProject("speech", "Recognition and synthesis", {"h100": 8, "a100": 4, "l40s": 2}),
        ),
    ),
    DemoDepartment(
        "product",
        "What customers use",
        {"h100": 8, "a100": 8, "l40s": 4},
        (
            DemoProject("recsys", "Recommendations", {"h100": 6, "a100": 4, "l40s": 2}),
            DemoProject("robotics", "Grasping and planning", {"h100": 2, "a100": 4, "l40s": 2}),
        ),
    ),
)


@dataclass(frozen=True)
class DemoTraining:
    """One training of the first day. What its pods do is told to the simulated kubelet by annotations."""

    name: str
    project: str
    image: str
    command: str
    gpus: int
    pools: tuple[str, ...]
    run_seconds: int
    utilisation: str
    parallelism: int = 1
    cpu_cores: float = 8
    memory: str = "64Gi"
    preemptible: bool = True
    arguments: str = ""
    environment: dict[str, str] = field(default_factory=dict)


TORCH = "nvcr.io/nvidia/pytorch:26.09-py3"
TRAININGS = (
    DemoTraining(
        "segment-base",
        "vision",
        TORCH,
        "torchrun",
        8,
        ("h100",),
        6 * 3600,
        "wave:82-97/240",
        arguments="train.py --config seg_base.yaml",
    ),
    DemoTraining(
        "detect-ablation",
        "vision",
        TORCH,
        "python",
        1,
        ("h100",),
        5400,
        "wave:55-80/300",
        parallelism=4,
        arguments="train.py --ablation $JOB_COMPLETION_INDEX",
    ),
    DemoTraining(
        "whisper-nordic",
        "speech",
        TORCH,
        "torchrun",
        4,
        ("h100",),
        4 * 3600,
        "wave:70-92/200",
        arguments="finetune.py --lang no,sv,da",
    ),
    DemoTraining(
        "vocoder-sweep",
        "speech",
        TORCH,
        "python",
        1,
        ("a100", "l40s"),
        7200,
        "wave:40-75/180",
        parallelism=3,
        arguments="sweep.py",
    ),
    DemoTraining(
        "two-tower",
        "recsys",
        TORCH,
        "python",
        2,
        ("a100",),
        3 * 3600,
        "wave:35-60/420",
        arguments="train.py --epochs 40",
    ),
    DemoTraining(
        "embeddings-nightly",
        "recsys",
        TORCH,
        "python",
        1,
        ("l40s",),
        2700,
        "constant:22",
        arguments="embed.py --all",
    ),
    DemoTraining(
        "grasp-policy",
        "robotics",
        TORCH,
        "python",
        4,
        ("a100",),
        5 * 3600,
        "wave:60-90/260",
        arguments="ppo.py --envs 8192",
    ),
    DemoTraining(
        "sim-left-open", "robotics", TORCH, "sleep", 1, ("l40s",), 8 * 3600, "idle", arguments="infinity"
    ),
    DemoTraining(
        "segment-giant",
        "vision",
        TORCH,
        "torchrun",
        8,
        ("h100",),
        6 * 3600,
        "wave:85-98/240",
        parallelism=3,
        arguments="train.py --config seg_giant.yaml",
    ),
    DemoTraining(
        "speech-foundation",
        "speech",
        TORCH,
        "torchrun",
        16,
        ("h100",),
        6 * 3600,
        "wave:85-98/240",
        arguments="pretrain.py",
    ),
    DemoTraining(
        "guaranteed-eval",
        "robotics",
        TORCH,
        "python",
        4,
        ("h100",),
        3600,
        "wave:50-80/200",
        preemptible=False,
        arguments="eval.py --suite full",
    ),
)
"""The last three wait: one for more room than the pool has, one for a node with 16 GPUs, one for more quota than uninterruptible work may use."""
