"""Servers whose previews are right, and whose stored invoices are not (item 7.3)."""

from __future__ import annotations

from decimal import Decimal

from ..billing.rounding import ONE
from ..kernel.call import Call, Reply
from .registry import fault
from .settlement import Answer


def _kept(name: str, meaning: str, status: str, **changes: Decimal) -> None:
    """A fault by which invoices of a status are shown with other sums; what is due follows the total, what remains what is paid."""

    def rule(call: Call, reply: Reply) -> Reply:
        for answer in _invoices(reply.json):
            if answer["invoice_status"] == status and call.pattern != "/v1/invoices/preview":
                answer.update(changes)
                total = answer["subtotal"] - answer["total_discount"] + answer["total_tax"]
                answer.update(total=total, amount_due=total, amount_remaining=total - answer["amount_paid"])
        return reply

    fault(name, meaning, "after")(rule)


def _invoices(answer: object) -> list[Answer]:
    """The invoice of an answer, or the one inside of it."""
    found = [answer, answer.get("invoice")] if isinstance(answer, dict) else []
    return [each for each in found if isinstance(each, dict) and "invoice_status" in each]


_kept("W168", "drafts are discounted by what nobody gave", "DRAFT", total_discount=ONE)
_kept("W169", "finalized invoices are discounted by what nobody gave", "FINALIZED", total_discount=ONE)
_kept("W170", "finalized invoices are taxed, and show no tax", "FINALIZED", total_tax=ONE)
_kept("W171", "a part of a draft is paid, by nobody", "DRAFT", amount_paid=ONE)
