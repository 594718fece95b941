"""Servers that calculate wrongly: each fault is one wrong rule, kept by previews, drafts and final invoices alike (items 5.3, 7.3).

What was metered stays right, so only a calculation of one's own can find them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal

from ..billing import usage
from ..billing.lines import Line
from ..billing.pricing import Tariff, Tier, bucketed_cost
from ..billing.rounding import ONE, ZERO, exact, places, to_currency
from ..billing.scope import Scope
from ..kernel.tables import Row
from .registry import fault

Lines = list["Line"]
_HAIR = Decimal("1e-12")


@dataclass
class Priced:
    """A line with what its amount comes from. ``used`` is its quantity before the allowance."""

    line: Line
    tariff: Tariff
    currency: str
    buckets: list[Decimal] | None

    @property
    def used(self) -> Decimal:
        """What was used, free or not."""
        return self.line.quantity + (self.line.free or ZERO)

    def cost(self, tariff: Tariff) -> Decimal:
        """What the line's quantity costs by another tariff, not rounded."""
        whole = self.buckets is not None and not self.line.free
        return bucketed_cost(tariff, self.buckets or []) if whole else tariff.cost(self.line.quantity)


def charged(name: str, meaning: str, kind: str = "") -> Callable[[Callable[[Scope, Row, Line], None]], None]:
    """Register a fault that changes the lines one by one; ``kind`` keeps it to ``USAGE`` or ``FIXED``."""

    def register(change: Callable[[Scope, Row, Line], None]) -> None:
        def rule(scope: Scope, subscription: Row, lines: Lines) -> Lines:
            for line in lines:
                if kind in ("", line.kind):
                    change(scope, subscription, line)
            return lines

        wrongly(name, meaning, rule)

    return register


def priced_line(scope: Scope, subscription: Row, line: Line) -> Priced | None:
    """The line by its price; none for what a commitment changed, as that follows other rules."""
    item = line.item
    if item is None or line.commitment or line.metadata.get("is_overage"):
        return None
    tariff = Tariff.of(scope.need("prices", item["price_id"]))
    buckets = None
    if item["price_type"] == "USAGE":
        customer = scope.need("customers", subscription["customer_id"])["external_id"]
        meter, anchor = scope.need("meters", item["meter_id"]), subscription["billing_anchor"]
        buckets = usage.buckets(scope, customer, meter, (line.start, line.end), anchor)
    return Priced(line, tariff, item["currency"], buckets)


def each_line(change: Callable[[Priced], None], *, kind: str = "") -> Callable[[Scope, Row, Lines], Lines]:
    """A rule that changes the lines one by one; ``kind`` keeps it to ``USAGE`` or ``FIXED``."""

    def rule(scope: Scope, subscription: Row, lines: Lines) -> Lines:
        for line in lines:
            priced = priced_line(scope, subscription, line)
            if priced and kind in ("", line.kind):
                exact(change)(priced)
        return lines

    return rule


def by_tariff(change: Callable[[Tariff], Tariff]) -> Callable[[Scope, Row, Lines], Lines]:
    """A rule that prices usage by another tariff."""

    def reprice(priced: Priced) -> None:
        other = change(priced.tariff)
        if other != priced.tariff:
            priced.line.amount = to_currency(priced.cost(other), priced.currency)

    return each_line(reprice, kind="USAGE")


def by_amount(change: Callable[[Priced], Decimal | None], kind: str = "USAGE") -> Callable[[Scope, Row, Lines], Lines]:
    """A rule that comes to another amount; none where it does not apply."""

    def reprice(priced: Priced) -> None:
        amount = change(priced)
        if amount is not None:
            priced.line.amount = amount

    return each_line(reprice, kind=kind)


def with_units(change: Callable[[Decimal], Decimal]) -> Callable[[Tariff], Tariff]:
    def changed(tariff: Tariff) -> Tariff:
        tiers = tuple(replace(tier, unit_amount=change(tier.unit_amount)) for tier in tariff.tiers)
        return replace(tariff, amount=change(tariff.amount), tiers=tiers)

    return changed


def with_tiers(change: Callable[[tuple[Tier, ...]], tuple[Tier, ...]]) -> Callable[[Tariff], Tariff]:
    return lambda tariff: replace(tariff, tiers=change(tariff.tiers)) if tariff.tiers else tariff


def each_tier(change: Callable[[Tier], Tier]) -> Callable[[Tariff], Tariff]:
    return with_tiers(lambda tiers: tuple(map(change, tiers)))


def quantized(digits: int, mode: str) -> Callable[[Decimal], Decimal]:
    return lambda amount: amount.quantize(Decimal(1).scaleb(-digits), rounding=mode)


def later(by: Decimal) -> Callable[[Tier], Tier]:
    """A tier that ends so much later."""
    return lambda tier: replace(tier, up_to=None if tier.up_to is None else tier.up_to + by)


def _moded(mode: str, other: str) -> Callable[[Tariff], Tariff]:
    return lambda tariff: replace(tariff, tier_mode=other) if tariff.tier_mode == mode else tariff


def wrongly(name: str, meaning: str, rule: Callable[[Scope, Row, Lines], Lines]) -> None:
    fault(name, meaning, "charges")(rule)


def amounting(name: str, meaning: str, kind: str = "USAGE") -> Callable[[Callable[[Priced], Decimal | None]], None]:
    """Register a fault that comes to other amounts; see :func:`by_amount`."""
    return lambda change: wrongly(name, meaning, by_amount(change, kind))


def pricing(name: str, meaning: str, kind: str = "") -> Callable[[Callable[[Priced], None]], None]:
    """Register a fault that changes priced lines; see :func:`each_line`."""
    return lambda change: wrongly(name, meaning, each_line(change, kind=kind))


wrongly("W01", "unit prices are rounded to four decimals", by_tariff(with_units(quantized(4, ROUND_HALF_UP))))
wrongly("W02", "unit prices are cut to five decimals", by_tariff(with_units(quantized(5, ROUND_DOWN))))
wrongly("W03", "unit prices are rounded to six decimals", by_tariff(with_units(quantized(6, ROUND_HALF_UP))))
wrongly(
    "W04", "every tier costs what the first does", by_tariff(with_tiers(lambda tiers: (replace(tiers[0], up_to=None),)))
)
wrongly("W05", "the bound of a tier belongs to the next one", by_tariff(each_tier(later(-_HAIR))))
wrongly("W06", "tiers end one unit too late", by_tariff(each_tier(later(ONE))))
wrongly("W07", "graduated tiers are billed by volume", by_tariff(_moded("SLAB", "VOLUME")))
wrongly("W08", "volume tiers are billed graduated", by_tariff(_moded("VOLUME", "SLAB")))
wrongly(
    "W09", "the flat amounts of tiers are forgotten", by_tariff(each_tier(lambda tier: replace(tier, flat_amount=ZERO)))
)
wrongly(
    "W10",
    "the flat amounts of tiers are charged for each unit",
    by_tariff(each_tier(lambda tier: replace(tier, unit_amount=tier.unit_amount + tier.flat_amount, flat_amount=ZERO))),
)


def packaged(count: Callable[[Decimal], Decimal]) -> Callable[[Priced], Decimal | None]:
    """What packages cost that are counted so."""

    def cost(priced: Priced) -> Decimal | None:
        tariff = priced.tariff
        if tariff.model != "PACKAGE" or priced.buckets is not None:
            return None
        return to_currency(count(priced.line.quantity / tariff.divide_by) * tariff.amount, priced.currency)

    return cost


def whole(mode: str) -> Callable[[Decimal], Decimal]:
    return lambda count: count.to_integral_value(rounding=mode)


wrongly("W11", "packages are rounded down", by_amount(packaged(whole(ROUND_FLOOR))))
wrongly("W12", "packages are rounded to the nearest", by_amount(packaged(whole(ROUND_HALF_UP))))
wrongly("W13", "packages are rounded up where they should be rounded down", by_amount(packaged(whole(ROUND_CEILING))))


def let_free(priced: Priced, free: Decimal) -> None:
    """Let that much be free."""
    line, used = priced.line, priced.used
    line.free, line.quantity = min(free, used), max(used - free, ZERO)
    line.amount = to_currency(priced.cost(priced.tariff), priced.currency)


def bill(priced: Priced, quantity: Decimal) -> None:
    """Bill so much of a line in place of what was used."""
    priced.line.quantity = quantity
    priced.line.amount = to_currency(priced.tariff.cost(quantity), priced.currency)


@pricing("W14", "allowances are ignored")
def no_allowance(priced: Priced) -> None:
    if priced.line.free:
        let_free(priced, ZERO)


@pricing("W15", "allowances are doubled")
def double_allowance(priced: Priced) -> None:
    if priced.line.free and priced.line.quantity:
        let_free(priced, priced.line.free * 2)


@amounting("W16", "allowances come off after the tiers")
def after_tiers(priced: Priced) -> Decimal | None:
    free = priced.line.free
    if not free or not priced.line.quantity:
        return None
    cost = priced.tariff.cost(priced.used) - priced.tariff.cost(free)
    return to_currency(max(cost, ZERO), priced.currency)


@pricing("W17", "of a bucketed meter only the highest bucket is billed")
def highest_bucket(priced: Priced) -> None:
    if priced.buckets:
        bill(priced, max(priced.buckets))


def rounding_by(mode: str, digits: Callable[[str], int] = places) -> Callable[[Priced], Decimal | None]:
    def cost(priced: Priced) -> Decimal:
        step = Decimal(1).scaleb(-digits(priced.currency))
        return priced.cost(priced.tariff).quantize(step, rounding=mode)

    return cost


wrongly("W18", "halves are rounded to the even digit", by_amount(rounding_by(ROUND_HALF_EVEN), ""))
wrongly("W19", "amounts are cut instead of rounded", by_amount(rounding_by(ROUND_DOWN), ""))
wrongly("W20", "amounts are rounded up", by_amount(rounding_by(ROUND_UP), ""))
wrongly("W21", "every currency has three decimals", by_amount(rounding_by(ROUND_HALF_UP, lambda currency: 3), ""))
wrongly("W22", "every currency has no decimals", by_amount(rounding_by(ROUND_HALF_UP, lambda currency: 0), ""))
