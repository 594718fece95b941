"""Events and meters, read once: what a meter counts, and whether it takes an event (contract 2.1, 3.3, 3.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pytest_flexprice.model.decimals import optional
from pytest_flexprice.model.parsing import parses
from pytest_flexprice.model.times import instant
from pytest_flexprice.model.values import printed, trimmed

PUBLISHED = "published"
BILLING_PERIOD = "BILLING_PERIOD"
AGGREGATIONS = ("COUNT", "SUM", "AVG", "COUNT_UNIQUE", "LATEST", "SUM_WITH_MULTIPLIER", "MAX", "WEIGHTED_SUM")


@dataclass(frozen=True)
class Event:
    """One event as it is sent. Several with one id and one second are one: the later of them counts (contract 3.3)."""

    id: str
    name: str
    timestamp: datetime
    properties: Mapping[str, Any]
    external_customer_id: str = ""

    @classmethod
    @parses("event")
    def from_api(cls, body: Mapping[str, Any]) -> Event:
        """An event from the body of an ingest request, or from what ``GET /v1/events`` answers."""
        properties = body.get("properties") or {}
        if not isinstance(properties, Mapping):
            raise ValueError("its properties are no object")
        return cls(
            id=str(body.get("event_id") or body.get("id") or ""),
            name=trimmed(str(body["event_name"])),
            timestamp=instant(str(body["timestamp"])),
            properties=properties,
            external_customer_id=str(body.get("external_customer_id", "")),
        )


@dataclass(frozen=True)
class Aggregation:
    """How a meter adds up: ``type``, the property ``field`` or an ``expression``, buckets and groups (contract 2.1)."""

    type: str
    field: str = ""
    expression: str = ""
    multiplier: Decimal | None = None
    bucket_size: str = ""
    group_by: str = ""


@dataclass(frozen=True)
class Filter:
    """An event counts only if the printed value of the property ``key`` is one of ``values`` (contract 3.5)."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Meter:
    """A meter. ``reset_usage`` other than BILLING_PERIOD is known to be stored, not how it is billed (contract 2.1).

    ``changed`` is when it was last changed, as the server writes it; empty where nobody asked.
    """

    id: str
    name: str
    event_name: str
    aggregation: Aggregation
    filters: tuple[Filter, ...] = ()
    reset_usage: str = BILLING_PERIOD
    status: str = PUBLISHED
    changed: str = ""

    @classmethod
    @parses("meter")
    def from_api(cls, data: Mapping[str, Any]) -> Meter:
        """A meter to calculate with, from the API's JSON or from a catalog file of the same shape.

        Raises:
            Unparsed: its aggregation type or multiplier is none that Flexprice knows.
        """
        meter = cls.stored(data)
        if meter.aggregation.type not in AGGREGATIONS:
            raise ValueError(f"'{meter.aggregation.type}' is no aggregation type")
        return meter

    @classmethod
    @parses("meter")
    def stored(cls, data: Mapping[str, Any]) -> Meter:
        """A meter as it is stored, to be compared: also one whose aggregation nobody can calculate.

        Raises:
            Unparsed: its multiplier is no number.
        """
        spec = data.get("aggregation") or {}
        return cls(
            id=str(data.get("id") or ""),
            name=str(data.get("name") or ""),
            event_name=str(data.get("event_name") or ""),
            aggregation=Aggregation(
                type=str(spec.get("type") or ""),
                field=spec.get("field") or "",
                expression=spec.get("expression") or "",
                multiplier=optional(spec.get("multiplier")),
                bucket_size=spec.get("bucket_size") or "",
                group_by=spec.get("group_by") or "",
            ),
            filters=tuple(
                Filter(str(each.get("key") or ""), tuple(map(str, each.get("values") or ())))
                for each in data.get("filters") or ()
            ),
            reset_usage=data.get("reset_usage") or BILLING_PERIOD,
            status=data.get("status") or PUBLISHED,
            changed=data.get("updated_at") or "",
        )

    @property
    def published(self) -> bool:
        """Whether it counts events."""
        return self.status == PUBLISHED

    @property
    def properties(self) -> tuple[str, ...]:
        """The properties it reads by name: its field, or none for a plain count (an expression reads others)."""
        spec = self.aggregation
        return (spec.field,) if spec.field and spec.type != "COUNT" else ()

    @property
    def allowed(self) -> dict[str, tuple[str, ...]]:
        """The values it lets through by property, sorted: their order, and how they are spread over filters, does not matter."""
        found: dict[str, set[str]] = {}
        for one in self.filters:
            found.setdefault(one.key, set()).update(one.values)
        return {key: tuple(sorted(values)) for key, values in found.items()}

    def accepts(self, event: Event) -> bool:
        """Whether the meter takes an event: its name byte for byte, and every filter (contract 3.5)."""
        return event.name == self.event_name and all(
            one.key in event.properties and printed(event.properties[one.key]) in one.values for one in self.filters
        )
