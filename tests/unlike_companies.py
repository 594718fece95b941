"""Companies by chance that have little in common: whatever Flexprice can hold and a plan can declare, and nothing that is not true.

Wider than ``truthful_plans``: every aggregation, price model, currency and period, fees that are not monthly, allowances that are reset,
credit grants, addons, coupons and taxes, parents and children, identifiers as companies really have them.
"""

from __future__ import annotations

import csv
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pytest_flexprice.model.customer_columns import NAMES
from tests.truthful_plans import HEAD, WEBHOOKS, attestation, invoicing

Row = dict[str, Any]
_PERIODS = ("MONTHLY", "ANNUAL", "QUARTERLY", "WEEKLY", "HALF_YEARLY", "DAILY")
_CURRENCIES = ("usd", "eur", "jpy", "kwd", "inr", "gbp")
_ZONES = ("", "UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Auckland")
_BOUNDS = (1, 5, 10, 100, 1000, 250000)
_UNITS = ("0.01", "0.5", "1", "0.000001", "0.0000025", "12.345", "0")
_DEAR = ("0.01", "0.5", "1", "12.345")
_IDS = (
    "org_{0}",
    "{0:05}",
    "2025{0:012}",
    "Kunde-{0}-Größe",
    "Acme & Söhne {0}",
    "a/b?c={0}#d",
    "{0}@firma.example",
    "x" * 180 + "{0}",
)
_EVENTS = ("ev.{0}", "Api Call {0}", "überweisung.{0}", "a/b:{0}", "{0}", "job.done.v{0}." + "long" * 20)
_SIMPLE = ("SUM", "COUNT", "MAX", "COUNT_UNIQUE", "LATEST", "AVG")
_EXPRESSIONS = ("v * 2.0", "(v + w) / 4.0", "v * 1e-3", "w > 2.0 ? v : 0.0")


def write(seed: int, folder: Path) -> None:
    """Write the company of that seed into a folder: plan, catalog, customers and samples."""
    chance = random.Random(f"unlike {seed}")
    now = datetime.now(UTC)
    event = chance.choice(_EVENTS)
    features = {f"f{n}": _metered(chance, event.format(n)) for n in range(chance.randint(1, 4))}
    if len(features) > 1 and chance.random() < 0.4 and _counted(features["f0"]) != _counted(features["f1"]):
        features["f1"]["meter"]["event_name"] = features["f0"]["meter"]["event_name"]
    others = {
        "sso": {"name": "Single sign-on", "type": "boolean"},
        "sla": {"name": "Service level", "type": "static"},
    }
    plans = {f"plan-{n}": _plan(chance, n, features, others) for n in range(chance.randint(1, 4))}
    rows = _rows(chance, plans, now, odd=any("bucket_size" in one["meter"] for one in features.values()))
    catalog = {
        "flexprice_catalog": 1,
        "features": features | others,
        "plans": plans,
        "extras": _extras(chance, rows),
    }
    (folder / "catalog.json").write_text(json.dumps(catalog, ensure_ascii=False), encoding="utf-8")
    needed = {"currency", "billing_period"} if any(len(sold(plan)) > 1 for plan in plans.values()) else set()
    needed |= {"billing_period"}
    columns = ["external_id", "plan", *(name for name in NAMES[2:] if name in needed or chance.random() < 0.6)]
    with (folder / "customers.csv").open("w", encoding="utf-8", newline="") as file:
        lines = [columns, *([row.get(name, "") for name in columns] for row in rows)]
        csv.writer(file, delimiter=chance.choice(",;\t"), lineterminator="\n").writerows(lines)
    names = dict.fromkeys(feature["meter"]["event_name"] for feature in features.values())
    parts = [
        HEAD.format(test_plan=chance.choice(list(plans))),
        invoicing(chance),
        WEBHOOKS if chance.random() < 0.7 else "",
        *(_event(chance, number, name, plans, rows, folder, now) for number, name in enumerate(names)),
        *(attestation(item) for item in ("8.1", "8.2", "8.3", "8.4")),
    ]
    (folder / "golive.toml").write_text("".join(parts), encoding="utf-8")


def sold(plan: Row) -> list[tuple[str, str]]:
    """Currency and billing period of each way in which a plan is sold."""
    return sorted(
        {(one["currency"], one["billing_period"]) for one in plan["prices"] if one["billing_period"] != "ONETIME"}
    )


def _counted(feature: Row) -> Row:
    return {name: value for name, value in feature["meter"].items() if name != "event_name"}


def _metered(chance: random.Random, event: str) -> Row:
    meter: Row = {"event_name": event, "reset_usage": "BILLING_PERIOD"}
    kind = chance.choice((*_SIMPLE, *_SIMPLE, "MULTIPLIER", "WEIGHTED", "BUCKETS", "EXPRESSION"))
    if kind == "MULTIPLIER":
        meter |= {
            "aggregation": "SUM_WITH_MULTIPLIER",
            "field": "v",
            "multiplier": chance.choice(("0.001", "3", "1024")),
        }
    elif kind == "WEIGHTED":
        meter |= {"aggregation": "WEIGHTED_SUM", "field": "v"}
    elif kind == "BUCKETS":
        meter |= {
            "aggregation": chance.choice(("MAX", "SUM")),
            "field": "v",
            "bucket_size": chance.choice(("HOUR", "DAY")),
        }
    elif kind == "EXPRESSION":
        meter |= {"aggregation": "SUM", "expression": chance.choice(_EXPRESSIONS)}
    else:
        meter["aggregation"] = kind
        if kind != "COUNT":
            meter["field"] = "id" if kind == "COUNT_UNIQUE" else chance.choice(("v", "w"))
    if chance.random() < 0.35:
        meter["filters"] = {"region": ["eu", "us"], **({"tier": ["gold"]} if chance.random() < 0.4 else {})}
    return {"name": f"Feature of {event}"[:60], "type": "metered", "meter": meter}


def _plan(chance: random.Random, number: int, features: Row, others: Row) -> Row:
    terms = [
        (currency, period)
        for currency in chance.sample(_CURRENCIES, chance.choice((1, 1, 2)))
        for period in chance.sample(_PERIODS, chance.choice((1, 1, 2)))
    ]
    used = [key for key in features if chance.random() < 0.8] or ["f0"]
    fees = [_fee(chance, number, n) for n in range(chance.choice((0, 1, 1, 2)))]
    kinds = {key: _tariff(chance, features[key]["meter"]) for key in used}
    prices = []
    for currency, period in terms:
        usual = {"currency": currency, "billing_period": period, "billing_period_count": 1}
        for key in used:
            named = {"feature": key, "event_name": features[key]["meter"]["event_name"]}
            prices.append({**usual, "type": "USAGE", "invoice_cadence": "ARREAR", **named, **kinds[key]})
        prices += [{**usual, **fee} for fee in fees]
    allowed: Row = {}
    for key in used:
        if chance.random() < 0.35 and not features[key]["meter"].get("bucket_size"):  # those cannot have any
            limit = chance.choice(("0", "5", "100", "1000", None))
            allowed[key] = {
                "feature_type": "metered",
                "is_soft_limit": True,
                "usage_reset_period": chance.choice(("MONTHLY", "MONTHLY", "DAILY", "ANNUAL", "NEVER")),
                **({"usage_limit": limit} if limit is not None else {}),
            }
    if chance.random() < 0.3:
        allowed["sso"] = {"feature_type": "boolean", "is_enabled": chance.random() < 0.7}
    if chance.random() < 0.3:
        allowed["sla"] = {"feature_type": "static", "static_value": "99.9 %"}
    grants = {}
    if chance.random() < 0.2:
        grants["Welcome"] = {
            "name": "Welcome",
            "scope": "PLAN",
            "credits": "10",
            "cadence": "ONETIME",
            "expiration_type": "NEVER",
        }
    name = chance.choice((f"Plan {number}", f"Größe {number} 中文", f"Pro “{number}” & more"))
    return {"name": name, "prices": prices, "entitlements": allowed, "credit_grants": grants}


def _tariff(chance: random.Random, meter: Row) -> Row:
    model = chance.choice(("FLAT_FEE", "FLAT_FEE", "PACKAGE", "SLAB", "VOLUME"))
    # What needs an event each cannot be proved at a millionth of a cent.
    units = _UNITS if meter["aggregation"] in ("SUM", "SUM_WITH_MULTIPLIER") else _DEAR
    if model in ("SLAB", "VOLUME"):
        bounds = [*map(str, sorted(chance.sample(_BOUNDS, chance.randint(1, 3)))), None]
        tiers = []
        for bound in bounds:
            tier: Row = {"up_to": bound, "unit_amount": chance.choice(units)}
            if chance.random() < 0.25:
                tier["flat_amount"] = chance.choice(("2", "7.5"))
            tiers.append(tier)
        if all(tier["unit_amount"] == "0" for tier in tiers):
            tiers[-1]["unit_amount"] = "0.25"
        return {"billing_model": "TIERED", "tier_mode": model, "tiers": tiers}
    amount = chance.choice([one for one in units if one != "0"])
    if model == "PACKAGE":
        size = chance.choice(("3", "10", "1000"))
        return {"billing_model": model, "amount": amount, "divide_by": size, "round": chance.choice(("up", "down"))}
    return {"billing_model": model, "amount": amount}


def _fee(chance: random.Random, plan: int, number: int) -> Row:
    fee = {
        "type": "FIXED",
        "display_name": f"{chance.choice(('Seats', 'Grundgebühr'))} {plan}.{number}",
        "invoice_cadence": chance.choice(("ADVANCE", "ARREAR")),
    }
    if chance.random() < 0.2:
        tiers = [{"up_to": "10", "unit_amount": "5"}, {"up_to": None, "unit_amount": "3"}]
        return {**fee, "billing_model": "TIERED", "tier_mode": chance.choice(("SLAB", "VOLUME")), "tiers": tiers}
    return {**fee, "billing_model": "FLAT_FEE", "amount": chance.choice(("0", "9.99", "49", "1000.005"))}


def _rows(chance: random.Random, plans: Row, now: datetime, *, odd: bool) -> list[Row]:
    pattern = chance.choice(_IDS)
    rows = [_row(chance, pattern.format(n), plans, now, first=n == 0, odd=odd) for n in range(chance.randint(1, 7))]
    parents = [row for row in rows if row["plan"] and row["status"] in ("", "active") and not row.get("end_date")]
    if len(rows) > 2 and parents and chance.random() < 0.4:
        child = next((row for row in rows[1:] if row is not parents[0]), None)
        if child is not None:
            plan = parents[0]["plan"]
            kept = {name: parents[0].get(name, "") for name in ("currency", "billing_period")}
            child.clear()
            child.update(
                {
                    "external_id": pattern.format(90),
                    "plan": plan,
                    "parent": parents[0]["external_id"],
                    **kept,
                    "status": "",
                }
            )
    if chance.random() < 0.2:  # declared, and not subscribed yet
        rows.append({"external_id": pattern.format(91), "plan": "", "status": ""})
    return rows


def _row(chance: random.Random, external_id: str, plans: Row, now: datetime, *, first: bool, odd: bool) -> Row:
    key = chance.choice(list(plans))
    currency, period = chance.choice(sold(plans[key]))
    status = "" if first else chance.choice(("", "", "active", "draft", "paused", "trialing", "cancelled"))
    started = now - timedelta(days=chance.choice((2, 10, 31, 40, 100, 400)), hours=chance.choice((0, 7)))
    soon, later = now + timedelta(days=5), now + timedelta(days=chance.choice((3, 20, 200)))
    cycle = chance.choice(("", "anniversary", "calendar"))
    anchored = cycle == "anniversary" and chance.random() < 0.25
    return {
        "external_id": external_id,
        "plan": key,
        "currency": currency,
        "billing_period": period,
        "billing_period_count": chance.choice(("", "", "1", "2", "3")),
        "billing_cycle": cycle,
        "collection_method": chance.choice(("", "send_invoice", "charge_automatically")),
        "status": status,
        "start_date": chance.choice(("", f"{started:%Y-%m-%d}", f"{started:%Y-%m-%dT%H:%M:%SZ}")),
        "billing_anchor": f"{now + timedelta(days=chance.choice((-1, 9))):%Y-%m-%d}" if anchored else "",
        "trial_end": chance.choice(("", f"{soon:%Y-%m-%d}")) if status == "trialing" else "",
        "end_date": chance.choice(("", "", f"{later:%Y-%m-%dT%H:%M:%SZ}")) if status in ("", "active") else "",
        "payment_terms": chance.choice(("", "30 NET", "NET 15", "60 NET")),
        "timezone": chance.choice(_ZONES),
        **_deal(chance, plans[key], currency, period, odd=odd),
    }


def _deal(chance: random.Random, plan: Row, currency: str, period: str, *, odd: bool) -> Row:
    """What was agreed with one customer in two: own prices, seats, coupons and a commitment."""
    if chance.random() < 0.5:
        return {}
    own = [one for one in plan["prices"] if (one["currency"], one["billing_period"]) == (currency, period)]
    fees = [one for one in own if one["type"] == "FIXED"]
    events = [one["event_name"] for one in own if one["type"] == "USAGE"]
    flat = [one for one in own if one["billing_model"] == "FLAT_FEE" and events.count(one.get("event_name", "")) == 1]
    deal: Row = {}
    if fees and chance.random() < 0.6:
        deal["quantity"] = "; ".join(f"{fee['display_name']}={chance.choice((2, 25))}" for fee in fees)
    if flat and chance.random() < 0.6:
        deal["price_overrides"] = f"{flat[0]['event_name']}={chance.choice(('0.02', '2.5', '0'))}"
    if chance.random() < 0.4:
        deal["coupon"] = chance.choice(("LAUNCH", "LAUNCH; PARTNER"))
    if chance.random() < 0.4:
        # Nobody knows how a commitment goes together with an allowance or with buckets: then it is above all usage.
        small = (
            ()
            if odd or any(one["feature_type"] == "metered" for one in plan["entitlements"].values())
            else ("500", "0.5")
        )
        deal |= {
            "commitment": chance.choice((*small, "500000000")),
            "overage_factor": chance.choice(("1.5", "2", "1.01")),
        }
    return deal


def _extras(chance: random.Random, rows: list[Row]) -> Row:
    codes = {code for row in rows for code in str(row.get("coupon", "")).split("; ") if code}
    percentage = {"type": "percentage", "percentage_off": chance.choice(("10", "33.3", "100")), "amount_off": "0"}
    coupons = {
        code.lower(): {
            "name": code,
            "coupon_code": code.lower(),
            "cadence": chance.choice(("forever", "once")),
            **percentage,
        }
        for code in sorted(codes)
    }
    rate = {
        "code": "vat",
        "name": "MwSt",
        "percentage_value": "19",
        "fixed_value": "0",
        "scope": "INTERNAL",
        "tax_rate_status": "ACTIVE",
        "tax_rate_type": "percentage",
    }
    usual = {"currency": "usd", "billing_period": "MONTHLY", "billing_period_count": 1, "type": "FIXED"}
    price = {
        **usual,
        "billing_model": "FLAT_FEE",
        "invoice_cadence": "ARREAR",
        "amount": "99",
        "display_name": "Support",
    }
    return {
        "addons": {"support": {"name": "Support", "prices": [price]}} if chance.random() < 0.4 else {},
        "coupons": coupons,
        "tax_rates": {"vat": rate} if chance.random() < 0.4 else {},
        "price_units": {},
        "settings": {
            "invoice_config": {
                "prefix": "ACM",
                "format": "YYYYMM",
                "separator": "-",
                "suffix_length": 6,
                "start_sequence": 7,
                "timezone": chance.choice(("UTC", "Europe/Oslo")),
            }
        },
    }


def _event(
    chance: random.Random, number: int, name: str, plans: Row, rows: list[Row], folder: Path, now: datetime
) -> str:
    kinds = {"region": "string", "tier": "string", "v": "number", "w": "number", "id": "string"}
    values = {"region": "eu", "tier": "gold", "v": 3, "w": 2.5, "id": "x1"}
    known = [row["external_id"] for row in rows]
    events = [
        {
            "event_name": name,
            "event_id": f"{hour} {name}",
            "external_customer_id": chance.choice(known),
            "timestamp": f"{now - timedelta(hours=hour + 1):%Y-%m-%dT%H:%M:%SZ}",
            "properties": values,
        }
        for hour in range(3)
    ]
    file = f"samples-{number}.ndjson"
    (folder / file).write_text("".join(json.dumps(one) + "\n" for one in events), encoding="utf-8")
    billed = any(price.get("event_name") == name for plan in plans.values() for price in plan["prices"])
    properties = ", ".join(f'{key} = "{kind}"' for key, kind in kinds.items())
    unbilled = "" if billed else 'unbilled = "counted for a report only"\n'
    return f'\n[[events]]\nname = {json.dumps(name, ensure_ascii=False)}\nproperties = {{ {properties} }}\nsamples = "{file}"\n{unbilled}'
