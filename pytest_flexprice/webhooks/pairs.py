"""Rows that show every pair of values of several dimensions at least once: far fewer than all combinations."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

Combination = tuple[int, ...]


def all_pairs(sizes: Sequence[int], given: Sequence[Combination] = ()) -> list[Combination]:
    """Rows of value numbers, one for each dimension of these sizes, that with the ``given`` ones hold every pair of values.

    Greedy and deterministic: each row begins with a pair that is still missing and takes for every other dimension the value that adds
    most missing pairs, the lowest of equals.
    """
    dimensions = range(len(sizes))
    missing = {
        (one, first, other, second)
        for one, other in combinations(dimensions, 2)
        for first in range(sizes[one])
        for second in range(sizes[other])
    }
    for row in given:
        missing -= _pairs_of(row)
    rows = list(given)
    while missing:
        row = _row(min(missing), sizes, missing)
        missing -= _pairs_of(row)
        rows.append(row)
    return rows


def _row(
    start: tuple[int, int, int, int], sizes: Sequence[int], missing: set[tuple[int, int, int, int]]
) -> Combination:
    chosen = {start[0]: start[1], start[2]: start[3]}
    for dimension in range(len(sizes)):
        if dimension not in chosen:
            chosen[dimension] = max(
                range(sizes[dimension]),
                key=lambda value, d=dimension: len(_pairs({**chosen, d: value}) & missing),  # type: ignore[misc]
            )
    return tuple(chosen[dimension] for dimension in range(len(sizes)))


def _pairs_of(row: Combination) -> set[tuple[int, int, int, int]]:
    return _pairs(dict(enumerate(row)))


def _pairs(chosen: dict[int, int]) -> set[tuple[int, int, int, int]]:
    return {(one, chosen[one], other, chosen[other]) for one, other in combinations(sorted(chosen), 2)}
