"""Companies by chance: plans that declare nothing but what can be, with every column of the customers file and every kind of price."""

from __future__ import annotations

import csv
import json
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pytest_flexprice.model.customer_columns import NAMES

Row = dict[str, str]
AGGREGATIONS = ("SUM", "COUNT", "MAX", "COUNT_UNIQUE", "LATEST", "AVG")
HEAD = """[company]
name = "Acme"

[environments.prod]
base_url = "https://us.api.flexprice.io"
environment_id = "env_01KACME"
type = "production"
allow = "smoke"
test_plan = "{test_plan}"
probe_handler = true
old_keys = ["OLD_KEY"]

[catalog]
signed_off = "catalog.json"

[customers]
file = "customers.csv"
"""
WEBHOOKS = """
[webhooks]
endpoint = "https://b.acme.example/f"
handler = { url = "https://b.acme.example/f", secret = "ACME_SECRET" }
processed = "https://b.acme.example/p/{invoice_id}"
"""


def write(seed: int, folder: Path) -> None:
    """Write the company of that seed into a folder: plan, catalog, customers and samples."""
    chance = random.Random(seed)
    now = datetime.now(UTC)
    features = {f"f{number}": _feature(chance, number) for number in range(chance.randint(1, 3))}
    plans = {f"plan-{number}": _plan(chance, number, features) for number in range(chance.randint(1, 3))}
    rows = [_row(chance, number, plans, now) for number in range(chance.randint(1, 6))]
    invoice_config = {
        "prefix": "ACM",
        "format": "YYYYMM",
        "separator": "-",
        "suffix_length": 6,
        "start_sequence": 7,
        "timezone": "UTC",
    }
    codes = {code for row in rows for code in row.get("coupon", "").split("; ") if code}
    extras = {
        "addons": {},
        "coupons": {code.lower(): _coupon(code) for code in sorted(codes)},
        "tax_rates": {},
        "price_units": {},
        "settings": {"invoice_config": invoice_config},
    }
    catalog = {"flexprice_catalog": 1, "features": features, "plans": plans, "extras": extras}
    (folder / "catalog.json").write_text(json.dumps(catalog), encoding="utf-8")
    needed = {"currency", "billing_period"} if any(_several(plan) for plan in plans.values()) else set()
    columns = ["external_id", "plan", *(name for name in NAMES[2:] if name in needed or chance.random() < 0.45)]
    lines = [columns, *([row.get(name, "") for name in columns] for row in rows)]
    delimiter = chance.choice(",;\t")
    with (folder / "customers.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows(lines)
    parts = [
        HEAD.format(test_plan=chance.choice(list(plans))),
        invoicing(chance),
        WEBHOOKS if chance.random() < 0.7 else "",
    ]
    parts += [_event(chance, feature["meter"], plans, rows, folder, now) for feature in features.values()]
    parts += [attestation(item) for item in ("8.1", "8.2", "8.3", "8.4")]
    (folder / "golive.toml").write_text("".join(parts), encoding="utf-8")


def _feature(chance: random.Random, number: int) -> dict[str, Any]:
    aggregation = chance.choice(AGGREGATIONS)
    meter: dict[str, Any] = {"event_name": f"ev.{number}", "aggregation": aggregation, "reset_usage": "BILLING_PERIOD"}
    if aggregation != "COUNT":
        meter["field"] = "val"
    if chance.random() < 0.3:
        meter["filters"] = {"region": ["eu", "us"]}
    return {"name": f"Feature {number}", "type": "metered", "meter": meter}


def _plan(chance: random.Random, number: int, features: dict[str, Any]) -> dict[str, Any]:
    currencies = chance.sample(("usd", "eur", "jpy"), chance.choice((1, 1, 2)))
    periods = chance.sample(("MONTHLY", "ANNUAL", "QUARTERLY", "WEEKLY", "HALF_YEARLY"), chance.choice((1, 1, 2)))
    used = [key for key in features if chance.random() < 0.8] or ["f0"]
    fee = chance.random() < 0.6
    prices = []
    for currency, period in ((currency, period) for currency in currencies for period in periods):
        usual = {"currency": currency, "billing_period": period, "billing_period_count": 1}
        prices += [_price(chance, key, features[key]["meter"]["event_name"], usual) for key in used]
        if fee:
            prices.append({**usual, **_fee(chance, number)})
    allowance = {"feature_type": "metered", "is_soft_limit": True, "usage_limit": chance.choice(("5", "100"))}
    return {
        "name": f"Plan {number}",
        "prices": prices,
        "entitlements": {"f0": allowance} if chance.random() < 0.4 else {},
    }


def _coupon(code: str) -> dict[str, str]:
    kind = {"type": "percentage", "percentage_off": "10", "amount_off": "0", "cadence": "forever"}
    return {"name": code, "coupon_code": code.lower(), **kind}


def _several(plan: dict[str, Any]) -> bool:
    """Whether a row has to say which currency and period it has."""
    return len({(one["currency"], one["billing_period"]) for one in plan["prices"]}) > 1


def _fee(chance: random.Random, number: int) -> dict[str, Any]:
    cadence, amount = chance.choice(("ADVANCE", "ARREAR")), chance.choice(("9", "49", "1000"))
    kind = {"type": "FIXED", "billing_model": "FLAT_FEE", "display_name": f"Seats {number}"}
    return {**kind, "invoice_cadence": cadence, "amount": amount}


def _price(chance: random.Random, feature: str, event: str, usual: dict[str, Any]) -> dict[str, Any]:
    model = chance.choice(("FLAT_FEE", "FLAT_FEE", "PACKAGE", "TIERED"))
    price = {
        **usual,
        "type": "USAGE",
        "billing_model": model,
        "invoice_cadence": "ARREAR",
        "feature": feature,
        "event_name": event,
    }
    if model == "TIERED":
        bounds = [*map(str, sorted(chance.sample((5, 10, 100, 1000), chance.randint(1, 2)))), None]
        tiers = [{"up_to": bound, "unit_amount": chance.choice(("0.01", "0.5", "1", "0.000001"))} for bound in bounds]
        return {**price, "tier_mode": chance.choice(("SLAB", "VOLUME")), "tiers": tiers}
    price["amount"] = chance.choice(("0.01", "0.5", "1", "3"))
    return {**price, "divide_by": "10", "round": chance.choice(("up", "down"))} if model == "PACKAGE" else price


def _row(chance: random.Random, number: int, plans: dict[str, Any], now: datetime) -> Row:
    key = chance.choice(list(plans))
    price = chance.choice(plans[key]["prices"])
    unsaid = () if _several(plans[key]) else ("",)
    status = chance.choice(("", "active", "draft", "paused", "trialing", "cancelled")) if number else ""
    started = now - timedelta(days=chance.choice((2, 10, 40, 100)))
    soon, later = now + timedelta(days=5), now + timedelta(days=200)
    return {
        "external_id": f"org_{number}",
        "plan": key,
        "currency": chance.choice((*unsaid, price["currency"], price["currency"].upper())),
        "billing_period": chance.choice((*unsaid, price["billing_period"], price["billing_period"].lower())),
        "billing_period_count": chance.choice(("", "1", "3")),
        "billing_cycle": chance.choice(("", "anniversary", "calendar")),
        "collection_method": chance.choice(("", "send_invoice", "charge_automatically")),
        "status": status,
        "start_date": chance.choice(("", f"{started:%Y-%m-%d}")),
        "trial_end": chance.choice(("", f"{soon:%Y-%m-%d}")) if status == "trialing" else "",
        "end_date": chance.choice(("", f"{later:%Y-%m-%dT%H:%M:%SZ}")) if status in ("", "active") else "",
        "payment_terms": chance.choice(("", "30 NET", "NET 15")),
        "timezone": chance.choice(("", "UTC", "Europe/Berlin")),
        **_deal(chance, price, plans[key]["prices"]),
    }


def _deal(chance: random.Random, price: dict[str, Any], prices: list[dict[str, Any]]) -> Row:
    """What was agreed with one customer in three: any of own prices, seats, coupons and a commitment, none that contradict."""
    if chance.random() < 0.67:
        return {}
    own = [
        one
        for one in prices
        if (one["currency"], one["billing_period"]) == (price["currency"], price["billing_period"])
    ]
    fees = [one for one in own if one["type"] == "FIXED"]
    flat = [one for one in own if one["type"] == "USAGE" and one["billing_model"] == "FLAT_FEE"]
    deal: Row = {}
    if fees and chance.random() < 0.6:
        deal["quantity"] = chance.choice(("7", f"{fees[0]['display_name']}=25"))
    if flat and chance.random() < 0.6:
        deal["price_overrides"] = f"{flat[0]['event_name']}={chance.choice(('0.02', '2.5'))}"
    if chance.random() < 0.4:
        deal["coupon"] = chance.choice(("LAUNCH", "LAUNCH; PARTNER"))
    if chance.random() < 0.4:
        deal |= {"commitment": chance.choice(("500", "5000")), "overage_factor": chance.choice(("1.5", "2"))}
    return deal


def _event(
    chance: random.Random, meter: dict[str, Any], plans: dict[str, Any], rows: list[Row], folder: Path, now: datetime
) -> str:
    name = meter["event_name"]
    kinds = dict.fromkeys(meter.get("filters", ()), "string")
    if "field" in meter:
        kinds["val"] = "string" if meter["aggregation"] == "COUNT_UNIQUE" else "number"
    values = {"region": "eu", "val": 3 if kinds.get("val") == "number" else "x1"}
    events = (
        {
            "event_name": name,
            "event_id": f"{name}-{number}",
            "external_customer_id": chance.choice(rows)["external_id"],
            "timestamp": f"{now - timedelta(hours=number + 1):%Y-%m-%dT%H:%M:%SZ}",
            "properties": {key: values[key] for key in kinds},
        }
        for number in range(3)
    )
    (folder / f"{name}.ndjson").write_text("".join(json.dumps(one) + "\n" for one in events), encoding="utf-8")
    billed = any(
        price["type"] == "USAGE" and price["event_name"] == name for plan in plans.values() for price in plan["prices"]
    )
    properties = ", ".join(f'{key} = "{kind}"' for key, kind in kinds.items())
    unbilled = "" if billed else 'unbilled = "counted for a report only"\n'
    return f'\n[[events]]\nname = "{name}"\nproperties = {{ {properties} }}\nsamples = "{name}.ndjson"\n{unbilled}'


def invoicing(chance: random.Random) -> str:
    lines = [
        f"grace_period_days = {chance.choice((1, 14, 30))}",
        f"auto_cancel = {chance.choice(('true', 'false'))}",
        f'collection = "{chance.choice(("send_invoice", "charge_automatically"))}"',
        'decided_by = "Head of Finance"',
        f"decided_on = {date.today() - timedelta(days=3)}",
    ]
    if chance.random() < 0.5:
        lines.append(f"due_date_days = {chance.choice((0, 1, 14, 30))}")
    if chance.random() < 0.5:
        lines.append(f"finalization_delay_seconds = {chance.choice((3600, 7200, 86400))}")
    return "\n[invoicing]\n" + "".join(line + "\n" for line in lines)


def attestation(item: str) -> str:
    return f"""
[[attestations]]
item = "{item}"
statement = "Somebody does it every week."
by = "Pat Doe"
role = "Lead"
on = {date.today() - timedelta(days=2)}
environment = "prod"
"""
