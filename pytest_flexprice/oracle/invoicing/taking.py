"""What a subscription took of its plan: every price, by the price's own terms, as often as the price says (checklist 7.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_flexprice.model.decimals import ZERO, decimal, tidy
from pytest_flexprice.model.finding import Finding
from pytest_flexprice.model.prices import ONE, Price
from pytest_flexprice.oracle.invoicing.subscription import BilledLine, BilledSubscription

#: What a price bills by, and how that is called. A price never changes them: another amount is another price (contract 2.4).
_TERMS = {
    "type": "type",
    "currency": "currency",
    "billing_model": "billing model",
    "amount": "amount",
    "tiers": "tiers",
    "tier_mode": "tier mode",
    "divide_by": "package size",
    "round_down": "rounding of packages",
    "billing_period": "billing period",
    "billing_period_count": "number of billing periods",
    "invoice_cadence": "invoice cadence",
    "meter_id": "meter",
}


def taken_findings(
    plan: str, prices: Sequence[Mapping[str, Any]], terms: tuple[str, str], billed: BilledSubscription
) -> list[Finding]:
    """Where a new subscription took something else than its plan's prices; ``terms`` are its currency and billing period."""
    known = {str(price["id"]): price for price in prices}
    findings = list(_dropped(plan, prices, terms, billed))
    for line in billed.lines:
        if line.price.id in known:
            price = known[line.price.id]
            path = f"plans.{plan}.prices.{line.display_name or line.price.id}"
            findings += [*_other_number(path, line, price), *_other_terms(path, line, Price.from_api(price))]
    return findings


def _dropped(
    plan: str, prices: Sequence[Mapping[str, Any]], terms: tuple[str, str], billed: BilledSubscription
) -> Iterator[Finding]:
    """Prices that the subscription dropped without a word (contract 4.2)."""
    taken = {line.price.id for line in billed.lines}
    for price in prices:
        if price["id"] in taken or (price["currency"], price["billing_period"]) != terms or price.get("end_date"):
            continue
        name = price.get("display_name") or price["id"]
        yield Finding(
            "7.1",
            f"plans.{plan}.prices.{name}",
            f"the test subscription took no line of the price '{name}' of its plan",
            consequence="customers who subscribe now are never billed for it",
            remedy="compare the price's currency and billing period with the subscription's",
        )


def _other_number(path: str, line: BilledLine, price: Mapping[str, Any]) -> Iterator[Finding]:
    """A fee that was bought another number of times than its minimum, which is what it gets unasked, else one."""
    least = decimal(price.get("min_quantity"), ZERO) or ONE
    if not line.is_usage and line.quantity != least:
        yield Finding(
            "7.1",
            path,
            f"the test subscription bought '{line.display_name or line.price.id}' another number of times than its price says",
            expected=tidy(least),
            observed=tidy(line.quantity),
            consequence="customers pay for another quantity than they were sold",
            remedy="compare the price's min_quantity with the quantity of the subscription's line",
        )


def _other_terms(path: str, line: BilledLine, price: Price) -> Iterator[Finding]:
    """Terms that the line's own copy of the price shows otherwise than the plan does."""
    for name, word in _TERMS.items():
        expected, observed = getattr(price, name), getattr(line.price, name)
        if expected != observed:
            yield Finding(
                "7.1",
                f"{path}.{name}",
                f"the test subscription took the price '{line.display_name or price.id}' with another {word} than its plan shows",
                expected=_told(expected),
                observed=_told(observed),
                consequence="customers are billed by other terms than were signed off",
                remedy="subscribe once more, and report it to whoever operates this Flexprice if it stays",
            )


def _told(value: Any) -> str:
    if isinstance(value, tuple):
        return "; ".join(f"up to {tier.up_to}: {tier.unit_amount} + {tier.flat_amount}" for tier in value) or "none"
    return str(value)
