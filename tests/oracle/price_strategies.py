"""Prices and allowances as Flexprice accepts them, for property tests."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from pytest_flexprice.model.prices import Price, Tier
from pytest_flexprice.oracle.pricing.points import FINE, WHOLE, Subject

CURRENCIES = ("usd", "eur", "jpy", "kwd")


@st.composite
def amounts(draw: st.DrawFn) -> Decimal:
    """A unit price of up to nine decimals."""
    return Decimal(draw(st.integers(1, 99_999))).scaleb(-draw(st.integers(0, 9)))


@st.composite
def tiers(draw: st.DrawFn) -> tuple[Tier, ...]:
    """Two to four tiers, the last one open or bounded, some with a flat fee."""
    widths = draw(st.lists(st.integers(1, 5000), min_size=1, max_size=3))
    bounds = [Decimal(sum(widths[: index + 1])) for index in range(len(widths))]
    uppers: list[Decimal | None] = [*bounds, None] if draw(st.booleans()) else [*bounds]
    flats = st.one_of(st.just(Decimal(0)), st.integers(1, 500).map(Decimal))
    return tuple(Tier(upper, draw(amounts()), draw(flats)) for upper in uppers)


@st.composite
def subjects(draw: st.DrawFn) -> Subject:
    """A usage price with what is free of it."""
    currency = draw(st.sampled_from(CURRENCIES))
    model = draw(st.sampled_from(("FLAT_FEE", "PACKAGE", "TIERED")))
    price = Price(
        id="price_1",
        type="USAGE",
        currency=currency,
        billing_model=model,
        amount=draw(amounts()) if model != "TIERED" else Decimal(0),
        tier_mode=draw(st.sampled_from(("SLAB", "VOLUME"))) if model == "TIERED" else "",
        tiers=draw(tiers()) if model == "TIERED" else (),
        divide_by=Decimal(draw(st.integers(2, 1000))) if model == "PACKAGE" else Decimal(1),
        round_down=draw(st.booleans()),
    )
    free = draw(st.one_of(st.none(), st.integers(1, 20_000).map(Decimal)))
    return Subject(price, free, False, currency, draw(st.sampled_from((WHOLE, FINE))))
