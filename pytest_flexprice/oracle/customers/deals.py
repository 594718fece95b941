"""What was agreed with a customer alone, as declared, against its subscription: own prices, quantities, coupons, commitment, parent
(checklist 4.2; contract 11.2).

A column that the customers file has at all speaks for every row: what a row leaves empty was not agreed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from pytest_flexprice.model.cell_values import pairs
from pytest_flexprice.model.customer_columns import BY_NAME
from pytest_flexprice.model.decimals import ZERO, decimal, tidy
from pytest_flexprice.model.declared_customers import DeclaredRow
from pytest_flexprice.model.finding import Finding, Severity, compared
from pytest_flexprice.model.grouping import Told
from pytest_flexprice.model.prices import Price
from pytest_flexprice.model.subscriptions import INHERITED, Subscription, SubscriptionLine
from pytest_flexprice.oracle.customers.lines import PlanPrices

_ONE = Decimal(1)
_PAID = "finalized invoices are paid from them, and no money comes in for that part"


@dataclass(frozen=True)
class Agreed:
    """Which columns are declared, and what is only asked for where one of them needs it.

    Attributes:
        own_prices: prices of single subscriptions by id.
        coupons: codes by subscription, in lower case.
        owner_of: the external id of a subscription's customer.
        allowances: what single subscriptions are allowed beside their plan, in words, by subscription.
        prepaid: the prepaid credits of customers, currency and words, by the customer's id.
        granting: the ids of the plans that give credits to whoever subscribes to them.
        due_days_decided: whether the plan decides when invoices are due, so that other terms are told as another decision.
    """

    columns: frozenset[str]
    own_prices: Callable[[], Mapping[str, Price]] = dict
    coupons: Callable[[], Mapping[str, frozenset[str]]] = dict
    owner_of: Callable[[str], str] = str
    allowances: Callable[[], Mapping[str, Sequence[str]]] = dict
    prepaid: Callable[[], Mapping[str, Sequence[tuple[str, str]]]] = dict
    granting: Callable[[], frozenset[str]] = frozenset
    due_days_decided: bool = False


def deals(
    external_id: str, row: DeclaredRow, one: Subscription, plan: PlanPrices | None, agreed: Agreed
) -> Iterator[Told]:
    """Everything in which a subscription is not as it was agreed with its customer."""
    for name, expected, observed in _facts(row, one, plan, agreed):
        if expected != observed:
            yield _told(external_id, row, name, expected, observed)


def own_allowances(external_id: str, one: Subscription, agreed: Agreed) -> Iterator[Told]:
    """What a subscription is allowed beside its plan: no column declares it, so that a person has to look."""
    own = agreed.allowances().get(one.id, ())
    if own:
        finding = Finding(
            "4.2",
            f"customers.{external_id}.subscription.entitlements",
            f"the subscription of customer '{external_id}' has entitlements of its own beside its plan's: {', '.join(own)}",
            consequence="what they allow is not billed to this customer",
            remedy="check that it was agreed",
            severity=Severity.WARNING,
        )
        yield Told("subscriptions with entitlements of their own", external_id, finding)


def undeclared(external_id: str, row: DeclaredRow, one: Subscription, agreed: Agreed) -> Iterator[Told]:
    """What one customer has by itself and its row says nothing about, so that nobody wrote down that it was agreed."""
    found = list(_undeclared(row, one, agreed))
    if found:
        columns = sorted({each.column for each in found if each.column})
        costs = dict.fromkeys(each.cost for each in found)
        finding = Finding(
            "4.2",
            f"customers.{external_id}.subscription",
            f"the subscription of customer '{external_id}' has what the customers file says nothing about: "
            + ", ".join(each.what for each in found),
            consequence=", and ".join(costs),
            remedy="check that it was agreed"
            + (f", and declare it in a column {' and '.join(columns)}" if columns else ""),
            severity=Severity.WARNING,
        )
        yield Told("subscriptions with what the customers file says nothing about", external_id, finding)


class _Own(NamedTuple):
    """What a customer has by itself, with the column that would declare it, if there is one."""

    what: str
    column: str = ""
    cost: str = "the customer pays another price than the plan says"


def _undeclared(row: DeclaredRow, one: Subscription, agreed: Agreed) -> Iterator[_Own]:
    if one.kind == INHERITED:
        return
    if "coupon" not in agreed.columns:
        for code in sorted(agreed.coupons().get(one.id, ())):
            yield _Own(f"coupon '{code}'", "coupon")
    if one.payment_terms and not row.values.get("payment_terms") and not agreed.due_days_decided:
        yield _Own(f"payment terms of {one.payment_terms}", "payment_terms", BY_NAME["payment_terms"].cost)
    if "commitment" not in agreed.columns and (committed := _number(one.commitment)):
        yield _Own(f"a commitment of {committed}", "commitment")
    if one.plan_id not in agreed.granting():
        for currency, credits in agreed.prepaid().get(one.customer_id, ()):
            pays = currency == one.currency
            what = credits if pays else f"{credits}, which pay no invoice in {one.currency}"
            yield _Own(what, cost=_PAID if pays else "what was paid in advance stays unused")
    for line in one.lines or ():
        if line.of == "addon":
            yield _Own(f"addon '{line.display_name}'")
        elif "quantity" not in agreed.columns and _is_fee(line) and (line.quantity or _ONE) != _ONE:
            yield _Own(f"{tidy(line.quantity or _ONE)} of '{line.display_name}'", "quantity")


def _facts(
    row: DeclaredRow, one: Subscription, plan: PlanPrices | None, agreed: Agreed
) -> Iterator[tuple[str, Any, Any]]:
    """Column, declared and actual value of whatever is declared; values of single prices carry the price's name."""
    values, columns = row.values, agreed.columns
    inherited = one.kind == INHERITED
    if "parent" in columns:
        parent = agreed.owner_of(one.parent_id) if inherited else ""
        yield "parent", values.get("parent") or None, parent or None
    if inherited:
        return
    if "coupon" in columns:
        codes = sorted(agreed.coupons().get(one.id, ()))
        yield "coupon", values.get("coupon") or None, "; ".join(codes) or None
    if "commitment" in columns:
        yield "commitment", _number(values.get("commitment")), _number(one.commitment)
    if values.get("overage_factor"):
        yield "overage_factor", _number(values["overage_factor"]), _number(one.overage_factor)
    if one.lines is not None:
        yield from _of_lines(values, one.lines, plan, agreed)


def _number(value: Any) -> Decimal | None:
    number = decimal(value, ZERO)
    return tidy(number) if number else None


def _of_lines(
    values: Mapping[str, str], lines: Sequence[SubscriptionLine], plan: PlanPrices | None, agreed: Agreed
) -> Iterator[tuple[str, Any, Any]]:
    running = [line for line in lines if not line.phase]
    if "quantity" in agreed.columns:
        yield from _quantities(pairs(values.get("quantity", "")), running)
    if "price_overrides" in agreed.columns and plan is not None:
        yield from _prices(pairs(values.get("price_overrides", "")), running, plan, agreed)


def _quantities(declared: Mapping[str, Decimal], lines: list[SubscriptionLine]) -> Iterator[tuple[str, Any, Any]]:
    """Quantities by the names of fees; a lone one belongs to the fee that is bought more than once, else to the first."""
    fees = {line.display_name: line.quantity or _ONE for line in lines if _is_fee(line)}
    left = dict(fees)
    for name, wanted in declared.items():
        own = name or next((fee for fee, count in fees.items() if count != _ONE), next(iter(fees), ""))
        observed = left.pop(own, None)
        yield f"quantity of '{own}'" if own else "quantity", tidy(wanted), None if observed is None else tidy(observed)
    for name, count in left.items():
        yield f"quantity of '{name}'", _ONE, tidy(count)


def _is_fee(line: SubscriptionLine) -> bool:
    return not line.meter_id and line.of == "plan"


def _prices(
    declared: Mapping[str, Decimal], lines: list[SubscriptionLine], plan: PlanPrices, agreed: Agreed
) -> Iterator[tuple[str, Any, Any]]:
    """Amounts of prices by their names; an own price that nobody declared is told with the amount of the plan's."""
    events = {price.meter.id: price.event_name for price in plan.by_id.values() if price.meter}
    missing = dict(declared)
    for line in lines:
        names = [name for name in (events.get(line.meter_id), line.display_name) if name]
        wanted = next((missing.pop(name) for name in names if name in missing), None)
        own = line.price_id not in plan.by_id and line.of == "plan"
        if wanted is None and not own:
            continue
        price = plan.by_id.get(line.price_id) or agreed.own_prices().get(line.price_id)
        if price is None or (wanted is None and _same_as_plan(price, plan)):
            continue
        yield f"price of '{names[0] if names else line.price_id}'", _amount(wanted), _shown(price)
    for name, wanted in missing.items():
        yield f"price of '{name}'", tidy(wanted), None


def _same_as_plan(price: Price, plan: PlanPrices) -> bool:
    """Whether an own price says what the plan's does, as one has that was made for its quantity only."""
    return any(_terms(price) == _terms(other) for other in plan.by_id.values())


def _terms(price: Price) -> tuple[Any, ...]:
    return price.type, price.currency, price.billing_model, price.amount, price.tier_mode, price.tiers, price.divide_by


def _amount(wanted: Decimal | None) -> Decimal | str:
    return "the plan's" if wanted is None else tidy(wanted)


def _shown(price: Price) -> Decimal | str:
    return tidy(price.amount) if not price.tiers else "tiers of its own"


def _told(external_id: str, row: DeclaredRow, name: str, expected: Any, observed: Any) -> Told:
    column = next((key for key in BY_NAME if name.startswith(key)), "price_overrides")
    finding = Finding(
        "4.2",
        f"customers.{external_id}.subscription.{column}",
        f"the {name.replace('_', ' ')} of the subscription of customer '{external_id}' is not what was agreed ({row.where})",
        expected=compared(expected),
        observed=compared(observed),
        consequence=BY_NAME[column].cost,
        remedy="correct the subscription or the declaration",
    )
    return Told(f"subscriptions with another {BY_NAME[column].noun} than agreed", external_id, finding)
