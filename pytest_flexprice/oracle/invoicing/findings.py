"""An observed invoice or preview against the expected one, line by line (checklist 5.3, 7.3; contract 5.2–5.5)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pytest_flexprice.model.decimals import QUANTITY_TOLERANCE, ZERO, decimal, difference, product, tidy, total, words
from pytest_flexprice.model.finding import Finding, Kind, Severity, compared
from pytest_flexprice.model.times import instant_of
from pytest_flexprice.oracle.invoicing.expected import ExpectedInvoice, ExpectedLine
from pytest_flexprice.oracle.invoicing.suspects import AS_IF, suspicion, usage_suspicion
from pytest_flexprice.oracle.invoicing.totals import equation_findings, totals_findings

Line = Mapping[str, Any]
READERS_DIFFER = "and the usage query counts"
"""Words of a finding that one of two readers of usage is wrong; which one, nobody can tell from them."""


def compare_invoice(
    expected: ExpectedInvoice, observed: Mapping[str, Any], item: str = "", own: Collection[str] | None = None
) -> list[Finding]:
    """Everything in which an invoice or preview is not as expected; lines may come in any order.

    Lines are matched by price and meter. Totals are judged by their equation, and by the expected total where coupons, taxes
    and credits are known; tax or credits that come with finalization are no finding (contract 5.4). Where ``own`` names the
    lines of the subscription by id, lines of other subscriptions on the invoice are not judged.
    """
    found = [*_currency(expected, observed, item), *_lines(expected, observed, item, own)]
    found += equation_findings(observed, item)
    if expected.subtotal is not None and not any(each.severity is Severity.ERROR for each in found):
        found += totals_findings(expected, observed, item)
    return found


def _currency(expected: ExpectedInvoice, observed: Mapping[str, Any], item: str) -> list[Finding]:
    currency = str(observed.get("currency") or "").lower()
    if currency == expected.currency:
        return []
    return [
        Finding(item, "invoice.currency", "the invoice is in another currency", expected.currency, compared(currency))
    ]


def _lines(
    expected: ExpectedInvoice, observed: Mapping[str, Any], item: str, own: Collection[str] | None
) -> list[Finding]:
    rest = [each for each in observed.get("line_items") or () if own is None or _subscription_line(each) in ("", *own)]
    found: list[Finding] = []
    for line in expected.lines:
        hit = _match(line, rest)
        if hit is None:
            found += _missing(expected, line, item)
            continue
        rest.remove(hit)
        found += _compare_line(expected, line, hit, item)
    return found + [_extra(line, expected, item) for line in rest if _bills(line)]


def _bills(line: Line) -> bool:
    """Whether a line bills anything; those of phases to come do not (recording deals_phases)."""
    return bool(decimal(line.get("amount"), ZERO) or decimal(line.get("quantity"), ZERO))


def _match(line: ExpectedLine, rest: Sequence[Line]) -> Line | None:
    """The observed line of an expected one: that of its subscription line, else of its price and meter, at its time."""
    overage = line.kind == "overage"
    if line.kind == "true-up":
        return next((each for each in rest if str(each.get("display_name", "")).endswith("True Up")), None)
    own = [each for each in rest if line.line and line.line.id and _subscription_line(each) == line.line.id]
    alike = own or [
        each for each in rest if each.get("price_id") == line.price_id and (each.get("meter_id") or "") == line.meter_id
    ]
    same = [each for each in alike if _is_overage(each) == overage]
    found = same or ([] if overage else alike)
    return min(found, key=lambda each: _apart(line, each)) if len(found) > 1 else next(iter(found), None)


def _subscription_line(line: Line) -> str:
    return str(line.get("subscription_line_item_id") or "")


def _apart(line: ExpectedLine, hit: Line) -> float:
    """How far the times of two lines are apart, in seconds; lines without a time are alike."""
    starts = instant_of(hit, "period_start")
    return abs((starts - line.span.start).total_seconds()) if starts and line.span else 0.0


def _is_overage(line: Line) -> bool:
    marked = (line.get("metadata") or {}).get("is_overage") == "true"
    return marked or str(line.get("display_name", "")).endswith("(Overage)")


def _label(line: ExpectedLine) -> str:
    return f"'{line.event_name}'" if line.event_name and line.kind == "usage" else f"'{line.name}'"


def _missing(expected: ExpectedInvoice, line: ExpectedLine, item: str) -> list[Finding]:
    nothing = not line.unverified and not line.amount and not line.quantity
    if line.optional or (nothing and expected.stage != "preview"):
        return []
    bills = f"{words(line.quantity)} for {words(line.amount)} {expected.currency}"
    if line.kind == "true-up":
        problem = (
            f"the commitment is not filled up: {line.formula} = {words(line.amount)} {expected.currency} is missing"
        )
        remedy = "look at the subscription's commitment and enable_true_up"
    else:
        what = f"the event '{line.event_name}'" if line.event_name else f"'{line.name}'"
        problem = f"the invoice has no line for {what}"
        remedy = "look whether the subscription has a line on its price, in this currency and billing period"
    return [
        Finding(
            item,
            f"invoice.lines.{line.event_name or line.name}",
            problem,
            expected=bills if not line.unverified else None,
            consequence="it is never billed",
            remedy=remedy,
        )
    ]


def _extra(line: Line, expected: ExpectedInvoice, item: str) -> Finding:
    name, amount = str(line.get("display_name") or line.get("price_id")), decimal(line.get("amount"), ZERO)
    twin = next((each for each in expected.lines if each.price_id and each.price_id == line.get("price_id")), None)
    if twin is not None and twin.amount == amount and not twin.unverified:
        problem = (
            f"'{name}' is billed more than once: another line over {words(amount)} {expected.currency} beside the first"
        )
        remedy = "look for a second line on its price, and for an invoice that was computed twice"
    else:
        problem = f"the invoice has a line that nothing explains: '{name}' over {words(amount)}"
        remedy = "look at the plan's prices and the subscription's own ones"
    unsure = any(each.unverified for each in expected.lines)
    return Finding(
        item,
        f"invoice.lines.{name}",
        f"{'not verified: ' if unsure else ''}{problem}",
        consequence="" if unsure else "customers pay for it",
        remedy=remedy,
        kind=Kind.NOT_VERIFIED if unsure else Kind.REQUIREMENT,
    )


def _compare_line(expected: ExpectedInvoice, line: ExpectedLine, hit: Line, item: str) -> list[Finding]:
    path = f"invoice.lines.{line.event_name or line.name}"
    quantity, amount = decimal(hit.get("quantity"), ZERO), decimal(hit.get("amount"), ZERO)
    likely = line.optional and line.amount and amount == line.amount
    if line.unverified and not likely:
        return [_not_verified(line, amount, path, item)]
    allowed = decimal(hit.get("adjusted_entitlement_quantity"), ZERO)
    used, wanted = total((quantity, allowed)), total((line.quantity, line.allowed or ZERO))
    if not _near(used, wanted):
        return [
            _readers_differ(line, used, wanted, path, item)
            if line.as_read
            else _wrong_quantity(line, used, wanted, path, item)
        ]
    if not _near(quantity, line.quantity):
        return [_wrong_allowance(line, quantity, used, path, item)]
    if amount != line.amount:
        return [_wrong_amount(expected, line, amount, path, item)]
    return _line_discount(expected, line, hit, path, item)


def _not_verified(line: ExpectedLine, amount: Decimal, path: str, item: str) -> Finding:
    problem = f"not verified: line {_label(line)}: {line.unverified}"
    return Finding(item, path, problem, observed=words(amount), kind=Kind.NOT_VERIFIED)


def _near(left: Decimal, right: Decimal) -> bool:
    return abs(difference(left, right)) <= QUANTITY_TOLERANCE


def _wrong_quantity(line: ExpectedLine, used: Decimal, wanted: Decimal, path: str, item: str) -> Finding:
    delta = difference(used, wanted)
    return Finding(
        item,
        path,
        f"line {_label(line)} shows a usage of {words(used)} where {words(wanted)} is expected, "
        f"{words(abs(delta))} too {'much' if delta > 0 else 'little'}{usage_suspicion(line.usage, used)}",
        expected=tidy(wanted),
        observed=tidy(used),
        consequence="customers pay for what they did not use" if delta > 0 else "this usage is never billed",
        remedy="look at the events of this period in the Event Debugger",
    )


def _readers_differ(line: ExpectedLine, used: Decimal, wanted: Decimal, path: str, item: str) -> Finding:
    """Two readers of one usage that disagree: which of them is right, their difference does not tell."""
    hint = usage_suspicion(line.usage, used)
    return Finding(
        item,
        path,
        f"line {_label(line)} bills a usage of {words(used)}, {READERS_DIFFER} {words(wanted)} in the same time{hint}",
        expected=tidy(wanted),
        observed=tidy(used),
        consequence="one of the two is wrong, so what is billed is not what customers can see",
        remedy="look at what items 3.2 and 7.2 say about this event, and at its events in the Event Debugger",
    )


def _wrong_allowance(line: ExpectedLine, quantity: Decimal, used: Decimal, path: str, item: str) -> Finding:
    allowed, wanted = difference(used, quantity), line.allowed or ZERO
    hint = f"{AS_IF}the allowance is ignored" if not allowed else ""
    if wanted and allowed == product(wanted, Decimal(2)):
        hint = f"{AS_IF}the allowance is given twice"
    return Finding(
        item,
        path,
        f"line {_label(line)} bills {words(quantity)} of {words(used)} used, the allowance is wrong{hint}",
        expected=tidy(line.quantity),
        observed=tidy(quantity),
        consequence="what is free differs from the plan's entitlement",
        remedy="look at the entitlement's limit and reset period",
    )


def _wrong_amount(expected: ExpectedInvoice, line: ExpectedLine, amount: Decimal, path: str, item: str) -> Finding:
    hint = suspicion(line, amount, expected.currency)
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


def _line_discount(expected: ExpectedInvoice, line: ExpectedLine, hit: Line, path: str, item: str) -> list[Finding]:
    off = decimal(hit.get("line_item_discount"), ZERO)
    if expected.deductions is None or off == line.line_discount:
        return []
    return [
        Finding(
            item,
            path,
            f"line {_label(line)} over {words(line.amount)} has a discount of {words(off)} {expected.currency} of its own",
            expected=tidy(line.line_discount),
            observed=tidy(off),
            consequence="customers pay another price than their coupon says",
            remedy="look at the coupons of this subscription's lines",
        )
    ]
