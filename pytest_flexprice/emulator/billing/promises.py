"""Coupons and tax rates that a subscription is created with (contract 5.4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..kernel import errors
from ..kernel.tables import Row
from .scope import Scope

_Window = tuple[datetime | None, datetime | None]


def attach(scope: Scope, subscription: Row, body: Mapping[str, Any]) -> None:
    """Associate the coupons and tax rates of a create request with the new subscription.

    Raises :class:`errors.ApiError` for codes that do not exist.
    """
    items = {
        row["price_id"]: row["id"] for row in scope.find("subscription_line_items", subscription_id=subscription["id"])
    }
    for given in body["subscription_coupons"] or []:
        used = coupon_by_code(scope, given["coupon_code"])
        _associate(scope, subscription, used, items.get(given["price_id"]), (given["start_date"], given["end_date"]))
    for identifier in body["coupons"] or []:
        _associate(scope, subscription, _coupon(scope, identifier), None)
    for price_id, identifiers in (body["line_item_coupons"] or {}).items():
        for identifier in identifiers or []:
            _associate(scope, subscription, _coupon(scope, identifier), items.get(price_id))
    for given in body["tax_rate_overrides"] or []:
        _tax(scope, subscription, given)


def coupon_by_code(scope: Scope, code: str) -> Row:
    """A published coupon by its code, in any case; 404 otherwise."""
    row = scope.table("coupons").first(scope.environment, coupon_code=code.lower(), status="published")
    if row is None:
        raise errors.not_found(f"Coupon with code {code} was not found", {"coupon_code": code})
    return row


def _coupon(scope: Scope, identifier: str) -> Row:
    row = scope.get("coupons", identifier)
    if row is None or row["status"] != "published":
        raise errors.not_found(f"Coupon with ID {identifier} was not found", {"coupon_id": identifier})
    return row


def _associate(
    scope: Scope, subscription: Row, used: Row, line_item: str | None, window: _Window = (None, None)
) -> None:
    limit = used["max_redemptions"]
    now = scope.now
    early = used["redeem_after"] is not None and used["redeem_after"] > now
    late = used["redeem_before"] is not None and used["redeem_before"] < now
    if early or late or (limit is not None and used["total_redemptions"] >= limit):
        raise errors.validation("Coupon is not valid for redemption", {"coupon_id": used["id"]})
    scope.insert(
        "coupon_associations",
        "coupon_assoc",
        coupon_id=used["id"],
        subscription_id=subscription["id"],
        subscription_line_item_id=line_item,
        start_date=window[0] or subscription["start_date"],
        end_date=window[1],
    )
    used["total_redemptions"] += 1


def _tax(scope: Scope, subscription: Row, given: Mapping[str, Any]) -> None:
    code = given["tax_rate_code"]
    rate = scope.table("tax_rates").first(scope.environment, code=code, status="published")
    if rate is None:
        raise errors.not_found(f"Tax rate with code {code} was not found", {"code": code})
    scope.insert(
        "tax_associations",
        "taxassoc",
        tax_rate_id=rate["id"],
        entity_type="subscription",
        entity_id=subscription["id"],
        priority=given["priority"] if given["priority"] is not None else 100,
        auto_apply=bool(given["auto_apply"]),
        currency=(given["currency"] or subscription["currency"]).lower(),
        metadata=given["metadata"],
        start_date=subscription["start_date"],
    )
