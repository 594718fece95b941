"""Declared customers against those that exist, by external id, byte for byte (checklist 4.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from pytest_flexprice.model.declared_customers import DeclaredRow
from pytest_flexprice.model.finding import Finding, Severity
from pytest_flexprice.model.grouping import Told
from pytest_flexprice.model.near_miss import NearMisses
from pytest_flexprice.oracle.customers.declared import ITEM
from pytest_flexprice.oracle.customers.register import Register

OURS = "pytest-flexprice"
_POOL = 100_000
_SEARCHED = 200
_NAMED = 5
AUTO = "customers that Flexprice made from events"
UNDECLARED = "customers that nobody declared"
MISSING = "declared customers that do not exist"
ARCHIVED = "declared customers that are archived"
NEARLY = "declared customers that exist under another spelling only"


def compare(
    register: Register,
    undeclared: str = "fail",
    ignore_prefixes: tuple[str, ...] = (),
    archived: Mapping[str, str] | None = None,
) -> Iterator[Told]:
    """Missing, doubled and undeclared customers, and those on another time zone than declared.

    ``undeclared`` "allow" makes unknown customers a warning; those that an event made stay an error, because a typo in the
    pipeline makes a customer. ``archived`` are external ids of archived customers, with the day. External ids with one of
    ``ignore_prefixes``, and test customers of runs of this suite, do not count.
    """
    count, customer_as_plan, where = register.swapped()
    if count:
        yield Told("swapped", customer_as_plan, _swapped(count, customer_as_plan, where))
        return
    yield from _missing(register, archived or {})
    yield from _doubled(register)
    yield from _undeclared(register, undeclared, ignore_prefixes)
    for external_id, customer, rows, _ in register.pairs():
        yield from _timezones(external_id, customer, rows)
    yield from _namesakes(register)


def made_from_events(onboarding: Mapping[str, Any]) -> list[Finding]:
    """Whether Flexprice makes a customer of every unknown external id, as the setting ``customer_onboarding`` may say (contract 3.6)."""
    actions = onboarding.get("actions") or [{}]
    first = actions[0].get("action") if isinstance(actions, list) and isinstance(actions[0], Mapping) else None
    if first != "create_customer":
        return []
    return [
        Finding(
            ITEM,
            "settings.customer_onboarding",
            "events with an unknown external id make a customer here: the setting customer_onboarding begins with create_customer",
            consequence="a typo in the pipeline makes a customer, and what that one uses is billed to nobody",
            remedy="switch it off, unless the application relies on it",
            severity=Severity.WARNING,
        )
    ]


def _missing(register: Register, archived: Mapping[str, str]) -> Iterator[Told]:
    known: _Known | None = None
    for number, (external_id, place) in enumerate(register.missing()):
        if external_id in archived:
            yield Told(ARCHIVED, external_id, _archived(external_id, place, archived[external_id]))
            continue
        known = known or _Known(register)
        close = known.near(external_id, edits=number < _SEARCHED)
        finding = Finding(
            ITEM,
            f"customers.{external_id}",
            f"customer '{external_id}' is declared ({place}) and does not exist"
            + (f", but '{close[0]}' does, which differs {close[1]}" if close else ""),
            expected=external_id if close else None,
            observed=close[0] if close else None,
            consequence="events with this external id are accepted and billed to nobody",
            remedy="create the customer under exactly this external id, or correct the declaration and the pipeline",
        )
        yield Told(NEARLY if close else MISSING, external_id, finding)


def _swapped(count: int, name: str, place: str) -> Finding:
    return Finding(
        ITEM,
        "customers.declared",
        f"{count:,} {'row declares' if count == 1 else 'rows declare'} an existing customer as plan, such as '{name}' ({place}), and as "
        "external id nobody's: the two columns seem to be swapped",
        consequence="nobody can tell whether a customer is missing or on the wrong plan",
        remedy="swap the columns external_id and plan, or their names",
    )


def _archived(external_id: str, place: str, day: str) -> Finding:
    return Finding(
        ITEM,
        f"customers.{external_id}",
        f"customer '{external_id}' is declared ({place}) and archived" + (f" since {day}" if day else ""),
        expected="published",
        observed="archived",
        consequence="events with this external id are accepted and billed to nobody",
        remedy="create the customer anew, as the external id is free again, or take it out of the declaration and the pipeline",
    )


class _Known:
    """The external ids there are, to find the one that was meant: any that is nearly the same, else an undeclared one that is alike."""

    def __init__(self, register: Register) -> None:
        self._every = NearMisses(islice(register.external_ids(), _POOL))
        self._undeclared = NearMisses(name for name, _, _ in islice(register.undeclared(), _POOL))

    def near(self, external_id: str, *, edits: bool) -> tuple[str, str] | None:
        return self._every.of(external_id, edits=False) or self._undeclared.of(external_id, edits=edits)


def _undeclared(register: Register, policy: str, ignore_prefixes: tuple[str, ...]) -> Iterator[Told]:
    for external_id, customer, live in register.undeclared():
        metadata = customer.get("metadata") or {}
        if external_id.startswith(ignore_prefixes) or metadata.get("managed_by") == OURS:
            continue
        made_by_event = str(metadata.get("created_by_workflow", "")).lower() == "true"
        if made_by_event or (customer.get("name") == external_id and not live):
            yield Told(AUTO, external_id, _phantom(external_id, customer, made_by_event, live))
        else:
            yield Told(UNDECLARED, external_id, _unknown(external_id, customer, live, policy))


def _phantom(external_id: str, customer: Mapping[str, Any], made_by_event: bool, live: int) -> Finding:
    why = (
        "Flexprice made it from an event"
        if made_by_event
        else "its name is its external id, as Flexprice names those it makes"
    )
    since = f" on {customer['created_at']}" if customer.get("created_at") else ""
    return Finding(
        ITEM,
        f"customers.{external_id}",
        f"customer '{external_id}' was never declared, has {live or 'no'} subscription{'s' if live != 1 else ''}"
        f" and appeared by itself{since}: {why}",
        consequence="usage under a misspelt external id piles up there and is billed to nobody",
        remedy="find out which system sends this id, correct it, and switch off customer_onboarding if it is not meant",
    )


def _unknown(external_id: str, customer: Mapping[str, Any], live: int, policy: str) -> Finding:
    held = "a subscription, which is billed" if live == 1 else f"{live} subscriptions, which are billed"
    billed = f"it has {held}" if live else "its events are billed to nobody"
    return Finding(
        ITEM,
        f"customers.{external_id}",
        f"customer '{external_id}' ({customer.get('name', '')}) exists and nobody declared it",
        consequence=billed,
        remedy='declare it, archive it, or set customers.undeclared = "allow"',
        severity=Severity.ERROR if policy == "fail" else Severity.WARNING,
    )


def _doubled(register: Register) -> Iterator[Told]:
    for external_id, _, first, second in register.doubled():
        if external_id:
            finding = Finding(
                ITEM,
                f"{second}",
                f"customer '{external_id}' is declared twice word for word ({first} and {second})",
                consequence="a second subscription on the same plan would be expected, and billed",
                remedy="remove one of the two rows",
            )
            yield Told("customers declared twice", external_id, finding)


def _namesakes(register: Register) -> Iterator[Told]:
    """Customers with a subscription who are called like another one: perhaps one company is billed twice."""
    for name, external_ids in register.namesakes():
        more = f" and {len(external_ids) - _NAMED} more" if len(external_ids) > _NAMED else ""
        finding = Finding(
            ITEM,
            f"customers.{external_ids[-1]}.name",
            f"{len(external_ids)} customers with a subscription are called '{name}' ({', '.join(map(repr, external_ids[:_NAMED]))}{more})",
            consequence="one company may be billed more than once",
            remedy="find out whether they are one, and cancel the subscription that nobody agreed to",
            severity=Severity.WARNING,
        )
        yield Told("names that several customers with a subscription have", name, finding)


def _timezones(external_id: str, customer: Mapping[str, Any], rows: list[DeclaredRow]) -> Iterator[Told]:
    for row in rows[:1]:
        declared, actual = row.values.get("timezone"), customer.get("timezone") or "UTC"
        if not declared and actual != "UTC":
            finding = Finding(
                ITEM,
                f"customers.{external_id}.timezone",
                f"customer '{external_id}' has a time zone that its row says nothing about: {actual}",
                consequence="days and periods of its invoices begin at another hour than those of UTC",
                remedy="check that it was agreed, and declare it in a column timezone",
                severity=Severity.WARNING,
            )
            yield Told("customers with a time zone that nobody declared", external_id, finding)
        if declared and declared != actual:
            finding = Finding(
                ITEM,
                f"customers.{external_id}.timezone",
                f"customer '{external_id}' is in another time zone than declared ({row.where})",
                expected=declared,
                observed=actual,
                consequence="days and periods of its invoices begin at another hour",
                remedy="correct the customer or the declaration",
            )
            yield Told("customers in another time zone than declared", external_id, finding)
