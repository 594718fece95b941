"""Prices and allowances as Flexprice accepts them, for property tests."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from pytest_flexprice.model.prices import Price, Tier
from pytest_flexprice.oracle.pricing.points import FINE, WHOLE, Subject

CURRENCIES = ("usd", "eur", "jpy", "kwd", "zzz")
"""Of two, no and three decimals; what a currency is called Flexprice does not check."""


@st.composite
def amounts(draw: st.DrawFn) -> Decimal:
    """A unit price of up to twelve decimals; now and then nothing, or a round one."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from((Decimal(0), Decimal(1), Decimal(100))))
    return Decimal(draw(st.integers(1, 999_999))).scaleb(-draw(st.integers(0, 12)))


@st.composite
def bounds(draw: st.DrawFn) -> list[Decimal]:
    """Where one to seven tiers end: whole numbers mostly, some with parts, some a hair apart, at one quantity, or very far."""
    width = st.one_of(
        st.integers(1, 5000).map(Decimal),
        st.decimals("0.001", 100, places=3),
        st.sampled_from((Decimal(1), Decimal(0), Decimal("1e9"), Decimal("1e14"))),
    )
    widths = draw(st.lists(width, min_size=1, max_size=7))
    return [sum(widths[: index + 1], Decimal(0)) for index in range(len(widths))]


@st.composite
def tiers(draw: st.DrawFn) -> tuple[Tier, ...]:
    """One to eight tiers, the last one open or bounded, some with a flat fee, some alike."""
    found = [bound for bound in draw(bounds()) if bound] or [Decimal(1)]
    uppers: list[Decimal | None] = [*found, None] if draw(st.booleans()) else [*found]
    flats = st.one_of(st.just(Decimal(0)), st.integers(1, 500).map(Decimal), st.decimals("0.01", 99, places=4))
    return tuple(Tier(upper, draw(amounts()), draw(flats)) for upper in uppers)


@st.composite
def subjects(draw: st.DrawFn) -> Subject:
    """A usage price with what is free of it."""
    currency = draw(st.sampled_from(CURRENCIES))
    model = draw(st.sampled_from(("FLAT_FEE", "PACKAGE", "TIERED")))
    size = st.one_of(st.integers(1, 1_000_000).map(Decimal), st.decimals("0.5", 100, places=1))
    price = Price(
        id="price_1",
        type="USAGE",
        currency=currency,
        billing_model=model,
        amount=draw(amounts()) if model != "TIERED" else Decimal(0),
        tier_mode=draw(st.sampled_from(("SLAB", "VOLUME"))) if model == "TIERED" else "",
        tiers=draw(tiers()) if model == "TIERED" else (),
        divide_by=draw(size) if model == "PACKAGE" else Decimal(1),
        round_down=draw(st.booleans()),
    )
    whole = st.one_of(st.just(0), st.integers(1, 20_000), st.integers(1, 10_000_000)).map(Decimal)
    free = draw(st.one_of(st.none(), whole, st.decimals("0.1", 1000, places=2)))
    return Subject(price, free, False, currency, draw(st.sampled_from((WHOLE, FINE))))
