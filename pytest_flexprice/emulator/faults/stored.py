"""Servers whose previews are right, and whose stored invoices are not (item 7.3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from ..billing.rounding import ONE
from ..kernel.call import Call, Reply
from .registry import fault
from .settlement import Answer

_DAY = timedelta(days=1)


def _kept(name: str, meaning: str, status: str, change: Callable[[Answer], None]) -> None:
    """A fault by which invoices of a status are shown otherwise."""

    def rule(call: Call, reply: Reply) -> Reply:
        for answer in _invoices(reply.json):
            if answer["invoice_status"] == status and call.pattern != "/v1/invoices/preview":
                change(answer)
        return reply

    fault(name, meaning, "after")(rule)


def _summed(**changes: Decimal) -> Callable[[Answer], None]:
    """Other sums; what is due follows the total, what remains what is paid."""

    def change(answer: Answer) -> None:
        answer.update(changes)
        total = answer["subtotal"] - answer["total_discount"] + answer["total_tax"]
        answer.update(total=total, amount_due=total, amount_remaining=total - answer["amount_paid"])

    return change


def _said(key: str, value: object, *, of_lines: bool = False) -> Callable[[Answer], None]:
    """Another value of a field, of the invoice or of its lines; a span of time is added to the time that is there."""

    def change(answer: Answer) -> None:
        for each in answer.get("line_items") or () if of_lines else [answer]:
            each[key] = each[key] + value if isinstance(value, timedelta) else value

    return change


def _invoices(answer: object) -> list[Answer]:
    """The invoice of an answer, or the one inside of it."""
    found = [answer, answer.get("invoice")] if isinstance(answer, dict) else []
    return [each for each in found if isinstance(each, dict) and "invoice_status" in each]


_kept("W168", "drafts are discounted by what nobody gave", "DRAFT", _summed(total_discount=ONE))
_kept("W169", "finalized invoices are discounted by what nobody gave", "FINALIZED", _summed(total_discount=ONE))
_kept("W170", "finalized invoices are taxed, and show no tax", "FINALIZED", _summed(total_tax=ONE))
_kept("W171", "a part of a draft is paid, by nobody", "DRAFT", _summed(amount_paid=ONE))
_kept("W185", "finalized invoices are due a day later than their drafts", "FINALIZED", _said("due_date", _DAY))
_kept("W186", "finalized invoices are paid, by nobody", "FINALIZED", _said("payment_status", "SUCCEEDED"))
_kept("W187", "lines of finalized invoices reach a day too far", "FINALIZED", _said("period_end", _DAY, of_lines=True))
_kept("W188", "lines of drafts end a day too early", "DRAFT", _said("period_end", -_DAY, of_lines=True))
_kept("W189", "lines of drafts are in no currency", "DRAFT", _said("currency", "", of_lines=True))
_kept("W190", "finalized invoices are adjusted, by nobody", "FINALIZED", _said("adjustment_amount", ONE))
_kept("W215", "drafts are of a period that ends a day later", "DRAFT", _said("period_end", _DAY))
_kept("W216", "lines of drafts are all called the same", "DRAFT", _said("display_name", "Services", of_lines=True))
_kept(
    "W217", "lines of finalized invoices are discounted", "FINALIZED", _said("line_item_discount", ONE, of_lines=True)
)
_kept(
    "W218", "lines of finalized invoices are another's", "FINALIZED", _said("customer_id", "cust_other", of_lines=True)
)
