"""Whatever the price list, no wrong server gets by: each known mistake changes at least one amount of the proof."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_flexprice.model.decimals import product, total
from pytest_flexprice.model.prices import Price, Tier
from pytest_flexprice.oracle.pricing.mistakes import MISTAKES, explain
from pytest_flexprice.oracle.pricing.pieces import pieces
from pytest_flexprice.oracle.pricing.points import FINE, WHOLE, Subject, points, shown, tier_name
from pytest_flexprice.oracle.pricing.prices import cost

from .price_strategies import subjects


@settings(deadline=None)
@given(subjects(), st.lists(st.integers(1, 60_000), min_size=1, max_size=20))
def test_a_mistake_that_changes_any_amount_shows_in_the_proof(subject: Subject, used: list[int]) -> None:
    wrong = shown(subject, map(Decimal, used))
    assert wrong - shown(subject, [point.used for point in points(subject)]) == set()


def test_the_last_quantity_below_a_bound_is_tried_where_the_allowance_ends_between_two() -> None:
    subject = replace(tiered("SLAB", ("719", "0", "0"), (None, "0", "1")), free=Decimal("1.01"))
    wrong = shown(subject, [Decimal(720)])
    assert "the allowance is ignored" in wrong
    assert wrong <= shown(subject, [point.used for point in points(subject)])


@pytest.mark.parametrize("mode", ["SLAB", "VOLUME", ""])
@pytest.mark.parametrize("free", [None, Decimal(3)])
@pytest.mark.parametrize("ends", [(), ("1", "1"), ("5", "3"), ("5", None, "3"), ("0", "2"), (None, None)])
def test_tiers_as_nobody_should_write_them_are_proved_too(
    mode: str, free: Decimal | None, ends: tuple[str | None, ...]
) -> None:
    subject = replace(tiered(mode, *((end, "2", "1") for end in ends)), free=free)
    used = [point.used for point in points(subject)]
    assert used
    assert len(ends) == 0 or mode == "" or shown(subject, used)


@settings(deadline=None)
@given(subjects())
def test_a_proof_is_short_and_rises(subject: Subject) -> None:
    used = [point.used for point in points(subject)]
    assert used == sorted(used)
    assert len(set(used)) <= 20 + 7 * max(len(subject.price.tiers), 1)
    assert all(quantity == product(quantity.to_integral_value(), WHOLE) for quantity in used if subject.grain == WHOLE)


@settings(deadline=None)
@given(subjects(), st.decimals(0, 100_000, places=6))
def test_pieces_cost_what_the_price_costs(subject: Subject, quantity: Decimal) -> None:
    price = subject.price
    for piece in pieces(price) if price.billing_model != "PACKAGE" else ():
        if piece.lower < quantity and (piece.upper is None or quantity <= piece.upper):
            assert total((piece.base, product(piece.unit, quantity))) == cost(price, quantity)


def flat(amount: str, currency: str = "usd") -> Subject:
    price = Price("price_1", "USAGE", currency, "FLAT_FEE", Decimal(amount))
    return Subject(price, None, False, currency, FINE)


def tiered(mode: str, *tiers: tuple[str | None, str, str]) -> Subject:
    read = tuple(Tier(None if up is None else Decimal(up), Decimal(unit), Decimal(fee)) for up, unit, fee in tiers)
    price = Price("price_1", "USAGE", "usd", "TIERED", Decimal(0), tier_mode=mode, tiers=read)
    return Subject(price, None, False, "usd", WHOLE)


@pytest.mark.parametrize("amount", ["0.0000025", "7.6e-8", "0.000015", "1e-9", "0.15", "0.0015"])
@pytest.mark.parametrize("currency", ["usd", "jpy", "kwd"])
def test_the_last_digit_of_a_unit_price_moves_a_coin(amount: str, currency: str) -> None:
    subject = flat(amount, currency)
    places = -Decimal(amount).normalize().as_tuple().exponent
    wrong = shown(subject, [point.used for point in points(subject)])
    assert {f"the unit price is cut to {digits} decimals" for digits in range(places)} <= wrong


def test_every_tier_is_a_part_of_its_own() -> None:
    subject = tiered("SLAB", ("10", "2", "0"), ("50", "1.5", "7"), (None, "0.5", "0"))
    parts = dict.fromkeys(point.part for point in points(subject))
    assert list(parts) == ["tier 1, up to 10, at 2", "tier 2, up to 50, at 1.5", "tier 3, above 50, at 0.5"]
    assert tier_name(subject, Decimal(50)) == "tier 2, up to 50, at 1.5"


@pytest.mark.parametrize(
    ("subject", "used", "amount", "rule"),
    [
        (flat("0.0000025"), "100000", "0.3", "the unit price is rounded to 6 decimals"),
        (flat("0.0000025"), "100000", "0.20", "the unit price is cut to 6 decimals"),
        (flat("0.15"), "0.3", "0.04", "exact halves are rounded to the even neighbour"),
        (tiered("SLAB", ("10", "2", "0"), (None, "1", "0")), "20", "40", "every tier is priced like the first"),
        (tiered("SLAB", ("10", "2", "0"), (None, "1", "0")), "30", "30", "graduated and volume pricing are swapped"),
        (tiered("SLAB", ("10", "2", "5"), (None, "1", "0")), "10", "20", "the tiers' flat fees are forgotten"),
    ],
)
def test_a_wrong_amount_names_its_rule(subject: Subject, used: str, amount: str, rule: str) -> None:
    assert explain((subject.line(Decimal(used)), Decimal(amount))) == rule


@pytest.mark.parametrize("up_to", ["1", None])
def test_a_fee_of_a_fraction_of_a_coin_is_seen_to_be_charged_once(up_to: str | None) -> None:
    tier = Tier(None if up_to is None else Decimal(up_to), Decimal(0), Decimal("0.01"))
    price = Price("price_1", "USAGE", "jpy", "TIERED", Decimal(0), tier_mode="VOLUME", tiers=(tier,))
    subject = Subject(price, None, False, "jpy", WHOLE)
    assert "the tiers' flat fees are charged per unit" in shown(subject, [point.used for point in points(subject)])


def test_a_price_that_only_the_first_units_have_is_seen_to_hold_for_all() -> None:
    subject = tiered("SLAB", ("1", "0.00000062", "0"), ("2", "0", "0"), (None, "0", "0"))
    assert "every tier is priced like the first" in shown(subject, [point.used for point in points(subject)])


def test_a_right_amount_and_an_unknown_one_name_none() -> None:
    line = flat("0.15").line(Decimal(10))
    assert explain((line, line.amount)) == ""
    assert explain((line, Decimal("123.45"))) == ""


def test_a_rule_must_explain_every_wrong_amount() -> None:
    subject = flat("0.0000025")
    seen = [(subject.line(Decimal(each)), Decimal(amount)) for each, amount in ((100_000, "0.3"), (110_000, "0.33"))]
    assert explain(*seen) == "the unit price is rounded to 6 decimals"


def test_every_mistake_has_words_of_its_own() -> None:
    assert len({mistake.words for mistake in MISTAKES}) == len(MISTAKES)
