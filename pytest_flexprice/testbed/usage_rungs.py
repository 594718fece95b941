"""The lower half of the ladder: test events accepted, landed, metered; a mistyped one, a repeated one, and a neighbour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pytest_flexprice.model.decimals import ZERO, decimal, words
from pytest_flexprice.model.finding import Finding, Kind
from pytest_flexprice.model.times import Window, second
from pytest_flexprice.oracle.invoicing.invoice import line_usages
from pytest_flexprice.oracle.metering.attribution import Attribution, attribute, changed_on_the_way
from pytest_flexprice.oracle.metering.designing import design, near_miss_name, stamper
from pytest_flexprice.oracle.metering.meters import Event, Meter, Usage
from pytest_flexprice.oracle.metering.usage import Reading, compare_usage, from_invoice, from_query, from_subscription
from pytest_flexprice.testbed.customer import rfc3339
from pytest_flexprice.testbed.ladder import Climbed, Rung
from pytest_flexprice.testbed.setting_up import Setup, set_up

if TYPE_CHECKING:
    from pytest_flexprice.run.profile import Profile
    from pytest_flexprice.testbed.smoke import Smoke

SECOND = timedelta(seconds=1)
#: Seconds: a quiet pipeline answers within five; while events keep landing, the others are waited for (contract 3.4).
LANDING, LANDING_QUIET = 50.0, 20.0
SHORTEST_LANDING, SHORTEST_QUIET = 30.0, 10.0
READERS_DEADLINE, SHORTEST_READERS = 30.0, 8.0
SETTLING = 2.0
MOST_LOOKED_UP, ENDS_LOOKED_UP = 60, 3


def accept(smoke: Smoke) -> Climbed:
    """Send the designed events, a whole second after every line's start and not in the future (contract 3.8)."""
    setup = smoke.setup
    first = second(setup.begins) + 2 * SECOND
    smoke.wait_until(first + SECOND)
    stamp = stamper(first, second(smoke.now()))
    bodies = design(
        setup.billed,
        setup.meters,
        setup.allowances,
        external_id=smoke.customer.external_id,
        prefix=f"{smoke.testbed.run_id}-{smoke.testbed.worker}",
        stamp=stamp,
        most=smoke.profile.budget.events // 2,
    )
    sent = smoke.send_events(bodies)
    events = [_event(body) for body in bodies]
    findings = []
    if sent is not None:
        known = {each.event_id for each in sent}
        findings = [
            Finding("7.1", f"events.{event.id}", f"event '{event.id}' was sent, but not accepted")
            for event in events
            if event.id not in known
        ]
    observed = (
        [f"{each.event_id} ({each.path})" for each in sent]
        if sent is not None
        else "sent by the company's own pipeline"
    )
    shown = looked_up(events)
    expected = [f"{event.id}: {event.name} at {rfc3339(event.timestamp)} {dict(event.properties)}" for event in shown]
    return Climbed(expected, observed, findings, events)


def _event(body: dict[str, Any]) -> Event:
    return Event.from_api({**body, "timestamp": rfc3339(body["timestamp"])})


def land(smoke: Smoke) -> Climbed:
    """Every event in the Event Debugger: processed, with its exact quantity, for this customer's subscription."""
    events = looked_up(smoke.of(Rung.ACCEPTED))
    looks, answers, reason = _look_until_settled(smoke, events)
    findings = [_given_up(look, reason) for look in looks if look.finding is not None]
    counted = {look.event_id for look in looks if look.counted}
    for event in events:
        if event.id in counted:
            findings += _misattributed(smoke, event, answers[event.id])
    return Climbed(
        expected={event.id: "processed, with its exact quantity" for event in events},
        observed={look.event_id: look.sentence for look in looks},
        findings=findings,
        data=looks,
    )


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


def _look_until_settled(smoke: Smoke, events: list[Event]) -> tuple[list[Attribution], dict[str, Any], str]:
    """The last look at each event, by event id the answers it rests on, and why no more were waited for."""
    settled: dict[str, Attribution] = {}
    answers: dict[str, Any] = {}

    def read() -> list[Attribution]:
        looks: list[Attribution] = []
        for event in reversed(events):  # the last one sent lands last: while it is under way, one look is enough
            look = settled.get(event.id)
            if look is None and not (looks and not settled):
                look, answers[event.id] = _look(smoke, event)
            if look is None:
                continue
            if look.settled:
                settled[event.id] = look
            looks.append(look)
        return list(reversed(looks))

    _, waited = smoke.eventually.follow(
        f"{len(events)} test events to be processed",
        read,
        lambda _looks: len(settled) == len(events),
        lambda _looks: float(len(settled)),
        first=max(LANDING * smoke.patience, SHORTEST_LANDING),
        quiet=max(LANDING_QUIET * smoke.patience, SHORTEST_QUIET),
    )
    last = {look.event_id: look for look in waited.value} | settled
    for event in events:
        if event.id not in last:
            last[event.id], answers[event.id] = _look(smoke, event)
    return [last[event.id] for event in events], answers, waited.reason


def _look(smoke: Smoke, event: Event) -> tuple[Attribution, Any]:
    answer = smoke.testbed.flexprice.request("GET", "/v1/events/lookup", query={"id": event.id})
    failed = isinstance(answer.body, dict) and answer.body.get("status") == "failed"
    names = smoke.meter_names if failed else ()
    look = attribute(event, answer.status, answer.body, meter=_meter_of(smoke.setup, event), event_names=names)
    return look, answer.body


def _meter_of(setup: Setup, event: Event) -> Meter | None:
    accepting = [meter for meter in setup.meters if meter.accepts(event)]
    # With two meters on one event the debugger shows either (contract 3.8), so no quantity can be demanded.
    return accepting[0] if len(accepting) == 1 else None


def _misattributed(smoke: Smoke, event: Event, answer: dict[str, Any]) -> list[Finding]:
    setup, findings = smoke.setup, changed_on_the_way(event, answer)
    prices = {line.price.id for line in setup.billed.lines}
    wanted = {"customer_id": {smoke.customer.id}, "subscription_id": {setup.subscription.id}, "price_id": prices}
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


def mismatch(smoke: Smoke) -> Climbed:
    """A control event with a near-miss name: accepted, not metered, and the team can see why (checklist 3.3)."""
    model: Event = smoke.of(Rung.ACCEPTED)[0]
    name = near_miss_name(model.name, smoke.meter_names)
    identifier = f"{smoke.testbed.run_id}-{smoke.testbed.worker}-mistyped"
    body = {
        "event_name": name,
        "external_customer_id": smoke.customer.external_id,
        "event_id": identifier,
        "timestamp": rfc3339(model.timestamp),
        "properties": dict(model.properties),
    }
    smoke.testbed.flexprice.post("/v1/events", body, idempotent=True)
    control = Event.from_api(body)
    _, waited = smoke.eventually.poll(
        "the mistyped control event to show up",
        lambda: _look(smoke, control)[0],
        lambda look: look.settled,
        max(LANDING * smoke.patience, SHORTEST_LANDING),
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


def usages(smoke: Smoke) -> dict[str, Usage]:
    """What each line's meter must have counted of all events sent, by line id."""
    return line_usages(smoke.setup.billed, smoke.setup.meters, smoke.of(Rung.ACCEPTED))


def meter(smoke: Smoke) -> Climbed:
    """Three independent readers say exactly what was sent, and still do after a settling time (checklist 7.2)."""
    looks: list[Attribution] = smoke.of(Rung.LANDED)
    findings, seen = _read_until_right(smoke, looks)
    if not findings:
        smoke.eventually.pause(SETTLING * smoke.patience)
        # The two readers that answer for all meters at once; the usage query has just agreed with them.
        findings, again = _readings(smoke, looks, queried=())
        seen["after settling"] = again
        findings = [_after_settling(finding) for finding in findings]
    expected = {usage.meter.event_name: words(usage.total) for usage in usages(smoke).values()}
    return Climbed(expected, seen, findings)


def _read_until_right(smoke: Smoke, looks: list[Attribution]) -> tuple[list[Finding], dict[str, Any]]:
    _, waited = smoke.eventually.poll(
        "the readers to agree on the usage",
        lambda: _readings(smoke, looks),
        lambda read: not read[0],
        max(READERS_DEADLINE * smoke.patience, SHORTEST_READERS),
    )
    return waited.value


def _readings(
    smoke: Smoke, looks: list[Attribution], queried: Sequence[str] | None = None
) -> tuple[list[Finding], dict[str, Any]]:
    """What the readers say now and what is wrong with it; ``queried`` are the meters to ask the usage query for, else all."""
    setup, flexprice = smoke.setup, smoke.testbed.flexprice
    events: list[Event] = smoke.of(Rung.ACCEPTED)
    by_subscription = flexprice.post("/v1/subscriptions/usage", {"subscription_id": setup.subscription.id})
    preview = flexprice.post("/v1/invoices/preview", {"subscription_id": setup.subscription.id})
    findings: list[Finding] = []
    seen: dict[str, Any] = {}
    for usage in usages(smoke).values():
        identifier = usage.meter.id
        readings = [from_subscription(by_subscription, identifier)]
        if queried is None or identifier in queried:
            readings.insert(0, from_query(flexprice.post("/v1/meter-usage/query", _query(smoke, usage.meter))))
        # A preview that lacks the line altogether is told by item 5.3.
        if any(line.get("meter_id") == identifier for line in preview.get("line_items") or ()):
            readings.append(from_invoice(preview, identifier))
        uncounted = [look for look in looks if not look.counted]
        findings += compare_usage(usage, readings, events, uncounted, setup.billed.anchor)
        seen[usage.meter.event_name] = {reading.reader: _shown(reading) for reading in readings}
    return findings, seen


def _query(smoke: Smoke, meter: Meter) -> dict[str, Any]:
    window = Window(smoke.setup.billed.start, smoke.now() + timedelta(minutes=1))
    return {
        "external_customer_id": smoke.customer.external_id,
        "meter_id": meter.id,
        "start_time": rfc3339(window.start),
        "end_time": rfc3339(window.end),
        "aggregation_type": meter.aggregation.type,
    }


def _shown(reading: Reading) -> str:
    events = f" from {reading.event_count} events" if reading.event_count is not None else ""
    return words(reading.value) + events


def _after_settling(finding: Finding) -> Finding:
    return Finding(
        finding.item,
        finding.path,
        f"after it was right at first, {finding.problem}",
        finding.expected,
        finding.observed,
        finding.consequence,
        finding.remedy,
    )


def may_repeat(profile: Profile) -> bool:
    """Whether an event may be sent twice: in production only where the plan sets ``allow_duplicates``."""
    return not profile.production or profile.environment.allow_duplicates


def repeat(smoke: Smoke) -> Climbed:
    """The same event again, same id and time: nothing changes (contract 3.3). Never in production unless ``may_repeat``."""
    event: Event = smoke.of(Rung.ACCEPTED)[0]
    body = {
        "event_name": event.name,
        "external_customer_id": event.external_customer_id,
        "event_id": event.id,
        "timestamp": rfc3339(event.timestamp),
        "properties": dict(event.properties),
    }
    smoke.testbed.flexprice.post("/v1/events", body, idempotent=True)
    smoke.eventually.pause(SETTLING * smoke.patience)
    queried = [meter.id for meter in smoke.setup.meters if meter.accepts(event)]
    findings, seen = _readings(smoke, smoke.of(Rung.LANDED), queried)
    expected = {usage.meter.event_name: words(usage.total) for usage in usages(smoke).values()}
    return Climbed(expected, seen, findings)


def neighbour(smoke: Smoke) -> Climbed:
    """Another customer on the same plan, who sent nothing, has used nothing."""
    other = smoke.testbed.customer("neighbour", smoke.now())
    setup = set_up(smoke.testbed, other, smoke.test_plan, smoke.now())
    names = {meter.id: meter.event_name for meter in setup.meters}
    start, end = _around(smoke.of(Rung.ACCEPTED))
    body = {
        "external_customer_id": other.external_id,
        "meter_ids": sorted(names),
        "start_time": start,
        "end_time": end,
        # Counted, not added up: whatever the meters do with an event, one that is not the neighbour's shows (contract 3.9).
        "aggregation_type": "COUNT",
    }
    rows = (smoke.testbed.flexprice.post("/v1/meter-usage/analytics", body) or {}).get("items") or ()
    counted = {str(row.get("meter_id")): decimal(row.get("event_count"), ZERO) for row in rows}
    seen = {name: words(counted.get(identifier, ZERO)) for identifier, name in names.items()}
    findings = [
        Finding(
            "7.2",
            f"usage.{name}",
            f"a customer who sent nothing is charged for '{name}'",
            0,
            counted[identifier],
            consequence="customers pay for each other's usage",
        )
        for identifier, name in names.items()
        if counted.get(identifier)
    ]
    return Climbed(dict.fromkeys(seen, "0"), seen, findings)


def _around(events: list[Event]) -> tuple[str, str]:
    times: list[datetime] = [event.timestamp for event in events]
    return rfc3339(min(times) - timedelta(hours=1)), rfc3339(max(times) + timedelta(hours=1))
