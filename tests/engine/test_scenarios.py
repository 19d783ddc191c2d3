"""What people expect of the scheduler, scenario by scenario (two queues, one pool, whole GPUs unless the lines say else)."""

import pytest

from tests.engine.world import schedule

TWO = """
    queue vision: quota 2
    queue speech: quota 2
"""


def scenario(name: str, text: str, *, bound: str = "", evicted: str = "", reserved: str = "") -> object:
    return pytest.param(text, set(bound.split()), set(evicted.split()), set(reserved.split()), id=name)


SCENARIOS = [
    scenario(
        "a queue below its quota gets its GPUs back from the newest",
        f"""
        node a: 4 gpus
        {TWO}
        running one in vision: 1 gpu on a, since 08:00
        running two in vision: 1 gpu on a, since 09:00
        running three in vision: 1 gpu on a, since 10:00
        running talk-1 in speech: 1 gpu on a, since 10:00
        pending talk-2 in speech: 1 gpu
        """,
        evicted="three",
        reserved="talk-2",
    ),
    scenario(
        "idle GPUs may be used beyond the quota",
        f"""
        node a: 4 gpus
        {TWO}
        running one in vision: 2 gpus on a
        pending two in vision: 2 gpus
        """,
        bound="two",
    ),
    scenario(
        "what cannot be taken back must be within the quota",
        f"""
        node a: 8 gpus
        {TWO}
        running one in vision: 2 gpus on a, non-preemptible
        pending firm in vision: 1 gpu, non-preemptible
        pending soft in vision: 1 gpu, preemptible
        """,
        bound="soft",
    ),
    scenario(
        "inside a queue the more important workload takes the place of the less important",
        """
        node a: 2 gpus
        queue vision: quota 2
        running train in vision: 2 gpus on a, priority 50
        pending notebook in vision: 1 gpu, priority 100
        """,
        evicted="train",
        reserved="notebook",
    ),
    scenario(
        "equal priority preempts nobody",
        """
        node a: 2 gpus
        queue vision: quota 2
        running train in vision: 2 gpus on a, priority 50
        pending late in vision: 2 gpus, priority 50
        """,
    ),
    scenario(
        "non-preemptible workloads are never evicted",
        """
        node a: 2 gpus
        queue vision: quota 2
        running notebook in vision: 2 gpus on a, priority 100
        pending urgent in vision: 2 gpus, priority 150
        """,
    ),
    scenario(
        "priority does not matter between queues",
        f"""
        node a: 4 gpus
        {TWO}
        running important in vision: 4 gpus on a, priority 90
        pending modest in speech: 2 gpus, priority 25
        """,
        evicted="important",
        reserved="modest",
    ),
    scenario(
        "a department's limit holds for the sum of its projects",
        """
        node a: 10 gpus
        queue research: quota 6, limit 6
        queue vision in research: quota 5, limit 5
        queue speech in research: quota 1, limit 5
        running one in vision: 5 gpus on a
        pending two in speech: 2 gpus
        pending three in speech: 1 gpu
        """,
        bound="three",
    ),
    scenario(
        "where over-quota is off the quota is the limit",
        """
        node a: 8 gpus
        queue vision: quota 2, no over quota
        pending big in vision: 3 gpus
        pending small in vision: 2 gpus
        """,
        bound="small",
    ),
    scenario(
        "a gang waits whole",
        """
        node a: 3 gpus
        queue vision: quota 4
        pending gang in vision: 4 x 1 gpu
        """,
    ),
    scenario(
        "a gang that needs a victim's place waits whole until it is free",
        """
        node a: 4 gpus
        queue vision: quota 4
        running low in vision: 2 gpus on a, priority 40
        pending gang in vision: 4 x 1 gpu, priority 60
        """,
        evicted="low",
        reserved="gang",
    ),
    scenario(
        "an elastic gang starts with what there is",
        """
        node a: 3 gpus
        queue vision: quota 4
        pending wide in vision: 4 x 1 gpu, min 2
        """,
        bound="wide",
    ),
    scenario(
        "consolidation moves one so that a wide task fits",
        """
        node a: 2 gpus
        node b: 2 gpus
        queue vision: quota 4
        running one in vision: 1 gpu on a
        running two in vision: 1 gpu on b
        pending wide in vision: 2 gpus
        """,
        evicted="two",
        reserved="two wide",
    ),
    scenario(
        "consolidation does not happen when someone would lose a place",
        """
        node a: 2 gpus
        node b: 2 gpus
        queue vision: quota 4
        running one in vision: 1 gpu on a
        running two in vision: 1 gpu on b
        pending wide in vision: 4 gpus
        """,
    ),
    scenario(
        "fractions of a firm queue count together",
        """
        node a: 2 gpus
        queue vision: quota 1
        running one in vision: 0.6 gpu on a/g, non-preemptible
        pending two in vision: 0.6 gpu, non-preemptible
        """,
    ),
    scenario(
        "a young workload keeps its place for its guaranteed runtime",
        """
        node a: 2 gpus
        queue vision: quota 0, minimum runtime 10m
        queue speech: quota 2
        running young in vision: 2 gpus on a, since 11:55
        pending owner in speech: 2 gpus
        """,
    ),
    scenario(
        "and loses it afterwards",
        """
        node a: 2 gpus
        queue vision: quota 0, minimum runtime 10m
        queue speech: quota 2
        running grown in vision: 2 gpus on a, since 11:50
        pending owner in speech: 2 gpus
        """,
        evicted="grown",
        reserved="owner",
    ),
    scenario(
        "a gang below its minimum for too long gives back what it holds",
        """
        node a: 4 gpus
        queue vision: quota 4
        running broken in vision: 2 x 1 gpu on a, min 3, stale since 11:50
        """,
        evicted="broken",
    ),
    scenario(
        "nothing to do is nothing done",
        f"""
        node a: 4 gpus
        {TWO}
        running one in vision: 2 gpus on a
        running two in speech: 2 gpus on a
        """,
    ),
]


@pytest.mark.parametrize(("text", "bound", "evicted", "reserved"), SCENARIOS)
def test_the_scheduler_does_what_people_expect(
    text: str, bound: set[str], evicted: set[str], reserved: set[str]
) -> None:
    outcome = schedule(text)

    assert (outcome.bound, outcome.evicted, outcome.reserved) == (bound, evicted, reserved)


def test_fractions_fill_a_shared_device_before_opening_another() -> None:
    outcome = schedule(
        """
        node a: 2 gpus
        queue vision: quota 2
        running one in vision: 0.5 gpu on a/g
        pending two in vision: 0.5 gpu
        """
    )

    assert outcome.plan.binds[0].gpu_groups == ("g",)


def test_spreading_gives_a_fraction_a_device_of_its_own() -> None:
    outcome = schedule(
        """
        node a: 2 gpus
        queue vision: quota 2
        running one in vision: 0.5 gpu on a/g
        pending two in vision: 0.5 gpu
        """,
        options={"gpu_sharing": {"devices": "spread", "join": False}},
    )

    assert outcome.plan.binds[0].gpu_groups != ("g",)


def test_a_task_without_gpus_leaves_the_gpu_nodes_alone() -> None:
    outcome = schedule(
        """
        node a: 4 gpus, 16 cpus
        node b: 0 gpus, 16 cpus
        queue vision: quota 2
        pending script in vision: 0 gpus, 2 cpus
        """
    )

    assert outcome.places == {"script-0": "b"}


def test_a_gang_that_must_stay_together_goes_to_the_rack_that_takes_it_whole() -> None:
    outcome = schedule(
        """
        topology net: rack
        node a: 3 gpus, label rack=r1
        node b: 4 gpus, label rack=r2
        queue vision: quota 8
        pending gang in vision: 4 x 1 gpu, together in rack of net
        """
    )

    assert set(outcome.places.values()) == {"b"}


def test_an_unknown_phrase_of_the_language_is_named() -> None:
    with pytest.raises(ValueError, match="does not know '4 gups'"):
        schedule("node a: 4 gups")
