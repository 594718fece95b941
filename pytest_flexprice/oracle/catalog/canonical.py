"""A catalog's canonical JSON form: sorted, stable, fit for review; and its SHA-256 (checklist 2.1)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from pytest_flexprice.model import catalog_snapshot
from pytest_flexprice.model.catalog_snapshot import FORMAT, read
from pytest_flexprice.model.numbers import decimal, normal
from pytest_flexprice.oracle.catalog.objects import Catalog, Entitlement, Extras, Feature, Meter, Plan, Price, Tier

_ALWAYS = {"up_to"}
_DECIMALS = {
    "amount",
    "divide_by",
    "flat_amount",
    "min_quantity",
    "multiplier",
    "price_unit_amount",
    "unit_amount",
    "up_to",
    "usage_limit",
}


def tree(value: Any) -> Any:
    """A catalog, or a part of one, as nested dicts and lists with Decimals; what is empty or live is left out."""
    if is_dataclass(value) and not isinstance(value, type):
        pairs = (
            (each.name, tree(getattr(value, each.name))) for each in fields(value) if not each.metadata.get("live")
        )
        if isinstance(value, Extras):  # read and empty is not the same as not read
            return {name: one for name, one in pairs if one is not None}
        return {name: one for name, one in pairs if name in _ALWAYS or not _empty(one)}
    if isinstance(value, Mapping):
        return {str(key): tree(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [tree(one) for one in value]
    return normal(value) if isinstance(value, Decimal) else value


def _empty(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, (dict, list)) and not value)


def dumps(catalog: Catalog) -> str:
    """The canonical text: keys sorted, prices sorted, decimals as text, one line feed at the end."""
    document = {"flexprice_catalog": FORMAT, **tree(catalog)}
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False, default=_text) + "\n"


def sha256(catalog: Catalog) -> str:
    """The SHA-256 of the canonical text, in hexadecimal."""
    return hashlib.sha256(dumps(catalog).encode()).hexdigest()


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} has no place in a catalog")


def sort_key(price: Price) -> str:
    """What prices are sorted by, so that their order never matters."""
    return json.dumps(tree(price), sort_keys=True, default=_text)


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


def _read(row: dict[str, Any]) -> dict[str, Any]:
    return {name: decimal(value) if name in _DECIMALS else value for name, value in row.items()}


def _feature(row: dict[str, Any]) -> Feature:
    values = _read(row)
    if "meter" in values:
        meter = _read(values["meter"])
        meter["filters"] = {key: tuple(sorted(one)) for key, one in meter.get("filters", {}).items()}
        values["meter"] = Meter(**meter)
    return Feature(**values)


def _plan(row: dict[str, Any]) -> Plan:
    values = _read(row)
    values["prices"] = tuple(sorted((_price(one) for one in values.get("prices", ())), key=sort_key))
    values["entitlements"] = {key: Entitlement(**_read(one)) for key, one in values.get("entitlements", {}).items()}
    return Plan(**values)


def _price(row: dict[str, Any]) -> Price:
    values = _read(row)
    values["tiers"] = tiers(values.get("tiers", ()))
    return Price(**values)


def tiers(rows: Any) -> tuple[Tier, ...]:
    """Tiers in the order of their bounds, the open one last: the order they are stored in does not matter (contract 2.4)."""
    read = [
        Tier(
            decimal(row.get("up_to")),
            decimal(row.get("unit_amount")) or Decimal(0),
            decimal(row.get("flat_amount")) or None,
        )
        for row in rows or ()
    ]
    return tuple(sorted(read, key=lambda tier: (tier.up_to is None, tier.up_to or Decimal(0))))
