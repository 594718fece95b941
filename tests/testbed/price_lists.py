"""Six price lists that have little in common, as catalog snapshots: what a price proof must manage with any company."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]


def feature(event: str, aggregation: str, field: str = "", **more: Any) -> Row:
    """A metered feature."""
    meter = {"aggregation": aggregation, "event_name": event, "reset_usage": "BILLING_PERIOD", "status": "published"}
    return {"meter": {**meter, **({"field": field} if field else {}), **more}, "name": event, "type": "metered"}


def usage(name: str, event: str, currency: str = "usd", period: str = "MONTHLY", **more: Any) -> Row:
    """A usage price, flat unless it says otherwise."""
    return {
        "billing_model": "FLAT_FEE",
        "billing_period": period,
        "billing_period_count": 1,
        "currency": currency,
        "display_name": name,
        "invoice_cadence": "ARREAR",
        "trial_period_days": 0,
        "type": "USAGE",
        "feature": name,
        "event_name": event,
        **more,
    }


def fee(amount: str, period: str = "MONTHLY") -> Row:
    """A fee in advance."""
    row = usage("fee", "", period=period, type="FIXED", invoice_cadence="ADVANCE", amount=amount)
    return {key: value for key, value in row.items() if key not in ("feature", "event_name")}


def tiers(mode: str, *rows: tuple[str | None, str, str]) -> Row:
    """Tiers of an upper bound, a unit price and a flat fee."""
    read = [{"up_to": up, "unit_amount": unit, "flat_amount": flat} for up, unit, flat in rows]
    return {"billing_model": "TIERED", "tier_mode": mode, "tiers": read}


def free(limit: str | None, reset: str = "MONTHLY") -> Row:
    """An allowance."""
    row: Row = {"feature_type": "metered", "is_enabled": True, "is_soft_limit": True, "usage_reset_period": reset}
    return row if limit is None else {**row, "usage_limit": limit}


def catalog(features: Row, **plans: tuple[Row, list[Row]]) -> Row:
    """A snapshot."""
    rows = {key: {"name": key, "entitlements": allowed, "prices": prices} for key, (allowed, prices) in plans.items()}
    return {"flexprice_catalog": 1, "features": features, "plans": rows, "extras": {}}


TOKENS = catalog(
    {
        "tokens": feature("llm.done", "SUM", "tokens"),
        "cached": feature("llm.done", "SUM", "cached"),
        "calls": feature("llm.done", "COUNT"),
    },
    pro=(
        {},
        [
            usage("tokens", "llm.done", amount="0.0000025"),
            usage("cached", "llm.done", amount="0.000000076"),
            usage("calls", "llm.done", **tiers("VOLUME", ("100", "0.01", "0"), (None, "0.004", "0"))),
        ],
    ),
)
SEATS = catalog(
    {
        "gigabytes": feature("storage.measured", "MAX", "gb"),
        "load": feature("cpu.measured", "AVG", "load"),
        "seats": feature("seats.set", "LATEST", "seats"),
        "moved": feature("data.moved", "SUM_WITH_MULTIPLIER", "gb", multiplier="0.001"),
    },
    pro=(
        {"gigabytes": free("50"), "seats": free("50")},
        [
            usage(
                "gigabytes",
                "storage.measured",
                **tiers("SLAB", ("100", "0.10", "0"), ("1000", "0.08", "5"), (None, "0.05", "0")),
            ),
            usage("load", "cpu.measured", amount="3"),
            usage("seats", "seats.set", amount="8.5"),
            usage("moved", "data.moved", amount="90"),
            fee("99"),
        ],
    ),
)
FREE = catalog(
    {"calls": feature("api.call", "COUNT"), "tokens": feature("llm.done", "SUM", "n")},
    pro=(
        {"calls": free("2000"), "tokens": free("5000000")},
        [
            usage("calls", "api.call", billing_model="PACKAGE", amount="2", divide_by="1000", round="up"),
            usage("tokens", "llm.done", amount="0.00004"),
            fee("10"),
        ],
    ),
)
ANNUAL = catalog(
    {"calls": feature("api.call", "SUM", "n"), "minutes": feature("video.rendered", "SUM", "s")},
    yearly=(
        {"calls": free("1000")},
        [fee("1200", "ANNUAL"), usage("calls", "api.call", period="ANNUAL", amount="0.015")],
    ),
    monthly=(
        {"calls": free("100", "DAILY")},
        [
            usage("calls", "api.call", amount="0.0175"),
            usage("minutes", "video.rendered", billing_model="PACKAGE", amount="1.25", divide_by="60", round="down"),
        ],
    ),
)
CURRENCIES = catalog(
    {"calls": feature("api.call", "SUM", "n"), "images": feature("image.made", "COUNT")},
    pro=(
        {},
        [
            usage("calls", "api.call", "jpy", amount="0.35"),
            usage("images", "image.made", "jpy", billing_model="PACKAGE", amount="7.5", divide_by="3", round="up"),
            usage("calls", "api.call", "kwd", amount="0.00125"),
            usage("images", "image.made", "kwd", **tiers("SLAB", ("10", "0.1255", "0"), ("20", "0.0015", "2"))),
        ],
    ),
)
HYBRID = catalog(
    {
        "cores": feature("job.done", "SUM", expression="(ended - started) * cores / 3600.0"),
        "cost": feature("job.cost", "SUM", expression="tokens * 1e-6"),
        "peak": feature("peak.seen", "MAX", "v", bucket_size="HOUR", group_by="host"),
        "daily": feature("day.used", "SUM", "v", bucket_size="DAY"),
    },
    pro=(
        {},
        [
            usage("cores", "job.done", **tiers("SLAB", ("10", "0", "0"), ("100", "0.25", "0"), (None, "0.2", "0"))),
            usage("cost", "job.cost", amount="15"),
            usage("peak", "peak.seen", amount="0.5"),
            usage("daily", "day.used", **tiers("VOLUME", ("10", "1", "0"), (None, "0.5", "0"))),
            fee("500"),
        ],
    ),
)
PRICE_LISTS = {
    "tokens": TOKENS,
    "seats": SEATS,
    "free tier": FREE,
    "annual": ANNUAL,
    "yen and dinar": CURRENCIES,
    "hybrid": HYBRID,
}
