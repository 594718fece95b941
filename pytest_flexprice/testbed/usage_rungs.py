"""The lower half of the ladder: test events accepted, landed, metered; a mistyped one, a repeated one, and a neighbour."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from pytest_flexprice.model.decimals import ZERO, decimal, difference, tidy, total, words
from pytest_flexprice.model.finding import Finding, NotVerified
from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.profile import Profile
from pytest_flexprice.model.suspicion import as_if
from pytest_flexprice.model.times import Window
from pytest_flexprice.oracle.invoicing.invoice import line_usages
from pytest_flexprice.oracle.metering.attribution import Attribution
from pytest_flexprice.oracle.metering.meters import Usage, metered_rows
from pytest_flexprice.oracle.metering.probing import crowd, twins
from pytest_flexprice.oracle.metering.reaching import COUNTING
from pytest_flexprice.oracle.metering.usage import (
    ReaderAnswer,
    compare_usage,
    from_invoice,
    from_query,
    from_subscription,
)
from pytest_flexprice.oracle.proving.steps import body_of
from pytest_flexprice.testbed.bench import Bench
from pytest_flexprice.testbed.customer import rfc3339
from pytest_flexprice.testbed.ladder import Climbed
from pytest_flexprice.testbed.setting_up import Setup, set_up

READERS_DEADLINE, SHORTEST_READERS = 30.0, 8.0
SETTLING = 2.0
_TWO = Decimal(2)


def usages(setup: Setup, sent: list[Event]) -> dict[str, Usage]:
    """What each line's meter must have counted of all events sent, by line id."""
    return line_usages(setup.billed, setup.meters, sent)


def mixed(setup: Setup, events: list[Event]) -> dict[str, dict[str, Decimal]]:
    """What lines would count of two customers' events, as a suspicion knows it."""
    found: dict[str, dict[str, Decimal]] = {}
    for meter in setup.meters:
        with suppress(NotVerified):  # which of two latest values counts
            usage = line_usages(setup.billed, [meter], events)
            found.update({line: {"OTHERS": one.total} for line, one in usage.items()})
    return found


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
        _deadline(bench),
    )
    return met, waited.value


def _deadline(bench: Bench) -> float:
    """Seconds that readers have to agree: what is sent last must land first, which takes as long as it did before."""
    return max(READERS_DEADLINE * bench.patience, SHORTEST_READERS, 2 * bench.landing)


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
    """The same event again, same id and time: nothing changes (contract 3.3). Never in production unless ``may_repeat``.

    One of a meter that adds values up, where there is one: what counts ids would not show it.
    """
    adding = [meter for meter in setup.meters if meter.aggregation.type not in COUNTING]
    event = next((each for each in sent if any(meter.accepts(each) for meter in adding)), sent[0])
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


def neighbour(bench: Bench, setup: Setup, sent: list[Event]) -> Climbed[list[Event]]:
    """Another customer on the same plan sends events of the same ids and times: each is counted for who sent it (checklist 7.2).

    The external ids of the two differ in upper and lower case only (contract 4.1). It sends a crowd of others besides, so that a server
    which loses one in many shows itself; nobody is billed for them.
    """
    now = bench.now()
    other = bench.testbed.customer("TEST", now)
    own = set_up(bench.testbed, other, bench.test_plan, now, now - setup.billed.start, read_back=False)
    twice = twins(own.meters, sent, other.external_id)
    events = [*twice, *crowd(own.meters, sent, other.external_id, bench.profile.budget.events // 4)]
    bodies = [{**body_of(event), "timestamp": rfc3339(event.timestamp)} for event in events]
    bench.flexprice.post("/v1/events/bulk", {"events": bodies}, idempotent=True)
    names = {meter.id: meter.event_name for meter in own.meters}
    wanted = {meter.id: count for meter in own.meters if (count := _count_of(meter, events)) is not None}
    bench.let_land()
    patience = max(_deadline(bench), 2 * bench.landing * len(events) / len(sent))
    _, waited = bench.eventually.follow(
        "the second customer's usage",
        lambda: _counted(bench, own, sent),
        lambda seen: all(seen[meter] == count for meter, count in wanted.items()),
        lambda seen: float(sum(seen.values())),
        first=patience,
        quiet=_deadline(bench),
    )
    lost = {meter: difference(count, waited.value[meter]) for meter, count in wanted.items()}
    hint = _losing(lost, wanted)
    findings = [
        Finding(
            "7.2",
            f"usage.{names[meter]}",
            f"{words(waited.value[meter])} events of '{names[meter]}' count for a second customer who sent {words(count)}, one of"
            f" them of an id and time that the first one used too{hint}",
            tidy(count),
            tidy(waited.value[meter]),
            consequence="customers pay for each other's usage, or it is lost",
            remedy="look whether events are lost, or told apart by customers whose ids differ in upper and lower case only",
        )
        for meter, count in wanted.items()
        if lost[meter]
    ]
    told, shown = ({names[meter]: words(count) for meter, count in each.items()} for each in (wanted, waited.value))
    return Climbed(told, shown, findings, twice)


def _losing(lost: Mapping[str, Decimal], sent: Mapping[str, Decimal]) -> str:
    """What became of a crowd of events, as words to append, where it shows of how many are left."""
    missing, whole = total(lost.values()), total(sent.values())
    if set(lost.values()) == {Decimal(1)}:
        return as_if(["an event counts for one customer only, whoever else sends one of its id"])
    if all(sent[meter] - lost[meter] == _TWO for meter in sent):  # the one that was sent twice, and one for all others
        return as_if(["long ids that begin alike are those of one event"])
    return as_if([f"one in {words(whole // missing)} events is lost"]) if 0 < 2 * missing < whole else ""


def _count_of(meter: Meter, events: list[Event]) -> Decimal | None:
    """How many of the events a meter counts; not known where one lacks the value that it tells apart (contract 3.5)."""
    field = meter.aggregation.field if meter.aggregation.type == "COUNT_UNIQUE" else ""
    if field and any(meter.accepts(event) and field not in event.properties for event in events):
        return None
    return Decimal(len(metered_rows(meter, events)))


def _counted(bench: Bench, setup: Setup, sent: list[Event]) -> dict[str, Decimal]:
    """How many events count for a customer, by the meter's id."""
    start, end = _around(sent)
    body = {
        "external_customer_id": setup.subscription.customer.external_id,
        "meter_ids": sorted(meter.id for meter in setup.meters),
        "start_time": start,
        "end_time": end,
        # Counted, not added up: whatever the meters do with an event, each shows (contract 3.9).
        "aggregation_type": "COUNT",
    }
    rows = (bench.flexprice.post("/v1/meter-usage/analytics", body) or {}).get("items") or ()
    counted = {str(row.get("meter_id")): decimal(row.get("event_count"), ZERO) for row in rows}
    return {meter.id: counted.get(meter.id, ZERO) for meter in setup.meters}


def _around(events: list[Event]) -> tuple[str, str]:
    times: list[datetime] = [event.timestamp for event in events]
    return rfc3339(min(times) - timedelta(hours=1)), rfc3339(max(times) + timedelta(hours=1))
