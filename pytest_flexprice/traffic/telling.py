"""A comparison as findings, as data for the report, and as a full list on disk (checklist 3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from pytest_flexprice.model.decimals import ZERO, grouped
from pytest_flexprice.model.finding import Finding, Kind, Severity
from pytest_flexprice.traffic.causes import Cause, Difference, Tally
from pytest_flexprice.traffic.known import Known
from pytest_flexprice.traffic.log import DAY
from pytest_flexprice.traffic.reconcile import Reconciled


class Meaning(NamedTuple):
    """What a cause means and what to do about it."""

    problem: str
    consequence: str
    remedy: str
    severity: Severity = Severity.ERROR
    kind: Kind = Kind.REQUIREMENT


_MEANINGS = {
    Cause.LOST: Meaning(
        "of the company's log never arrived",
        "they are never billed",
        "send them again with their own ids and timestamps",
    ),
    Cause.TWICE: Meaning(
        "arrived twice, the second time with another timestamp",
        "each sending is billed",
        "send an event again with its own timestamp",
    ),
    Cause.MOVED: Meaning(
        "arrived with another time than the company's log has",
        "they may count in another period, and every retry counts again",
        "send the event's own timestamp",
    ),
    Cause.ID: Meaning(
        "arrived under another id than the company's log has",
        "they are billed once as long as none is sent again: a retry under a new id is billed again",
        "send the log's own id as event_id, the same in every retry",
    ),
    Cause.NAME: Meaning(
        "arrived under another event name",
        "another meter counts them, or none",
        "send the name byte for byte as the log has it",
    ),
    Cause.CUSTOMER: Meaning(
        "arrived for another customer than the company's log has",
        "somebody else is billed for them, or nobody",
        "send the external id byte for byte as the log has it",
    ),
    Cause.PROPERTY: Meaning(
        "arrived with the property that is billed under another name, or without it",
        "they count 0",
        "send the property's name as the meter has it",
    ),
    Cause.VALUE: Meaning(
        "arrived with another value than the company's log has",
        "another quantity is billed",
        "send the value unchanged",
    ),
    Cause.WORTHLESS: Meaning(
        "count 0, as what a meter reads is missing, is no number or is below zero",
        "they bill nothing and are answered like every good event",
        "send the quantity as a number",
    ),
    Cause.EARLY: Meaning(
        "lie before the start of the customer's line",
        "they are never billed",
        "start the line earlier, or accept it",
    ),
    Cause.AFTER: Meaning(
        "lie after the end of the customer's line",
        "they are never billed",
        "stop the service when a subscription ends, or subscribe the customer again",
        Severity.WARNING,
    ),
    Cause.UNKNOWN_NAME: Meaning(
        "of the log are of a name that no published meter counts", "they are never billed", "see item 2.2"
    ),
    Cause.UNKNOWN_CUSTOMER: Meaning(
        "of the log belong to a customer who does not exist", "they are never billed", "see item 4.1"
    ),
    Cause.UNSUBSCRIBED: Meaning(
        "of the log belong to a customer who has no subscription",
        "they are never billed",
        "subscribe the customer, or accept it",
        Severity.WARNING,
    ),
    Cause.UNSEEN: Meaning(
        "on one side only, at least, were not looked into one by one",
        "their cause is not known",
        "look into them with traffic.first_day and traffic.last_day around that time",
    ),
    Cause.UNCOUNTED: Meaning(
        "of the log arrived unchanged, yet Flexprice's totals are others than the log's, also when they were read again",
        "it is not known whether they are billed: a total may be stale, or events may not be counted",
        "run again later; where it stays so, compare these days customer by customer with the bills (item 5.3)",
        kind=Kind.NOT_VERIFIED,
    ),
    Cause.FOREIGN: Meaning(
        "are in Flexprice and not in the company's log",
        "customers pay for what the company did not log",
        "look for another sender, for retries under new ids, or for a gap in the log",
    ),
    Cause.LATE: Meaning(
        "of the settling margin have not arrived yet",
        "they are not judged yet",
        "compare them with the next run",
        Severity.INFO,
    ),
}


_OF_ONE = {"lie": "lies", "count": "counts", "are": "is"}
_WHOLE = (Cause.UNKNOWN_NAME, Cause.UNKNOWN_CUSTOMER, Cause.UNSUBSCRIBED, Cause.UNCOUNTED)
"""Told once for each name, customer or day, with the number of events."""


def findings(result: Reconciled, known: Known) -> list[Finding]:
    """One finding for each cause; what other items judge already is a warning here."""
    return [_finding(tally, _severity(tally, result, known), known) for tally in result.tallies]


def _severity(tally: Tally, result: Reconciled, known: Known) -> Severity:
    meaning = _MEANINGS[tally.cause]
    if tally.cause in (Cause.UNKNOWN_NAME, Cause.UNKNOWN_CUSTOMER):
        own = [one.name or one.customer for one in result.differences if one.cause is tally.cause]
        return Severity.WARNING if set(own) <= known.by_others else Severity.ERROR
    if tally.cause is Cause.EARLY:
        return Severity.ERROR if tally.grave else Severity.WARNING
    if tally.cause is Cause.WORTHLESS and not any(one.cause is tally.cause for one in result.differences):
        return Severity.WARNING if all(one.name in known.by_others for one in tally.examples) else Severity.ERROR
    return meaning.severity


def _finding(tally: Tally, severity: Severity, known: Known) -> Finding:
    meaning = _MEANINGS[tally.cause]
    count = f"{tally.events:,} {'event' if tally.events == 1 else 'events'}"
    if tally.cause in _WHOLE:
        count = "events"
    problem = _singular(meaning.problem) if tally.events == 1 and tally.cause not in _WHOLE else meaning.problem
    worth = _worth(tally, known)
    if tally.grave:
        worth = ", ".join(filter(None, [worth, f"{tally.grave:,} of them while a subscription of the customer ran"]))
    shown = "; ".join(example(one) for one in tally.examples)
    return Finding(
        "3.1",
        f"traffic.{tally.cause.name.lower()}",
        f"{count} {problem}{f' ({worth})' if worth else ''}{f', {tally.spread}' if tally.spread else ''}: {shown}",
        consequence=meaning.consequence,
        remedy=meaning.remedy,
        severity=severity,
        kind=meaning.kind,
    )


def _singular(problem: str) -> str:
    """The problem of one event; it begins with its verb or with a word that stays as it is."""
    verb, _, rest = problem.partition(" ")
    return f"{_OF_ONE.get(verb, verb)} {rest}"


def _worth(tally: Tally, known: Known) -> str:
    titles = {one.meter.id: one.title for one in known.metered}
    parts = [
        f"{grouped(abs(each))} of '{titles.get(meter, meter)}'" for meter, each in tally.quantities.items() if each
    ]
    return ", ".join([*parts, *_money(tally.money, "about " if tally.about else "")])


def _money(money: Mapping[str, Decimal], about: str) -> list[str]:
    return [
        f"{about}{grouped(abs(amount))} {currency} {'not billed' if amount > 0 else 'billed too much'}"
        for currency, amount in sorted(money.items())
        if amount
    ]


def example(one: Difference) -> str:
    """One event as a reader finds it again."""
    parts = [f"'{one.name}'" if one.name else "", f"of '{one.customer}'" if one.customer else "", one.event_id]
    if one.event_id:
        parts.append(f"at {one.time:%Y-%m-%dT%H:%M:%SZ}")
    text = " ".join(filter(None, parts))
    return f"{text} ({one.detail})" if one.detail else text


def shown(result: Reconciled, known: Known) -> dict[str, Any]:
    """The report's data: each feature by day on both sides, and the causes with the money at risk first."""
    days = [
        result.window.start + timedelta(seconds=DAY * n) for n in range((result.window.end - result.window.start).days)
    ]
    return {
        "traffic": {
            "days": [f"{day:%Y-%m-%d}" for day in days],
            "features": [_series(one.title, one.meter.id, days, result) for one in known.metered],
            "causes": [_cause(tally, known) for tally in sorted(result.tallies, key=_risk, reverse=True)],
            "notes": result.notes,
        }
    }


def _risk(tally: Tally) -> tuple[Decimal, int]:
    return max((abs(amount) for amount in tally.money.values()), default=ZERO), tally.events


def _series(title: str, meter: str, days: list[datetime], result: Reconciled) -> dict[str, Any]:
    return {
        "feature": title,
        "log": _by_day(result.ours.points.get(meter, {}), days),
        "flexprice": _by_day(result.theirs.points.get(meter, {}), days),
    }


def _by_day(points: Mapping[datetime, Any], days: list[datetime]) -> list[int]:
    found = dict.fromkeys((day.date() for day in days), 0)
    for start, point in points.items():
        if start.date() in found:
            found[start.date()] += point.event_count
    return list(found.values())


def _cause(tally: Tally, known: Known) -> dict[str, Any]:
    return {
        "cause": tally.cause.value,
        "events": tally.events,
        "worth": _worth(tally, known),
        "spread": tally.spread,
        "examples": [example(one) for one in tally.examples],
    }
