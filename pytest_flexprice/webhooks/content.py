"""Whether the webhook that was sent says what the API says of the invoice (checklist 7.4, contract 6.3); pure.

The body is made at delivery, so it may show a later state: what payment or voiding changes is not compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from pytest_flexprice.model.decimals import if_number
from pytest_flexprice.model.finding import Finding

ITEM = "7.4"
FIELDS = ("customer_id", "subscription_id", "environment_id", "invoice_number", "currency", "invoice_status")
AMOUNTS = ("subtotal", "total", "total_discount", "total_tax", "total_prepaid_credits_applied")
KEPT = (*FIELDS, *AMOUNTS)
_LATER = {"FINALIZED": ("VOIDED",)}
_WORDS = {
    "environment_id": "a webhook of another environment is no proof for this one",
    "invoice_status": "the company's books show another state than Flexprice",
}
_MONEY = "the company's books and Flexprice's invoice disagree, and no call of its own would show it"


def kept(subject: Mapping[str, Any]) -> dict[str, Any]:
    """Of a webhook's invoice only what is compared: nothing personal stays."""
    lines = subject.get("line_items")
    rows = [line for line in lines if isinstance(line, dict)] if isinstance(lines, list) else None
    found = {name: subject[name] for name in KEPT if name in subject}
    if rows is not None:
        found["line_items"] = [{key: row.get(key) for key in ("id", "price_id", "amount", "quantity")} for row in rows]
    return found


def content_findings(message_id: str, sent: Mapping[str, Any], invoice: Mapping[str, Any]) -> list[Finding]:
    """Each difference between what a webhook said of an invoice and what the API says.

    Args:
        sent: the webhook's invoice, as ``kept`` left it.
        invoice: the invoice as the API answered after it was finalized.
    """
    if not sent:
        return []
    return [*_fields(message_id, sent, invoice), *_lines(message_id, sent, invoice)]


def _fields(message_id: str, sent: Mapping[str, Any], invoice: Mapping[str, Any]) -> Iterator[Finding]:
    for name in KEPT:
        if name not in invoice or invoice[name] is None:
            continue
        delivered, expected = sent.get(name), invoice[name]
        if _same(name, delivered, expected) or delivered in _LATER.get(str(expected), ()):
            continue
        yield _finding(message_id, name, expected, delivered)


def _same(name: str, one: Any, other: Any) -> bool:
    if name in AMOUNTS:
        return if_number(one) == if_number(other)
    return str(one).lower() == str(other).lower() if name == "currency" else one == other


def _lines(message_id: str, sent: Mapping[str, Any], invoice: Mapping[str, Any]) -> Iterator[Finding]:
    if not isinstance(invoice.get("line_items"), list) or "line_items" not in sent:
        return
    delivered, expected = (_by_id(each["line_items"]) for each in (sent, invoice))
    if delivered.keys() != expected.keys():
        yield _finding(message_id, "line_items", f"{len(expected)} lines", f"{len(delivered)} lines, not the same ones")
        return
    for line_id, line in expected.items():
        if delivered[line_id] != line:
            yield _finding(message_id, f"line_items.{line_id}", _shown(line), _shown(delivered[line_id]))


BothSides = tuple[Decimal | None, Decimal | None]


def _by_id(lines: Any) -> dict[str, BothSides]:
    rows = (line for line in lines if isinstance(line, Mapping))
    return {str(row.get("id")): (if_number(row.get("quantity")), if_number(row.get("amount"))) for row in rows}


def _shown(line: BothSides) -> str:
    return f"{line[0]} for {line[1]}"


def _finding(message_id: str, name: str, expected: Any, delivered: Any) -> Finding:
    return Finding(
        ITEM,
        f"message {message_id}: {name}",
        f"the webhook says another {name.split('.', maxsplit=1)[0]} of the invoice than the API",
        expected=expected,
        observed="nothing" if delivered is None else delivered,
        consequence=_WORDS.get(name, _MONEY),
        remedy="compare the message in the webhook portal with the invoice, and look into what rewrites one of them",
    )
