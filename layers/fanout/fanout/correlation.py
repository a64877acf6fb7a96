"""Correlations of underlyings: each pair known and given once, each matrix positive semidefinite."""

from collections.abc import Collection, Sequence

from fanout.errors import MarketError

NOTHING = 1e-9  # what rounding may leave of an elimination whose entries are at most one

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
    r"""Whether a symmetric matrix is one of covariances, by :math:`LDL^T` with the largest remaining pivot first.

    When the largest pivot is nothing, the rest of a positive semidefinite matrix is nothing too (Higham, *Accuracy and
    Stability of Numerical Algorithms*, section 10.3).
    """
    left = [list(row) for row in rows]
    while left:
        p = max(range(len(left)), key=lambda i: left[i][i])
        pivot = left[p][p]
        if pivot <= NOTHING:
            return all(abs(value) <= NOTHING for row in left for value in row)
        rest = [i for i in range(len(left)) if i != p]
        left = [[left[i][j] - left[i][p] * left[p][j] / pivot for j in rest] for i in rest]
    return True


def components(pairs: Collection[frozenset[str]]) -> list[list[str]]:
    """The underlyings that correlations connect, each set of them sorted by name."""
    groups: list[set[str]] = []
    for pair in pairs:
        touching = [group for group in groups if group & pair]
        groups = [group for group in groups if not group & pair]
        groups.append(set(pair).union(*touching))
    return sorted(sorted(group) for group in groups)


def check_matrix(names: Sequence[str], pairs: Pairs) -> None:
    """Raises MarketError unless the matrix of these names can be one of correlations."""
    if not is_positive_semidefinite(matrix(names, pairs)):
        shown = ", ".join(f"{a}/{b} {pairs[frozenset((a, b))]:g}" for i, a in enumerate(names) for b in names[i + 1 :])
        raise MarketError(
            "correlations",
            f"the matrix of {', '.join(names)} is not positive semidefinite ({shown}): no random variables have these"
            " correlations; bring them closer to zero or to each other",
        )


def check_correlations(pairs: Pairs) -> None:
    """Checks every connected set of underlyings whose pairs are all given; of the others each basket is checked."""
    for names in components(pairs):
        if missing_pair(names, pairs) is None:
            check_matrix(names, pairs)
