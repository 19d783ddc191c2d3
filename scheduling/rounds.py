"""A gang that may go to several node pools: what each answered, joined to one reason once all were asked."""

from collections.abc import Callable
from dataclasses import replace

from scheduling.engine.model.gangs import next_pool
from scheduling.engine.plan import Reason, Refusal

STAYS_OFFERED = frozenset(
    {Reason.BIND_BACK_OFF, Reason.NOT_READY, Reason.WAITING_FOR_RELEASE, Reason.NOT_TRIED}
)
"""Refusals that say nothing against the pool: the gang is not passed on to its next one."""


class Rounds:
    """One for a cluster. Gangs by uid."""

    def __init__(self) -> None:
        self._said: dict[str, dict[str, Refusal]] = {}

    def answered(self, gang: str, pools: tuple[str, ...], pool: str, refusal: Refusal) -> tuple[str, bool]:
        """The pool to offer the gang to next, and whether that begins a new round."""
        if len(pools) < 2 or refusal.reason in STAYS_OFFERED:
            self._said.pop(gang, None)
            return pool, True
        self._said.setdefault(gang, {})[pool] = refusal
        following = next_pool(pools, pool)
        return following, following == pools[0]

    def joined(self, gang: str, pools: tuple[str, ...], refusal: Refusal) -> Refusal:
        """`refusal`, or what all pools of the gang said, in its order of preference."""
        said = self._said.get(gang, {})
        known = [(pool, said[pool]) for pool in pools if pool in said]
        return join(known) if len(known) > 1 else refusal

    def keep_only(self, are_there: Callable[[str], bool]) -> None:
        self._said = {gang: said for gang, said in self._said.items() if are_there(gang)}


def join(said: list[tuple[str, Refusal]]) -> Refusal:
    """The first pool's reason and numbers, every pool's sentence, and the first change that was found."""
    first = said[0][1]
    return replace(
        first,
        message=" ".join(f"In {pool}: {one.message}" for pool, one in said),
        tally={f"{what} in {pool}": count for pool, one in said for what, count in one.tally.items()},
        ahead=min(one.ahead for _, one in said),
        counterfactual=next((one.counterfactual for _, one in said if one.counterfactual), None),
    )
