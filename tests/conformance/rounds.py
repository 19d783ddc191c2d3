"""Executes a case as it was recorded: one action once, or rounds of all actions with the state carried over."""

from collections.abc import Callable
from dataclasses import dataclass, field

from scheduling.engine.config import SchedulerConfig
from scheduling.engine.model.snapshot import ClusterSnapshot
from scheduling.engine.plan import Plan
from tests.conformance.adapter import Case, PodState, States, config_of, first_states, snapshot_of

Engine = Callable[[ClusterSnapshot, SchedulerConfig, float], Plan]

NOON = 1_900_000_000.0
"""The instant of every round; ages are told backwards from it."""


@dataclass
class Execution:
    """What an engine did with a case: its plan and the raw states per round, and the states at each comparison."""

    plans: list[Plan] = field(default_factory=list)
    after_round: list[States] = field(default_factory=list)
    compared: list[States] = field(default_factory=list)


def execute(case: Case, engine: Engine) -> Execution:
    """Run the case in its mode."""
    execution = Execution()
    states = first_states(case)
    run, config = case["run"], config_of(case)
    if run["mode"] == "single_action":
        execution.compared.append(_round(case, states, config, engine, execution))
        return execution
    for number in range(run["rounds_until_match"]):
        raw = _round(case, states, config, engine, execution, carried_over=number > 0)
        states = carry_over(case, raw)
    execution.compared.append(states)
    for _ in range(run["rounds_after_match"]):
        raw = _round(case, states, config, engine, execution, carried_over=True)
        execution.compared.append(raw)
        states = carry_over(case, raw)
    return execution


def _round(
    case: Case,
    states: States,
    config: SchedulerConfig,
    engine: Engine,
    execution: Execution,
    *,
    carried_over: bool = False,
) -> States:
    snapshot = snapshot_of(case, states, now=NOON, carried_over=carried_over)
    plan = engine(snapshot, config, NOON)
    after = apply_plan(states, plan)
    execution.plans.append(plan)
    execution.after_round.append(after)
    return after


def apply_plan(states: States, plan: Plan) -> States:
    """The raw states at the end of a round: bound is Binding, nominated Pipelined, evicted Releasing."""
    after = dict(states)
    for eviction in plan.evictions:
        after[eviction.task] = PodState(
            "Releasing", states[eviction.task].node, states[eviction.task].gpu_groups
        )
    for nomination in plan.nominations:
        after[nomination.task] = PodState("Pipelined", nomination.node, nomination.gpu_groups)
    for bind in plan.binds:
        after[bind.task] = PodState("Binding", bind.node, bind.gpu_groups)
    return after


def carry_over(case: Case, states: States) -> States:
    """How the next round finds them: nominations forgotten, bindings done, evicted pods made anew."""
    after: States = {}
    for job in case["jobs"]:
        for task in job["tasks"]:
            state = states[task["name"]]
            if state.status == "Pipelined" or (state.status == "Releasing" and not job["delete_in_test"]):
                state = PodState("Pending")
            elif state.status == "Binding":
                state = PodState("Running", state.node, state.gpu_groups)
            after[task["name"]] = state
    return after
