"""The lower half of the ladder: test events accepted, landed, metered; a mistyped one, a repeated one, and a neighbour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pytest_flexprice.model.decimals import ZERO, decimal, words
from pytest_flexprice.model.finding import Finding
from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.profile import Profile
from pytest_flexprice.model.times import Window
from pytest_flexprice.oracle.invoicing.invoice import line_usages
from pytest_flexprice.oracle.metering.attribution import Attribution
from pytest_flexprice.oracle.metering.meters import Usage
from pytest_flexprice.oracle.metering.usage import (
    ReaderAnswer,
    compare_usage,
    from_invoice,
    from_query,
    from_subscription,
)
from pytest_flexprice.testbed.bench import Bench
from pytest_flexprice.testbed.customer import rfc3339
from pytest_flexprice.testbed.ladder import Climbed
from pytest_flexprice.testbed.setting_up import Setup, set_up

READERS_DEADLINE, SHORTEST_READERS = 30.0, 8.0
SETTLING = 2.0


def usages(setup: Setup, sent: list[Event]) -> dict[str, Usage]:
    """What each line's meter must have counted of all events sent, by line id."""
    return line_usages(setup.billed, setup.meters, sent)


def meter(bench: Bench, setup: Setup, sent: list[Event], looks: list[Attribution]) -> Climbed[None]:
    """Three independent readers say exactly what was sent, and still do after a settling time (checklist 7.2).

    Each is asked once while nothing is wrong: the usage query at first, the two that answer for all meters at once after settling.
    """
    readers = _Readers(bench, setup, sent, looks)
    met, (findings, seen) = _read_until_right(bench, readers.queried)
    if not met:
        findings, seen = readers.read()
    else:
        bench.eventually.pause(SETTLING * bench.patience)
        findings, again = _settled(bench, readers)
        seen["after settling"] = again
    expected = {usage.meter.event_name: words(usage.total) for usage in usages(setup, sent).values()}
    return Climbed(expected, seen, findings)


Read = tuple[list[Finding], dict[str, Any]]


def _settled(bench: Bench, readers: _Readers) -> Read:
    """What the readers that were not asked before say; where they are wrong, what was right at first is read once more."""
    findings, seen = readers.shown()
    if not findings:
        return findings, seen
    changed, again = readers.queried()
    if changed:
        return [_after_settling(finding) for finding in changed], again
    return _read_until_right(bench, readers.shown)[1]


def _read_until_right(bench: Bench, read: Callable[[], Read]) -> tuple[bool, Read]:
    met, waited = bench.eventually.poll(
        "the readers to agree on the usage",
        read,
        lambda read: not read[0],
        max(READERS_DEADLINE * bench.patience, SHORTEST_READERS),
    )
    return met, waited.value


@dataclass(frozen=True)
class _Readers:
    """The three readers of a subscription's usage (contract 3.9)."""

    bench: Bench
    setup: Setup
    sent: list[Event]
    looks: list[Attribution]

    def read(self) -> Read:
        """What all of them say now, and what is wrong with it."""
        shown = self._reader_of_shown()
        return self._compared(lambda meter: [self._query(meter), *shown(meter)])

    def queried(self, meters: Sequence[str] = ()) -> Read:
        """What the usage query says of some meters, of all where none is named."""
        wanted = meters or [meter.id for meter in self.setup.meters]
        return self._compared(lambda meter: [self._query(meter)] if meter.id in wanted else [])

    def shown(self) -> Read:
        """What the subscription's usage and the preview say, in one answer each for all meters."""
        return self._compared(self._reader_of_shown())

    def _reader_of_shown(self) -> Callable[[Meter], list[ReaderAnswer]]:
        identified = {"subscription_id": self.setup.subscription.id}
        by_subscription = self.bench.flexprice.post("/v1/subscriptions/usage", identified)
        preview = self.bench.flexprice.post("/v1/invoices/preview", identified)

        def read(meter: Meter) -> list[ReaderAnswer]:
            readings = [from_subscription(by_subscription, meter.id)]
            # A preview that lacks the line altogether is told by item 5.3.
            if any(line.get("meter_id") == meter.id for line in preview.get("line_items") or ()):
                readings.append(from_invoice(preview, meter.id))
            return readings

        return read

    def _compared(self, read: Callable[[Meter], list[ReaderAnswer]]) -> Read:
        uncounted = [look for look in self.looks if not look.counted]
        findings: list[Finding] = []
        seen: dict[str, Any] = {}
        for usage in usages(self.setup, self.sent).values():
            readings = read(usage.meter)
            findings += compare_usage(usage, readings, self.sent, uncounted, self.setup.billed.anchor)
            if readings:
                seen[usage.meter.event_name] = {reading.reader: _shown(reading) for reading in readings}
        return findings, seen

    def _query(self, meter: Meter) -> ReaderAnswer:
        window = Window(self.setup.billed.start, self.bench.now() + timedelta(minutes=1))
        body = {
            "external_customer_id": self.setup.subscription.customer.external_id,
            "meter_id": meter.id,
            "start_time": rfc3339(window.start),
            "end_time": rfc3339(window.end),
            "aggregation_type": meter.aggregation.type,
        }
        return from_query(self.bench.flexprice.post("/v1/meter-usage/query", body))


def _shown(reading: ReaderAnswer) -> str:
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
    # The preview is read by the next rung but one; the subscription's usage may show both until rows are merged (contract 11.1).
    findings, seen = _Readers(bench, setup, sent, looks).queried(queried)
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
