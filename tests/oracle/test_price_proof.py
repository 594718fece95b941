"""Whatever the price list, no wrong server gets by: each known mistake changes at least one amount of the proof."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pytest_flexprice.model.decimals import product, rounded, total
from pytest_flexprice.oracle.pricing.mistakes import MISTAKES, Mistake, explain
from pytest_flexprice.oracle.pricing.pieces import pieces
from pytest_flexprice.oracle.pricing.points import FINE, WHOLE, Subject, points, shown, tier_name
from pytest_flexprice.oracle.pricing.prices import Price, Tier, cost

from .price_strategies import subjects

#: What differs by less than the smallest coin shows at single quantities only, and only where those happen to lie.
FAINT = Decimal("0.01")


@settings(deadline=None, max_examples=300)
@given(subjects(), st.sampled_from(MISTAKES), st.integers(1, 30_000))
def test_a_mistake_that_changes_an_amount_shows_in_the_proof(subject: Subject, mistake: Mistake, used: int) -> None:
    line = subject.line(Decimal(used))
    wrong = mistake.amount(line)
    assume(wrong is not None and abs(wrong - line.amount) > FAINT)
    assert mistake.words in shown(subject, [point.used for point in points(subject)])
