"""Whether an invoice adds up, and its discount, tax and credits are the right ones (contract 5.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Any

from pytest_flexprice.model.decimals import (
    ZERO,
    decimal,
    difference,
    places,
    product,
    quotient,
    rounded,
    tidy,
    total,
    words,
)
from pytest_flexprice.model.finding import Finding, Severity
from pytest_flexprice.model.suspicion import AS_IF, as_if
from pytest_flexprice.oracle.invoicing.expected import ExpectedInvoice
from pytest_flexprice.oracle.pricing.deductions import Deductions, Tax, discounted
from pytest_flexprice.oracle.pricing.factors import factor


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


def due_findings(observed: Mapping[str, Any], item: str = "") -> Iterator[Finding]:
    """What is due is the total, and what remains of it is what was not paid; answers without these say nothing."""
    if observed.get("amount_due") is None:
        return
    total_ = decimal(observed.get("total"), ZERO)
    due = decimal(observed["amount_due"])
    if due != total_:
        yield _equation(item, "amount_due", f"its total is {words(total_)}", due, total_)
    paid = decimal(observed.get("amount_paid"), ZERO)
    if paid and observed.get("invoice_status") == "DRAFT":
        yield _equation(item, "amount_paid", "nobody pays a draft", paid, ZERO)
    remaining = decimal(observed.get("amount_remaining"), difference(due, paid))
    left = max(difference(due, paid), ZERO)
    if remaining != left and due == total_:
        text = f"{words(due)} due − {words(paid)} paid = {words(left)}"
        yield _equation(item, "amount_remaining", text, remaining, left)


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
        wrong = [
            _wrong_deduction(expected, key, word, getattr(seen, key), item)
            for key, word in (("discount", "discount"), ("tax", "tax"), ("credits", "prepaid credits"))
            if getattr(expected.deductions, key) != getattr(seen, key) and not (key == "tax" and _unknown(expected))
        ]
        taxes = tax_findings(observed, item)
        return [*_causes(wrong, taxes, _added_up(observed)), *taxes]
    if seen == Deductions():
        return []
    if not _added_up(observed):
        text = f"the taxes that it shows come to {words(_taxed(observed))}"
        return [_equation(item, "total_tax", text, seen.tax, _taxed(observed))]
    told = Finding(
        item,
        "invoice.total",
        f"the total follows from the subtotal by {_told(seen)}, which the calculation takes from the invoice",
        severity=Severity.INFO,
    )
    return [*tax_findings(observed, item), told]


def _unknown(expected: ExpectedInvoice) -> bool:
    """Whether nothing is left to be taxed: nobody knows whether a fixed tax is taken then."""
    return expected.deductions is not None and expected.subtotal == expected.deductions.discount


def _added_up(observed: Mapping[str, Any]) -> bool:
    """Whether the sum of taxes is that of the taxes that an invoice shows."""
    return _taxed(observed) == decimal(observed.get("total_tax"), ZERO)


def _taxed(observed: Mapping[str, Any]) -> Decimal:
    return total(decimal(tax.get("tax_amount"), ZERO) for tax in observed.get("taxes") or ())


def _causes(wrong: Iterable[Finding], taxes: Iterable[Finding], added_up: bool) -> list[Finding]:
    """The wrong deductions without a sum of taxes that follows from a wrong discount, or from a tax that is told by itself."""
    found = list(wrong)
    discount = any(each.path == "invoice.discount" for each in found)
    follows = added_up if any(taxes) else discount
    return [each for each in found if each.path != "invoice.tax" or not follows]


def _wrong_deduction(expected: ExpectedInvoice, key: str, word: str, value: Decimal, item: str) -> Finding:
    wanted = getattr(expected.deductions, key)
    alike = [words_ for words_, wrong in _rules(expected, key) if value and wrong == value]
    hint = as_if((alike or factor([(wanted, value)], expected.currency)) if value else ["there is none"])
    return Finding(
        item,
        f"invoice.{key}",
        f"the invoice's {word} is {words(value)}{hint}",
        expected=tidy(wanted),
        observed=tidy(value),
        consequence="its total is wrong",
        remedy=f"look at the {word} of this subscription",
    )


def _rules(expected: ExpectedInvoice, key: str) -> Iterator[tuple[str, Decimal]]:
    """Wrong rules of a deduction in words, each with what it comes to."""
    taken, subtotal = expected.deductions, expected.subtotal
    if taken is not None and subtotal and key == "tax":
        yield from _tax_rules(taken, subtotal, expected.currency)
    if taken is not None and subtotal and key == "discount":
        yield from _coupon_rules(expected, subtotal)
        yield from _after_tax(taken, subtotal, expected.currency)


def _tax_rules(taken: Deductions, subtotal: Decimal, currency: str) -> Iterator[tuple[str, Decimal]]:
    left = difference(subtotal, taken.discount)
    if left:
        yield "it is taken before the discount", rounded(quotient(product(taken.tax, subtotal), left), currency)
    yield "it is taken twice", product(taken.tax, Decimal(2))


def _after_tax(taken: Deductions, subtotal: Decimal, currency: str) -> Iterator[tuple[str, Decimal]]:
    """Both of a tax on the discounted sum, and of one on all of it; the discount itself is rounded, so a cent more or less fits too."""
    left = difference(subtotal, taken.discount)
    whole_tax = quotient(product(taken.tax, subtotal), left) if left else ZERO
    for tax in (taken.tax, whole_tax) if taken.tax else ():
        off = rounded(quotient(product(taken.discount, total((subtotal, tax))), subtotal), currency)
        for more in (ZERO, -_coin(currency), _coin(currency)):
            yield "it is taken after the tax", total((off, more))


def _coin(currency: str) -> Decimal:
    return Decimal(1).scaleb(-places(currency))


def _coupon_rules(expected: ExpectedInvoice, subtotal: Decimal) -> Iterator[tuple[str, Decimal]]:
    coupons, currency = expected.coupons, expected.currency
    for base, kinds in (("usage", ("usage", "overage", "true-up")), ("fees", ("fixed",))):
        amount = total(line.charged for line in expected.lines if line.kind in kinds)
        yield f"it is taken on {base} only", discounted(coupons, amount, currency)
    if len(coupons) > 1:
        yield "each coupon is taken off the whole subtotal", total(each.off(subtotal, currency) for each in coupons)
        yield "coupons act the other way round", discounted(coupons[::-1], subtotal, currency)
        yield "only the first coupon acts", coupons[0].off(subtotal, currency)
        yield "only the last coupon acts", coupons[-1].off(subtotal, currency)
    yield "its last fraction is cut off", discounted(coupons, subtotal, currency, ROUND_DOWN)
    if expected.deductions is not None:
        yield "it is given twice", product(expected.deductions.discount, Decimal(2))
        yield "it is a hundred times as large", min(product(expected.deductions.discount, Decimal(100)), subtotal)
    yield "it is taken off each line", total(discounted(coupons, line.charged, currency) for line in expected.lines)
    shares = total(each.percentage for each in coupons)
    if shares:
        yield "a percentage were an amount", total((shares, *(each.amount for each in coupons)))


def tax_findings(observed: Mapping[str, Any], item: str = "") -> list[Finding]:
    """Whether each tax that an invoice shows is taken at its rate of the discounted subtotal, before credits (contract 5.4)."""
    seen, currency = _deductions(observed), str(observed.get("currency") or "").lower()
    subtotal = decimal(observed.get("subtotal"), ZERO)
    base, found = difference(subtotal, seen.discount), []
    taxes = observed.get("taxes") or ()
    for place, tax in enumerate(taxes):
        taxable, amount = decimal(tax.get("taxable_amount"), base), decimal(tax.get("tax_amount"), ZERO)
        name = f"'{(tax.get('tax_rate') or {}).get('code') or tax.get('tax_rate_id') or 'tax'}'"
        rate = Tax.from_api(tax["tax_rate"]) if tax.get("tax_rate") else None
        if taxable != base:
            found.append(_wrong_base(name, taxable, base, observed, item))
        elif rate is not None and base and rate.on(base, currency) != amount:
            before = total(decimal(each.get("tax_amount"), ZERO) for each in taxes[:place])
            hint = _taxed_as(rate, base, (subtotal, before), currency, amount) or _fixed_as(rate, observed, amount)
            hint = hint or as_if(factor([(rate.on(base, currency), amount)], currency))
            text = f"tax {name} on {words(base)} is {words(amount)}{hint}"
            found.append(_wrong_tax(text, rate.on(base, currency), amount, item))
    return found


def _fixed_as(rate: Tax, observed: Mapping[str, Any], amount: Decimal) -> str:
    """Of a fixed tax: how often it is charged."""
    times = quotient(amount, rate.fixed) if rate.fixed and not rate.percentage else ZERO
    if times == len(observed.get("line_items") or ()):
        return f"{AS_IF}it is charged for every line"
    return f"{AS_IF}it is charged {words(times)} times" if times > 1 and not times % 1 else ""


def _taxed_as(rate: Tax, base: Decimal, further: tuple[Decimal, Decimal], currency: str, amount: Decimal) -> str:
    """How a tax on a base may have come to an amount; ``further`` are the subtotal and what the taxes before it come to."""
    subtotal, before = further
    rules = {
        "it is on top of the tax before it": rate.on(total((base, before)), currency),
        "it is taken before the discount": rate.on(subtotal, currency),
        "its last fraction is cut off": rate.on(base, currency, ROUND_DOWN),
        "it is rounded up": rate.on(base, currency, ROUND_UP),
        "it is inside of the price": rate.inside(base, currency),
    }
    percent = quotient(product(amount, Decimal(100)), base)
    points = difference(percent, rate.percentage).quantize(Decimal(1))
    for near in (percent.quantize(Decimal(1)), percent.quantize(Decimal("0.1")), total((rate.percentage, points))):
        rules[f"its rate were {words(near)} %"] = Tax(near).on(base, currency)
    alike = [words_ for words_, wrong in rules.items() if wrong == amount]
    return as_if(alike[:1])


def _wrong_base(name: str, taxable: Decimal, base: Decimal, observed: Mapping[str, Any], item: str) -> Finding:
    lines = observed.get("line_items") or ()
    usage = total(decimal(each.get("amount"), ZERO) for each in lines if each.get("price_type") == "USAGE")
    subtotal = decimal(observed.get("subtotal"), ZERO)
    rules = (
        ("it is taken before the discount", subtotal),
        ("it is taken on usage only", usage),
        ("it is taken on fees only", difference(subtotal, usage)),
    )
    hint = as_if(words_ for words_, wrong in rules if wrong == taxable)
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
