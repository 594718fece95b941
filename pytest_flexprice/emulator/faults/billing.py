"""Faults of invoices on their way: wrong previews, drafts that never come, finalizations and cancels that do nothing
(checklist items 5.3 and 7.3)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from ..billing import drafts, invoices
from ..billing.pricing import Tariff
from ..billing.readings import Period
from ..billing.rounding import ONE, ZERO, to_currency
from ..billing.scope import subscription_by_id
from ..kernel.binding import BindError, parse
from ..kernel.call import Call, Reply, accepted, started
from .registry import fault
from .settlement import Answer, due, shown, totalling

_DRAFT = "/v1/subscriptions/temporal/:id/draft-and-compute"

_WRONG_FACTOR = 10


def _usage(answer: Answer) -> list[Answer]:
    """The usage lines of a preview, the dearest first."""
    found = [line for line in answer.get("line_items", []) if line["price_type"] == "USAGE"]
    return sorted(found, key=lambda line: line["amount"], reverse=True)


def _shift(answer: Answer, by: Decimal) -> None:
    for name in ("subtotal", "total", "amount_due", "amount_remaining"):
        answer[name] += by


@shown("F106", "the preview misses a usage line")
def missing_line(call: Call, answer: Answer) -> None:
    """The dearest usage line is gone; what is left adds up."""
    for line in _usage(answer)[:1]:
        answer["line_items"] = [each for each in answer["line_items"] if each is not line]
        _shift(answer, -line["amount"])


@shown("F107", "the preview has the right quantity and a wrong price")
def wrong_price(call: Call, answer: Answer) -> None:
    """The dearest usage line costs ten times as much, one unit of the currency where it was free."""
    for line in _usage(answer)[:1]:
        wrong = line["amount"] * _WRONG_FACTOR or ONE
        _shift(answer, wrong - line["amount"])
        line["amount"] = wrong


@shown("F108", "tiers and allowances end one unit too early")
def off_by_one(call: Call, answer: Answer) -> None:
    """Every usage beyond a bound is priced as if the bound were one less."""
    for line in _usage(answer):
        tariff = Tariff.of(call.need("prices", line["price_id"]))
        quantity = line["quantity"]
        if line.get("adjusted_entitlement_quantity") and quantity > 0:
            quantity += ONE
        tiers = tuple(replace(t, up_to=None if t.up_to is None else t.up_to - ONE) for t in tariff.tiers)
        wrong = to_currency(replace(tariff, tiers=tiers).cost(quantity), line["currency"])
        _shift(answer, wrong - line["amount"])
        line["amount"] = wrong


totalling("F110", "the total of the preview is not what its lines come to")(
    lambda answer: {name: answer[name] + ONE for name in due(ZERO)}
)


def _posted(name: str, meaning: str, path: str) -> Callable[[Callable[[Call], Reply | None]], None]:
    """Register a fault that may answer a POST in place of its handler."""

    def register(rule: Callable[[Call], Reply | None]) -> None:
        fault(name, meaning, "before")(
            lambda call: rule(call) if (call.method, call.pattern) == ("POST", path) else None
        )

    return register


def _accepted(call: Call) -> Reply:
    identifier = call.params["id"]
    message = f"Successfully triggered draft-and-compute invoice workflow for subscription {identifier}"
    return accepted(started(call, f"DraftAndComputeSubscriptionInvoiceWorkflow_{identifier}", message))


_posted("F134", "the draft of an invoice never appears", _DRAFT)(_accepted)


@_posted("F135", "a draft without usage is skipped, and finalizing it says success", _DRAFT)
def skipped_draft(call: Call) -> Reply | None:
    """The draft is computed as if nothing had been used."""
    row = subscription_by_id(call, call.params["id"])
    period = Period.running(row)
    invoice = drafts.period_taken(call, row, period)
    if invoice is None:
        invoice = drafts.new_subscription_invoice(call, row, "SUBSCRIPTION_CYCLE", period)
        charged = drafts.charges(call, row, "SUBSCRIPTION_CYCLE", period)
        drafts.compute(call, invoice, [replace(line, amount=ZERO, quantity=ZERO) for line in charged])
    return _accepted(call)


@_posted("F136", "finalizing an invoice answers success and leaves it a draft", "/v1/invoices/:id/finalize")
def never_finalized(call: Call) -> Reply | None:
    invoices.by_id(call, call.params["id"])
    return Reply(200, {"message": "invoice finalized successfully"})


@_posted("F145", "cancelling a subscription answers success and leaves it active", "/v1/subscriptions/:id/cancel")
def never_cancelled(call: Call) -> Reply | None:
    """A cancel without an invoice changes nothing; one that bills works."""
    body = _body(call)
    if body.get("cancel_immediately_inovice_policy") == "generate_invoice":
        return None
    row = subscription_by_id(call, call.params["id"])
    answer = {
        "subscription_id": row["id"],
        "cancellation_type": body.get("cancellation_type"),
        "effective_date": call.now,
        "status": "cancelled",
        "proration_details": None,
        "total_credit_amount": ZERO,
        "message": "Subscription cancelled immediately",
        "processed_at": call.now,
    }
    return Reply(200, answer)


def _body(call: Call) -> Answer:
    try:
        body = parse(call.body)
    except BindError:
        return {}
    return body if isinstance(body, dict) else {}


@_posted("F111", "a tax is added at finalization, which is right and must not fail", "/v1/subscriptions")
def taxed_subscription(call: Call) -> Reply | None:
    """Subscriptions of a test run get the first tax rate there is."""
    body = json.loads(call.body or b"{}")
    rates = call.find("tax_rates", status="published")
    if rates and (body.get("metadata") or {}).get("managed_by"):
        override = {"tax_rate_code": rates[0]["code"], "currency": body.get("currency", "usd"), "auto_apply": True}
        call.body = json.dumps({**body, "tax_rate_overrides": [override]}).encode()
    return None
