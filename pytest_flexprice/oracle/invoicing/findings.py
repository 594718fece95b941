"""An observed invoice or preview against the expected one, line by line (checklist 5.3, 7.3; contract 5.2–5.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pytest_flexprice.model.decimals import QUANTITY_TOLERANCE, ZERO, decimal, difference, rounded, tidy, total, words
from pytest_flexprice.model.finding import Finding, Kind, Severity
from pytest_flexprice.oracle.invoicing.invoice import ExpectedInvoice, ExpectedLine
from pytest_flexprice.oracle.pricing.deductions import Deductions
from pytest_flexprice.oracle.pricing.prices import cost, moved_tiers

Line = Mapping[str, Any]


def compare_invoice(expected: ExpectedInvoice, observed: Mapping[str, Any], item: str = "") -> list[Finding]:
    """Everything in which an invoice or preview is not as expected; lines may come in any order.

    Lines are matched by price and meter. Totals are judged by their equation, and by the expected total where coupons, taxes
    and credits are known; tax or credits that come with finalization are no finding (contract 5.4).
    """
    found = [*_currency(expected, observed, item), *_lines(expected, observed, item)]
    found += equation_findings(observed, item)
    if expected.subtotal is not None and not any(each.severity is Severity.ERROR for each in found):
        found += _totals(expected, observed, item)
    return found


def _currency(expected: ExpectedInvoice, observed: Mapping[str, Any], item: str) -> list[Finding]:
    currency = str(observed.get("currency") or "").lower()
    if currency == expected.currency:
        return []
    return [
        Finding(item, "invoice.currency", "the invoice is in another currency", expected.currency, currency or None)
    ]


def _lines(expected: ExpectedInvoice, observed: Mapping[str, Any], item: str) -> list[Finding]:
    rest = list(observed.get("line_items") or ())
    found: list[Finding] = []
    for line in expected.lines:
        hit = _match(line, rest)
        if hit is None:
            found += _missing(expected, line, item)
            continue
        rest.remove(hit)
        found += _compare_line(expected, line, hit, item)
    unsure = any(line.unverified for line in expected.lines)
    return found + [_extra(line, item, unsure) for line in rest if unsure or decimal(line.get("amount"), ZERO)]


def _match(line: ExpectedLine, rest: Sequence[Line]) -> Line | None:
    overage = line.kind == "overage"
    if line.kind == "true-up":
        return next((each for each in rest if str(each.get("display_name", "")).endswith("True Up")), None)
    alike = [
        each for each in rest if each.get("price_id") == line.price_id and (each.get("meter_id") or "") == line.meter_id
    ]
    same = [each for each in alike if _is_overage(each) == overage]
    return next(iter(same or ([] if overage else alike)), None)


def _is_overage(line: Line) -> bool:
    marked = (line.get("metadata") or {}).get("is_overage") == "true"
    return marked or str(line.get("display_name", "")).endswith("(Overage)")


def _label(line: ExpectedLine) -> str:
    return f"'{line.event_name}'" if line.event_name and line.kind == "usage" else f"'{line.name}'"


def _missing(expected: ExpectedInvoice, line: ExpectedLine, item: str) -> list[Finding]:
    nothing = not line.unverified and not line.amount and not line.quantity
    if line.optional or (nothing and expected.stage != "preview"):
        return []
    what = f"the event '{line.event_name}'" if line.event_name else f"'{line.name}'"
    return [
        Finding(
            item,
            f"invoice.lines.{line.event_name or line.name}",
            f"the invoice has no line for {what}",
            expected=f"{words(line.quantity)} for {words(line.amount)} {expected.currency}"
            if not line.unverified
            else None,
            consequence="it is never billed",
            remedy="look whether the subscription has a line on its price, in this currency and billing period",
        )
    ]


def _extra(line: Line, item: str, unsure: bool) -> Finding:
    return Finding(
        item,
        f"invoice.lines.{line.get('display_name') or line.get('price_id')}",
        f"{'not verified: ' if unsure else ''}the invoice has a line that nothing explains:"
        f" '{line.get('display_name') or line.get('price_id')}' over {line.get('amount')}",
        consequence="" if unsure else "customers pay for it",
        remedy="look at the plan's prices and the subscription's own ones",
        kind=Kind.NOT_VERIFIED if unsure else Kind.REQUIREMENT,
    )


def _compare_line(expected: ExpectedInvoice, line: ExpectedLine, hit: Line, item: str) -> list[Finding]:
    path, label = f"invoice.lines.{line.event_name or line.name}", _label(line)
    if line.unverified:
        problem = f"not verified: line {label}: {line.unverified}"
        return [Finding(item, path, problem, observed=str(hit.get("amount")), kind=Kind.NOT_VERIFIED)]
    quantity, amount = decimal(hit.get("quantity"), ZERO), decimal(hit.get("amount"), ZERO)
    allowed = decimal(hit.get("adjusted_entitlement_quantity"), ZERO)
    if not _near(total((quantity, allowed)), total((line.quantity, line.allowed or ZERO))):
        return [_wrong_quantity(line, total((quantity, allowed)), path, item)]
    if not _near(quantity, line.quantity):
        return [
            Finding(
                item,
                path,
                f"line {label} bills {words(quantity)} of {words(total((quantity, allowed)))} used, the allowance is wrong",
                expected=tidy(line.quantity),
                observed=tidy(quantity),
                consequence="what is free differs from the plan's entitlement",
                remedy="look at the entitlement's limit and reset period",
            )
        ]
    if amount != line.amount:
        return [_wrong_amount(expected, line, amount, path, item)]
    return []


def _near(left: Decimal, right: Decimal) -> bool:
    return abs(difference(left, right)) <= QUANTITY_TOLERANCE


def _wrong_quantity(line: ExpectedLine, used: Decimal, path: str, item: str) -> Finding:
    wanted = total((line.quantity, line.allowed or ZERO))
    delta = difference(used, wanted)
    return Finding(
        item,
        path,
        f"line {_label(line)} shows a usage of {words(used)} where {words(wanted)} is expected, "
        f"{words(abs(delta))} too {'much' if delta > 0 else 'little'}",
        expected=tidy(wanted),
        observed=tidy(used),
        consequence="customers pay for what they did not use" if delta > 0 else "this usage is never billed",
        remedy="look at the events of this period in the Event Debugger",
    )


def _wrong_amount(expected: ExpectedInvoice, line: ExpectedLine, amount: Decimal, path: str, item: str) -> Finding:
    hint = _boundary_hint(expected, line, amount)
    return Finding(
        item,
        path,
        f"line {_label(line)} has the right quantity and the wrong price: {line.formula} = {words(line.amount)}, but it"
        f" bills {words(amount)} {expected.currency}{hint}",
        expected=tidy(line.amount),
        observed=tidy(amount),
        consequence="every invoice with this line is wrong",
        remedy="compare the price in force (amount, tiers, package) with the signed-off one",
    )


def _boundary_hint(expected: ExpectedInvoice, line: ExpectedLine, amount: Decimal) -> str:
    """What a wrong amount looks like: a tier's bound, or the allowance, that is off by one."""
    price = line.line.price if line.line else None
    if price is None or line.commitment_info:
        return ""
    for step, word in ((1, "one unit too late"), (-1, "one unit too early")):
        moved, other = moved_tiers(price, Decimal(step)), max(difference(line.quantity, Decimal(step)), ZERO)
        if price.tiers and rounded(cost(moved, line.quantity), expected.currency) == amount:
            return f", which is what tiers cost that end {word}"
        if line.allowed and amount in (
            rounded(cost(price, other), expected.currency),
            rounded(cost(moved, other), expected.currency),
        ):
            return f", which is what it costs if the allowance ends {word}"
    return ""


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


def _totals(expected: ExpectedInvoice, observed: Mapping[str, Any], item: str) -> list[Finding]:
    seen = _deductions(observed)
    if expected.deductions is None:
        if seen == Deductions():
            return []
        return [
            Finding(
                item,
                "invoice.total",
                f"the total follows from the subtotal by {_told(seen)}, which the calculation takes from the invoice",
                severity=Severity.INFO,
            )
        ]
    found = []
    for key, word in (("discount", "discount"), ("tax", "tax"), ("credits", "prepaid credits")):
        wanted, value = getattr(expected.deductions, key), getattr(seen, key)
        if wanted != value:
            found.append(
                Finding(
                    item,
                    f"invoice.{key}",
                    f"the invoice's {word} is {words(value)}",
                    expected=tidy(wanted),
                    observed=tidy(value),
                    consequence="its total is wrong",
                    remedy=f"look at the {word} of this subscription",
                )
            )
    return found


def _told(seen: Deductions) -> str:
    parts = ((f"{words(seen.discount)} discount", seen.discount), (f"{words(seen.tax)} tax", seen.tax))
    return ", ".join(text for text, value in (*parts, (f"{words(seen.credits)} credits", seen.credits)) if value)
