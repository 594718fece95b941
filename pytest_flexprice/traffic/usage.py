"""The log's usage of subscriptions' lines, counted by the engine for many customers at once (checklist 5.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pytest_flexprice.model.decimals import ZERO
from pytest_flexprice.model.finding import not_verified
from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.times import Window
from pytest_flexprice.oracle.invoicing.subscription import BilledLine
from pytest_flexprice.oracle.metering.meters import Usage, expected_usage, usage_of_total
from pytest_flexprice.traffic.log import Log
from pytest_flexprice.traffic.metering import Counted

MOST_EVENTS = 200_000


class UsageAsked(Protocol):
    """A subscription whose usage is wanted: that of all its customers, in a period, for each of its lines."""

    @property
    def customers(self) -> tuple[str, ...]: ...
    @property
    def id(self) -> str: ...
    @property
    def period(self) -> Window: ...
    @property
    def lines(self) -> list[BilledLine]: ...


@dataclass
class _Batch:
    """Lines on one meter of which no two look at the same customer: one query."""

    windows: dict[str, Window] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    counted: dict[str, Counted] = field(default_factory=dict)

    def take(self, customers: Sequence[str], window: Window) -> bool:
        """Add a line of the first of some customers, unless one of them is in here already."""
        if any(customer in self.windows for customer in customers):
            return False
        self.windows.update(dict.fromkeys(customers, window))
        self.owners.update(dict.fromkeys(customers, customers[0]))
        return True


class LoggedUsage:
    """The usage of every line; that of bucketed meters event by event."""

    def __init__(self, log: Log, asked: Sequence[UsageAsked], meters: Mapping[str, Meter]) -> None:
        self._log, self._meters = log, meters
        self._batch_of: dict[tuple[str, str], _Batch] = {}
        batches: dict[str, list[_Batch]] = {}
        for one in asked:
            for line in one.lines:
                if line.meter_id in meters and not meters[line.meter_id].aggregation.bucket_size:
                    own = batches.setdefault(line.meter_id, [])
                    self._batch_of[one.id, line.id] = _taken(own, one.customers, line.within(one.period))
        for meter_id, own in batches.items():
            for batch in own:
                batch.counted = log.usages(meters[meter_id], batch.windows, batch.owners)

    def of(self, one: UsageAsked) -> dict[str, Usage]:
        """The usages of a subscription by line.

        Raises:
            NotVerified: there are too many events of a bucketed meter.
        """
        found: dict[str, Usage] = {}
        events: list[Event] | None = None
        for line in one.lines:
            meter, batch = self._meters.get(line.meter_id), self._batch_of.get((one.id, line.id))
            if meter is None:
                continue
            if batch is not None:
                counted = batch.counted.get(one.customers[0], Counted(ZERO, 0))
                found[line.id] = usage_of_total(meter, counted.value, counted.event_count)
            else:
                events = self._events(one) if events is None else events
                found[line.id] = expected_usage(meter, events, line.within(one.period))
        return found

    def _events(self, one: UsageAsked) -> list[Event]:
        events: list[Event] = []
        for customer in one.customers:
            events += self._log.events_of(customer, one.period, MOST_EVENTS - len(events))
        if len(events) >= MOST_EVENTS:
            problem = f"it has more than {MOST_EVENTS:,} events"
            raise not_verified("5.3", f"customers.{one.customers[0]}", problem)
        return events


def _taken(batches: list[_Batch], customers: Sequence[str], window: Window) -> _Batch:
    """The first batch that takes a line, a new one where none does."""
    for batch in batches:
        if batch.take(customers, window):
            return batch
    batches.append(_Batch())
    batches[-1].take(customers, window)
    return batches[-1]
