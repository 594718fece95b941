"""Cancelling a subscription now, at its period's end, or on a date (contract 4.4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from ..kernel import errors
from ..kernel.render import gotime
from ..kernel.tables import Row
from . import config, drafts, grants, inheritance, invoices, line_items
from .lines import Period
from .pricing import number
from .rounding import ZERO, exact, to_currency
from .scope import Scope
from .usage import second

TYPES = ("immediate", "end_of_period", "scheduled_date")
POLICIES = ("generate_invoice", "skip")


def check(body: Mapping[str, Any], now: datetime) -> None:
    """Refuse a cancel request that cannot be meant, before any subscription is looked at."""
    kind = body["cancellation_type"] or ""
    if kind not in TYPES:
        message = "Cancellation type must be immediate, end_of_period, or scheduled_date"
        raise errors.validation(message, {"allowed_values": list(TYPES), "provided_value": kind})
    policy, behavior = body["cancel_immediately_inovice_policy"], body["proration_behavior"]
    errors.require_allowed(POLICIES, policy, "Cancel immediately invoice policy must be generate_invoice or skip")
    errors.require_allowed(config.PRORATIONS, behavior, "Proration behavior must be create_prorations or none")
    date = body["cancel_at"]
    if kind == "scheduled_date" and date is None:
        message = "Provide a cancel_at date (past for backdated cancellation, future for scheduled cancellation)"
        raise errors.validation(message)
    if kind == "immediate" and date is not None and date > now:
        message = "Use cancellation_type 'scheduled_date' to schedule a future cancellation"
        raise errors.validation(message, {"cancel_at": second(date)})


def cancel(scope: Scope, row: Row, body: Mapping[str, Any]) -> dict[str, Any]:
    """Do what a checked request asks; returns the answer of the call."""
    kind = body["cancellation_type"]
    _refuse(row, kind)
    now = scope.now
    effective = now
    if kind == "end_of_period":
        effective = row["current_period_end"]
    elif body["cancel_at"] is not None:
        effective = body["cancel_at"]
    prorated = _prorations(scope, row, effective) if body["proration_behavior"] == "create_prorations" else []
    if kind == "immediate":
        end_now(scope, row, effective, bill=body["cancel_immediately_inovice_policy"] == "generate_invoice",
                reason=body["reason"] or "")  # fmt: skip
    else:
        _schedule(scope, row, kind, effective, body["reason"] or "")
    return {
        "subscription_id": row["id"],
        "cancellation_type": kind,
        "effective_date": effective,
        "status": row["subscription_status"],
        **({"reason": body["reason"]} if body["reason"] else {}),
        "proration_details": prorated or None,
        "total_credit_amount": sum((entry["credit_amount"] for entry in prorated), ZERO),
        "message": _message(kind, effective),
        "processed_at": scope.now,
    }


def _refuse(row: Row, kind: str) -> None:
    status = row["subscription_status"]
    if row["subscription_type"] == inheritance.INHERITED:
        message = "Cancel the parent subscription instead; inherited subscriptions follow the parent lifecycle"
        raise errors.validation(message, {"subscription_id": row["id"]})
    errors.refuse(status == "cancelled", "The subscription is already cancelled", subscription_id=row["id"])
    if status == "draft":
        details = {"operation": "cancellation", "subscription_id": row["id"], "subscription_status": status}
        raise errors.validation("Draft subscriptions must be activated before cancellation.", details)
    if kind != "immediate" and row["cancel_at"] is not None:
        details = {"subscription_id": row["id"], "cancel_at": row["cancel_at"]}
        raise errors.validation("The subscription is already scheduled for cancellation", details)


def end_now(scope: Scope, row: Row, moment: datetime, *, bill: bool, reason: str = "", kind: str = "immediate") -> None:
    """End a subscription at ``moment``, billing its running period first if asked to."""
    invoice = None
    if bill:
        period = Period(row["current_period_start"], moment)
        invoice = drafts.new_subscription_invoice(scope, row, "PRORATION", period)
    end_line_items(scope, row, moment)
    if invoice is not None:
        invoices.close(scope, invoice)
    finish(scope, row, moment, scope.now, metadata=_metadata(row, kind, reason, moment), cancel_at_period_end=False)


def finish(
    scope: Scope, row: Row, end: datetime, cancelled: datetime, *, keep_cancel_at: bool = False, **changes: Any
) -> None:
    """Make a subscription and its heirs cancelled as of ``end`` and announce it, of each heir too (documentation)."""
    grants.end(scope, row, end)
    if not keep_cancel_at:
        changes["cancel_at"] = end
    scope.touch(row, subscription_status="cancelled", cancelled_at=cancelled, end_date=end, **changes)
    heirs = inheritance.follow(scope, row)
    if row["subscription_type"] != inheritance.INHERITED:
        scope.publish("subscription.updated", row)
    for each in (row, *heirs):
        scope.publish("subscription.cancelled", each)


def end_line_items(scope: Scope, row: Row, moment: datetime) -> None:
    """Let every open line item of a subscription end at ``moment``."""
    for item in line_items.of(scope, row):
        if item["end_date"] is None or item["end_date"] > moment:
            scope.touch(item, end_date=moment)


def _schedule(scope: Scope, row: Row, kind: str, effective: datetime, reason: str) -> None:
    changes: dict[str, Any] = {
        "cancel_at": effective,
        "cancel_at_period_end": True,
        "cancelled_at": scope.now,
        "metadata": _metadata(row, kind, reason, effective),
    }
    if kind == "scheduled_date":
        changes.update(end_date=effective, current_period_end=effective)
    scope.touch(row, **changes)
    inheritance.follow(scope, row)
    scope.publish("subscription.updated", row)


def _metadata(row: Row, kind: str, reason: str, effective: datetime) -> dict[str, str]:
    noted = {
        "cancellation_type": kind,
        "cancellation_reason": reason,
        "effective_date": gotime(second(effective)),
    }
    return {**(row["metadata"] or {}), **noted}


def _message(kind: str, effective: datetime) -> str:
    if kind == "immediate":
        return "Subscription cancelled immediately"
    date = f"{effective:%Y-%m-%d}"
    if kind == "end_of_period":
        return f"Subscription will be cancelled at the end of the current period ({date})"
    return f"Subscription end date set to {date}"


@exact
def _prorations(scope: Scope, row: Row, effective: datetime) -> list[dict[str, Any]]:
    """What of advance fees falls on the time after ``effective``; only noted, nothing is paid back."""
    start, end = row["current_period_start"], row["current_period_end"]
    left = max(end - effective, timedelta())
    items = line_items.of(scope, row)
    if end <= start or not any(item["invoice_cadence"] == "ADVANCE" for item in items):
        return []
    share = Decimal(left // timedelta(seconds=1)) / Decimal((end - start) // timedelta(seconds=1))
    found = []
    for item in items:
        fee = item["invoice_cadence"] == "ADVANCE"
        price = scope.need("prices", item["price_id"])
        credit = to_currency(number(price.get("amount")) * share, row["currency"]) if fee else ZERO
        found.append(
            {
                "line_item_id": item["id"],
                "price_id": item["price_id"] if fee else "",
                "original_amount": credit,
                "credit_amount": credit,
                "charge_amount": ZERO,
                "proration_days": round(left / timedelta(days=1)),
                "description": f"Cancellation ({effective:%Y-%m-%d})",
            }
        )
    return found
