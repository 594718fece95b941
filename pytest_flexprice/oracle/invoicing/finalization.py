"""What finalizing must do to an invoice, and what it must not (checklist 7.3; contract 5.4, 5.5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from pytest_flexprice.model.decimals import ZERO, decimal, total, words
from pytest_flexprice.model.finding import Finding
from pytest_flexprice.model.times import Window, days, instant_of, second, written
from pytest_flexprice.oracle.invoicing.findings import InvoiceLine
from pytest_flexprice.oracle.invoicing.totals import equation_findings

_KEPT = [
    "currency",
    "period_start",
    "period_end",
    "customer_id",
    "subscription_id",
    "invoice_type",
    "billing_reason",
    "due_date",
]


def finalized_findings(invoice: Mapping[str, Any], item: str = "") -> list[Finding]:
    """Whether an invoice read back is finalized indeed: the call says so even when nothing happened (contract 5.5)."""
    status, number = invoice.get("invoice_status"), invoice.get("invoice_number")
    path = f"invoices.{invoice.get('id', '')}"
    if status == "SKIPPED":
        problem = "nothing was finalized: the invoice is SKIPPED, as it has nothing to bill"
        return [
            _not_finalized(
                item, path, problem, status, "send usage that costs something, then compute and finalize again"
            )
        ]
    if status == "DRAFT":
        problem = "the invoice is still a DRAFT, although finalizing it was answered with success"
        return [_not_finalized(item, path, problem, status, "read it again later; if it stays a draft, ask Flexprice")]
    if status != "FINALIZED":
        problem = f"the invoice is {status}, not finalized"
        return [_not_finalized(item, path, problem, status, "look who changed it since")]
    if not number:
        problem = "the invoice is finalized without a number"
        return [Finding(item, f"{path}.invoice_number", problem, remedy="look at the invoice_config setting")]
    return []


def _not_finalized(item: str, path: str, problem: str, status: Any, remedy: str) -> Finding:
    return Finding(item, f"{path}.invoice_status", problem, expected="FINALIZED", observed=status, remedy=remedy)


def unasked_findings(invoice: Mapping[str, Any], item: str = "") -> list[Finding]:
    """What a finalized invoice says that nobody did: it is paid, refunded or adjusted, or due at no time that its period gives.

    It is due whole days after its period's end, whatever the terms are (contract 4.7).
    """
    path, found = f"invoices.{invoice.get('id', '')}", []
    for key in ("amount_paid", "adjustment_amount", "refunded_amount"):
        value = decimal(invoice.get(key), ZERO)
        if value:
            found.append(_unasked(item, f"{path}.{key}", f"its {key} says {words(value)}", ZERO, value))
    status = str(invoice.get("payment_status") or "PENDING")
    if status != "PENDING" and decimal(invoice.get("total"), ZERO) > 0:
        found.append(_unasked(item, f"{path}.payment_status", f"its payment is {status}", "PENDING", status))
    found += [_unasked(item, f"{path}.{key}", *other) for key, other in _contradictions(invoice)]
    ends, due = instant_of(invoice, "period_end"), instant_of(invoice, "due_date")
    if ends and (due is None or due < ends or (second(due) - second(ends)) % days(1)):
        shown = None if due is None else written(due)
        problem = f"the invoice is due at {shown or 'no time'}, and not whole days after its period, which ends at {written(ends)}"
        remedy = "look at due_date_days of the invoice_config setting and the subscription's payment terms"
        cost = "nobody is asked to pay, or auto-cancel acts on another day"
        found.append(Finding(item, f"{path}.due_date", problem, observed=shown, consequence=cost, remedy=remedy))
    if not invoice.get("finalized_at"):
        found.append(_unasked(item, f"{path}.finalized_at", "it does not say when it was finalized", "a time", None))
    return found


def _contradictions(invoice: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, Any, Any]]]:
    """What lines of an invoice say otherwise than the invoice: whose they are, and their shares of discount and credits."""
    lines = invoice.get("line_items") or ()
    for key in ("customer_id", "subscription_id"):
        for line in lines:
            if line.get(key) and line[key] != invoice.get(key):
                yield key, (f"line '{line.get('display_name')}' is of another {key}", invoice.get(key), line[key])
    for key, parts in _SHARES.items():
        whole, shared = (
            decimal(invoice.get(key), ZERO),
            total(decimal(line.get(part), ZERO) for line in lines for part in parts),
        )
        if whole != shared:
            yield key, (f"its {key} is {words(whole)}, of which its lines have {words(shared)}", whole, shared)


_SHARES = {
    "total_discount": ("line_item_discount", "invoice_level_discount"),
    "total_prepaid_credits_applied": ("prepaid_credits_applied",),
}


def other_period(invoice: Mapping[str, Any], period: Window, item: str = "") -> list[Finding]:
    """Whether an invoice is about another period than the one that it was asked for."""
    shown = Window(
        *(
            instant_of(invoice, key) or bound
            for key, bound in (("period_start", period.start), ("period_end", period.end))
        )
    )
    if all(second(one) == second(other) for one, other in zip(shown, period, strict=True)):
        return []
    wanted, seen = (f"{written(one.start)} to {written(one.end)}" for one in (period, shown))
    problem = "the invoice is of another period than the subscription's running one"
    consequence, remedy = "customers cannot tell what they pay for", "report it to Flexprice with its id"
    return [Finding(item, "invoice.period", problem, wanted, seen, consequence, remedy)]


def _unasked(item: str, path: str, what: str, expected: Any, observed: Any) -> Finding:
    problem = f"nobody did anything but finalize the test invoice, and {what}"
    consequence, remedy = "what customers owe is not what they are told", "report it to Flexprice with its id"
    return Finding(item, path, problem, expected, observed, consequence, remedy)


def finalization_findings(draft: Mapping[str, Any], finalized: Mapping[str, Any], item: str = "") -> list[Finding]:
    """What finalization changed that it must not; only tax and credits come with it (contract 5.4)."""
    found = []
    before, after = _by_line(draft), _by_line(finalized)
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old != new:
            found.append(
                Finding(
                    item,
                    f"invoice.lines.{key[0]}",
                    f"finalization changed line '{key[0]}'",
                    expected=_amounts(old, new),
                    observed=_amounts(new, old),
                    consequence="the invoice that was checked is not the one that is sent",
                    remedy="compute the draft again right before finalizing it",
                )
            )
    for name, word in (("subtotal", "subtotal"), ("total_discount", "discount")):
        was, now = decimal(draft.get(name), ZERO), decimal(finalized.get(name), ZERO)
        if was != now and not found:
            found.append(
                Finding(item, f"invoice.{word}", f"finalization changed the {word}", expected=was, observed=now)
            )
    found += [
        Finding(
            item,
            f"invoices.{finalized.get('id', '')}.{key}",
            f"finalization changed the invoice's {key}",
            draft.get(key),
            finalized.get(key),
        )
        for key in _KEPT
        if draft.get(key) != finalized.get(key)
    ]
    return found + equation_findings(finalized, item)


def unlike_its_preview(previewed: Mapping[str, Any], finalized: Mapping[str, Any], item: str = "") -> list[Finding]:
    """Whether the finalized invoice has the taxes and the discount that its preview had, whoever they are attached to (contract 5.4)."""
    before, after = _taxes(previewed), _taxes(finalized)
    found = []
    if before.keys() != after.keys():
        wanted, seen = (", ".join(sorted(each.values())) or "none" for each in (before, after))
        found.append(_unlike(item, "taxes", wanted, seen))
    was, now = (decimal(each.get("total_discount"), ZERO) for each in (previewed, finalized))
    if was != now:
        found.append(_unlike(item, "discount", words(was), words(now)))
    return found


def _unlike(item: str, key: str, expected: str, observed: str) -> Finding:
    return Finding(
        item,
        f"invoice.{key}",
        f"the finalized invoice has {'other' if key == 'taxes' else 'another'} {key} than its preview",
        expected=expected,
        observed=observed,
        consequence="customers pay otherwise than they were told",
        remedy=f"look at the {key} of the subscription, its customer and the tenant, and report it to Flexprice",
    )


def _taxes(invoice: Mapping[str, Any]) -> dict[str, str]:
    """The tax rates of an invoice by id, with their codes where they are shown."""
    found = {}
    for row in invoice.get("taxes") or ():
        identifier = str(row.get("tax_rate_id") or "")
        found[identifier] = str((row.get("tax_rate") or {}).get("code") or identifier)
    return found


_Billed = tuple[Decimal, Decimal, str]
"""What lines of one price bill: quantity, amount, and for when."""


def _by_line(invoice: Mapping[str, Any]) -> dict[tuple[str, str], _Billed]:
    found: dict[tuple[str, str], _Billed] = {}
    lines: Iterable[InvoiceLine] = invoice.get("line_items") or ()
    for line in lines:
        key = (str(line.get("display_name") or line.get("price_id") or ""), str(line.get("price_id") or ""))
        quantity, amount, times = found.get(key, (ZERO, ZERO, ""))
        found[key] = (
            total((quantity, decimal(line.get("quantity"), ZERO))),
            total((amount, decimal(line.get("amount"), ZERO))),
            ", ".join(sorted(filter(None, (times, f"{line.get('period_start')} to {line.get('period_end')}")))),
        )
    return found


def _amounts(line: _Billed | None, other: _Billed | None) -> str | None:
    if line is None:
        return None
    when = f" from {line[2]}" if other is not None and other[2] != line[2] else ""
    return f"{words(line[0])} for {words(line[1])}{when}"
