"""Making subscriptions: which prices become line items, periods, trial, opening invoice (contract 4.2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any

from ..kernel import errors
from ..kernel.tables import Row
from . import config, drafts, grants, invoices, periods, promises, views
from .commitment import LineCommitment
from .lines import Period
from .pricing import number
from .rounding import ONE, ZERO
from .scope import Scope

_OPEN = ("trialing", "active")


def milliseconds(moment: datetime) -> datetime:
    """``moment`` cut to its millisecond, as subscriptions keep their dates."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def matching_prices(scope: Scope, plan_id: str, currency: str, period: str) -> list[Row]:
    """The prices of a plan that a subscription takes: its billing period (or one-time) and currency, not ended.

    Raises :class:`errors.ApiError` when nothing is left (recording price_matching).
    """
    now = scope.now
    rows = [
        row
        for row in scope.find("prices", entity_id=plan_id, entity_type="PLAN", status="published")
        if row["billing_period"] in (period, periods.ONETIME) and not (row.get("end_date") and row["end_date"] <= now)
    ]
    details = {"entity_id": plan_id, "entity_type": "PLAN"}
    if not rows:
        raise errors.validation("The entity must have at least one price to create a subscription", details)
    rows = [row for row in rows if row["currency"] == currency]
    if not rows:
        raise errors.validation("No prices match the subscription criteria", details)
    return rows


def anchor(body: Mapping[str, Any], start: datetime, zone: tzinfo) -> datetime:
    """The billing anchor: the next calendar boundary, the one given, or the start itself."""
    if body["billing_cycle"] == "calendar":
        return periods.calendar_anchor(start, body["billing_period"], zone)
    return milliseconds(body["billing_anchor"]) if body["billing_anchor"] else start


def trial_days(body: Mapping[str, Any], prices: list[Row]) -> int:
    """The length of the trial: the request's own, else that of the recurring fixed prices, which must agree."""
    if body["trial_period_days"] is not None:
        return int(body["trial_period_days"])
    recurring = [row for row in prices if row["type"] == "FIXED" and row["billing_period"] != periods.ONETIME]
    found = {int(row.get("trial_period_days") or 0) for row in recurring}
    if len(found) > 1:
        raise errors.validation("all recurring fixed plan prices must have the same trial_period_days")
    return found.pop() if found else 0


def create(scope: Scope, body: Mapping[str, Any], customer: Row, plan: Row) -> tuple[Row, Row | None]:
    """Store a subscription with its line items, and bill its opening; returns both."""
    prices = matching_prices(scope, plan["id"], body["currency"], body["billing_period"])
    if body["auto_invoice_threshold"] is not None and any(price["type"] != "USAGE" for price in prices):
        raise errors.validation("auto_invoice_threshold is only supported for subscriptions with usage prices only")
    row = _store(scope, {**body, "trial_period_days": trial_days(body, prices)}, customer, plan)
    for price in prices:
        _add_line_item(scope, row, plan, price, (body["line_item_commitments"] or {}).get(price["id"]))
    promises.attach(scope, row, body)
    if row["subscription_status"] == "draft":
        scope.publish("subscription.draft.created", row)
        return row, None
    invoice = open_billing(scope, row)
    scope.publish("subscription.created", row)
    return row, invoice


def _store(scope: Scope, body: Mapping[str, Any], customer: Row, plan: Row) -> Row:
    start = milliseconds(body["start_date"] or scope.now)
    days = body["trial_period_days"] or 0
    status = "draft" if body["subscription_status"] == "draft" else ("trialing" if days > 0 else "active")
    zone = config.zone(customer["timezone"])
    trial_end = start + timedelta(days=days) if days > 0 else None
    anchored = anchor(body, start, zone)
    count = body["billing_period_count"] or 1
    last = milliseconds(body["end_date"]) if body["end_date"] else None
    return scope.insert(
        "subscriptions",
        "subs",
        lookup_key=body["lookup_key"] or None,
        customer_id=customer["id"],
        plan_id=plan["id"],
        subscription_status=status,
        currency=body["currency"],
        billing_anchor=anchored,
        billing_cycle=body["billing_cycle"] or "anniversary",
        start_date=start,
        end_date=last,
        current_period_start=start,
        current_period_end=(
            trial_end
            if trial_end is not None and status == "trialing"
            else periods.period_end(start, anchored, (body["billing_period"], count), last, zone)
        ),
        cancelled_at=None,
        cancel_at=None,
        cancel_at_period_end=False,
        trial_start=start if days > 0 else None,
        trial_end=trial_end,
        billing_cadence="RECURRING",
        billing_period=body["billing_period"],
        billing_period_count=count,
        version=1,
        metadata=body["metadata"] or None,
        environment_id=scope.environment,
        pause_status="none",
        commitment_amount=body["commitment_amount"],
        overage_factor=body["overage_factor"] or ONE,
        payment_behavior=body["payment_behavior"] or "default_active",
        collection_method=body["collection_method"] or "charge_automatically",
        gateway_payment_method_id=body["gateway_payment_method_id"] or "",
        timezone=customer["timezone"],
        proration_behavior=body["proration_behavior"] or "none",
        enable_true_up=bool(body["enable_true_up"]),
        payment_terms=body["payment_terms"],
        auto_invoice_threshold=body["auto_invoice_threshold"],
        subscription_type="standalone",
        synced_price_sequence=views.price_sequence(scope, plan["id"]),
    )


def _add_line_item(scope: Scope, row: Row, plan: Row, price: Row, agreed: Mapping[str, Any] | None) -> None:
    usage = price["type"] == "USAGE"
    meter = scope.get("meters", price.get("meter_id")) if usage else None
    promise = _line_commitment(agreed)
    start, end = _line_dates(row, price)
    scope.insert(
        "subscription_line_items",
        "subs_line",
        subscription_id=row["id"],
        customer_id=row["customer_id"],
        entity_id=plan["id"],
        entity_type="plan",
        plan_display_name=plan["name"],
        price_id=price["id"],
        price_type=price["type"],
        meter_id=meter["id"] if meter else None,
        meter_display_name=meter["name"] if meter else None,
        price_unit_id=None,
        price_unit=None,
        display_name=price.get("display_name") or plan["name"],
        quantity=ZERO if usage else (number(price.get("min_quantity")) or ONE),
        currency=row["currency"],
        billing_period=price["billing_period"],
        billing_period_count=1,
        invoice_cadence=price["invoice_cadence"],
        start_date=start,
        end_date=end,
        environment_id=scope.environment,
        commitment_amount=promise.amount if promise and promise.kind == "amount" else None,
        commitment_quantity=promise.quantity if promise and promise.kind == "quantity" else None,
        commitment_type=promise.kind if promise else None,
        commitment_overage_factor=promise.overage_factor if promise else None,
        commitment_true_up_enabled=bool(promise and promise.true_up),
        commitment_windowed=bool(promise and promise.windowed),
        _commitment=promise,
    )


def _line_dates(row: Row, price: Row) -> tuple[datetime, datetime | None]:
    """A line starts no sooner than its price; a one-time fee belongs to the first period only."""
    start = max(row["start_date"], price["start_date"])
    ends = [row["end_date"], price.get("end_date")]
    if price["billing_period"] == periods.ONETIME:
        ends.append(row["current_period_end"])
    return start, min((end for end in ends if end is not None), default=None)


def _line_commitment(agreed: Mapping[str, Any] | None) -> LineCommitment | None:
    if not agreed:
        return None
    quantity = agreed.get("commitment_quantity")
    kind = agreed.get("commitment_type") or (
        "quantity" if quantity and not agreed.get("commitment_amount") else "amount"
    )
    return LineCommitment(
        kind,
        number(agreed.get("commitment_amount")),
        number(quantity),
        number(agreed.get("overage_factor")) or ONE,
        bool(agreed.get("enable_true_up")),
        bool(agreed.get("is_window_commitment")),
    )


def open_billing(scope: Scope, row: Row) -> Row:
    """The opening invoice (of the advance fees, or the free one of a trial) and the credit grants."""
    trial = row["subscription_status"] == "trialing"
    reason = "SUBSCRIPTION_TRIAL_START" if trial else "SUBSCRIPTION_CREATE"
    period = Period(row["current_period_start"], row["current_period_end"])
    invoice = drafts.new_subscription_invoice(scope, row, reason, period)
    invoices.close(scope, invoice)
    if trial and row["collection_method"] == "charge_automatically":
        invoices.pay_trial(scope, invoice)
    if row["payment_behavior"] in ("allow_incomplete", "default_incomplete") and invoice["amount_remaining"] > 0:
        row["subscription_status"] = "incomplete"
    grants.start(scope, row)
    return invoice


def activate(scope: Scope, row: Row, start: datetime) -> Row:
    """Turn a draft into a running subscription that starts at ``start``; returns its opening invoice."""
    start = milliseconds(start)
    own_anchor = row["billing_anchor"] == row["start_date"]
    if row["billing_cycle"] == "calendar":
        anchored = periods.calendar_anchor(start, row["billing_period"], config.zone(row["timezone"]))
    else:
        anchored = start if own_anchor else row["billing_anchor"]
    zone, step = config.zone(row["timezone"]), (row["billing_period"], row["billing_period_count"])
    end = periods.period_end(start, anchored, step, row["end_date"], zone)
    length = row["trial_end"] - row["trial_start"] if row["trial_end"] else None
    scope.touch(
        row,
        subscription_status="trialing" if length else "active",
        start_date=start,
        billing_anchor=anchored,
        current_period_start=start,
        current_period_end=start + length if length else end,
        trial_start=start if length else None,
        trial_end=start + length if length else None,
    )
    for item in scope.find("subscription_line_items", subscription_id=row["id"]):
        first, last = _line_dates(row, scope.need("prices", item["price_id"]))
        scope.touch(item, start_date=first, end_date=last)
    invoice = open_billing(scope, row)
    scope.publish("subscription.activated", row)
    return invoice


def running(row: Mapping[str, Any]) -> bool:
    """Whether a subscription is active or trialing."""
    return row["subscription_status"] in _OPEN
