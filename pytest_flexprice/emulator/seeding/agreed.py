"""From the deal columns of a customers file to the requests that make such deals (contract 11.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from pytest_flexprice.model.cell_values import pairs

from .subscribing import Row, refused

USUAL_FACTOR = "1.5"
"""A commitment acts only with an overage factor above 1; a file need not say which."""

Price = Mapping[str, Any]


def deal(row: Row, prices: Iterable[Price]) -> dict[str, Any]:
    """The fields of a create request that make a row's deal, but for its parent.

    Raises:
        SeedError: a price that the row names is none of the plan's.
    """
    offered = [price for price in prices if _fits(row, price)]
    body: dict[str, Any] = {}
    if row.get("commitment"):
        body["commitment_amount"] = row["commitment"]
        body["overage_factor"] = row.get("overage_factor") or USUAL_FACTOR
    elif row.get("overage_factor"):
        body["overage_factor"] = row["overage_factor"]
    if row.get("coupon"):
        body["subscription_coupons"] = [{"coupon_code": code} for code in row["coupon"].split("; ")]
    overrides = _overrides(row, offered)
    return body | ({"override_line_items": overrides} if overrides else {})


def _fits(row: Row, price: Price) -> bool:
    own = (str(price.get("currency")).lower(), price.get("billing_period"))
    return own == (row.get("currency") or "usd", row.get("billing_period") or "MONTHLY")


def _overrides(row: Row, prices: list[Price]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for column, key in (("price_overrides", "amount"), ("quantity", "quantity")):
        for name, number in pairs(row.get(column) or "").items():
            if key == "quantity" and number == 1:
                continue
            identifier = _named(row, column, name, prices)
            found.setdefault(identifier, {"price_id": identifier})[key] = _text(number)
    return list(found.values())


def _named(row: Row, column: str, name: str, prices: list[Price]) -> str:
    """The id of the price that goes by a name; without one, of the only fee."""
    fees = [price for price in prices if price.get("type") == "FIXED"]
    if not name and len(fees) == 1:
        return str(fees[0]["id"])
    for price in prices:
        event = (price.get("meter") or {}).get("event_name")
        if name and name in (event, price.get("display_name"), price.get("lookup_key")):
            return str(price["id"])
    known = sorted({str((p.get("meter") or {}).get("event_name") or p.get("display_name")) for p in prices})
    raise refused(row, column, f"names of the plan's prices: {', '.join(known) or 'it has none'}")


def _text(number: Decimal) -> str:
    return format(number, "f")
