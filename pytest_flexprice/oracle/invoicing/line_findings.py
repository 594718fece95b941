"""One line of an invoice or preview against the expected one (checklist 5.3, 7.3; contract 5.2–5.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from pytest_flexprice.model.decimals import (
    QUANTITY_TOLERANCE,
    ZERO,
    decimal,
    difference,
    product,
    quotient,
    tidy,
    total,
    words,
)
from pytest_flexprice.model.finding import Finding, Kind
from pytest_flexprice.model.suspicion import AS_IF
from pytest_flexprice.model.times import Window, instant_of
from pytest_flexprice.oracle.invoicing.expected import ExpectedInvoice, ExpectedLine
from pytest_flexprice.oracle.invoicing.suspects import suspicion, usage_suspicion
from pytest_flexprice.oracle.pricing.mistakes import ALLOWANCE, IGNORED, TWICE, Seen

SECOND = timedelta(seconds=1)
WRONG_PRICE, WRONG_ALLOWANCE = "the right quantity and the wrong price", "the allowance is wrong"
"""Words of findings about what was made of a usage that is right."""
OWN_DISCOUNT = "has a discount of"
"""Words of a finding about what a coupon takes off one line."""
READERS_DIFFER = "and the usage query counts"
"""Words of a finding that one of two readers of usage is wrong; which one, nobody can tell from them."""


def used_of(hit: Mapping[str, Any]) -> Decimal:
    """What a line says was used, free or not."""
    return total((decimal(hit.get("quantity"), ZERO), decimal(hit.get("adjusted_entitlement_quantity"), ZERO)))


def near(left: Decimal, right: Decimal) -> bool:
    """Whether two quantities are the same, as far as a stored line keeps them."""
    return abs(difference(left, right)) <= QUANTITY_TOLERANCE


def _time(span: Window) -> str:
    return f"{span.start:%Y-%m-%dT%H:%M:%SZ} to {span.end:%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True)
class Compared:
    """An expected line and the observed one (``hit``) of an invoice in a ``currency``; ``seen`` is what it bills of its usage lines.

    ``further`` is what was used on other lines of its price, ``missing`` are the lines that the invoice lacks.
    """

    expected: ExpectedInvoice
    line: ExpectedLine
    hit: Mapping[str, Any]
    item: str
    currency: str = ""
    seen: Sequence[Seen] = ()
    further: Decimal = ZERO
    missing: Sequence[ExpectedLine] = ()

    @property
    def amount(self) -> Decimal:
        """What the observed line bills."""
        return decimal(self.hit.get("amount"), ZERO)

    @property
    def quantity(self) -> Decimal:
        """How much of it, after the allowance."""
        return decimal(self.hit.get("quantity"), ZERO)

    @property
    def path(self) -> str:
        """Where it is."""
        return f"invoice.lines.{self.line.place}"

    def findings(self) -> list[Finding]:
        """What is wrong with it, the first thing that is."""
        line, used = self.line, used_of(self.hit)
        likely = line.optional and line.amount and self.amount == line.amount
        if line.unverified and not likely:
            return [self._not_verified()]
        wanted = total((line.quantity, line.allowed or ZERO))
        if not near(used, wanted):
            if line.kind != "usage":
                return [self._wrong_number()]
            return [self._readers_differ(used, wanted) if line.as_read else self._wrong_quantity(used, wanted)]
        if not near(self.quantity, line.quantity):
            return [self._wrong_allowance(used)]
        if self.amount != line.amount:
            return [self._wrong_amount()]
        return [
            *self._other_currency(),
            *self._other_price(),
            *self._line_discount(),
            *self._other_name(),
        ] or self._other_time()

    def _not_verified(self) -> Finding:
        problem = f"not verified: line {self.line.label}: {self.line.unverified}"
        return Finding(self.item, self.path, problem, observed=words(self.amount), kind=Kind.NOT_VERIFIED)

    def _wrong_number(self) -> Finding:
        """A fee, a true-up or an overage of another number than it must have."""
        line, currency = self.line, self.expected.currency
        return Finding(
            self.item,
            self.path,
            f"line {line.label} bills {words(self.quantity)} for {words(self.amount)} {currency} where"
            f" {words(line.quantity)} for {words(line.amount)} is expected ({line.formula})",
            expected=tidy(line.quantity),
            observed=tidy(self.quantity),
            consequence="every invoice with this line is wrong",
            remedy="compare the quantity of the subscription's line with what was sold",
        )

    def _other_time(self) -> list[Finding]:
        """A line over another time than its price bills: what belongs to another period may be billed twice, or never."""
        span, shown = self.line.span, self._shown_span()
        if span is None or shown is None or self.line.optional:
            return []
        alike = abs(shown.start - span.start) < SECOND and abs(shown.end - span.end) < SECOND
        # After a cancel a line ends by the server's clock; some of its time it has in common with what was expected all the same.
        meet = shown.start - SECOND < span.end and span.start < shown.end + SECOND and shown.start < shown.end + SECOND
        if alike or (meet and self.expected.closing):
            return []
        problem = f"line {self.line.label} is billed for another time than it must be"
        consequence = "another period is billed twice, or never"
        remedy = "do not send it; report it to Flexprice with its id"
        return [Finding(self.item, self.path, problem, _time(span), _time(shown), consequence, remedy)]

    def _elsewhen(self) -> str:
        """A line's other time as words to append: another usage follows from it."""
        found = self._other_time()
        return f"{AS_IF}its time were {found[0].observed} and not {found[0].expected}" if found else ""

    def _shown_span(self) -> Window | None:
        try:
            starts, ends = instant_of(self.hit, "period_start"), instant_of(self.hit, "period_end")
        except ValueError:
            return None
        return Window(starts, ends) if starts and ends else None

    def _other_price(self) -> list[Finding]:
        """A line that names another price, or another meter, than the subscription's line that it bills."""
        wanted = (self.line.price_id, self.line.meter_id)
        shown = (str(self.hit.get("price_id") or ""), str(self.hit.get("meter_id") or ""))
        if not all(wanted[:1]) or not all(shown[:1]) or shown == wanted:
            return []
        problem = f"line {self.line.label} names another price or meter than the subscription's line that it bills"
        consequence = "whoever reads the invoice by its prices takes this line for another one"
        remedy = "do not send it; report it to Flexprice with its id"
        return [Finding(self.item, self.path, problem, " on ".join(wanted), " on ".join(shown), consequence, remedy)]

    def _other_name(self) -> list[Finding]:
        """A stored line that is called otherwise than the subscription's line; which name holds after a change nobody knows."""
        name = str(self.hit.get("display_name") or "")
        if (
            self.expected.stage == "preview"
            or self.line.kind == "true-up"
            or name in ("", self.line.name)
            or not self.line.name
        ):
            return []
        problem = f"line {self.line.label} is called '{name}'"
        consequence, remedy = "customers take it for something else", "report it to Flexprice with its id"
        return [Finding(self.item, self.path, problem, self.line.name, name, consequence, remedy)]

    def _other_currency(self) -> list[Finding]:
        currency = str(self.hit.get("currency", self.currency)).lower()
        if currency == self.currency:
            return []
        problem = f"line {self.line.label} is in another currency than its invoice"
        consequence, remedy = "its amount means something else", "do not send it; report it to Flexprice with its id"
        return [Finding(self.item, self.path, problem, self.currency, currency, consequence, remedy)]

    def _wrong_quantity(self, used: Decimal, wanted: Decimal) -> Finding:
        delta, line = difference(used, wanted), self.line
        return Finding(
            self.item,
            self.path,
            f"line {line.label} shows a usage of {words(used)} where {words(wanted)} is expected, "
            f"{words(abs(delta))} too {'much' if delta > 0 else 'little'}{usage_suspicion(line.usage, used)}",
            expected=tidy(wanted),
            observed=tidy(used),
            consequence="customers pay for what they did not use" if delta > 0 else "this usage is never billed",
            remedy="look at the events of this period in the Event Debugger",
        )

    def _readers_differ(self, used: Decimal, wanted: Decimal) -> Finding:
        """Two readers of one usage that disagree: which of them is right, their difference does not tell."""
        times = quotient(used, wanted) if wanted else ZERO
        hint = self._elsewhen() or usage_suspicion(self.line.usage, used)
        if not hint and times > 1 and not times % 1:
            hint = f"{AS_IF}it is counted {words(times)} times"
        if self.further and near(total((used, self.further)), wanted):
            hint = f"{AS_IF}it is split into several lines"
        return Finding(
            self.item,
            self.path,
            f"line {self.line.label} bills a usage of {words(used)}, {READERS_DIFFER} {words(wanted)} in the same time{hint}",
            expected=tidy(wanted),
            observed=tidy(used),
            consequence="one of the two is wrong, so what is billed is not what customers can see",
            remedy="look at what items 3.2 and 7.2 say about this event, and at its events in the Event Debugger",
        )

    def _wrong_allowance(self, used: Decimal) -> Finding:
        line, quantity = self.line, self.quantity
        allowed, wanted = difference(used, quantity), line.allowed or ZERO
        hint = suspicion(line, self.amount, self.expected.currency, self.seen, ALLOWANCE)
        days = Decimal((line.span.end - line.span.start).days) if line.span else ZERO
        part = quotient(product(allowed, days), line.limit) if line.limit else ZERO
        if not hint and 0 < part < days and near(part, part.to_integral_value()):
            hint = f"{AS_IF}it is given for {words(part.to_integral_value())} of {words(days)} days"
        if line.limit and wanted > line.limit and allowed == min(line.limit, used):
            hint = f"{AS_IF}the allowance is given once in the whole period"
        if not hint and not allowed:
            hint = f"{AS_IF}{IGNORED}"
        elif not hint and wanted and allowed == product(wanted, Decimal(2)):
            hint = f"{AS_IF}{TWICE}"
        elif not hint and line.limit and allowed > line.limit and not allowed % line.limit:
            hint = f"{AS_IF}the allowance is given {words(allowed / line.limit)} times"
        return Finding(
            self.item,
            self.path,
            f"line {line.label} bills {words(quantity)} of {words(used)} used, {WRONG_ALLOWANCE}{hint}",
            expected=tidy(line.quantity),
            observed=tidy(quantity),
            consequence="what is free differs from the plan's entitlement",
            remedy="look at the entitlement's limit and reset period",
        )

    def _wrong_amount(self) -> Finding:
        line, currency = self.line, self.expected.currency
        merged = [each for each in self.missing if self.amount == total((line.amount, each.amount)) and each.amount]
        hint = f"{AS_IF}{merged[0].label} were a part of it" if merged else ""
        return Finding(
            self.item,
            self.path,
            f"line {line.label} has {WRONG_PRICE}: {line.formula} = {words(line.amount)}, but it"
            f" bills {words(self.amount)} {currency}{hint or suspicion(line, self.amount, currency, self.seen)}",
            expected=tidy(line.amount),
            observed=tidy(self.amount),
            consequence="every invoice with this line is wrong",
            remedy="compare the price in force (amount, tiers, package) with the signed-off one",
        )

    def _line_discount(self) -> list[Finding]:
        off, line = decimal(self.hit.get("line_item_discount"), ZERO), self.line
        if self.expected.deductions is None or off == line.line_discount:
            return []
        return [
            Finding(
                self.item,
                self.path,
                f"line {line.label} over {words(line.amount)} {OWN_DISCOUNT} {words(off)} {self.expected.currency} of its own",
                expected=tidy(line.line_discount),
                observed=tidy(off),
                consequence="customers pay another price than their coupon says",
                remedy="look at the coupons of this subscription's lines",
            )
        ]
