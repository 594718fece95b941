"""Catalogs for the tests: a small one with everything in it, and any catalog for hypothesis."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from pytest_flexprice.model.meters import Aggregation, Filter, Meter
from pytest_flexprice.model.prices import Price, Tier
from pytest_flexprice.oracle.catalog.canonical import sort_key
from pytest_flexprice.oracle.catalog.objects import Catalog, Entitlement, Extras, Feature, Plan


def tokens(**changes: object) -> Meter:
    values = {
        "event_name": "model.completion",
        "aggregation": "SUM",
        "field": "tokens",
        "reset_usage": "BILLING_PERIOD",
    }
    return meter(**{**values, **changes})


def meter(
    event_name: str, aggregation: str, filters: dict[str, tuple[str, ...]] | None = None, **more: object
) -> Meter:
    """A meter without the nesting: an aggregation's fields beside the others, filters by key."""
    spec = {
        name: more.pop(name)
        for name in ("field", "expression", "multiplier", "bucket_size", "group_by")
        if name in more
    }
    allowed = tuple(Filter(key, values) for key, values in sorted((filters or {}).items()))
    known = {"id": "", "name": "", "filters": allowed, **more}
    return Meter(event_name=event_name, aggregation=Aggregation(aggregation, **spec), **known)


def usage(**changes: object) -> Price:
    values = {
        "id": "",
        "type": "USAGE",
        "currency": "usd",
        "billing_period": "MONTHLY",
        "billing_model": "FLAT_FEE",
        "invoice_cadence": "ARREAR",
        "event_name": "model.completion",
        "feature": "tokens",
        "amount": Decimal("0.05"),
    }
    return Price(**{**values, **changes})


def fee(**changes: object) -> Price:
    values = {
        "id": "",
        "type": "FIXED",
        "currency": "usd",
        "billing_period": "MONTHLY",
        "billing_model": "FLAT_FEE",
        "invoice_cadence": "ADVANCE",
        "amount": Decimal(49),
        "display_name": "Platform fee",
    }
    return Price(**{**values, **changes})


TIERS = (Tier(Decimal(10), Decimal(1)), Tier(None, Decimal("0.5")))


def catalog(*prices: Price, **changes: object) -> Catalog:
    plan = Plan(
        name="Acme Pro",
        prices=tuple(sorted(prices or (usage(), fee()), key=sort_key)),
        entitlements={"tokens": Entitlement("metered", usage_limit=Decimal(1000), usage_reset_period="MONTHLY")},
        credit_grants={"Welcome": {"credits": "100", "cadence": "ONETIME"}},
    )
    values = {
        "features": {"tokens": Feature("Tokens", "metered", tokens()), "sso": Feature("SSO", "boolean")},
        "plans": {"acme-pro": plan},
        "extras": Extras(addons={}, coupons={"TEN": {"percentage_off": "10"}}, tax_rates={}, settings={}),
    }
    return Catalog(**{**values, **changes})


_KEYS = st.text("abc_-.é ", min_size=1, max_size=6)
_AMOUNTS = st.decimals(0, 1000, places=4, allow_nan=False)
_METERS = st.builds(
    meter,
    event_name=_KEYS,
    aggregation=st.sampled_from(["SUM", "COUNT", "MAX"]),
    field=st.sampled_from(["", "n", "tokens"]),
    filters=st.dictionaries(
        _KEYS, st.lists(_KEYS, min_size=1, max_size=2).map(lambda one: tuple(sorted(set(one)))), max_size=2
    ),
    status=st.sampled_from(["published", "archived"]),
)
_FEATURES = st.builds(Feature, name=_KEYS, type=st.just("metered"), meter=_METERS)
_TIERS = st.lists(_AMOUNTS, min_size=1, max_size=3, unique=True).map(
    lambda bounds: (*(Tier(one, Decimal(1)) for one in sorted(bounds)), Tier(None, Decimal("0.5")))
)
_PRICES = st.one_of(
    st.builds(
        usage, currency=st.sampled_from(["usd", "eur"]), amount=_AMOUNTS, event_name=_KEYS, feature=_KEYS | st.just("")
    ),
    st.builds(
        fee,
        currency=st.sampled_from(["usd", "eur"]),
        amount=_AMOUNTS,
        billing_period=st.sampled_from(["MONTHLY", "ANNUAL"]),
    ),
    st.builds(
        usage,
        billing_model=st.just("TIERED"),
        tier_mode=st.sampled_from(["SLAB", "VOLUME"]),
        tiers=_TIERS,
    ),
)
_ENTITLEMENTS = st.builds(
    Entitlement, feature_type=st.just("metered"), usage_limit=st.none() | _AMOUNTS, is_soft_limit=st.booleans()
)
_PLANS = st.builds(
    Plan,
    name=_KEYS,
    prices=st.lists(_PRICES, max_size=4).map(lambda prices: tuple(sorted(prices, key=sort_key))),
    entitlements=st.dictionaries(_KEYS, _ENTITLEMENTS, max_size=2),
)
CATALOGS = st.builds(
    Catalog,
    features=st.dictionaries(_KEYS, _FEATURES, max_size=3),
    plans=st.dictionaries(_KEYS, _PLANS, max_size=3),
    unkeyed_plans=st.dictionaries(_KEYS, st.lists(_PLANS, min_size=1, max_size=2).map(tuple), max_size=1),
)
