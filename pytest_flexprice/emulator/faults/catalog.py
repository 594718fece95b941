"""Faults of the catalog that goes live (checklist section 2): one small change each to what is seeded.

Rules get the catalog in its canonical JSON form and change it in place. They look for the first object that can carry the
fault, in the order in which the catalog lists plans and features, and change nothing when there is none.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..kernel.render import dec
from .registry import fault

if TYPE_CHECKING:
    from ..seeding.seed import Seeder

Catalog = dict[str, Any]
Object = dict[str, Any]


def plans(catalog: Catalog) -> Iterator[tuple[str, Object]]:
    """The plans by lookup key, biggest first: faults show best where most is at stake."""
    named = (catalog.get("plans") or {}).items()
    yield from sorted(named, key=lambda item: -len(item[1].get("prices") or ()))


def prices(catalog: Catalog, **equal: Any) -> Iterator[Object]:
    """The prices of all plans whose fields equal the given values."""
    for _key, plan in plans(catalog):
        for price in plan.get("prices") or ():
            if all(price.get(name) == value for name, value in equal.items()):
                yield price


def features(catalog: Catalog, **meter: Any) -> Iterator[tuple[str, Object]]:
    """The metered features whose meter's fields equal the given values."""
    for key, feature in (catalog.get("features") or {}).items():
        found = feature.get("meter")
        if found and all(found.get(name) == value for name, value in meter.items()):
            yield key, feature


def usage_prices(catalog: Catalog) -> tuple[Object, list[Object]]:
    """The first plan that has usage prices, with these; nothing where none has any."""
    found = ((plan, [one for one in plan.get("prices") or () if one["type"] == "USAGE"]) for _, plan in plans(catalog))
    return next((each for each in found if each[1]), ({}, []))


def exchange(price: Object) -> None:
    """Put a price in another currency."""
    price["currency"] = "usd" if price["currency"] == "eur" else "eur"


def _first_meter(catalog: Catalog, **equal: Any) -> Object:
    return next((feature["meter"] for _key, feature in features(catalog, **equal)), {})


@fault("F21", "a plan is missing in Production", "catalog")
def missing_plan(catalog: Catalog) -> None:
    """The smallest plan never got there."""
    for key, _plan in list(plans(catalog))[-1:]:
        del catalog["plans"][key]


@fault(
    "F22", "a plan of the same lookup key, with older content, was already there, so the clone skipped it", "catalog"
)
def stale_plan(catalog: Catalog) -> None:
    """Half of every amount, one price less."""
    for _key, plan in list(plans(catalog))[:1]:
        plan["prices"] = [copy.deepcopy(price) for price in plan["prices"][:-1]] or plan["prices"]
        for part in (part for price in plan["prices"] for part in (price, *(price.get("tiers") or ()))):
            part.update({name: dec(Decimal(part[name]) / 2) for name in ("amount", "unit_amount") if part.get(name)})


@fault("F23", "the amount of a price differs", "catalog")
def other_amount(catalog: Catalog) -> None:
    """Ten times the signed-off amount of a usage price."""
    for price in sorted(prices(catalog, type="USAGE"), key=lambda price: "amount" not in price):
        for part, name in ((price, "amount"), *((tier, "unit_amount") for tier in price.get("tiers") or ())):
            if Decimal(part.get(name) or 0):
                part[name] = dec(Decimal(part[name]) * 10)
                return


@fault("F24", "the bound of a tier differs", "catalog")
def other_tier(catalog: Catalog) -> None:
    """The first bounded tier ends one later."""
    tiers = (tier for price in prices(catalog, billing_model="TIERED") for tier in price.get("tiers") or ())
    for tier in [tier for tier in tiers if tier.get("up_to") is not None][:1]:
        tier["up_to"] = dec(Decimal(tier["up_to"]) + 1)


def _companion(catalog: Catalog) -> list[Object]:
    """A price of a plan that has others too, a FIXED one if there is any: without it the plan can still be subscribed."""
    several = (plan["prices"] for _key, plan in plans(catalog) if len(plan.get("prices") or ()) > 1)
    choices: list[Object] = next(several, [])
    return [*(price for price in choices if price["type"] == "FIXED"), *choices[-1:]][:1]


@fault("F26", "the currency of a price differs", "catalog")
def other_currency(catalog: Catalog) -> None:
    for price in _companion(catalog):
        exchange(price)


@fault("F27", "the billing period of a price differs", "catalog")
def other_period(catalog: Catalog) -> None:
    for price in _companion(catalog):
        price["billing_period"] = "MONTHLY" if price["billing_period"] == "ANNUAL" else "ANNUAL"


@fault("F29", "one usage price is missing in a plan", "catalog")
def missing_price(catalog: Catalog) -> None:
    plan, usage = usage_prices(catalog)
    for price in usage[-1:]:
        plan["prices"].remove(price)


@fault("F30", "a price is there twice", "catalog")
def extra_price(catalog: Catalog) -> None:
    plan, usage = usage_prices(catalog)
    for price in usage[:1]:
        plan["prices"].append({**copy.deepcopy(price), "lookup_key": ""})


@fault("F90", "a usage price is in another currency, so subscriptions dropped its line without a word", "catalog")
def dropped_line(catalog: Catalog) -> None:
    for price in usage_prices(catalog)[1][:1]:
        exchange(price)


@fault("F31", "a meter's event name differs in its case", "catalog")
def other_case(catalog: Catalog) -> None:
    """The first meter listens to the name with its words capitalised."""
    for _key, feature in features(catalog):
        name = feature["meter"]["event_name"]
        other = name.title() if name.title() != name else name.lower()
        if other != name:
            feature["meter"]["event_name"] = other
            return


fault("F33", "a meter is archived in Production", "catalog")(
    lambda catalog: _first_meter(catalog).update(status="archived")
)
# A sum became a maximum, so that many small events count as one.
fault("F36", "the aggregation of a meter differs", "catalog")(
    lambda catalog: _first_meter(catalog, aggregation="SUM", bucket_size=None).update(aggregation="MAX")
)


@fault("F37", "the aggregated property of a meter differs by a letter", "catalog")
def other_field(catalog: Catalog) -> None:
    """A plural became a singular, or the other way round: every event counts zero."""
    for _key, feature in features(catalog):
        name = feature["meter"].get("field")
        if name:
            feature["meter"]["field"] = name[:-1] if name.endswith("s") else name + "s"
            return


@fault("F38", "a meter multiplies", "catalog")
def other_multiplier(catalog: Catalog) -> None:
    """A sum became a sum with a multiplier, or the multiplier a tenth of itself."""
    meter = _first_meter(catalog, aggregation="SUM_WITH_MULTIPLIER") or _first_meter(
        catalog, aggregation="SUM", expression=None, bucket_size=None
    )
    if meter:
        meter["aggregation"] = "SUM_WITH_MULTIPLIER"
        meter["multiplier"] = dec(Decimal(meter.get("multiplier") or 10) / 10 if meter.get("multiplier") else 1000)


@fault("F40", "a meter filters by a field that is no property, so it never matches", "catalog")
def dead_filter(catalog: Catalog) -> None:
    """The first meter filters by ``source``, which stands beside the properties, not in them."""
    meter = _first_meter(catalog)
    if meter:
        meter["filters"] = {**(meter.get("filters") or {}), "source": ["api"]}


@fault("F41", "an entitlement is missing on a plan", "catalog")
def missing_entitlement(catalog: Catalog) -> None:
    for entitlements in [plan["entitlements"] for _key, plan in plans(catalog) if plan.get("entitlements")][:1]:
        entitlements.popitem()


@fault("F42", "the limit of an entitlement differs", "catalog")
def other_limit(catalog: Catalog) -> None:
    """Ten times the allowance, and hard instead of soft."""
    every = (each for _key, plan in plans(catalog) for each in (plan.get("entitlements") or {}).values())
    for entitlement in [each for each in every if each.get("usage_limit") is not None][:1]:
        entitlement["usage_limit"] = dec(Decimal(entitlement["usage_limit"]) * 10)
        entitlement["is_soft_limit"] = not entitlement.get("is_soft_limit")


@fault("F44", "the prices have no lookup keys any more, as after a clone", "catalog")
def no_price_keys(catalog: Catalog) -> None:
    for price in prices(catalog):
        price["lookup_key"] = ""


@fault("F45", "a plan was lost by the clone, as a meter of its prices has no feature there", "catalog")
def lost_plan(catalog: Catalog) -> None:
    """The biggest plan did not arrive; its features did."""
    for key, _plan in list(plans(catalog))[:1]:
        del catalog["plans"][key]


@fault("F49", "a meter waits for an event that the application never sends", "catalog")
def extra_meter(catalog: Catalog) -> None:
    """One more metered feature, priced by no plan."""
    meter = {"event_name": "legacy.batch_job", "aggregation": "COUNT", "reset_usage": "BILLING_PERIOD"}
    catalog["features"]["legacy_batch_jobs"] = {"name": "Legacy batch jobs", "type": "metered", "meter": meter}


_NOT_CARRIED = "addons, coupons and tax rates exist in the Sandbox only: a clone does not carry them"
_NOT_NUMBERED = "settings were not carried over: the Sandbox numbers its invoices, Production has the defaults"


@fault("F46", _NOT_CARRIED, "catalog")
def not_carried(catalog: Catalog) -> None:
    for name in ("addons", "coupons", "tax_rates"):
        (catalog.get("extras") or {}).pop(name, None)


fault("F47", _NOT_NUMBERED, "catalog")(lambda catalog: (catalog.get("extras") or {}).pop("settings", None))


@fault("F46", _NOT_CARRIED, "seeded")
def left_behind(seeder: Seeder) -> None:
    sandbox = seeder.beside()
    sandbox.call("POST", "/v1/addons", {"name": "Rehearsed support", "lookup_key": "rehearsed-support"})
    coupon = {"name": "Launch", "type": "percentage", "cadence": "once", "percentage_off": "10", "currency": "usd"}
    sandbox.call("POST", "/v1/coupons", coupon)
    rate = {"name": "Rehearsed VAT", "code": "rehearsed-vat", "tax_rate_type": "percentage", "percentage_value": "19"}
    sandbox.call("POST", "/v1/taxes/rates", rate)


@fault("F47", _NOT_NUMBERED, "seeded")
def sandbox_numbering(seeder: Seeder) -> None:
    """The Sandbox has an invoice prefix and timezone of its own."""
    value = {"prefix": "NIM", "format": "YYYYMM", "start_sequence": 1000, "timezone": "Europe/Oslo", "suffix_length": 6}
    seeder.beside().setting("invoice_config", value)
