"""What a rehearsal's customers used before it began, so that their next invoices have something to bill (checklist 5.3).

The quantities lie where prices are most easily calculated wrongly: at the bounds of tiers and packages, right above them and above
allowances, and with digits that rounding must not lose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from pytest_flexprice.emulator.seeding.seed import Seeder
from pytest_flexprice.model.golive_plan import GoLivePlan
from pytest_flexprice.model.meters import Meter
from pytest_flexprice.model.prices import Price
from pytest_flexprice.model.times import instant, instant_of
from pytest_flexprice.oracle.metering.reaching import zeros
from pytest_flexprice.oracle.pricing.allowances import by_meter

MOST_CUSTOMERS = 50
_MOST_EVENTS = 400
_BATCH = 1000
_PLAIN = {"number": 1, "string": "rehearsed", "boolean": True, "object": {}, "array": []}
_SUMMED = ("SUM", "SUM_WITH_MULTIPLIER")
_TINY = Decimal("0.001")
_MANY = (Decimal(123457), Decimal(98765), Decimal(4321))
_FRACTIONS = (Decimal("0.3"), Decimal("0.7"), Decimal("5.1"))


def use(seeder: Seeder, plan: GoLivePlan) -> int:
    """Send and meter usage for the first customers with a subscription that runs; returns how many events it was."""
    events = list(islice(_Usage.of(seeder, plan).events(), MOST_CUSTOMERS * _MOST_EVENTS))
    for first in range(0, len(events), _BATCH):
        seeder.call("POST", "/v1/events/bulk", {"events": events[first : first + _BATCH]})
    seeder.settle()
    return len(events)


@dataclass(frozen=True)
class _Usage:
    """What is needed to know which events a customer sends."""

    subscriptions: Sequence[Mapping[str, Any]]
    prices: Mapping[str, Price]
    meters: Mapping[str, Meter]
    free: Mapping[str, Decimal]
    plain: Mapping[str, Mapping[str, Any]]
    now: datetime

    @classmethod
    def of(cls, seeder: Seeder, plan: GoLivePlan) -> _Usage:
        """All of it, asked from the seeded server."""
        search = {
            "subscription_status": ["active"],
            "with_line_items": True,
            "expand": "customer",
            "limit": MOST_CUSTOMERS,
        }
        subscriptions = seeder.call("POST", "/v1/subscriptions/search", search)["items"]
        plans = sorted({str(each["plan_id"]) for each in subscriptions})
        prices = [price for each in plans for price in seeder.call("GET", f"/v1/plans/{each}").get("prices") or ()]
        body = {"entity_type": "PLAN", "entity_ids": plans, "expand": "features", "limit": _BATCH}
        granted = by_meter(seeder.call("POST", "/v1/entitlements/search", body)["items"]) if plans else {}
        meters = seeder.call("GET", f"/v1/meters?limit={_BATCH}")["items"]
        return cls(
            subscriptions=sorted(subscriptions, key=lambda each: str(each["customer"]["external_id"])),
            prices={str(each["id"]): Price.from_api(each) for each in prices},
            meters={str(each["id"]): Meter.from_api(each) for each in meters},
            free={key: one.limit for key, one in granted.items() if one.limit is not None},
            plain={event.name: {key: _PLAIN[kind] for key, kind in event.properties.items()} for event in plan.events},
            now=seeder.world.clock.now(),
        )

    def events(self) -> Iterator[dict[str, Any]]:
        """Every event, customer by customer."""
        for number, subscription in enumerate(self.subscriptions):
            lines = [line for line in subscription.get("line_items") or () if line.get("meter_id") in self.meters]
            for line in sorted(lines, key=lambda each: str(each["meter_id"])):
                yield from self._of_line(number, subscription, line)

    def _of_line(
        self, number: int, subscription: Mapping[str, Any], line: Mapping[str, Any]
    ) -> Iterator[dict[str, Any]]:
        meter, price = self.meters[line["meter_id"]], self.prices.get(str(line["price_id"]))
        begins = max(instant(subscription["current_period_start"]), instant_of(line, "start_date") or self.now)
        moment = begins + (self.now - begins) / 2
        if price is None or meter.aggregation.expression or moment >= self.now - timedelta(minutes=1):
            return
        wanted = _quantity(price, self.free.get(meter.id, Decimal(0)), number)
        external_id = str(subscription["customer"]["external_id"])
        for part, properties in enumerate(_parts(meter, wanted)):
            yield {
                "event_name": meter.event_name,
                "external_customer_id": external_id,
                "event_id": f"rehearsed-{external_id}-{meter.id}-{part}",
                "timestamp": moment.isoformat(timespec="seconds"),
                "properties": {**self._others(meter), **_passing(meter), **properties},
            }

    def _others(self, meter: Meter) -> dict[str, Any]:
        """What an event has besides: what the plan says of it, and nothing that another meter of its name would count."""
        named = [each for each in self.meters.values() if each.event_name == meter.event_name]
        texts = {each.aggregation.field: _PLAIN["string"] for each in named if each.aggregation.type == "COUNT_UNIQUE"}
        return {**texts, **self.plain.get(meter.event_name, {}), **zeros(meter.event_name, named)}


def _quantity(price: Price, free: Decimal, number: int) -> Decimal:
    """What the n-th customer used by a price: one of the quantities that tell right from wrong, above what is free."""
    bounds = [tier.up_to for tier in price.tiers if tier.up_to is not None]
    if price.billing_model == "PACKAGE":
        bounds = [price.divide_by]
    choices = [choice for bound in bounds for choice in (bound, bound + 1, bound * 2 + 1)]
    if not choices:
        choices = [*(_MANY if price.amount < _TINY else _FRACTIONS)]
    return free + choices[number % len(choices)]


def _parts(meter: Meter, wanted: Decimal) -> Iterator[dict[str, Any]]:
    """The properties of events that a meter counts as that much, at least nearly; few events of it where each counts one."""
    field, kind = meter.aggregation.field, meter.aggregation.type
    if kind in ("COUNT", "COUNT_UNIQUE"):
        for one in range(min(int(wanted) + bool(wanted % 1), _MOST_EVENTS)):
            yield {field: f"rehearsed-{one}"} if field else {}
    elif kind in _SUMMED and wanted > 1:
        yield {field: _number(wanted - 1)}
        yield {field: 1}
    else:
        yield {field: _number(wanted)}


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _passing(meter: Meter) -> dict[str, Any]:
    """Properties that pass a meter's filters."""
    return {one.key: one.values[0] for one in meter.filters if one.values}
