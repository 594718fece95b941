"""Servers that keep to other terms than were agreed: prices, phases, addons, coupons, taxes, children, periods (item 5.3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from ..billing import inheritance, views
from ..billing.lines import Line, Period, arrear
from ..billing.pricing import Tariff
from ..billing.rounding import ZERO, to_currency
from ..billing.scope import Scope
from ..kernel.call import Call
from ..kernel.tables import Row
from .calculation import Lines, Priced, amounting, charged, each_line, wrongly
from .counting import recount
from .registry import fault
from .settlement import Answer, due, retaxed, shown, totalling

if TYPE_CHECKING:
    from ..seeding.seed import Seeder

_DAY = timedelta(days=1)
_YEAR = 12


def _periods(name: str, meaning: str, moment: Callable[[Row], datetime], bound: str = "end") -> None:
    """A rule by which running periods end at another time, or begin there."""

    def rule(seeder: Seeder) -> None:
        for row in seeder.world.table("subscriptions").find(seeder.environment, subscription_status="active"):
            row[f"current_period_{bound}"] = moment(row)

    fault(name, meaning, "seeded")(rule)


_periods("W104", "periods end a day too late", lambda row: row["current_period_end"] + _DAY)
_periods("W162", "periods begin a day too late", lambda row: row["current_period_start"] + _DAY, "start")
_periods("W105", "periods end a day too early", lambda row: row["current_period_end"] - _DAY)


@fault("W106", "prices that were agreed with a customer are ignored", "charges")
def no_overrides(scope: Scope, subscription: Row, lines: Lines) -> Lines:

    def change(priced: Priced) -> None:
        assert priced.line.item is not None
        own = scope.need("prices", priced.line.item["price_id"])
        other = scope.get("prices", own.get("parent_price_id"))
        if other is not None:
            priced.line.amount = to_currency(priced.cost(Tariff.of(other)), priced.currency)

    return each_line(change)(scope, subscription, lines)


@charged("W107", "phases change a day too late", "USAGE")
def late_phase(scope: Scope, subscription: Row, line: Line) -> None:
    """The first phase's usage lines go on for a day, and the next begin a day later."""
    begins, ends = subscription["current_period_start"], subscription["current_period_end"]
    if line.end < ends or line.start > begins:
        line.start += _DAY if line.start > begins else timedelta()
        line.end += _DAY if line.end < ends else timedelta()
        recount(scope, subscription, line)


@charged("W108", "addons are billed from the beginning of the period", "USAGE")
def early_addon(scope: Scope, subscription: Row, line: Line) -> None:
    if line.item is not None and line.item["entity_type"] == "addon":
        line.start = subscription["current_period_start"]
        recount(scope, subscription, line)


@fault("W109", "children are billed too, beside their parent", "charges")
def children_billed(scope: Scope, subscription: Row, lines: Lines) -> Lines:
    """A child gets its parent's lines."""
    if subscription["subscription_type"] != inheritance.INHERITED:
        return lines
    parent = scope.need("subscriptions", subscription["parent_subscription_id"])
    return arrear(scope, parent, Period(parent["current_period_start"], parent["current_period_end"]))


@amounting("W110", "an annual fee is charged by the month", "FIXED")
def annual_by_months(priced: Priced) -> Decimal | None:
    item = priced.line.item
    if item is None or item["billing_period"] != "ANNUAL":
        return None
    return to_currency(priced.cost(priced.tariff) / _YEAR, priced.currency)


def _discounts(answer: Answer, change: Callable[[Decimal], Decimal]) -> None:
    answer["total_discount"] = min(change(answer["total_discount"]), answer["subtotal"])
    retaxed(answer, answer["subtotal"] - answer["total_discount"])


shown("W111", "coupons are taken twice")(lambda _call, answer: _discounts(answer, lambda off: off * 2))


@shown("W112", "coupons are taken that are over")
def stale_coupon(call: Call, answer: Answer) -> None:
    rows = call.find("coupon_associations", subscription_id=answer["subscription_id"], status="published")
    over = [row for row in rows if row["end_date"] is not None and row["end_date"] < answer["period_start"]]
    shares = [call.need("coupons", row["coupon_id"])["percentage_off"] or ZERO for row in over]
    off = sum((to_currency(answer["subtotal"] * share / 100, answer["currency"]) for share in shares), ZERO)
    if off:
        _discounts(answer, lambda found: found + off)


@shown("W113", "the coupon of one line comes off another")
def other_line(call: Call, answer: Answer) -> None:
    lines = answer.get("line_items") or []
    taken = [line["line_item_discount"] for line in lines]
    for line, off in zip(lines, [*taken[-1:], *taken[:-1]], strict=True):
        line["line_item_discount"] = off


@shown("W114", "taxes are on whoever has none")
def tax_on_exempt(call: Call, answer: Answer) -> None:
    rates = call.find("tax_rates", status="published")
    if answer.get("taxes") or not rates:
        return
    answer["taxes"] = [
        {"tax_rate_id": rates[0]["id"], "tax_rate": views.tax_rate(rates[0]), "currency": answer["currency"]}
    ]
    retaxed(answer, answer["subtotal"] - answer["total_discount"])


@shown("W115", "another tax rate holds than was attached")
def reduced_rate(call: Call, answer: Answer) -> None:
    for tax in answer.get("taxes") or ():
        tax["tax_rate"] = {**tax["tax_rate"], "percentage_value": tax["tax_rate"]["percentage_value"] / 2}
    retaxed(answer, answer["subtotal"] - answer["total_discount"])


@charged("W116", "fees in arrears are charged in advance", "FIXED")
def arrears_in_advance(scope: Scope, subscription: Row, line: Line) -> None:
    """Their line is about the next period."""
    if line.item is not None and line.item["invoice_cadence"] == "ARREAR":
        line.start, line.end = line.end, line.end + (line.end - line.start)


wrongly("W117", "fees are not charged", lambda scope, deal, lines: [line for line in lines if line.kind != "FIXED"])


@fault("W118", "of several lines on one meter only one is billed", "charges")
def one_of_a_meter(scope: Scope, subscription: Row, lines: Lines) -> Lines:
    kept, meters = [], set()
    for line in lines:
        meter = line.item["meter_id"] if line.item is not None else ""
        if not meter or meter not in meters:
            kept.append(line)
        meters.add(meter)
    return kept


@charged("W119", "a line's commitment is forgotten")
def line_uncommitted(scope: Scope, subscription: Row, line: Line) -> None:
    if line.commitment and line.item is not None:
        cost = Tariff.of(scope.need("prices", line.item["price_id"])).cost(line.quantity)
        line.amount = to_currency(cost, line.item["currency"])


totalling("W120", "the invoice's sum is rounded to whole units")(
    lambda answer: due(answer["total"].quantize(Decimal(1)))
)


@charged("W121", "usage is billed up to now only", "USAGE")
def until_now(scope: Scope, subscription: Row, line: Line) -> None:
    line.end = min(line.end, scope.now)
