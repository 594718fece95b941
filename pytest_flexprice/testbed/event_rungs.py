"""The rungs of single events: accepted, landed with their exact quantity, and a mistyped one that never counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from pytest_flexprice.api import ApiError
from pytest_flexprice.api.traffic import read_arrived
from pytest_flexprice.model.finding import Finding, Kind, NotVerified
from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.times import Window, second
from pytest_flexprice.oracle.metering.attribution import Attribution, attribute, changed_on_the_way
from pytest_flexprice.oracle.metering.designing import controls, design, near_miss_name, stamper
from pytest_flexprice.oracle.metering.stored_ids import under_other_ids
from pytest_flexprice.oracle.proving.steps import body_of
from pytest_flexprice.testbed.bench import Bench
from pytest_flexprice.testbed.customer import rfc3339
from pytest_flexprice.testbed.ladder import Climbed
from pytest_flexprice.testbed.setting_up import Setup

SECOND = timedelta(seconds=1)
#: Seconds: a quiet pipeline answers within five; while events keep landing, the others are waited for (contract 3.4).
LANDING, LANDING_QUIET = 50.0, 20.0
SHORTEST_LANDING, SHORTEST_QUIET = 30.0, 10.0
MOST_LOOKED_UP, ENDS_LOOKED_UP = 60, 3


def accept(bench: Bench, setup: Setup) -> Climbed[list[Event]]:
    """Send the designed events, a whole second after every line's start and not in the future (contract 3.8)."""
    first = second(setup.begins) + 2 * SECOND
    bench.eventually.until(first + SECOND)
    stamp = stamper(first, second(bench.now()))
    bodies = design(
        setup.billed,
        setup.meters,
        setup.allowances,
        external_id=setup.subscription.customer.external_id,
        prefix=f"{bench.testbed.run_id}-{bench.testbed.worker}",
        stamp=stamp,
        most=bench.profile.budget.events // 2,
    )
    answered = bench.send_events(bodies)
    events = [_event(body) for body in bodies]
    findings = []
    if answered is not None:
        known = {each.event_id for each in answered}
        findings = [
            Finding("7.1", f"events.{event.id}", f"event '{event.id}' was sent, but not accepted")
            for event in events
            if event.id not in known
        ]
    observed = (
        [f"{each.event_id} ({each.path})" for each in answered]
        if answered is not None
        else "sent by the company's own pipeline"
    )
    shown = looked_up(events)
    expected = [f"{event.id}: {event.name} at {rfc3339(event.timestamp)} {dict(event.properties)}" for event in shown]
    return Climbed(expected, observed, findings, events)


def _event(body: dict[str, Any]) -> Event:
    return Event.from_api({**body, "timestamp": rfc3339(body["timestamp"])})


def land(bench: Bench, setup: Setup, sent: list[Event]) -> Climbed[list[Attribution]]:
    """Every event in the Event Debugger: processed, with its exact quantity, for this customer's subscription."""
    events = looked_up(sent)
    looks, answers, reason = _look_until_settled(bench, setup, events)
    unseen = {look.event_id for look in looks if look.unseen}
    renamed = _under_other_ids(bench, setup, events) if len(unseen) > len(events) / 2 else []
    findings = [*renamed] + [
        _given_up(look, reason)
        for look in looks
        if look.finding is not None and not (renamed and look.event_id in unseen)
    ]
    counted = {look.event_id for look in looks if look.counted}
    for event in events:
        if event.id in counted:
            findings += _misattributed(setup, event, answers[event.id])
    return Climbed(
        expected={event.id: "processed, with its exact quantity" for event in events},
        observed={look.event_id: look.sentence for look in looks},
        findings=findings,
        data=looks,
    )


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
    """The events to look up one by one: all of a few, else the first and the last of each name; their sum is read apart."""
    if len(events) <= MOST_LOOKED_UP:
        return events
    chosen: list[Event] = []
    for name in dict.fromkeys(event.name for event in events):
        own = [event for event in events if event.name == name]
        chosen += own if len(own) <= 2 * ENDS_LOOKED_UP else [*own[:ENDS_LOOKED_UP], *own[-ENDS_LOOKED_UP:]]
    return chosen


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
                look, answers[event.id] = _look(bench, setup, event)
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
    last = {look.event_id: look for look in waited.value} | settled
    for event in events:
        if event.id not in last:
            last[event.id], answers[event.id] = _look(bench, setup, event)
    return [last[event.id] for event in events], answers, waited.reason


def _look(bench: Bench, setup: Setup, event: Event) -> tuple[Attribution, Any]:
    answer = bench.flexprice.request("GET", "/v1/events/lookup", query={"id": event.id})
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


def filtered(bench: Bench, setup: Setup, sent: list[Event]) -> list[Event]:
    """Send events that do not pass the filters of meters; whether they count the readers of usage tell (checklist 7.2)."""
    found = controls(setup.meters, sent[0], f"{bench.testbed.run_id}-{bench.testbed.worker}")
    if found:
        bodies = [{**body_of(event), "timestamp": rfc3339(event.timestamp)} for event in found]
        bench.flexprice.post("/v1/events/bulk", {"events": bodies}, idempotent=True)
    return found


def mismatch(bench: Bench, setup: Setup, model: Event) -> Climbed[Event]:
    """A control event with a near-miss name: accepted, not metered, and the team can see why (checklist 3.3)."""
    name = near_miss_name(model.name, bench.meter_names)
    identifier = f"{bench.testbed.run_id}-{bench.testbed.worker}-mistyped"
    body = {
        "event_name": name,
        "external_customer_id": setup.subscription.customer.external_id,
        "event_id": identifier,
        "timestamp": rfc3339(model.timestamp),
        "properties": dict(model.properties),
    }
    bench.flexprice.post("/v1/events", body, idempotent=True)
    control = Event.from_api(body)
    _, waited = bench.eventually.poll(
        "the mistyped control event to show up",
        lambda: _look(bench, setup, control)[0],
        lambda look: look.settled,
        max(LANDING * bench.patience, SHORTEST_LANDING),
    )
    look = waited.value
    findings = []
    if look.settled and look.finding is None:
        findings = [
            Finding(
                "3.3",
                f"events.{identifier}",
                f"an event called '{name}' is billed, although the application sends '{model.name}'",
                consequence="usage is counted that nobody declared",
                remedy=f"find the meter that listens to '{name}'",
            )
        ]
    elif not look.settled:
        findings = [Finding("3.3", f"events.{identifier}", f"not verified: {look.sentence}", kind=Kind.NOT_VERIFIED)]
    return Climbed(f"'{name}' is accepted with 202 and never billed", look.sentence, findings, control)
