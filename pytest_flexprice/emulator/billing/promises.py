"""Coupons and tax rates that a subscription is created with (contract 5.4, 11.2; recording deals_addons_coupons_tax)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..kernel import errors
from ..kernel.tables import Row
from . import config, coupon, periods
from .scope import Scope


@dataclass(frozen=True)
class _Wanted:
    """A coupon to be attached, to a line or to all of the subscription."""

    coupon: Row
    start: datetime
    end: datetime | None = None
    line_item: str | None = None
    phase: str | None = None


def attach_coupons(
    scope: Scope, row: Row, body: Mapping[str, Any], items: Mapping[str, Row], phase: Row | None = None
) -> None:
    """Associate the coupons of a request with a subscription; ``items`` are its lines by the price they stand for.

    Raises :class:`errors.ApiError` for an unknown coupon, a price without a line, a coupon that cannot be redeemed.
    """
    found = list(_wanted(scope, row, body, items, phase))
    for wanted in found:
        _check(scope, row, wanted.coupon)
    for wanted in found:
        _associate(scope, row, wanted)


def attach_coupon(
    scope: Scope, row: Row, code: str, dates: tuple[datetime, datetime | None], line_item: str | None
) -> None:
    """Associate one coupon with a running subscription or a line of it; the same refusals."""
    wanted = _Wanted(coupon_by_code(scope, code), *dates, line_item)
    _check(scope, row, wanted.coupon)
    _associate(scope, row, wanted)


def _wanted(
    scope: Scope, row: Row, body: Mapping[str, Any], items: Mapping[str, Row], phase: Row | None
) -> Iterator[_Wanted]:
    owner = phase or row
    start, until, place = owner["start_date"], phase["end_date"] if phase else None, phase["id"] if phase else None
    for identifier in body["coupons"] or []:
        yield _Wanted(scope.named("coupons", identifier), start, until, phase=place)
    for price_id, identifiers in (body["line_item_coupons"] or {}).items():
        for identifier in identifiers or []:
            line = _line(items, price_id, identifier, "coupon_id")
            yield _Wanted(scope.named("coupons", identifier), start, until, line, place)
    for given in body["subscription_coupons"] or []:
        code, price_id = given["coupon_code"], given["price_id"]
        used = coupon_by_code(scope, code)
        line_or_none = _line(items, price_id, code, "coupon_code") if price_id else None
        yield _Wanted(used, given["start_date"] or start, given["end_date"] or until, line_or_none, place)


def _line(items: Mapping[str, Row], price_id: str, name: str, kind: str) -> str:
    item = items.get(price_id)
    if item is None:
        message = f"Cannot apply coupon '{name}': no line item on this subscription uses price '{price_id}'"
        raise errors.validation(message, {kind: name, "price_id": price_id})
    identifier: str = item["id"]
    return identifier


def coupon_by_code(scope: Scope, code: str) -> Row:
    """A published coupon by its code, in any case; 404 otherwise."""
    message = f"Coupon with code '{code}' was not found"
    return scope.keyed("coupons", message, {"coupon_code": code}, coupon_code=code.lower())


def _check(scope: Scope, row: Row, used: Row) -> None:
    if not coupon.redeemable(used, row["currency"], scope.now):
        raise errors.validation("Coupon validation failed", {"coupon_id": used["id"], "subscription_id": row["id"]})


def _associate(scope: Scope, row: Row, wanted: _Wanted) -> None:
    """Attach a coupon, which counts as a redemption."""
    used = wanted.coupon
    end = wanted.end
    if end is None and used["cadence"] == "repeated":
        end = _last_moment(row, wanted.start, int(used["duration_in_periods"] or 0))
    scope.insert(
        "coupon_associations",
        "coupon_assoc",
        coupon_id=used["id"],
        subscription_id=row["id"],
        subscription_line_item_id=wanted.line_item,
        subscription_phase_id=wanted.phase,
        start_date=wanted.start,
        end_date=end,
    )
    scope.amend(used, {"total_redemptions": used["total_redemptions"] + 1})


def _last_moment(row: Row, start: datetime, count: int) -> datetime:
    """The last second of the ``count``-th period from ``start``, in which a repeated coupon counts for the last time."""
    length = (row["billing_period"], row["billing_period_count"])
    end = start
    for _period in range(count):
        end = periods.next_boundary(end, row["billing_anchor"], *length, config.zone(row["timezone"]))
    return end - timedelta(seconds=1)


def attach_taxes(scope: Scope, row: Row, given: Sequence[Mapping[str, Any]] | None) -> None:
    """Associate the tax rates of a request with a subscription; without any, those of its customer.

    Raises :class:`errors.ApiError` for a code that does not exist.
    """
    if given is None:
        _inherit_taxes(scope, row)
    for override in given or []:
        rate = tax_rate_by_code(scope, override["tax_rate_code"])
        agreed = {**override, "currency": override["currency"] or row["currency"]}
        associate_tax(scope, rate, "subscription", row["id"], agreed)


def tax_rate_by_code(scope: Scope, code: str) -> Row:
    """A published tax rate; 404 otherwise."""
    return scope.keyed("tax_rates", f"Taxrate with code {code} was not found", {"taxrate_code": code}, code=code)


def associate_tax(scope: Scope, rate: Row, kind: str, owner: str, given: Mapping[str, Any]) -> Row:
    """Let a tax rate count for a customer or subscription."""
    return scope.insert(
        "tax_associations",
        "ta",
        tax_rate_id=rate["id"],
        entity_type=kind,
        entity_id=owner,
        priority=given["priority"] or None,
        auto_apply=bool(given["auto_apply"]),
        currency=(given["currency"] or "").lower(),
        metadata=given["metadata"] or None,
        start_date=given.get("start_date") or scope.now,
        **({"end_date": given["end_date"]} if given.get("end_date") else {}),
    )


def _inherit_taxes(scope: Scope, row: Row) -> None:
    owned = scope.find("tax_associations", entity_type="customer", entity_id=row["customer_id"], status="published")
    for association in owned:
        if association["auto_apply"]:
            rate = scope.need("tax_rates", association["tax_rate_id"])
            associate_tax(scope, rate, "subscription", row["id"], association)
