"""The fair-share division: what each queue may count on this cycle, one resource at a time.

Everything is counted in integers (milli-GPU, millicores, bytes) and every step is exact, so
the result depends neither on the order of the queues nor on rounding. The rules stand in
docs/scheduler.md, "Fair share": quota pass, weighted rounds rank by rank, remainder pass.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

USAGE_SCALE = 10**9
"""Historical usage (0..1 of the capacity) is rounded to this many steps before it is compared."""


@dataclass(slots=True)
class Claim:
    """What one queue says about one resource, and the share it is given.

    `deserved` and `limit` are None when unlimited. `weight` is the over-quota weight in any
    integer scale that is the same for all siblings. `request` is allocated + pending.
    """

    name: str
    deserved: int | None
    limit: int | None
    weight: int
    request: int
    rank: int = 100
    created: float = 0.0
    usage: float = 0.0
    share: int = 0

    def wanted(self) -> int:
        """What could still be given: up to the request, never past the limit."""
        top = self.request if self.limit is None else min(self.limit, self.request)
        return max(0, top - self.share)


@dataclass(slots=True)
class ShareNode:
    """One queue of the tree, with one claim per resource in the order of the totals."""

    claims: tuple[Claim, ...]
    children: list["ShareNode"] = field(default_factory=list)


def divide_tree(
    totals: Sequence[int], top: Sequence[ShareNode], *, units: Sequence[int], usage_weight: float = 1.0
) -> None:
    """Divide `totals` (one per resource) among the top queues, each share among its children, and so on.

    `units` is the size of one whole piece per resource (1000 for milli-GPU, 1 for millicores and bytes).
    """
    level = [(tuple(totals), top)]
    while level:
        below: list[tuple[tuple[int, ...], Sequence[ShareNode]]] = []
        for amounts, siblings in level:
            for index, amount in enumerate(amounts):
                claims = [node.claims[index] for node in siblings]
                divide(amount, claims, unit=units[index], usage_weight=usage_weight)
            below += [
                (tuple(claim.share for claim in node.claims), node.children)
                for node in siblings
                if node.children
            ]
        level = below


def divide(total: int, claims: Sequence[Claim], *, unit: int = 1, usage_weight: float = 1.0) -> int:
    """Divide `total` among sibling claims (their `share` grows); return what is left over.

    Quotas that sum to more than the total are all honoured: nothing is scaled down and nothing is left.
    """
    remaining = total
    for claim in claims:
        top = claim.request if claim.limit is None else min(claim.limit, claim.request)
        given = min(total if claim.deserved is None else claim.deserved, top)
        claim.share += given
        remaining -= given
    if remaining <= 0:
        return 0
    return divide_over_quota(remaining, claims, unit=unit, usage_weight=usage_weight)


def divide_over_quota(
    remaining: int, claims: Iterable[Claim], *, unit: int = 1, usage_weight: float = 1.0
) -> int:
    """Share out what the quotas left: rank by rank in weighted rounds, then the odd pieces; return the rest."""
    by_rank = sorted((claim for claim in claims if claim.wanted() > 0), key=lambda claim: -claim.rank)
    odd_pieces: list[list[Claim]] = []
    for _, group in groupby(by_rank, key=lambda claim: claim.rank):
        remaining, waiting = _share_out(remaining, list(group), unit, usage_weight)
        odd_pieces.append(waiting)
    for waiting in odd_pieces:
        for claim in waiting:
            given = min(unit, remaining)
            claim.share += given
            remaining -= given
    return remaining


def _share_out(remaining: int, group: list[Claim], unit: int, usage_weight: float) -> tuple[int, list[Claim]]:
    """Run the rounds of one rank; return what is left and who is owed an odd piece, most owed first.

    Each round hands out the amount that stood at its start. Another round runs only when somebody wanted
    less than the offer, because only then did the offer to the others grow.
    """
    owed: dict[str, tuple[float, Claim]] = {}
    while True:
        weights = _effective_weights(group, usage_weight)
        whole = sum(weights)
        if whole == 0:
            break
        amount, someone_satisfied, unsatisfied = remaining, False, []
        for claim, weight in zip(group, weights, strict=True):
            wanted = claim.wanted()
            offered = amount * weight  # of `whole` parts, so that no division rounds
            if claim.weight and wanted * whole <= offered:
                given = wanted
                owed.pop(claim.name, None)
                someone_satisfied = someone_satisfied or wanted * whole < offered
            else:
                pieces, odd = divmod(offered, whole * unit)
                given = pieces * unit
                if odd and claim.weight:
                    owed[claim.name] = (odd / (whole * unit), claim)
                unsatisfied.append(claim)
            claim.share += given
            remaining -= given
        group = unsatisfied
        if not someone_satisfied or remaining == 0:
            break
    ranked = sorted(owed.values(), key=lambda pair: (-pair[0], pair[1].created, pair[1].name))
    return remaining, [claim for _, claim in ranked]


def _effective_weights(group: Sequence[Claim], usage_weight: float) -> list[int]:
    """Weights of one round: n + k * (n - usage) with n = weight / sum of weights, as integers of one scale.

    Without historical usage this is the plain weight. A single negative sum (an old "-1" weight) keeps its meaning.
    """
    total = sum(claim.weight for claim in group)
    if total == 0:
        return [0] * len(group)
    sign = 1 if total > 0 else -1
    if not any(claim.usage for claim in group):
        return [max(0, claim.weight * sign) for claim in group]
    factor = round(usage_weight * USAGE_SCALE)
    return [
        max(
            0,
            sign
            * (
                claim.weight * (USAGE_SCALE + factor) * USAGE_SCALE
                - factor * round(claim.usage * USAGE_SCALE) * total
            ),
        )
        for claim in group
    ]
