"""Correlations of underlyings: each pair known and given once, each matrix positive semidefinite."""

import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from math import sumprod

from fanout.errors import MarketError

NOTHING = 1e-9  # what rounding may leave of an elimination whose entries are at most one
MOST_TOGETHER = 1_000  # names in a matrix that is checked though no note may need all of it: some seconds
TOLD = 10  # names, or pairs, in a message

Pairs = dict[frozenset[str], float]


def matrix(names: Sequence[str], pairs: Pairs) -> list[list[float]]:
    """The correlation matrix of ``names``. Raises KeyError with the pair that is not given."""
    return [[1.0 if a == b else pairs[frozenset((a, b))] for b in names] for a in names]


def missing_pair(names: Sequence[str], pairs: Pairs) -> tuple[str, str] | None:
    """The first two of ``names`` whose correlation is not given."""
    for number, name in enumerate(names):
        for other in names[number + 1 :]:
            if frozenset((name, other)) not in pairs:
                return name, other
    return None


def is_positive_semidefinite(rows: Sequence[Sequence[float]]) -> bool:
    r"""Whether a symmetric matrix is one of covariances, by Cholesky's factors with the largest remaining pivot first.

    .. math:: L_{ik} = \Bigl(A_{ik} - \sum_{j<k} L_{ij} L_{kj}\Bigr) \Big/ L_{kk}

    When the largest pivot is nothing, the rest of a positive semidefinite matrix is nothing too (Higham, *Accuracy and
    Stability of Numerical Algorithms*, section 10.3). The sums are the interpreter's in C: 1,000 names take a second.
    """
    left = list(range(len(rows)))
    pivots = [row[i] for i, row in enumerate(rows)]  # what is left of the diagonal
    factors: list[list[float]] = [[] for _ in rows]
    while left:
        p = max(left, key=pivots.__getitem__)
        if pivots[p] <= NOTHING:
            return all(
                abs(rows[i][j] - sumprod(factors[i], factors[j])) <= NOTHING
                for place, i in enumerate(left)
                for j in left[place:]
            )
        left.remove(p)
        root, row, done = math.sqrt(pivots[p]), rows[p], factors[p]
        for i in left:
            factor = (row[i] - sumprod(factors[i], done)) / root
            factors[i].append(factor)
            pivots[i] -= factor * factor
    return True


def components(pairs: Collection[frozenset[str]]) -> list[list[str]]:
    """The underlyings that correlations connect, each set of them sorted by name."""
    neighbours: defaultdict[str, list[str]] = defaultdict(list)
    for one, other in pairs:
        neighbours[one].append(other)
        neighbours[other].append(one)
    seen: set[str] = set()
    groups = []
    for start in sorted(neighbours):
        if start in seen:
            continue
        group, found = {start}, [start]
        while found:
            new = set(neighbours[found.pop()]) - group
            group |= new
            found += new
        seen |= group
        groups.append(sorted(group))
    return groups


def check_matrix(names: Sequence[str], pairs: Pairs) -> None:
    """Raises MarketError unless the matrix of these names can be one of correlations."""
    if not is_positive_semidefinite(matrix(names, pairs)):
        given = [f"{a}/{b} {pairs[frozenset((a, b))]:g}" for i, a in enumerate(names) for b in names[i + 1 :]]
        raise MarketError(
            "correlations",
            f"the matrix of {first_of(names)} is not positive semidefinite ({first_of(given)}): no random variables"
            " have these correlations; bring them closer to zero or to each other",
        )


def first_of(texts: Sequence[str]) -> str:
    """As many as a reader takes in."""
    more = f" and {len(texts) - TOLD:,} more" if len(texts) > TOLD else ""
    return ", ".join(texts[:TOLD]) + more


def check_correlations(pairs: Pairs) -> None:
    """Checks every connected set of underlyings whose pairs are all given, up to some size; of others each basket is.

    A basket's own matrix is all that its price depends on; the work of checking grows with the cube of the names.
    """
    for names in components(pairs):
        if len(names) <= MOST_TOGETHER and missing_pair(names, pairs) is None:
            check_matrix(names, pairs)
