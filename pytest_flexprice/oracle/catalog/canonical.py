"""A catalog's canonical JSON form: sorted, stable, fit for review; and its SHA-256 (checklist 2.1)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from pytest_flexprice.model import catalog_snapshot
from pytest_flexprice.model.catalog_snapshot import FORMAT, read
from pytest_flexprice.model.decimals import optional, tidy, words
from pytest_flexprice.model.meters import Aggregation, Filter, Meter
from pytest_flexprice.model.prices import CUSTOM, FIAT, Price, Tier
from pytest_flexprice.oracle.catalog.objects import Catalog, Entitlement, Extras, Feature, Plan


def tree(value: Any) -> Any:
    """A catalog, or a part of one, as nested dicts and lists with Decimals; what is empty or live is left out."""
    row = _row(value)
    if row is not None:
        return row
    if isinstance(value, Mapping):
        return {str(key): tree(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [tree(one) for one in value]
    return tidy(value) if isinstance(value, Decimal) else value


def _row(value: Any) -> dict[str, Any] | None:
    """An object as its row; None for what is no object."""
    if isinstance(value, Tier):
        return {"up_to": tree(value.up_to), **_filled(_tier_row(value))}
    if isinstance(value, Meter):
        return _filled(_meter_row(value))
    if isinstance(value, Price):
        return _filled(_price_row(value))
    if not is_dataclass(value) or isinstance(value, type):
        return None
    row = {each.name: getattr(value, each.name) for each in fields(value) if not each.metadata.get("live")}
    if isinstance(value, Extras):  # read and empty is not the same as not read
        return {name: tree(one) for name, one in row.items() if one is not None}
    return _filled(row)


def _filled(row: Mapping[str, Any]) -> dict[str, Any]:
    pairs = ((name, tree(value)) for name, value in row.items())
    return {name: one for name, one in pairs if one is not None and one not in ("", [], {})}


def _meter_row(meter: Meter) -> dict[str, Any]:
    spec = meter.aggregation
    return {
        "event_name": meter.event_name,
        "aggregation": spec.type,
        "field": spec.field,
        "expression": spec.expression,
        "multiplier": spec.multiplier,
        "bucket_size": spec.bucket_size,
        "group_by": spec.group_by,
        "filters": meter.allowed,
        "reset_usage": meter.reset_usage,
        "status": meter.status,
    }


def _price_row(price: Price) -> dict[str, Any]:
    """What a price says and its billing model reads: an amount is none of tiers, and only a package has a size."""
    row = {
        "type": price.type,
        "currency": price.currency,
        "billing_period": price.billing_period,
        "billing_period_count": price.billing_period_count,
        "billing_model": price.billing_model,
        "invoice_cadence": price.invoice_cadence,
        "event_name": price.event_name,
        "feature": price.feature,
        "tier_mode": price.tier_mode,
        "min_quantity": price.min_quantity,
        "trial_period_days": price.trial_period_days,
        "end_date": price.end.isoformat() if price.end else "",
        "display_name": price.display_name,
        "lookup_key": price.lookup_key,
    }
    row |= {"tiers": price.tiers} if price.billing_model == "TIERED" else {"amount": price.amount}
    if price.billing_model == "PACKAGE":
        row |= {"divide_by": price.divide_by, "round": "down" if price.round_down else "up"}
    if price.unit_type != FIAT:
        row["price_unit_type"] = price.unit_type
    if price.unit_type == CUSTOM:
        row |= {"price_unit": price.price_unit, "price_unit_amount": price.price_unit_amount}
    return row


def _tier_row(tier: Tier) -> dict[str, Any]:
    return {"unit_amount": tier.unit_amount, "flat_amount": tier.flat_amount or None}


def dumps(catalog: Catalog) -> str:
    """The canonical text: keys sorted, prices sorted, decimals as text, one line feed at the end."""
    document = {"flexprice_catalog": FORMAT, **tree(catalog)}
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False, default=_text) + "\n"


def sha256(catalog: Catalog) -> str:
    """The SHA-256 of the canonical text, in hexadecimal."""
    return hashlib.sha256(dumps(catalog).encode()).hexdigest()


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return words(value)
    raise TypeError(f"{type(value).__name__} has no place in a catalog")


def sort_key(part: Price | Plan) -> str:
    """What prices, and plans of one name, are sorted by, so that their order never matters; equal ones are the same catalog."""
    return json.dumps(tree(part), sort_keys=True, default=_text)


def load(path: Path) -> Catalog:
    """Read a snapshot.

    Raises:
        SnapshotError: the file is missing, is not JSON or holds something that no catalog can.
    """
    return _catalog(read(path))


def signed_off(name: str, folder: Path) -> Catalog:
    """The snapshot that the plan in ``folder`` names.

    Raises:
        SnapshotError: as for ``load``; where the name looks like an environment's, that is said.
    """
    return _catalog(catalog_snapshot.signed_off(name, folder))


def loads(text: str) -> Catalog:
    """A catalog from its canonical text, as ``dumps`` writes it.

    Raises:
        ValueError, KeyError, TypeError: the document has another shape.
    """
    return _catalog(json.loads(text, parse_float=Decimal))


def _catalog(document: dict[str, Any]) -> Catalog:
    extras = document.get("extras", {})
    return Catalog(
        features={key: _feature(one) for key, one in document.get("features", {}).items()},
        plans={key: _plan(one) for key, one in document.get("plans", {}).items()},
        unkeyed_plans={
            name: tuple(_plan(one) for one in copies) for name, copies in document.get("unkeyed_plans", {}).items()
        },
        extras=Extras(
            addons={key: _plan(one) for key, one in extras["addons"].items()}
            if extras.get("addons") is not None
            else None,
            coupons=extras.get("coupons"),
            tax_rates=extras.get("tax_rates"),
            price_units=extras.get("price_units"),
            settings=extras.get("settings"),
        ),
    )


def _feature(row: dict[str, Any]) -> Feature:
    return Feature(**{**row, "meter": _meter(row["meter"])} if "meter" in row else row)


def _meter(row: dict[str, Any]) -> Meter:
    """A meter of a snapshot, whose aggregation is not nested as the server's is."""
    spec = Aggregation(
        row["aggregation"],
        row.get("field", ""),
        row.get("expression", ""),
        optional(row.get("multiplier")),
        row.get("bucket_size", ""),
        row.get("group_by", ""),
    )
    filters = tuple(Filter(key, tuple(sorted(values))) for key, values in sorted(row.get("filters", {}).items()))
    others = {name: row[name] for name in ("reset_usage", "status") if row.get(name)}
    return Meter("", "", row["event_name"], spec, filters, **others)


def _plan(row: dict[str, Any]) -> Plan:
    allowed = {
        key: Entitlement(**{**one, "usage_limit": optional(one.get("usage_limit"))})
        for key, one in row.get("entitlements", {}).items()
    }
    prices = tuple(sorted(map(_price, row.get("prices", ())), key=sort_key))
    return Plan(**{**row, "prices": prices, "entitlements": allowed})


def _price(row: dict[str, Any]) -> Price:
    """A price of a snapshot: the server's, but for its package, which is not nested, and what it bills."""
    package = {"divide_by": row.get("divide_by"), "round": row.get("round")}
    price = Price.from_api({**row, "transform_quantity": package})
    return replace(price, event_name=row.get("event_name", ""), feature=row.get("feature", ""))
