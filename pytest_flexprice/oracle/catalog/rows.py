"""From what Flexprice's searches answer to the canonical catalog (contract 2.1 to 2.6, recording catalog_listing)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from pytest_flexprice.model.decimals import decimal, words
from pytest_flexprice.model.meters import PUBLISHED, Meter
from pytest_flexprice.model.prices import Price
from pytest_flexprice.oracle.catalog.canonical import sort_key
from pytest_flexprice.oracle.catalog.objects import Catalog, Entitlement, Extras, Feature, Plan

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
    for row in sorted(features, key=lambda one: (_text(one, "lookup_key"), _text(one, "id"))):
        key = _text(row, "lookup_key") or f"no lookup key: {_text(row, 'name')}"
        names[_text(row, "id")] = key
        if row.get("status", PUBLISHED) != PUBLISHED:
            archived[key] = _feature(row)
            continue
        published[key] = _feature(row)
        if row.get("meter_id"):
            by_meter.setdefault(row["meter_id"], key)
    loose = tuple(Meter.stored(row) for row in meters if row.get("id") not in by_meter)
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
        unkeyed_plans={name: tuple(sorted(copies, key=sort_key)) for name, copies in unkeyed.items()},
        archived={key: feature for key, feature in archived.items() if key not in published},
        loose_meters=loose,
        archived_plans={
            row["lookup_key"]: _text(row, "updated_at")
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
        _text(row, "lookup_key") or _text(row, "name"): _plan(row, features, by_meter, None) for row in rows["addons"]
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


def _text(row: Row, name: str) -> str:
    """A text; one that is null is absent."""
    return str(row.get(name) or "")


def _feature(row: Row) -> Feature:
    return Feature(
        name=_text(row, "name"),
        type=_text(row, "type"),
        meter=Meter.stored(row["meter"]) if row.get("meter") else None,
        unit_singular=_text(row, "unit_singular"),
        unit_plural=_text(row, "unit_plural"),
        id=_text(row, "id"),
        cloned="source_environment_feature_id" in (row.get("metadata") or {}),
    )


def _plan(row: Row, features: Mapping[str, str], by_meter: Mapping[str, str], now: datetime | None) -> Plan:
    prices = map(Price.from_api, row.get("prices") or ())
    entitlements = {}
    for one in row.get("entitlements") or ():
        key = _text(one.get("feature") or {}, "lookup_key") or features.get(
            _text(one, "feature_id"), _text(one, "feature_id")
        )
        entitlements[key] = Entitlement.from_api(one)
    return Plan(
        name=_text(row, "name"),
        prices=tuple(
            sorted(
                (
                    replace(one, feature=by_meter.get(one.meter_id, ""))
                    for one in prices
                    if now is None or one.end is None or now < one.end
                ),
                key=sort_key,
            )
        ),
        entitlements=entitlements,
        credit_grants=_named(row.get("credit_grants") or ()),
        id=_text(row, "id"),
        cloned="source_environment_plan_id" in (row.get("metadata") or {}),
    )


def _named(rows: Iterable[Row], code: str = "") -> dict[str, dict[str, Any]]:
    """Rows by code, else by name (a second of one name as ``name (2)``), without what every environment has its own of."""
    found: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda one: repr(sorted(_canonical(one).items()))):
        if row.get("status", PUBLISHED) != PUBLISHED:
            continue
        base = _text(row, code) or _text(row, "name")
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
            kept[key] = words(decimal(kept[key]))
    return kept
