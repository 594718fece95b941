"""How far the test events got: stored, processed, counted for the test customer (checklist 3.2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from pytest_flexprice.api import ApiError
from pytest_flexprice.api.fields import checked
from pytest_flexprice.api.shapes import object_of
from pytest_flexprice.api.traffic import read_arrived
from pytest_flexprice.model.finding import Finding, NotVerified
from pytest_flexprice.model.grouping import Told, first_of_each
from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.times import Window
from pytest_flexprice.oracle.metering.attribution import Attribution, attribute, changed_on_the_way
from pytest_flexprice.oracle.metering.stored_ids import under_other_ids
from pytest_flexprice.oracle.metering.usage import compare_usage, from_subscription
from pytest_flexprice.testbed.bench import Bench
from pytest_flexprice.testbed.ladder import Climbed
from pytest_flexprice.testbed.setting_up import Setup
from pytest_flexprice.testbed.usage_rungs import usages

SECOND = timedelta(seconds=1)
#: Seconds: a quiet pipeline answers within five; while events keep landing, the others are waited for (contract 3.4).
LANDING, LANDING_QUIET = 50.0, 20.0
SHORTEST_LANDING, SHORTEST_QUIET = 30.0, 10.0
FIRST_LOOK = 0.2  # seconds; in a quiet deployment most events are processed by then (contract 3.4)
_LOOKUP = "/v1/events/lookup"
MOST_LOOKED_UP, ENDS_LOOKED_UP, FEW = 60, 3, 2
UNLOOKED = "stored as it was sent, and counted in the subscription's usage"


def land(bench: Bench, setup: Setup, sent: list[Event]) -> Climbed[list[Attribution]]:
    """Every event in the Event Debugger: processed, with its exact quantity, for this customer's subscription.

    Looked up are the last events of each name; the others are looked up too unless a list of what is stored, and the
    subscription's usage, have shown them.
    """
    every = looked_up(sent)
    bench.eventually.pause(FIRST_LOOK)
    first = _last_of_each_name(every)
    looks, answers, reason = _look_until_settled(bench, setup, first)
    others = [event for event in every if event not in first]
    if others and all(look.counted for look in looks):
        others = _doubtful(bench, setup, sent, others)
        more, found, reason = _look_until_settled(bench, setup, others) if others else ([], {}, reason)
    else:
        seen = [look_up(bench, setup, event) for event in others]  # once is enough: the others were waited for
        more, found = (
            [look for look, _ in seen],
            {event.id: answer for event, (_, answer) in zip(others, seen, strict=True)},
        )
    looks, answers = [*looks, *more], {**answers, **found}
    known = {look.event_id: look.sentence for look in looks}
    return Climbed(
        expected={event.id: "processed, with its exact quantity" for event in every},
        observed={event.id: known.get(event.id, UNLOOKED) for event in every},
        findings=_landed_findings(
            bench, setup, [event for event in every if event.id in known], looks, (answers, reason)
        ),
        data=looks,
    )


def _landed_findings(
    bench: Bench,
    setup: Setup,
    events: list[Event],
    looks: list[Attribution],
    seen: tuple[dict[str, Any], str],
) -> list[Finding]:
    """What is wrong with the events that were looked up; ``seen`` are the answers, and why no more were waited for."""
    answers, reason = seen
    unseen = {look.event_id for look in looks if look.unseen}
    renamed = _under_other_ids(bench, setup, events) if len(unseen) > len(events) / 2 else []
    told = [
        Told("", look.event_id, _given_up(look, reason))
        for look in looks
        if look.finding is not None and not (renamed and look.event_id in unseen)
    ]
    counted = {look.event_id for look in looks if look.counted}
    for event in events:
        if event.id in counted:
            told += [Told("", event.id, finding) for finding in _misattributed(setup, event, answers[event.id])]
    return [*renamed, *first_of_each(told)]


def _doubtful(bench: Bench, setup: Setup, sent: list[Event], others: list[Event]) -> list[Event]:
    """Those of the other events that must be looked up: they are not stored as they were sent, or, where the subscription's
    usage is another than it must be, all of them."""
    stored = _stored(bench, setup, sent)
    odd = [event for event in others if _differs(event, stored.get(event.id))]
    if odd:
        return odd
    answer = bench.flexprice.post("/v1/subscriptions/usage", {"subscription_id": setup.subscription.id})
    readings = [(usage, from_subscription(answer, usage.meter.id)) for usage in usages(setup, sent).values()]
    return others if any(compare_usage(usage, [reading]) for usage, reading in readings) else []


def _stored(bench: Bench, setup: Setup, events: list[Event]) -> dict[str, dict[str, Any]]:
    """The test customer's events as Flexprice holds them, by id; none where it does not tell."""
    window = Window(min(event.timestamp for event in events) - SECOND, bench.now() + SECOND)
    external_id = setup.subscription.customer.external_id
    try:
        rows = list(read_arrived(bench.flexprice, window, external_customer_id=external_id))
    except (ApiError, NotVerified):
        return {}
    return {str(row.get("id")): row for row in rows}


def _differs(event: Event, row: dict[str, Any] | None) -> bool:
    return row is None or bool(changed_on_the_way(event, {"event": row}))


def _under_other_ids(bench: Bench, setup: Setup, events: list[Event]) -> list[Finding]:
    """Whether events that nobody finds by their ids are there all the same, under other ids."""
    times = [event.timestamp for event in events]
    window = Window(min(times) - SECOND, max(*times, bench.now()) + SECOND)
    external_id = setup.subscription.customer.external_id
    try:
        stored = list(read_arrived(bench.flexprice, window, external_customer_id=external_id))
    except (ApiError, NotVerified):  # only a hint was asked for
        return []
    return under_other_ids(events, stored)


def _given_up(look: Attribution, reason: str) -> Finding:
    """The finding of a look, with the reason why no longer was waited for."""
    assert look.finding is not None
    if look.settled or not reason:
        return look.finding
    return replace(look.finding, problem=f"{look.finding.problem} ({reason})")


def looked_up(events: list[Event]) -> list[Event]:
    """The events to know one by one: all of a few, else the first and the last of each name; their sum is read apart."""
    if len(events) <= MOST_LOOKED_UP:
        return events
    chosen: list[Event] = []
    for name in dict.fromkeys(event.name for event in events):
        own = [event for event in events if event.name == name]
        chosen += own if len(own) <= 2 * ENDS_LOOKED_UP else [*own[:ENDS_LOOKED_UP], *own[-ENDS_LOOKED_UP:]]
    return chosen


def _last_of_each_name(events: list[Event]) -> list[Event]:
    """The events that land last; all of them where that spares next to nothing."""
    last = {event.name: event for event in events}
    return events if len(events) <= len(last) + FEW else [event for event in events if last[event.name] is event]


def _look_until_settled(
    bench: Bench, setup: Setup, events: list[Event]
) -> tuple[list[Attribution], dict[str, Any], str]:
    """The last look at each event, by event id the answers it rests on, and why no more were waited for."""
    settled: dict[str, Attribution] = {}
    answers: dict[str, Any] = {}

    def read() -> list[Attribution]:
        looks: list[Attribution] = []
        for event in reversed(events):  # the last one sent lands last: while it is under way, one look is enough
            look = settled.get(event.id)
            if look is None and not (looks and not settled):
                look, answers[event.id] = look_up(bench, setup, event)
            if look is None:
                continue
            if look.settled:
                settled[event.id] = look
            looks.append(look)
        return list(reversed(looks))

    _, waited = bench.eventually.follow(
        f"{len(events)} test events to be processed",
        read,
        lambda _looks: len(settled) == len(events),
        lambda _looks: float(len(settled)),
        first=max(LANDING * bench.patience, SHORTEST_LANDING),
        quiet=max(LANDING_QUIET * bench.patience, SHORTEST_QUIET),
    )
    bench.landing = FIRST_LOOK + waited.seconds
    last = {look.event_id: look for look in waited.value} | settled
    for event in events:
        if event.id not in last:
            last[event.id], answers[event.id] = look_up(bench, setup, event)
    return [last[event.id] for event in events], answers, waited.reason


def look_up(bench: Bench, setup: Setup, event: Event) -> tuple[Attribution, Any]:
    """One look at an event, with the answer that it rests on."""
    answer = bench.flexprice.request("GET", _LOOKUP, query={"id": event.id})
    if answer.ok:
        body = object_of(checked(answer.body, f"GET {_LOOKUP}"), f"GET {_LOOKUP}")
        object_of(body["event"], f"GET {_LOOKUP}", event.id)
    failed = isinstance(answer.body, dict) and answer.body.get("status") == "failed"
    names = bench.meter_names if failed else ()
    look = attribute(event, answer.status, answer.body, meter=_meter_of(setup, event), event_names=names)
    return look, answer.body


def _meter_of(setup: Setup, event: Event) -> Meter | None:
    accepting = [meter for meter in setup.meters if meter.accepts(event)]
    # With two meters on one event the debugger shows either (contract 3.8), so no quantity can be demanded.
    return accepting[0] if len(accepting) == 1 else None


def _misattributed(setup: Setup, event: Event, answer: dict[str, Any]) -> list[Finding]:
    findings = changed_on_the_way(event, answer)
    prices = {line.price.id for line in setup.billed.lines}
    wanted = {
        "customer_id": {setup.subscription.customer.id},
        "subscription_id": {setup.subscription.id},
        "price_id": prices,
        "meter_id": {meter.id for meter in setup.meters},
    }
    for row in answer.get("processed_events") or ():
        for key, allowed in wanted.items():
            if row.get(key) and row[key] not in allowed:
                findings.append(
                    Finding(
                        "3.2",
                        f"events.{event.id}",
                        f"event '{event.id}' is attributed to another {key.removesuffix('_id')} than the test customer's",
                        sorted(allowed),
                        row[key],
                        consequence="somebody else is billed for it",
                    )
                )
    return findings
