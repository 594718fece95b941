"""An observed invoice or preview against the expected one, line by line (checklist 5.3, 7.3; contract 5.2–5.5)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pytest_flexprice.model.decimals import ZERO, decimal, total, words
from pytest_flexprice.model.finding import Finding, Kind, Severity, compared
from pytest_flexprice.model.times import instant_of
from pytest_flexprice.oracle.invoicing.expected import ExpectedInvoice, ExpectedLine
from pytest_flexprice.oracle.invoicing.line_findings import READERS_DIFFER, Compared, near, used_of
from pytest_flexprice.oracle.invoicing.suspect_prices import priced
from pytest_flexprice.oracle.invoicing.totals import due_findings, equation_findings, totals_findings
from pytest_flexprice.oracle.pricing.mistakes import Seen

__all__ = ["READERS_DIFFER", "InvoiceLine", "compare_invoice"]
InvoiceLine = Mapping[str, Any]


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
    if expected.subtotal is not None and not _wrong(found):
        found += totals_findings(expected, observed, item)
    return found if _wrong(found) else [*found, *due_findings(observed, item)]


def _wrong(found: Iterable[Finding]) -> bool:
    return any(each.severity is Severity.ERROR and each.kind is Kind.REQUIREMENT for each in found)


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
    pairs: list[tuple[ExpectedLine, InvoiceLine | None]] = []
    for line in expected.lines:
        hit = _match(line, rest)
        pairs.append((line, hit))
        if hit is not None:
            rest.remove(hit)
    currency = str(observed.get("currency") or "").lower()
    seen = _billed(pairs, expected.currency)
    missing = [line for line, hit in pairs if hit is None]
    found: list[Finding] = []
    for line, hit in pairs:
        found += (
            _missing(expected, line, item)
            if hit is None
            else Compared(expected, line, hit, item, currency, seen, _further(line, rest), missing).findings()
        )
    return found + [_extra(line, expected, item) for line in rest if _bills(line)]


def _further(line: ExpectedLine, rest: Iterable[InvoiceLine]) -> Decimal:
    """What was used on lines of a price beside the first."""
    return total(used_of(each) for each in rest if line.price_id and each.get("price_id") == line.price_id)


def _billed(pairs: Iterable[tuple[ExpectedLine, InvoiceLine | None]], currency: str) -> list[Seen]:
    """What the invoice bills of the usage lines whose usage is right."""
    found = []
    for line, hit in pairs:
        own = priced(line, currency)
        if hit is not None and own is not None and near(used_of(hit), own.used):
            found.append((own, decimal(hit.get("amount"), ZERO)))
    return found


def _bills(line: InvoiceLine) -> bool:
    """Whether a line bills anything; those of phases to come do not (recording deals_phases)."""
    return bool(decimal(line.get("amount"), ZERO) or decimal(line.get("quantity"), ZERO))


def _match(line: ExpectedLine, rest: Sequence[InvoiceLine]) -> InvoiceLine | None:
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


def _subscription_line(line: InvoiceLine) -> str:
    return str(line.get("subscription_line_item_id") or "")


def _apart(line: ExpectedLine, hit: InvoiceLine) -> float:
    """How far the times of two lines are apart, in seconds; lines without a time are alike."""
    starts = instant_of(hit, "period_start")
    return abs((starts - line.span.start).total_seconds()) if starts and line.span else 0.0


def _is_overage(line: InvoiceLine) -> bool:
    marked = (line.get("metadata") or {}).get("is_overage") == "true"
    return marked or str(line.get("display_name", "")).endswith("(Overage)")


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
        what = f"the event {line.label}" if line.event_name else f"'{line.name}'"
        problem = f"the invoice has no line for {what}"
        remedy = "look whether the subscription has a line on its price, in this currency and billing period"
    return [
        Finding(
            item,
            f"invoice.lines.{line.place}",
            problem,
            expected=bills if not line.unverified else None,
            consequence="it is never billed",
            remedy=remedy,
        )
    ]


def _extra(line: InvoiceLine, expected: ExpectedInvoice, item: str) -> Finding:
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
    meter = line.get("meter_id") or ""
    unsure = any(each.unverified for each in expected.lines if not meter or each.meter_id in ("", meter))
    return Finding(
        item,
        f"invoice.lines.{name}",
        f"{'not verified: ' if unsure else ''}{problem}",
        consequence="" if unsure else "customers pay for it",
        remedy=remedy,
        kind=Kind.NOT_VERIFIED if unsure else Kind.REQUIREMENT,
    )
