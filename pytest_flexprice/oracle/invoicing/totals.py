"""Whether an invoice adds up, and its discount, tax and credits are the right ones (contract 5.4)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pytest_flexprice.model.decimals import ZERO, decimal, difference, product, quotient, rounded, tidy, total, words
from pytest_flexprice.model.finding import Finding, Severity
from pytest_flexprice.oracle.invoicing.expected import ExpectedInvoice
from pytest_flexprice.oracle.pricing.deductions import Deductions, Tax

_CENT = Decimal("0.01")
"""How far rounding may move a discount that is computed from another, rounded one."""


def equation_findings(observed: Mapping[str, Any], item: str = "") -> list[Finding]:
    """Whether an invoice adds up: lines to the subtotal, and total = subtotal − discount − credits + tax (contract 5.4)."""
    lines = total(decimal(each.get("amount"), ZERO) for each in observed.get("line_items") or ())
    subtotal = decimal(observed.get("subtotal"), ZERO)
    seen = _deductions(observed)
    found = []
    if lines != subtotal:
        found.append(_equation(item, "subtotal", f"the lines add up to {words(lines)}", subtotal, lines))
    should = max(seen.applied(subtotal), ZERO)
    stated = decimal(observed.get("total"), ZERO)
    if should != stated:
        text = (
            f"{words(subtotal)} subtotal − {words(seen.discount)} discount − {words(seen.credits)} credits"
            f" + {words(seen.tax)} tax = {words(should)}"
        )
        found.append(_equation(item, "total", text, stated, should))
    return found


def _equation(item: str, key: str, text: str, stated: Decimal, should: Decimal) -> Finding:
    return Finding(
        item,
        f"invoice.{key}",
        f"the invoice does not add up: {text}, but its {key} says {words(stated)}",
        expected=tidy(should),
        observed=tidy(stated),
        consequence="customers pay another amount than the lines explain",
        remedy="do not send it; report it to Flexprice with its id",
    )


def _deductions(observed: Mapping[str, Any]) -> Deductions:
    return Deductions(
        discount=decimal(observed.get("total_discount"), ZERO),
        tax=decimal(observed.get("total_tax"), ZERO),
        credits=decimal(observed.get("total_prepaid_credits_applied"), ZERO),
    )


def totals_findings(expected: ExpectedInvoice, observed: Mapping[str, Any], item: str) -> list[Finding]:
    """Whether discount, tax and credits are those that were calculated, or at least follow from what the invoice shows."""
    seen = _deductions(observed)
    if expected.deductions is not None:
        return [
            _wrong_deduction(expected, key, word, getattr(seen, key), item)
            for key, word in (("discount", "discount"), ("tax", "tax"), ("credits", "prepaid credits"))
            if getattr(expected.deductions, key) != getattr(seen, key)
        ] + tax_findings(observed, item)
    if seen == Deductions():
        return []
    told = Finding(
        item,
        "invoice.total",
        f"the total follows from the subtotal by {_told(seen)}, which the calculation takes from the invoice",
        severity=Severity.INFO,
    )
    return [*tax_findings(observed, item), told]


def _wrong_deduction(expected: ExpectedInvoice, key: str, word: str, value: Decimal, item: str) -> Finding:
    return Finding(
        item,
        f"invoice.{key}",
        f"the invoice's {word} is {words(value)}{_as_if(expected, key, value)}",
        expected=tidy(getattr(expected.deductions, key)),
        observed=tidy(value),
        consequence="its total is wrong",
        remedy=f"look at the {word} of this subscription",
    )


def _as_if(expected: ExpectedInvoice, key: str, value: Decimal) -> str:
    taken, subtotal = expected.deductions, expected.subtotal
    if taken is None or not subtotal or not value:
        return ", as if there is none" if not value else ""
    if key == "tax" and taken.discount:
        left = difference(subtotal, taken.discount)
        if rounded(quotient(product(taken.tax, subtotal), left), expected.currency) == value:
            return ", as if it is taken before the discount"
    if key == "discount" and taken.tax:
        left = difference(subtotal, taken.discount)
        whole_tax = quotient(product(taken.tax, subtotal), left) if left else ZERO
        for tax in (taken.tax, whole_tax):
            with_tax = quotient(product(taken.discount, total((subtotal, tax))), subtotal)
            if abs(difference(with_tax, value)) <= _CENT:
                return ", as if it is taken after the tax"
    return ""


def tax_findings(observed: Mapping[str, Any], item: str = "") -> list[Finding]:
    """Whether each tax that an invoice shows is taken at its rate of the discounted subtotal, before credits (contract 5.4)."""
    seen, currency = _deductions(observed), str(observed.get("currency") or "").lower()
    subtotal = decimal(observed.get("subtotal"), ZERO)
    base, found = difference(subtotal, seen.discount), []
    for tax in observed.get("taxes") or ():
        taxable, amount = decimal(tax.get("taxable_amount"), base), decimal(tax.get("tax_amount"), ZERO)
        name = f"'{(tax.get('tax_rate') or {}).get('code') or tax.get('tax_rate_id') or 'tax'}'"
        rate = Tax.from_api(tax["tax_rate"]) if tax.get("tax_rate") else None
        if taxable != base:
            found.append(_wrong_base(name, taxable, base, subtotal, item))
        elif rate is not None and rate.on(base, currency) != amount:
            hint = ", as if it is taken before the discount" if rate.on(subtotal, currency) == amount else ""
            text = f"tax {name} on {words(base)} is {words(amount)}{hint}"
            found.append(_wrong_tax(text, rate.on(base, currency), amount, item))
    return found


def _wrong_base(name: str, taxable: Decimal, base: Decimal, subtotal: Decimal, item: str) -> Finding:
    hint = ", as if it is taken before the discount" if taxable == subtotal else ""
    text = f"tax {name} is taken on {words(taxable)}, and what is left after discounts is {words(base)}{hint}"
    return _wrong_tax(text, base, taxable, item)


def _wrong_tax(problem: str, expected: Decimal, observed: Decimal, item: str) -> Finding:
    return Finding(
        item,
        "invoice.tax",
        problem,
        expected=tidy(expected),
        observed=tidy(observed),
        consequence="the tax on every such invoice is wrong",
        remedy="look at the tax rate, and report it to Flexprice",
    )


def _told(seen: Deductions) -> str:
    parts = ((f"{words(seen.discount)} discount", seen.discount), (f"{words(seen.tax)} tax", seen.tax))
    return ", ".join(text for text, value in (*parts, (f"{words(seen.credits)} credits", seen.credits)) if value)
