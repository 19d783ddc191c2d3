"""Pure: what a quota is, and which quotas break a rule. GPUs and CPU in thousandths, memory in bytes; None is unlimited."""

from collections.abc import Iterable
from dataclasses import dataclass

WEIGHT_AT_MOST = 20
Problems = dict[str, list[str]]
"""Field (`gpu.deserved`, …) -> sentences that name the limit."""


@dataclass(frozen=True)
class Quota:
    """What one department or project deserves in one node pool."""

    gpu_deserved_milli: int = 0
    gpu_limit_milli: int | None = None
    gpu_weight: int = 2
    cpu_deserved_milli: int | None = None
    cpu_limit_milli: int | None = None
    memory_deserved_bytes: int | None = None
    memory_limit_bytes: int | None = None
    over_quota_allowed: bool = True
    rank: int = 3


@dataclass(frozen=True)
class Dimension:
    """One resource of a quota: where it stands in Quota, how a person reads an amount of it, and the most there may be."""

    field: str
    deserved: str
    limit: str
    held: str
    unit: str
    most: int

    def say(self, amount: int) -> str:
        return say(amount, self.unit)


GPU = Dimension("gpu", "gpu_deserved_milli", "gpu_limit_milli", "gpu_milli", "GPUs", 10**9)
CPU = Dimension("cpu", "cpu_deserved_milli", "cpu_limit_milli", "cpu_milli", "CPU cores", 10**12)
MEMORY = Dimension(
    "memory", "memory_deserved_bytes", "memory_limit_bytes", "memory_bytes", "GiB of memory", 2**60
)
DIMENSIONS = (GPU, CPU, MEMORY)


def say(amount: int, unit: str) -> str:
    """'2.5 GPUs', '1 GPU', '16 GiB of memory'."""
    number = amount / 2**30 if unit == MEMORY.unit else amount / 1000
    text = f"{number:.3f}".rstrip("0").rstrip(".")
    return f"{text} {'GPU' if unit == 'GPUs' and 0 < number <= 1 else unit}"


def own_problems(quota: Quota) -> Problems:
    """What is wrong with a quota by itself."""
    problems: Problems = {}
    for one in DIMENSIONS:
        deserved, limit = getattr(quota, one.deserved), getattr(quota, one.limit)
        if deserved is not None and deserved < 0:
            problems[f"{one.field}.deserved"] = ["A quota cannot be negative."]
        elif deserved is not None and deserved > one.most:
            problems[f"{one.field}.deserved"] = [f"At most {one.say(one.most)}."]
        elif limit is not None and limit > one.most:
            problems[f"{one.field}.limit"] = [f"At most {one.say(one.most)}."]
        elif limit is not None and limit < (deserved or 0):
            problems[f"{one.field}.limit"] = [
                f"The limit may not be below the quota of {one.say(deserved or 0)}."
            ]
    if not 0 <= quota.gpu_weight <= WEIGHT_AT_MOST:
        problems["gpu.weight"] = [f"The weight is a whole number from 0 to {WEIGHT_AT_MOST}."]
    if not 1 <= quota.rank <= 7:
        problems["rank"] = ["The rank is one of the seven from Very low to Very high."]
    return problems


def below_uninterruptible(quota: Quota, held: object) -> Problems:
    """Where the quota would fall below what work holds that may not be interrupted (`held`: usage.Amounts)."""
    problems: Problems = {}
    for one in DIMENSIONS:
        deserved, needed = getattr(quota, one.deserved), getattr(held, one.held)
        if deserved is not None and deserved < needed:
            problems[f"{one.field}.deserved"] = [
                f"At least {one.say(needed)}: so much is held by work that may not be interrupted."
            ]
    return problems


def total(values: Iterable[int | None]) -> int | None:
    """The sum; unlimited as soon as one is."""
    found = list(values)
    return None if None in found else sum(value for value in found if value is not None)


def exceeding_department(
    quota: Quota, siblings: Iterable[Quota], department: Quota, name: str, pool: str
) -> Problems:
    """Where a project's quota, with those of its siblings, would exceed the department's. An unlimited quota of GPUs does not exist."""
    others = list(siblings)
    problems: Problems = {}
    for one in DIMENSIONS:
        most, wanted = getattr(department, one.deserved), getattr(quota, one.deserved)
        if most is None or wanted is None:
            continue
        taken = sum(getattr(other, one.deserved) or 0 for other in others)
        if taken + wanted > most:
            left = one.say(max(0, most - taken))
            others_have = f", of which other projects have {one.say(taken)}" if taken else ""
            sentence = f"At most {left}: the department {name} has {one.say(most)} in {pool}{others_have}."
            problems[f"{one.field}.deserved"] = [sentence]
    return problems


def below_projects(quota: Quota, projects: Iterable[Quota], pool: str) -> Problems:
    """Where a department's quota would fall below the sum of its projects' quotas."""
    children = list(projects)
    problems: Problems = {}
    for one in DIMENSIONS:
        most = getattr(quota, one.deserved)
        needed = sum(getattr(child, one.deserved) or 0 for child in children)
        if most is not None and needed > most:
            problems[f"{one.field}.deserved"] = [
                f"At least {one.say(needed)}: the projects of the department have so much in {pool}."
            ]
    return problems
