"""Three made-up companies that have little in common: what they sell, to whom, and what they sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Table = dict[str, Any]
TYPES = ("invoice.update.finalized", "invoice.update.payment", "subscription.created", "subscription.cancelled")


@dataclass(frozen=True)
class Company:
    """One company as its Sandbox shows it; ``catalog`` is in the form of a snapshot, ``customers`` are rows of a customers file."""

    name: str
    sells: str
    about: str
    head: str
    statement: str
    catalog: Table
    customers: Sequence[dict[str, str]]
    events: Sequence[Table]
    settings: Table = field(default_factory=dict)
    event_types: Sequence[str] = TYPES


def _feature(name: str, event: str, aggregation: str, **more: Any) -> Table:
    meter = {"event_name": event, "aggregation": aggregation, "reset_usage": "BILLING_PERIOD", **more}
    return {"name": name, "type": "metered", "meter": meter}


def _usage(feature: str, event: str, currency: str, period: str, **more: Any) -> Table:
    usual = {"type": "USAGE", "billing_period_count": 1, "invoice_cadence": "ARREAR", "billing_model": "FLAT_FEE"}
    return {**usual, "feature": feature, "event_name": event, "currency": currency, "billing_period": period, **more}


def _fee(name: str, amount: str, currency: str, period: str, **more: Any) -> Table:
    usual = {"type": "FIXED", "billing_period_count": 1, "invoice_cadence": "ADVANCE", "billing_model": "FLAT_FEE"}
    return {**usual, "display_name": name, "amount": amount, "currency": currency, "billing_period": period, **more}


def _event(name: str, customer: str, **properties: Any) -> Table:
    return {"event_name": name, "external_customer_id": customer, "properties": properties}


def _catalog(features: Table, plans: Table) -> Table:
    return {"flexprice_catalog": 1, "features": features, "plans": plans, "extras": {}}


_TREES = ("ash", "birch", "cedar")
_TIERS = [{"up_to": "600", "unit_amount": "0.008"}, {"up_to": None, "unit_amount": "0.004"}]
BUILDS = Company(
    name="Kiln",
    sells="build minutes, in tiers, with seats",
    about="Build machines by the minute: graduated tiers, a fee for each seat, one customer with a price of its own, all in US dollars.",
    head="Mara Ostrov",
    statement="The platform team does this on Mondays",
    catalog=_catalog(
        {
            "build_minutes": _feature("Build minutes", "build.finished", "SUM", field="minutes"),
            "cache_gb": _feature("Cache", "cache.measured", "MAX", field="gigabytes"),
        },
        {
            "kiln-team": {
                "name": "Kiln Team",
                "prices": [
                    _usage(
                        "build_minutes",
                        "build.finished",
                        "usd",
                        "MONTHLY",
                        billing_model="TIERED",
                        tier_mode="SLAB",
                        tiers=_TIERS,
                    ),
                    _usage("cache_gb", "cache.measured", "usd", "MONTHLY", amount="0.25"),
                    _fee("Seats", "12", "usd", "MONTHLY"),
                ],
                "entitlements": {"cache_gb": {"feature_type": "metered", "usage_limit": "10", "is_soft_limit": True}},
            }
        },
    ),
    customers=[
        {"external_id": "team-ash", "plan": "kiln-team", "quantity": "Seats=4"},
        {
            "external_id": "team-birch",
            "plan": "kiln-team",
            "quantity": "Seats=11",
            "price_overrides": "cache.measured=0.2",
        },
        {"external_id": "team-cedar", "plan": "kiln-team", "billing_cycle": "calendar"},
    ],
    events=[
        *(
            _event("build.finished", f"team-{tree}", minutes=7 + number, runner="linux")
            for number, tree in enumerate(_TREES)
        ),
        _event("cache.measured", "team-ash", gigabytes=14.5),
    ],
    settings={"subscription_config": {"grace_period_days": 21, "auto_cancellation_enabled": True}},
)
LETTERS = Company(
    name="Postkontor",
    sells="letters, in packages, in yen and euros",
    about="Letters printed and sent: packages of a thousand, two currencies, monthly and annual plans, and customers who pay in two ways.",
    head="Yuki Brandt",
    statement="Finance operations does this every week",
    catalog=_catalog(
        {
            "letters": _feature("Letters", "letter.sent", "SUM", field="sheets", filters={"region": ["eu", "jp"]}),
            "senders": _feature("Senders", "letter.sent.by", "COUNT_UNIQUE", field="sender"),
        },
        {
            "brief-euro": {
                "name": "Brief Euro",
                "prices": [
                    _usage(
                        "letters",
                        "letter.sent",
                        "eur",
                        "MONTHLY",
                        billing_model="PACKAGE",
                        amount="45",
                        divide_by="1000",
                        round="up",
                    ),
                    _usage("senders", "letter.sent.by", "eur", "MONTHLY", amount="1.5"),
                ],
                "entitlements": {},
            },
            "tegami-year": {
                "name": "Tegami Year",
                "prices": [
                    _usage("letters", "letter.sent", "jpy", "ANNUAL", amount="9"),
                    _fee("Base fee", "240000", "jpy", "ANNUAL"),
                ],
                "entitlements": {},
            },
        },
    ),
    customers=[
        {"external_id": "9f31", "plan": "brief-euro", "currency": "eur", "collection_method": "charge_automatically"},
        {"external_id": "9f32", "plan": "brief-euro", "currency": "eur", "payment_terms": "30 NET"},
        {
            "external_id": "kk-0001",
            "plan": "tegami-year",
            "currency": "jpy",
            "billing_period": "ANNUAL",
            "timezone": "Asia/Tokyo",
        },
    ],
    events=[
        _event("letter.sent", "9f31", sheets=3, region="eu"),
        _event("letter.sent", "9f32", sheets=120, region="eu"),
        _event("letter.sent", "kk-0001", sheets=12, region="jp"),
        _event("letter.sent.by", "9f31", sender="desk-4"),
    ],
)
SENSORS = Company(
    name="Tidegauge",
    sells="sensor readings, by an expression, with trials",
    about="Sensors at sea: a meter that calculates, a plan by the week, a trial, a draft that waits, and a customer who has paused.",
    head="Ines Duarte",
    statement="The operations desk does this at each shift's start",
    catalog=_catalog(
        {
            "readings": _feature("Readings", "reading.stored", "COUNT"),
            "volume": _feature("Volume", "batch.shipped", "SUM", expression="rows * width / 1000"),
        },
        {
            "harbour": {
                "name": "Harbour",
                "prices": [
                    _usage("readings", "reading.stored", "usd", "WEEKLY", amount="0.0004"),
                    _usage("volume", "batch.shipped", "usd", "WEEKLY", amount="0.02"),
                ],
                "entitlements": {},
            }
        },
    ),
    customers=[
        {"external_id": "port:lisbon", "plan": "harbour", "billing_period": "WEEKLY"},
        {"external_id": "port:bergen", "plan": "harbour", "billing_period": "WEEKLY", "status": "trialing"},
        {"external_id": "port:gdansk", "plan": "harbour", "billing_period": "WEEKLY", "status": "draft"},
        {"external_id": "port:brest", "plan": "harbour", "billing_period": "WEEKLY", "status": "paused"},
    ],
    events=[
        *(_event("reading.stored", "port:lisbon", station=f"s{number}") for number in range(4)),
        _event("batch.shipped", "port:lisbon", rows=5000, width=8),
    ],
    settings={
        "invoice_config": {
            "prefix": "TG",
            "format": "YYYYMM",
            "separator": "-",
            "suffix_length": 6,
            "start_sequence": 100,
            "timezone": "Europe/Lisbon",
            "due_date_days": 14,
            "finalization_delay_seconds": 3600,
        }
    },
)
COMPANIES = (BUILDS, LETTERS, SENSORS)
