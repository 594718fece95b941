"""Declared subscriptions against those that exist: plan, status, currency, period, cycle, collection, lines (checklist 4.2).

A subscription takes the prices of its plan that have its currency and exactly its billing period, plus one-time ones, and drops the
others without a word (contract 4.2, recording price_matching); what it dropped shows only in its lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pytest_flexprice.model.cell_values import pairs
from pytest_flexprice.model.customer_columns import COLUMNS
from pytest_flexprice.model.declared_customers import DeclaredRow
from pytest_flexprice.model.finding import Finding, Severity, compared
from pytest_flexprice.model.grouping import Told
from pytest_flexprice.model.near_miss import NearMisses
from pytest_flexprice.model.subscriptions import Subscription
from pytest_flexprice.model.times import instant_of
from pytest_flexprice.oracle.catalog.objects import Catalog
from pytest_flexprice.oracle.catalog.words import since
from pytest_flexprice.oracle.customers.deals import Agreed, deals, own_allowances, undeclared
from pytest_flexprice.oracle.customers.lines import Past, SignedOff, lines, plan_prices
from pytest_flexprice.oracle.customers.register import Register

ITEM = "4.2"


@dataclass(frozen=True)
class Expected:
    """What holds for every subscription whose row does not say otherwise; empty values are not compared."""

    collection_method: str = ""
    due_date_days: int | None = None

    def of(self, name: str, row: DeclaredRow, one: Subscription) -> tuple[str, str]:
        """What a column's value has to be, "" if nobody says it, and where that is written."""
        if row.values.get(name):
            return row.values[name], row.where
        if name == "collection_method" and not row.values.get("parent"):  # else its parent pays
            return self.collection_method, "golive.toml: invoicing.collection"
        if name == "payment_terms" and one.payment_terms and self.due_date_days is not None:
            return f"{self.due_date_days} NET", "golive.toml: invoicing.due_date_days"
        return "", ""


_COMPARED = tuple(column for column in COLUMNS if column.about == "subscription" and column.cost)
_NAMING = ("price_overrides", "quantity")
_DATED = tuple(column for column in COLUMNS if column.dated)
_STATUSES = {
    "draft": "was never activated",
    "trialing": "is in its trial",
    "paused": "is paused",
    "incomplete": "is incomplete",
    "cancelled": "is cancelled",
}


def compare(
    register: Register,
    catalog: Catalog,
    now: datetime,
    expected: Expected | None = None,
    past: Past = dict,
    *,
    agreed: Agreed | None = None,
    signed_off: SignedOff = lambda: None,
) -> Iterator[Told]:
    """Everything that is wrong with the subscriptions of declared customers that exist, customer by customer.

    ``past`` is asked at most for what the catalog does not hold: all prices of plans by id, ended ones too. ``agreed`` says
    what is known of deals with single customers, ``signed_off`` which catalog was meant.
    """
    plans = plan_prices(catalog, now, past, agreed.own_prices if agreed else dict, signed_off)
    unknown = NearMisses(catalog.plans)
    renamed: dict[str, str] = {}
    ends_declared = register.declares("end_date")
    for external_id, _, rows, held in register.pairs():
        for row in rows:
            key = row.values.get("plan", "")
            if key and key not in catalog.plans and key not in renamed:
                near = unknown.of(key)
                renamed[key] = near[0] if near else ""
                yield Told("declared plans that do not exist", key, _no_plan(row, key, unknown, catalog.archived_plans))
        ended = any(row.values.get("status") == "cancelled" for row in rows)
        live = [one for one in held if one.status != "cancelled"]
        for wanted, one in paired(rows, held if ended else live):
            if wanted is None and one is not None:
                yield _extra(external_id, one, [other for other in live if other.plan_id == one.plan_id])
            elif (
                one is None and wanted is not None and renamed.get(wanted.values["plan"]) != ""
            ):  # else told of the plan
                yield _none(external_id, wanted, [past for past in held if past.status == "cancelled"])
            elif one is not None and wanted is not None:
                yield from _against(external_id, wanted, one, expected or Expected(), renamed)
                yield from _dates(external_id, wanted, one, now, ends_declared=ends_declared)
                if one.status != "cancelled":
                    names = [name for column in _NAMING for name in pairs(wanted.values.get(column, ""))]
                    judged = agreed is not None and "price_overrides" in agreed.columns
                    yield from lines(external_id, one, plans, names, deals_told=judged)
                    if agreed:
                        yield from deals(external_id, wanted, one, plans.get(one.plan_id), agreed)
                        yield from own_allowances(external_id, one, agreed)
                        yield from undeclared(external_id, wanted, one, agreed)


def paired(
    rows: Sequence[DeclaredRow], held: Sequence[Subscription]
) -> list[tuple[DeclaredRow | None, Subscription | None]]:
    """Each declared row with the subscription that is most like it, each subscription once; cancelled ones need no row."""
    wanted = [row for row in rows if row.values.get("plan")]
    costs = sorted(
        (_unlike(row, one), i, j)
        for i, row in enumerate(wanted)
        for j, one in enumerate(held)
        if one.status != "cancelled" or row.values.get("status") == "cancelled"
    )
    matched: dict[int, int] = {}
    for _, i, j in costs:
        if i not in matched and j not in matched.values():
            matched[i] = j
    pairs: list[tuple[DeclaredRow | None, Subscription | None]] = [
        (wanted[i], held[j]) for i, j in sorted(matched.items())
    ]
    pairs += [(row, None) for i, row in enumerate(wanted) if i not in matched]
    left = (one for j, one in enumerate(held) if j not in matched.values())
    pairs += [(None, one) for one in left if one.status != "cancelled"]
    return pairs


def _unlike(row: DeclaredRow, one: Subscription) -> int:
    weights = {"currency": 4, "billing_period": 2, "billing_cycle": 1}
    differing = sum(
        weight for name, weight in weights.items() if row.values.get(name, one.value(name)) != one.value(name)
    )
    status = 0 if one.status in row.statuses else 1
    return differing + status + (0 if one.plan == row.values.get("plan") else 8)


def _no_plan(row: DeclaredRow, key: str, plans: NearMisses, archived: Mapping[str, str]) -> Finding:
    what = (
        f"is archived{since(archived[key])}"
        if key in archived
        else f"no published plan has this lookup key{plans.hint(key)}"
    )
    return Finding(
        ITEM,
        f"plans.{key}",
        f"plan '{key}' is declared for customers ({row.where}) and {what}",
        consequence="nobody can be subscribed to it, and what these customers use is accepted and never billed",
        remedy="correct the declaration or make the plan",
    )


def _none(external_id: str, row: DeclaredRow, cancelled: Sequence[Subscription]) -> Told:
    past = ""
    if cancelled:
        last = max(cancelled, key=lambda one: one.value("cancelled_at"))
        past = f"; its subscription to '{last.plan}' was cancelled on {last.value('cancelled_at') or 'an unknown day'}"
    finding = Finding(
        ITEM,
        f"customers.{external_id}.subscription",
        f"customer '{external_id}' has no subscription to plan '{row.values['plan']}' ({row.where}){past}",
        expected=row.values["plan"],
        consequence="its usage is accepted and never billed",
        remedy="subscribe the customer",
    )
    return Told("customers without the declared subscription", external_id, finding)


def _extra(external_id: str, one: Subscription, same: Sequence[Subscription]) -> Told:
    doubled = len(same) > 1
    ids = ", ".join(sorted(other.id for other in same))
    finding = Finding(
        ITEM,
        f"customers.{external_id}.subscriptions",
        f"customer '{external_id}' has {len(same)} subscriptions to plan '{one.plan}' ({ids})"
        if doubled
        else f"customer '{external_id}' has a subscription to plan '{one.plan}' ({ids}, {one.status}) that nobody declared",
        expected=1 if doubled else None,
        observed=len(same) if doubled else one.plan,
        consequence=f"everything is billed {len(same)} times" if doubled else "it is billed too",
        remedy="cancel the subscription that should not be there, or declare it",
    )
    return Told("customers with a subscription too many", external_id, finding)


def _against(
    external_id: str, row: DeclaredRow, one: Subscription, expected: Expected, renamed: Mapping[str, str]
) -> Iterator[Told]:
    """``renamed`` has the plans that are there under another lookup key, which is told once and not of each customer."""
    if one.plan not in (row.values["plan"], renamed.get(row.values["plan"])):
        old = " (an archived plan)" if one.plan_status not in ("", "published") else ""
        finding = _finding(
            external_id,
            "plan",
            f"customer '{external_id}' is on plan '{one.plan}'{old} instead of '{row.values['plan']}' ({row.where})",
            expected=row.values["plan"],
            observed=one.plan,
            consequence="it is billed the prices of another plan",
            remedy="move the customer to the declared plan, or correct the declaration",
        )
        yield Told("customers on another plan than declared", external_id, finding)
    yield from _status(external_id, row, one)
    for column in _COMPARED:
        name, noun = column.name, column.noun
        declared, where = expected.of(name, row, one)
        if declared and declared.casefold() != one.value(name).casefold():
            finding = _finding(
                external_id,
                name,
                f"the {noun} of the subscription of customer '{external_id}' is not the declared one ({where})",
                expected=declared,
                observed=compared(one.value(name) or None),
                consequence=column.cost,
                remedy="correct the subscription or the declaration",
            )
            yield Told(f"subscriptions with another {noun} than declared", external_id, finding)


def _status(external_id: str, row: DeclaredRow, one: Subscription) -> Iterator[Told]:
    declared, actual = row.statuses[0], one.status
    if actual in row.statuses:
        return
    when = {"draft": f", since {one.value('created_at')}", "trialing": f", until {one.value('trial_end')}"}.get(
        actual, ""
    )
    finding = _finding(
        external_id,
        "status",
        f"the subscription of customer '{external_id}' {_STATUSES.get(actual, f'is {actual}')}{when}",
        expected=declared,
        observed=actual,
        consequence="usage is not billed while it lasts" if actual != "active" else "it is billed already",
        remedy="activate it" if actual == "draft" else "correct the subscription or the declared status",
    )
    yield Told(f"subscriptions that are {actual} instead of {declared}", external_id, finding)


def _dates(
    external_id: str, row: DeclaredRow, one: Subscription, now: datetime, *, ends_declared: bool = False
) -> Iterator[Told]:
    """Days that are not the declared ones; where ends are declared at all, a row without one says that there is none."""
    for column in _DATED:
        name, noun = column.name, column.noun
        declared, actual = row.values.get(name, ""), one.value(name)
        if declared and not _same_moment(declared, actual):
            finding = _finding(
                external_id,
                name,
                f"the {noun} of the subscription of customer '{external_id}' is not the declared one ({row.where})",
                expected=declared,
                observed=compared(actual),
                consequence="periods, and with them invoices, begin on another day",
                remedy="correct the subscription or the declaration",
            )
            yield Told(f"subscriptions with another {noun} than declared", external_id, finding)
    starts, ends = one.start_date, one.end_date or one.cancel_at
    if starts and starts > now and not row.values.get("start_date"):
        finding = _finding(
            external_id,
            "start_date",
            f"the subscription of customer '{external_id}' starts only on {one.value('start_date')}",
            observed=one.value("start_date"),
            consequence="usage before that moment is not billed, although the subscription is already shown as active",
            remedy="declare its start_date if it is meant",
        )
        yield Told("subscriptions that start in the future", external_id, finding)
    if ends and not row.values.get("end_date") and one.status != "cancelled":
        finding = _finding(
            external_id,
            "end_date",
            f"the subscription of customer '{external_id}' ends on {ends:%Y-%m-%d %H:%M} UTC",
            consequence="nothing is billed afterwards",
            remedy="declare its end_date if it is meant" if ends_declared else "check that it is meant",
            severity=Severity.ERROR if ends_declared else Severity.WARNING,
        )
        yield Told("subscriptions that end", external_id, finding)


def _same_moment(declared: str, actual: str) -> bool:
    """A declared day is the UTC day, a declared instant the instant to the second."""
    if len(declared) == len("2026-01-01"):
        return actual.startswith(declared)
    try:
        moments = [instant_of({"at": text}, "at") for text in (declared, actual)]
    except ValueError:
        return False
    return bool(moments[0] and moments[1] and abs((moments[0] - moments[1]).total_seconds()) < 1)


def _finding(external_id: str, field: str, problem: str, **details: Any) -> Finding:
    return Finding(ITEM, f"customers.{external_id}.subscription.{field}", problem, **details)
