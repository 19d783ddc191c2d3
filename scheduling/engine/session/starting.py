"""Starting a gang: all tasks of an attempt get places, or none does."""

from typing import TYPE_CHECKING

from scheduling.engine.model.gangs import PodSet, SubGroup
from scheduling.engine.model.tasks import TaskState
from scheduling.engine.plugin import EVERYWHERE, Domain
from scheduling.engine.session.devices import choose_devices
from scheduling.engine.session.gangs import IS_ACTIVE, GangTasks, asked_by, pod_set_key
from scheduling.engine.session.placement import ShapePlacement

if TYPE_CHECKING:
    from scheduling.engine.session import Session


def start_gang(session: "Session", gang: int, tasks: list[int], *, nominate_only: bool) -> bool:
    """Place all of `tasks` or change nothing. `nominate_only`: promise places only, also those still held by victims."""
    if not tasks or session.may_start(gang, asked_by(session, tasks)) is not None:
        return False
    mark = session.state.mark()
    members = session.gang_tasks(gang)
    if members.is_constrained or members.tree.groups:
        placed = _place_group(session, members, members.tree, tasks, EVERYWHERE, nominate_only=nominate_only)
    else:
        placed = _place_all(session, tasks, EVERYWHERE, nominate_only=nominate_only)
    if not placed:
        session.state.rollback(mark)
        return False
    if not nominate_only:
        wait_together(session, gang)
    return True


def nominate(session: "Session", task: int) -> None:
    """Promise a place to one task that is known to find one, whatever its gang's other tasks do."""
    if not _place(session, task, EVERYWHERE, nominate_only=True):
        raise RuntimeError("a task for which there is a slot found no place")


def _place_group(
    session: "Session",
    members: GangTasks,
    group: SubGroup | PodSet,
    tasks: list[int],
    within: Domain,
    *,
    nominate_only: bool,
) -> bool:
    """Depth first: the first domain of the group in which all its parts find their own.

    Groups by name come before pod sets, and of these the one furthest from its minimum is first.
    """
    below = members.under(group)
    own = [task for task in tasks if task in below]
    if not own:
        return True
    active = [task for task in below if IS_ACTIVE[session.state.states[task]]]
    mark = session.state.mark()
    for domain in session.domains(group.topology, within, own, active):
        if isinstance(group, PodSet):
            placed = _place_all(session, own, domain, nominate_only=nominate_only)
        else:
            placed = all(
                _place_group(session, members, part, own, domain, nominate_only=nominate_only)
                for part in _parts_in_order(session, members, group)
            )
        if placed:
            return True
        session.state.rollback(mark)
    return False


def _parts_in_order(session: "Session", members: GangTasks, group: SubGroup) -> list[SubGroup | PodSet]:
    groups = sorted(group.groups, key=lambda one: one.name)
    keys = {one.name: pod_set_key(session, one) for one in members.pod_sets}
    return [*groups, *sorted(group.pod_sets, key=lambda one: keys[one.name])]


def _place_all(session: "Session", tasks: list[int], domain: Domain, *, nominate_only: bool) -> bool:
    for task in tasks:  # noqa: SIM110  a generator would cost a tenth of placing one task
        if not _place(session, task, domain, nominate_only=nominate_only):
            return False
    return True


def _place(session: "Session", task: int, domain: Domain, *, nominate_only: bool) -> bool:
    placement = session.placement_of(task)
    node = _best_node(session, task, placement, domain)
    if node is None:
        return False
    groups: tuple[str, ...] = ()
    now = not nominate_only and placement.fits_now(node)
    if placement.fitting.shared:
        choice = choose_devices(session, task, node)
        if choice is None:
            return False
        groups, now = choice.groups, now and choice.now
    _settle(session, task, node, groups, TaskState.ALLOCATED if now else TaskState.PIPELINED)
    return True


def _best_node(session: "Session", task: int, placement: ShapePlacement, domain: Domain) -> int | None:
    wishes = placement.shape.constraints.preferred_pods
    if domain.nodes is None and not wishes and not placement.is_checked_in_place:
        return placement.best()

    def accept(node: int) -> bool:
        return not placement.is_checked_in_place or session.misfit(task, node) is None

    def extra(node: int) -> float:
        score = domain.extra.get(node, 0.0)
        return score + session.neighbour_score(task, node) if wishes else score

    if domain.nodes is None and not wishes:
        return placement.best(accept)
    nodes = range(len(session.snapshot.nodes)) if domain.nodes is None else domain.nodes
    return placement.best_among(nodes, extra, accept)


def _settle(session: "Session", task: int, node: int, groups: tuple[str, ...], state: TaskState) -> None:
    """Take the place; a victim that would move to where it is simply stays."""
    if session.state.was_evicted_from(task, node, groups):
        session.state.keep(task)
    else:
        session.state.start(task, node, groups, state)


def wait_together(session: "Session", gang: int) -> None:
    """If a pod set must wait for a release before it reaches its minimum, the whole gang waits: no half of it starts."""
    states, first_of = session.state.states, session.snapshot.gang_first
    first, end = first_of[gang], first_of[gang + 1]
    if end - first < 2 or TaskState.PIPELINED not in states[first:end]:
        return
    for pod_set in session.gang_tasks(gang).pod_sets:
        waiting = sum(states[task] is TaskState.PIPELINED for task in pod_set.tasks)
        holding = sum(
            IS_ACTIVE[states[task]] and states[task] is not TaskState.PIPELINED for task in pod_set.tasks
        )
        if waiting and holding < pod_set.minimum:
            break
    else:
        return
    for task in range(first, end):
        if states[task] is TaskState.ALLOCATED:
            session.state.nominate_instead(task)
