"""What several wrong figures have in common: all so many times too large, by the same share, or by the same amount."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice

from pytest_flexprice.model.decimals import ZERO, difference, product, quotient, rounded, words

Pair = tuple[Decimal, Decimal]
"""A right figure and the one that is seen."""
_MOST = 1000
_ONE, _HUNDRED = Decimal(1), Decimal(100)


def factor(pairs: Sequence[Pair], currency: str) -> list[str]:
    """The one rule that leads from every right amount to the one that is seen, in words that follow "as if"; none where there is none.

    Amounts that are right, or nothing, tell nothing. A share is believed of amounts only that are large enough to tell it from the next.
    """
    wrong = [(right, seen) for right, seen in pairs if right != seen and right > 0]
    if not any(seen for _, seen in wrong):
        return ["it costs nothing"] if wrong else []
    return [*islice((*_shares(wrong, currency), *_apart(wrong)), 1)]


def _shares(wrong: Sequence[Pair], currency: str) -> Iterator[str]:
    right, seen = max(wrong)
    if not seen:
        return
    times, part, percent = (
        quotient(one, other).to_integral_value()
        for one, other in ((seen, right), (right, seen), (product(seen, _HUNDRED), right))
    )
    if 1 < times <= _MOST and _all(wrong, times, _ONE, currency):
        yield f"it is taken {words(times)} times"
    if 1 < part <= _MOST and _all(wrong, _ONE, part, currency):
        yield f"it is divided by {words(part)}"
    near = [each for each in (percent - 1, percent, percent + 1) if _all(wrong, each, _HUNDRED, currency)]
    if near == [percent] and ZERO < percent < _MOST:
        yield f"it is {_more(difference(percent, _HUNDRED), ' %')}"


def _apart(wrong: Sequence[Pair]) -> Iterator[str]:
    steps, same = {difference(seen, right) for right, seen in wrong}, {seen for _, seen in wrong}
    if len(wrong) > 1 and len(steps) == 1:
        yield f"{_more(steps.pop())} is charged for each line"
    if len(wrong) > 1 and len(same) == 1:
        yield f"every line costs {words(same.pop())} {'at least' if wrong[0][1] > wrong[0][0] else 'at most'}"


def _more(number: Decimal, unit: str = "") -> str:
    return f"{words(abs(number))}{unit} {'more' if number > 0 else 'less'}"


def _all(pairs: Sequence[Pair], times: Decimal, part: Decimal, currency: str) -> bool:
    return all(rounded(quotient(product(right, times), part), currency) == seen for right, seen in pairs)
