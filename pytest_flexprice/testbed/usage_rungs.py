"""The lower half of the ladder: test events accepted, landed, metered; a mistyped one, a repeated one, and a neighbour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pytest_flexprice.model.decimals import ZERO, decimal, words
from pytest_flexprice.model.finding import Finding, Kind
from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.profile import Profile
from pytest_flexprice.model.times import Window, second
from pytest_flexprice.oracle.metering.attribution import Attribution
from pytest_flexprice.oracle.metering.designing import controls, design, near_miss_name, stamper
from pytest_flexprice.oracle.metering.usage import Reading, compare_usage, from_invoice, from_query, from_subscription
from pytest_flexprice.oracle.proving.steps import body_of
from pytest_flexprice.testbed.bench import Bench
from pytest_flexprice.testbed.customer import rfc3339
from pytest_flexprice.testbed.ladder import Climbed
from pytest_flexprice.testbed.landing import LANDING, SECOND, SHORTEST_LANDING, land, look_up, looked_up, usages
from pytest_flexprice.testbed.setting_up import Setup, set_up

__all__ = [
    "accept",
    "filtered",
    "land",
    "looked_up",
    "may_repeat",
    "meter",
    "mismatch",
    "neighbour",
    "repeat",
    "usages",
]
READERS_DEADLINE, SHORTEST_READERS = 30.0, 8.0
SETTLING = 2.0


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
    bench.eventually.pause(bench.landing)
    _, waited = bench.eventually.poll(
        "the mistyped control event to show up",
        lambda: look_up(bench, setup, control)[0],
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


def meter(bench: Bench, setup: Setup, sent: list[Event], looks: list[Attribution]) -> Climbed[None]:
    """Three independent readers say exactly what was sent, and still do after a settling time (checklist 7.2)."""
    readers = _Readers(bench, setup, sent, looks)
    findings, seen = _read_until_right(bench, readers)
    if not findings:
        bench.eventually.pause(SETTLING * bench.patience)
        # The two readers that answer for all meters at once; the usage query has just agreed with them.
        findings, again = readers.read(queried=())
        seen["after settling"] = again
        findings = [_after_settling(finding) for finding in findings]
    expected = {usage.meter.event_name: words(usage.total) for usage in usages(setup, sent).values()}
    return Climbed(expected, seen, findings)


def _read_until_right(bench: Bench, readers: _Readers) -> tuple[list[Finding], dict[str, Any]]:
    _, waited = bench.eventually.poll(
        "the readers to agree on the usage",
        readers.read,
        lambda read: not read[0],
        max(READERS_DEADLINE * bench.patience, SHORTEST_READERS),
    )
    return waited.value


@dataclass(frozen=True)
class _Readers:
    """The three readers of a subscription's usage (contract 3.9)."""

    bench: Bench
    setup: Setup
    sent: list[Event]
    looks: list[Attribution]

    def read(
        self, queried: Sequence[str] | None = None, *, previewed: bool = True
    ) -> tuple[list[Finding], dict[str, Any]]:
        """What they say now and what is wrong with it; ``queried`` are the meters to ask the usage query for, else all."""
        identified = {"subscription_id": self.setup.subscription.id}
        by_subscription = self.bench.flexprice.post("/v1/subscriptions/usage", identified)
        preview = self.bench.flexprice.post("/v1/invoices/preview", identified) if previewed else {}
        uncounted = [look for look in self.looks if not look.counted]
        findings: list[Finding] = []
        seen: dict[str, Any] = {}
        for usage in usages(self.setup, self.sent).values():
            asked = queried is None or usage.meter.id in queried
            readings = [self._query(usage.meter)] if asked else []
            readings.append(from_subscription(by_subscription, usage.meter.id))
            # A preview that lacks the line altogether is told by item 5.3.
            if any(line.get("meter_id") == usage.meter.id for line in preview.get("line_items") or ()):
                readings.append(from_invoice(preview, usage.meter.id))
            findings += compare_usage(usage, readings, self.sent, uncounted, self.setup.billed.anchor)
            seen[usage.meter.event_name] = {reading.reader: _shown(reading) for reading in readings}
        return findings, seen

    def _query(self, meter: Meter) -> Reading:
        window = Window(self.setup.billed.start, self.bench.now() + timedelta(minutes=1))
        body = {
            "external_customer_id": self.setup.subscription.customer.external_id,
            "meter_id": meter.id,
            "start_time": rfc3339(window.start),
            "end_time": rfc3339(window.end),
            "aggregation_type": meter.aggregation.type,
        }
        return from_query(self.bench.flexprice.post("/v1/meter-usage/query", body))


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


def repeat(bench: Bench, setup: Setup, sent: list[Event], looks: list[Attribution]) -> Climbed[None]:
    """The same event again, same id and time: nothing changes (contract 3.3). Never in production unless ``may_repeat``."""
    event = sent[0]
    body = {
        "event_name": event.name,
        "external_customer_id": event.external_customer_id,
        "event_id": event.id,
        "timestamp": rfc3339(event.timestamp),
        "properties": dict(event.properties),
    }
    bench.flexprice.post("/v1/events", body, idempotent=True)
    bench.eventually.pause(SETTLING * bench.patience)
    queried = [meter.id for meter in setup.meters if meter.accepts(event)]
    # The preview is read by the next rung but one.
    findings, seen = _Readers(bench, setup, sent, looks).read(queried, previewed=False)
    expected = {usage.meter.event_name: words(usage.total) for usage in usages(setup, sent).values()}
    return Climbed(expected, seen, findings)


def neighbour(bench: Bench, sent: list[Event]) -> Climbed[Setup]:
    """Another customer on the same plan, who sent nothing, has used nothing."""
    other = bench.testbed.customer("neighbour", bench.now())
    setup = set_up(bench.testbed, other, bench.test_plan, bench.now(), read_back=False)
    names = {meter.id: meter.event_name for meter in setup.meters}
    start, end = _around(sent)
    body = {
        "external_customer_id": other.external_id,
        "meter_ids": sorted(names),
        "start_time": start,
        "end_time": end,
        # Counted, not added up: whatever the meters do with an event, one that is not the neighbour's shows (contract 3.9).
        "aggregation_type": "COUNT",
    }
    rows = (bench.flexprice.post("/v1/meter-usage/analytics", body) or {}).get("items") or ()
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
    return Climbed(dict.fromkeys(seen, "0"), seen, findings, setup)


def _around(events: list[Event]) -> tuple[str, str]:
    times: list[datetime] = [event.timestamp for event in events]
    return rfc3339(min(times) - timedelta(hours=1)), rfc3339(max(times) + timedelta(hours=1))
