"""Other quantities of the fees of a running subscription (contract 11.2): each ends a line and starts another.

What more of a fee in advance costs for the rest of the period is billed at once, what less of it costs goes to a wallet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from ..kernel import errors
from ..kernel.render import dec
from ..kernel.tables import Row
from . import inheritance, line_items, oneoff, views, wallets
from .line_items import Origin, Span
from .pricing import number
from .readings import Period
from .rounding import exact, to_currency
from .scope import Scope

Given = Mapping[str, Any]
Changed = dict[str, list[dict[str, Any]]]
_COPIED = ("price_type", "display_name", "subscription_phase_id", "addon_association_id", "metadata")


@dataclass(frozen=True)
class Change:
    """A line that is to get another quantity at ``moment``; ``old`` is the one it had."""

    item: Row
    old: Decimal
    new: Decimal
    moment: datetime


def check(params: Given) -> Sequence[Given]:
    """The changes of a request; refused when they cannot be meant, whatever the subscription."""
    wanted: Sequence[Given] = params.get("line_items") or []
    errors.refuse(not wanted, "Provide line_items with at least one entry")
    if any(given["quantity"] is not None and given["quantity"] < 0 for given in wanted):
        raise errors.validation("Quantity cannot be negative")
    return wanted


def change(scope: Scope, row: Row, params: Given) -> Changed:
    """Give lines other quantities; returns what was changed.

    Raises :class:`errors.ApiError` for a subscription that does not run, and for a line or date that does not fit.
    """
    wanted = check(params)
    if row["subscription_status"] != "active":
        details = {"subscription_id": row["id"], "status": row["subscription_status"]}
        raise errors.validation("Only active subscriptions can have quantity changes applied", details)
    changes = [one for one in (_change(scope, row, given) for given in wanted) if one.new != one.old]
    items = [shown for one in changes for shown in _apply(scope, row, one)]
    settled = settle(scope, row, changes)
    return {**({"line_items": items} if items else {}), **({"invoices": settled} if settled else {})}


def _change(scope: Scope, row: Row, given: Given) -> Change:
    moment = given["effective_date"] or scope.now
    item = _quantified(scope, row, given, moment)
    return Change(item, number(item["quantity"]), number(given["quantity"]), moment)


def _apply(scope: Scope, row: Row, one: Change) -> list[dict[str, Any]]:
    item, until = one.item, one.item["end_date"]
    price = scope.need("prices", item["price_id"])
    origin = Origin(item["entity_type"], item["entity_id"], item["plan_display_name"])
    scope.touch(item, end_date=one.moment)
    fields = {name: item[name] for name in _COPIED}
    new = line_items.add(scope, row, origin, price, Span(one.moment, until), quantity=one.new, **fields)
    return [_line(item, one.moment, "ended"), _line(new, until or row["current_period_end"], "created")]


def _line(item: Row, end: datetime, action: str) -> dict[str, Any]:
    fields = {name: item[name] for name in ("id", "price_id", "quantity", "start_date")}
    return {**fields, "end_date": end, "change_action": action}


def settle(scope: Scope, row: Row, changes: Sequence[Change]) -> list[dict[str, Any]]:
    """Bill or credit what changes of fees in advance come to for the rest of the period; what was made of it."""
    due = [(one, difference(scope, row, one)) for one in changes if one.item["invoice_cadence"] == "ADVANCE"]
    return [
        _bill(scope, row, one, amount) if amount > 0 else _give_back(scope, row, one, -amount)
        for one, amount in due
        if amount
    ]


@exact
def difference(scope: Scope, row: Row, one: Change) -> Decimal:
    """What the new quantity costs for the rest of the period, less what the old one would have; both rounded.

    The server reckons with the period's last second as its end, and with the bare amount of the price.
    """
    amount = number(scope.need("prices", one.item["price_id"])["amount"])
    whole = Period(row["current_period_start"], row["current_period_end"] - timedelta(seconds=1))
    share = whole.share(Period(min(one.moment, whole.end), whole.end))
    new, old = (to_currency(amount * quantity * share, row["currency"]) for quantity in (one.new, one.old))
    return new - old


def _bill(scope: Scope, row: Row, one: Change, amount: Decimal) -> dict[str, Any]:
    """Store the invoice of a larger quantity, finalized."""
    asked = {
        **dict.fromkeys(("description", "due_date", "issue_date", "metadata", "idempotency_key")),
        **dict.fromkeys(("coupons", "tax_rates", "tax_rate_overrides")),
        "invoice_type": "ONE_OFF",
        "customer_id": inheritance.payer(row),
        "subscription_id": row["id"],
        "currency": row["currency"],
        "billing_reason": "SUBSCRIPTION_UPDATE",
        "billing_period": row["billing_period"],
        "subtotal": amount,
        "period_start": one.moment,
        "period_end": row["current_period_end"],
        "line_items": [_billed(scope, row, one, amount)],
    }
    invoice = oneoff.create(scope, asked)
    shown = views.full_invoice(scope, invoice)
    return {"id": invoice["id"], "action": "created", "status": invoice["payment_status"], "invoice": shown}


def _billed(scope: Scope, row: Row, one: Change, amount: Decimal) -> dict[str, Any]:
    """The line of such an invoice; its texts are the server's."""
    end = row["current_period_end"]
    window = f"{_day(one.moment)} – {_day(end)}"
    price = scope.need("prices", one.item["price_id"])
    rate = f"{row['currency'].upper()} {dec(number(price['amount']))}/unit"
    units = f"{dec(one.old)} → {dec(one.new)} units × {rate}"
    return {
        **dict.fromkeys(("entity_id", "entity_type", "meter_id")),
        "price_id": price["id"],
        "price_type": price["type"],
        "plan_display_name": one.item["plan_display_name"],
        "display_name": f"{one.item['display_name']} — Quantity Change Proration ({window})",
        "amount": amount,
        "quantity": one.new - one.old,
        "period_start": one.moment,
        "period_end": end,
        "metadata": {"description": f"Proration for quantity change: {units} ({window})"},
    }


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y}"


def _give_back(scope: Scope, row: Row, one: Change, amount: Decimal) -> dict[str, Any]:
    """Credit what a smaller quantity saves to a prepaid wallet of the payer, made where there is none."""
    customer = inheritance.payer(row)
    known = {"created_for": "proration_credit", "source": "subscription_change"}
    wallet = wallets.ensure(scope, customer, row["currency"], name="Proration Credit Wallet", metadata=known)
    key = f"proration_credit_{row['id']}_{one.item['id']}_{one.moment:%Y-%m-%dT%H:%M:%SZ}"
    entry = wallets.move(
        scope,
        wallet,
        amount / wallet["topup_conversion_rate"],
        "SUBSCRIPTION_CREDIT_GRANT",
        key,
        description="Proration credit from subscription change",
        metadata={"source": "subscription_change_proration", "customer_id": customer},
        idempotency_key=key,
    )
    return {"id": entry["id"], "action": "wallet_credit", "status": "issued", "wallet_transaction": entry}


def _quantified(scope: Scope, row: Row, change: Given, moment: datetime) -> Row:
    """The line of a quantity change; refused unless it is a fee of this subscription, in force at ``moment``."""
    start, end = row["current_period_start"], row["current_period_end"]
    words = "Set effective_date to a time within the current billing period"
    errors.refuse(moment < start, words, effective_date=moment, current_period_start=start)
    errors.refuse(moment >= end, words, effective_date=moment, current_period_end=end)
    item = line_items.by_id(scope, change["id"], any_status=True)
    who = {"line_item_id": item["id"]}
    if item["subscription_id"] != row["id"]:
        details = {**who, "subscription_id": row["id"]}
        raise errors.validation("The specified line item ID must belong to the given subscription", details)
    if item["price_type"] != "FIXED":
        details = {**who, "price_type": item["price_type"]}
        raise errors.validation("Quantity changes are only supported for fixed-price line items", details)
    if moment < item["start_date"]:
        details = {"effective_date": moment, **who, "line_item_start": item["start_date"]}
        raise errors.validation("Set effective_date to a time when the line item is active", details)
    if item["end_date"] is not None and moment >= item["end_date"]:
        details = {"effective_date": moment, **who, "line_item_end": item["end_date"]}
        message = "Set effective_date to a time before the line item's active window ends"
        raise errors.validation(message, details)
    return item
