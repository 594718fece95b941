"""Credits that are bought: on an invoice that has to be paid first, or by themselves when a wallet runs low.

By the API's own description; not recorded. What an invoice asks for arrives when it is paid, whichever way, and never when it
was voided before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from ..kernel.hooks import on_publish
from ..kernel.tables import Row
from ..kernel.world import World
from . import oneoff, wallets
from .rounding import exact, to_currency
from .scope import Scope, Work

UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
"""Seconds of what the pause between two refills is counted in."""
_PAID = ("SUCCEEDED", "OVERPAID")


@exact
def bought(scope: Scope, wallet: Row, credits: Decimal, billing_reason: str, **given: Any) -> tuple[Row, Row]:
    """Ask for the price of credits by an invoice; they wait as a pending transaction. Both are answered."""
    price = to_currency(credits * wallet["topup_conversion_rate"], wallet["currency"])
    asked: dict[str, Any] = defaultdict(lambda: None)
    line = asked.copy()
    line.update(display_name=f"Credits of {wallet['name']}", amount=price)
    asked.update(customer_id=wallet["customer_id"], currency=wallet["currency"], invoice_type="CREDIT", subtotal=price)
    asked.update(billing_reason=billing_reason, line_items=[line], metadata={"wallet_id": wallet["id"]})
    invoice = oneoff.create(scope, asked)
    entry = wallets.note(
        scope,
        wallet,
        credits,
        "PURCHASED_CREDIT_INVOICED",
        invoice["id"],
        pending=True,
        reference_type="INVOICE",
        **given,
    )
    return entry, invoice


def _arrive(scope: Scope, entry: Row) -> None:
    wallet = scope.need("wallets", entry["wallet_id"])
    wallets.fill(scope, wallet, entry)
    scope.publish("wallet.transaction.updated", entry)


def _settle(scope: Scope, invoice: Row) -> None:
    """Let the credits of an invoice arrive once it is paid, or fail once it is void."""
    for entry in scope.find("wallet_transactions", reference_id=invoice["id"], transaction_status="pending"):
        if invoice["payment_status"] in _PAID:
            _arrive(scope, entry)
        elif invoice["invoice_status"] == "VOIDED":
            scope.touch(entry, transaction_status="failed")


def _refill(scope: Scope, wallet: Row) -> None:
    """Buy credits where the wallet says so, it has fallen to its threshold, and the last refill is long enough ago; both are credits."""
    rule: Mapping[str, Any] = wallet.get("auto_topup") or {}
    if not rule.get("enabled") or wallet["wallet_status"] != "active" or wallet["credit_balance"] > rule["threshold"]:
        return
    last = wallet.get("_refilled_at")
    if last is not None and scope.now < last + pause(rule):
        return
    wallet["_refilled_at"] = scope.now
    if rule.get("invoicing"):
        bought(scope, wallet, rule["amount"], "WALLET_AUTO_TOPUP")
    else:
        wallets.move(scope, wallet, rule["amount"], "PURCHASED_CREDIT_DIRECT", wallet["id"])


def pause(rule: Mapping[str, Any]) -> timedelta:
    """The shortest time between two refills."""
    cooldown = rule.get("cooldown") or {}
    return timedelta(seconds=UNITS.get(cooldown.get("unit") or "", 0) * (cooldown.get("value") or 0))


@on_publish
def watch(world: World, environment: str, name: str, kind: str, identifier: str) -> None:
    """Look at what was paid, voided or taken from a wallet."""
    if name == "wallet.transaction.created":
        entry = world.table("wallet_transactions").get(identifier, environment)
        if entry is not None and entry["type"] == "debit":
            scope = Work.on(world, entry)
            _refill(scope, scope.need("wallets", entry["wallet_id"]))
        return
    paid = world.table("payments").get(identifier, environment) if name == "payment.success" else None
    if paid is not None:
        identifier = paid["destination_id"]
    elif name not in ("invoice.update.payment", "invoice.update.voided"):
        return
    invoice = world.table("invoices").get(identifier, environment)
    if invoice is not None:
        _settle(Work.on(world, invoice), invoice)
