"""A first look at some positions of a book: how many points its groups need for the target."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from fanout.book import Position, path_group
from pricer.budget import MIN_LOG2, Budget, kind_of
from pricer.estimate import Sampling
from pricer.models import Models, Pilot
from pricer.price import Wanted, price_positions

GROUPS_A_KIND, TRADES_A_GROUP, MOST_KINDS = 4, 12, 64
PILOT_SEED = 1 << 64  # added: other points than the run's, so that the choice does not flatter the result
MARGIN = 0.85  # of the target: the pilot's errors are themselves uncertain by an eighth
HEAD_START = 3  # doublings below what is usual for the kind


def look(positions: Sequence[Position], models: Models, budget: Budget) -> tuple[Pilot, ...]:
    """A pilot for each kind of group among ``positions``."""
    kinds: defaultdict[str, dict[str, list[Position]]] = defaultdict(dict)
    for position in positions:
        group = path_group(position, models.market)
        kinds[kind_of(group)].setdefault(group, []).append(position)
    return tuple(
        _pilot(kind, [position for some in _spread(list(groups.values())) for position in some], models, budget)
        for kind, groups in sorted(kinds.items())[:MOST_KINDS]
    )


def _spread(groups: list[list[Position]]) -> Iterator[list[Position]]:
    """A few of the groups and a few positions of each, from first to last."""
    for some in _evenly(groups, GROUPS_A_KIND):
        yield _evenly(some, TRADES_A_GROUP)


def _evenly[Item](items: list[Item], most: int) -> list[Item]:
    if len(items) <= most:
        return items
    return [items[place * (len(items) - 1) // (most - 1)] for place in range(most)]


def _pilot(kind: str, positions: list[Position], models: Models, budget: Budget) -> Pilot:
    """More points, from few, until the largest error is within the target or the run's most paths are reached."""
    group = path_group(positions[0], models.market)
    start = min(max(MIN_LOG2, budget.points(kind) - HEAD_START), budget.most)
    looked = replace(budget, seed=budget.seed + PILOT_SEED, target_bp=MARGIN * budget.target_bp, found={kind: start})
    while True:
        error = _largest_error(positions, models, looked.sampling(group))
        more, missed = looked.raised({kind: error})
        if not missed:
            break
        looked = more
    return Pilot(
        kind=kind,
        trades=len(positions),
        log2_points=looked.points(kind),
        standard_error_bp=error,
        capped=error > budget.target_bp,
    )


def _largest_error(positions: list[Position], models: Models, sampling: Sampling) -> float:
    """bp of the notional; 0 if nothing could be priced."""
    found = price_positions(positions, models, lambda _: sampling, Wanted())
    return max((price.percent_standard_error * 100 for prices, _ in found for price in prices), default=0.0)
