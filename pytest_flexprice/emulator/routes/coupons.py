"""``/v1/coupons`` (contract 5.4, recording invoice_coupon_tax_wallet)."""

from __future__ import annotations

from typing import Any

from ..billing import promises, views
from ..billing.rounding import ZERO
from ..kernel import errors
from ..kernel.binding import Schema, decimal, field, instant, integer, mapping, several, strings, text
from ..kernel.call import Call, Reply, created
from ..kernel.lists import OWN
from ..kernel.resource import Resource, among, free, storable
from ..kernel.routing import route

_COLUMNS = ("name", "type", "cadence", "currency", "coupon_code", "total_redemptions")
_CREATE = Schema(
    "CreateCouponRequest",
    field("name", rules="required"),
    *several(instant, "redeem_after redeem_before"),
    *several(integer, "max_redemptions duration_in_periods"),
    field("rules", mapping),
    *several(decimal, "amount_off percentage_off"),
    field("type", rules="required,oneof=fixed percentage"),
    field("cadence", rules="required,oneof=once repeated forever"),
    *several(text, "currency coupon_code"),
    field("metadata", strings),
)
_UPDATE = Schema("UpdateCouponRequest", field("name"), field("metadata", strings))
COUPONS = Resource(
    "coupons",
    _COLUMNS,
    (among("coupon_ids", "id"), among("coupon_codes", "coupon_code")),
    offset=OWN,
    view=lambda _call, row, _page: views.coupon(row),
)
COUPONS.serve("/v1/coupons", one=True, change=_UPDATE, archive="coupon deleted successfully", permission="coupon:write")
_HUNDRED = 100


def _check_discount(body: dict[str, Any]) -> None:
    if body["type"] == "fixed" and (body["amount_off"] or ZERO) <= 0:
        raise errors.validation("Please provide a valid discount amount")
    if body["type"] == "percentage" and body["percentage_off"] is None:
        raise errors.validation("Please provide a valid discount percentage")
    if body["type"] == "percentage" and not 0 < body["percentage_off"] <= _HUNDRED:
        raise errors.validation("Please provide a valid percentage between 0 and 100")


def _check_duration(body: dict[str, Any]) -> None:
    periods = body["duration_in_periods"]
    if body["cadence"] != "repeated":
        errors.refuse(periods is not None, "Duration in periods is only applicable for repeated cadence")
    elif periods is None:
        raise errors.validation("Please specify how many billing periods this coupon should apply to")
    elif periods <= 0:
        raise errors.validation("Please provide a valid number of billing periods")


def _check(body: dict[str, Any]) -> None:
    _check_discount(body)
    if body["redeem_after"] and body["redeem_before"] and body["redeem_after"] > body["redeem_before"]:
        raise errors.validation("Please provide valid date range")
    if body["max_redemptions"] is not None and body["max_redemptions"] <= 0:
        raise errors.validation("Please provide a valid maximum redemption count")
    _check_duration(body)


@route("POST", "/v1/coupons", permission="coupon:write")
def create_coupon(call: Call) -> Reply:
    """A new coupon; its code is kept in lower case."""
    body = call.bind(_CREATE)
    _check(body)
    code = (body["coupon_code"] or "").lower() or None
    free(call, "coupons", "A coupon with this code already exists", code, column="coupon_code")
    storable("create coupon", body, "name", "coupon_code")
    fixed = body["type"] == "fixed"
    own = {
        "coupon_code": code,
        "amount_off": body["amount_off"] if fixed else ZERO,
        "percentage_off": ZERO if fixed else body["percentage_off"],
        "currency": (body["currency"] or "").lower() if fixed else "",
    }
    return created(views.coupon(call.insert("coupons", "coupon", **{**body, **own}, total_redemptions=0)))


route("GET", "/v1/coupons/code/:code")(lambda call: views.coupon(promises.coupon_by_code(call, call.params["code"])))
