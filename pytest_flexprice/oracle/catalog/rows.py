"""From what Flexprice's searches answer to the canonical catalog (contract 2.1 to 2.6, recording catalog_listing)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from pytest_flexprice.model.numbers import decimal
from pytest_flexprice.model.times import instant_of
from pytest_flexprice.oracle.catalog.canonical import sort_key, tiers
from pytest_flexprice.oracle.catalog.objects import PUBLISHED, Catalog, Entitlement, Extras, Feature, Meter, Plan, Price

Row = Mapping[str, Any]

_NOT_CANONICAL = re.compile(
    r"(id|.*_id|tenant.*|environment.*|status|created_.*|updated_.*|sequence|total_redemptions|metadata|plan|start_date|"
    r"prices|entitlements)"
)
_TEXT_DECIMALS = (
    "credits",
    "amount_off",
    "percentage_off",
    "percentage_value",
    "fixed_value",
    "conversion_rate",
    "topup_conversion_rate",
)
_NUMBERED_SETTINGS = ("prefix", "format", "separator", "suffix_length", "start_sequence", "timezone")


def catalog(
    features: Iterable[Row],
    plans: Iterable[Row],
    meters: Iterable[Row] = (),
    now: datetime | None = None,
    retired: Iterable[Row] = (),
) -> Catalog:
    """The catalog from searches with ``expand``: features with meters, plans with prices, meters, entitlements, credit grants.

    ``now`` leaves prices out that have ended by then (the search does so too). Archived features may be among ``features``;
    ``retired`` are plans that a search for archived ones answered.
    """
    published: dict[str, Feature] = {}
    archived: dict[str, Feature] = {}
    names: dict[str, str] = {}
    by_meter: dict[str, str] = {}
    for row in sorted(features, key=lambda one: (str(one.get("lookup_key", "")), str(one.get("id", "")))):
        key = row.get("lookup_key") or f"no lookup key: {row.get('name', '')}"
        names[row.get("id", "")] = key
        if row.get("status", PUBLISHED) != PUBLISHED:
            archived[key] = _feature(row)
            continue
        published[key] = _feature(row)
        if row.get("meter_id"):
            by_meter.setdefault(row["meter_id"], key)
    loose = tuple(_meter(row) for row in meters if row.get("id") not in by_meter)
    keyed: dict[str, Plan] = {}
    unkeyed: dict[str, list[Plan]] = defaultdict(list)
    for row in plans:
        if row.get("status", PUBLISHED) != PUBLISHED:
            continue
        plan = _plan(row, names, by_meter, now)
        if row.get("lookup_key"):
            keyed[row["lookup_key"]] = plan
        else:
            unkeyed[plan.name].append(plan)
    return Catalog(
        features=published,
        plans=keyed,
        unkeyed_plans={name: tuple(sorted(copies, key=repr)) for name, copies in unkeyed.items()},
        archived={key: feature for key, feature in archived.items() if key not in published},
        loose_meters=loose,
        archived_plans={
            row["lookup_key"]: row.get("updated_at") or ""
            for row in retired
            if row.get("lookup_key") and row["lookup_key"] not in keyed and row.get("status") == "archived"
        },
    )


def extras(rows: Mapping[str, Iterable[Row]], invoice_config: Row | None, present: Catalog) -> Extras:
    """What a clone leaves behind: ``rows`` are addons, coupons, tax rates and price units, ``present`` the environment's catalog.

    Of the invoice settings those that make numbers and dates are kept; the deadlines belong to item 5.1.
    """
    every = {**present.archived, **present.features}
    features = {feature.id: key for key, feature in every.items()}
    by_meter = {feature.meter.id: key for key, feature in present.features.items() if feature.meter}
    addons = {
        row.get("lookup_key") or row.get("name", ""): _plan(row, features, by_meter, None) for row in rows["addons"]
    }
    kept = None
    if invoice_config is not None:
        kept = {"invoice_config": {key: invoice_config[key] for key in _NUMBERED_SETTINGS if key in invoice_config}}
    return Extras(
        addons=addons,
        coupons=_named(rows["coupons"], "coupon_code"),
        tax_rates=_named(rows["tax_rates"], "code"),
        price_units=_named(rows["price_units"], "code"),
        settings=kept,
    )


def _feature(row: Row) -> Feature:
    return Feature(
        name=row.get("name", ""),
        type=row.get("type", ""),
        meter=_meter(row["meter"]) if row.get("meter") else None,
        unit_singular=row.get("unit_singular") or "",
        unit_plural=row.get("unit_plural") or "",
        id=row.get("id", ""),
        cloned="source_environment_feature_id" in (row.get("metadata") or {}),
    )


def _meter(row: Row) -> Meter:
    aggregation = row.get("aggregation") or {}
    return Meter(
        event_name=row.get("event_name", ""),
        aggregation=aggregation.get("type", ""),
        field=aggregation.get("field") or "",
        expression=aggregation.get("expression") or "",
        multiplier=decimal(aggregation.get("multiplier")),
        bucket_size=aggregation.get("bucket_size") or "",
        group_by=aggregation.get("group_by") or "",
        filters=_filters(row.get("filters") or ()),
        reset_usage=row.get("reset_usage") or "",
        status=row.get("status", PUBLISHED),
        name=row.get("name", ""),
        id=row.get("id", ""),
        changed=row.get("updated_at") or "",
    )


def _filters(rows: Iterable[Row]) -> dict[str, tuple[str, ...]]:
    allowed: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        allowed[row.get("key", "")].update(map(str, row.get("values") or ()))
    return {key: tuple(sorted(values)) for key, values in allowed.items()}


def _plan(row: Row, features: Mapping[str, str], by_meter: Mapping[str, str], now: datetime | None) -> Plan:
    prices = [price(one, by_meter) for one in row.get("prices") or ()]
    entitlements = {}
    for one in row.get("entitlements") or ():
        key = (one.get("feature") or {}).get("lookup_key") or features.get(
            one.get("feature_id", ""), one.get("feature_id", "")
        )
        entitlements[key] = _entitlement(one)
    return Plan(
        name=row.get("name", ""),
        prices=tuple(
            sorted((one for one in prices if now is None or one.ends is None or now < one.ends), key=sort_key)
        ),
        entitlements=entitlements,
        credit_grants=_named(row.get("credit_grants") or ()),
        id=row.get("id", ""),
        cloned="source_environment_plan_id" in (row.get("metadata") or {}),
    )


def price(row: Row, by_meter: Mapping[str, str]) -> Price:
    """One price as a plan's search answers it; ``by_meter`` maps meter ids to the lookup keys of their features."""
    model = row.get("billing_model", "")
    meter = _meter(row["meter"]) if row.get("meter") else None
    package = (row.get("transform_quantity") or {}) if model == "PACKAGE" else {}
    unit_type = row.get("price_unit_type") or ""
    ends = instant_of(row, "end_date")
    return Price(
        type=row.get("type", ""),
        currency=str(row.get("currency", "")).lower(),
        billing_period=row.get("billing_period", ""),
        billing_period_count=int(row.get("billing_period_count") or 1),
        billing_model=model,
        invoice_cadence=row.get("invoice_cadence", ""),
        event_name=meter.event_name if meter else "",
        feature=by_meter.get(row.get("meter_id") or "", ""),
        amount=None if model == "TIERED" else decimal(row.get("amount")) or Decimal(0),
        tier_mode=row.get("tier_mode") or "",
        tiers=tiers(row.get("tiers")) if model == "TIERED" else (),
        divide_by=decimal(package.get("divide_by")),
        round=(package.get("round") or "up") if package else "",
        price_unit_type="" if unit_type == "FIAT" else unit_type,
        price_unit=(row.get("price_unit") or "")
        if unit_type == "CUSTOM" and isinstance(row.get("price_unit"), str)
        else "",
        price_unit_amount=decimal(row.get("price_unit_amount")) if unit_type == "CUSTOM" else None,
        min_quantity=decimal(row.get("min_quantity")),
        trial_period_days=int(row.get("trial_period_days") or 0),
        end_date=ends.isoformat() if ends else "",
        display_name=row.get("display_name") or "",
        lookup_key=row.get("lookup_key") or "",
        id=row.get("id", ""),
        meter=meter,
        start_date=instant_of(row, "start_date"),
        ends=ends,
    )


def _entitlement(row: Row) -> Entitlement:
    return Entitlement(
        feature_type=row.get("feature_type", ""),
        is_enabled=bool(row.get("is_enabled", True)),
        usage_limit=decimal(row.get("usage_limit")),
        usage_reset_period=row.get("usage_reset_period") or "",
        is_soft_limit=bool(row.get("is_soft_limit")),
        static_value=row.get("static_value") or "",
        config_value=row.get("config_value"),
        aggregation_mode="" if row.get("aggregation_mode") == "additive" else row.get("aggregation_mode") or "",
    )


def _named(rows: Iterable[Row], code: str = "") -> dict[str, dict[str, Any]]:
    """Rows by code, else by name (a second of one name as ``name (2)``), without what every environment has its own of."""
    found: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda one: repr(sorted(_canonical(one).items()))):
        if row.get("status", PUBLISHED) != PUBLISHED:
            continue
        base = (row.get(code) if code else None) or row.get("name", "")
        name, copy = base, 1
        while name in found:
            copy += 1
            name = f"{base} ({copy})"
        found[name] = _canonical(row)
    return found


def _canonical(row: Row) -> dict[str, Any]:
    kept = {
        key: value
        for key, value in row.items()
        if not _NOT_CANONICAL.fullmatch(key) and value not in (None, "", [], {})
    }
    for key in _TEXT_DECIMALS:
        if key in kept:
            kept[key] = format(decimal(kept[key]) or Decimal(0), "f")
    return kept
