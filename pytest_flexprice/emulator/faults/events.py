"""Faults of events on their way: what a company's pipeline sends wrongly, and what consumers do to it (checklist 3 and 7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..kernel.call import Call, Reply
from ..kernel.errors import ApiError
from ..kernel.world import World
from ..metering.pipeline import ACCEPTING, LAGS, LOST, METERING
from ..metering.store import Event, MeteredRow
from ..metering.values import to_text
from ..metering.windows import millisecond_of
from .registry import fault, hooking

if TYPE_CHECKING:
    pass

SLOW_SECONDS = 20.0
"""The lag of F75; ``options.extra["slow_seconds"]`` sets another."""
_DAY = 86_400_000
_LOOKUPS = ("/v1/events/lookup", "/v1/events/:id")
_FILTER: dict[str, Any] = {"enabled": True, "allowed_external_customer_ids": ["acct_of_the_pilot"]}
_TRANSIENT = (404, 500, 404)
_LOST = 2


sent = hooking(ACCEPTING)
"""Registers what a fault makes of every event that arrives."""
metered = hooking(METERING)
"""Registers what a fault makes of the metered rows of a batch."""
_lagging = hooking(LAGS)


def _nearly(text: str) -> str:
    """A text that somebody could have meant by ``text``."""
    for old, new in ((".", "_"), ("_", "-"), ("-", "_")):
        if old in text:
            return text.replace(old, new, 1)
    return text + "s"


def _with_properties(event: Event, properties: Mapping[str, Any]) -> Event:
    return event._replace(properties=dict(properties), text=to_text(dict(properties)) if properties else event.text)


def _with_numbers(event: Event, change: Callable[[Any], Any]) -> Event:
    """The event with every number among its properties changed."""
    numbers = {key for key, value in event.properties.items() if type(value) in (int, float)}
    changed = {key: change(value) if key in numbers else value for key, value in event.properties.items()}
    return _with_properties(event, changed)


sent("F51", "the application's event names are not the meters'")(
    lambda _world, event: event._replace(name=_nearly(event.name))
)
sent("F53", "the application sends external ids that no customer has")(
    lambda _world, event: event._replace(external_customer_id=_nearly(event.external_customer_id))
)
sent("F57", "the application sends every event with the same id")(lambda _world, event: event._replace(id="evt_{{id}}"))
sent("F59", "events carry no timestamp, so they count when they arrive")(
    lambda world, event: event._replace(moment=millisecond_of(world.clock.now()))
)
sent("F64", "events are dated into the future, beyond the running period")(
    lambda _world, event: event._replace(moment=event.moment + 400 * _DAY)
)
# ``1200`` becomes ``1,200 units``.
sent("F66", "quantities are sent as text with separators and units")(
    lambda _world, event: _with_numbers(event, lambda value: f"{value:,} units")
)
sent("F67", "the property that a meter counts is misspelled")(
    lambda _world, event: _with_properties(event, {f"{key}s": value for key, value in event.properties.items()})
)
sent("F68", "quantities are null")(lambda _world, event: _with_numbers(event, lambda _value: None))
sent("F69", "quantities are negative")(lambda _world, event: _with_numbers(event, lambda value: -abs(value)))


@sent("F55", "the application sends Flexprice's internal customer ids")
def internal_customer(world: World, event: Event) -> Event:
    key = event.external_customer_id
    row = world.table("customers").first(event.environment, external_id=key, status="published")
    return event._replace(external_customer_id=row["id"]) if row else event


@sent("F79", "the ingestion filter lets only the pilot customer's events in")
def filtered(world: World, event: Event) -> Event | None:
    """Events of customers outside of the saved allowlist are dropped without a word."""
    return event if event.external_customer_id in _allowed(world, event.environment) else None


def _allowed(world: World, environment: str) -> list[str]:
    saved = world.table("settings").first(environment, key="event_ingestion_filter")
    value: Mapping[str, Any] = saved["value"] if saved else _FILTER
    return list(value.get("allowed_external_customer_ids") or ())


fault("F79", "the ingestion filter lets only the pilot customer's events in", "seeded")(
    lambda seeder: seeder.setting("event_ingestion_filter", _FILTER)
)


@metered("F58", "every event is sent again with its id and a new timestamp")
def sent_again(_world: World, rows: list[MeteredRow]) -> list[MeteredRow]:
    """A second row of each, a second later: sums double, counts do not (contract 3.3)."""
    return rows + [row._replace(event=row.event._replace(moment=row.event.moment + 1000)) for row in rows]


@metered("F71", "quantities went through a float on their way and drifted")
def drifted(_world: World, rows: list[MeteredRow]) -> list[MeteredRow]:
    return [row._replace(quantity=Decimal(row.quantity) + 1) if row.quantity > 1 else row for row in rows]


@metered("F80", "every event is counted twice")
def counted_twice(_world: World, rows: list[MeteredRow]) -> list[MeteredRow]:
    return rows + [row._replace(event=row.event._replace(id=f"{row.event.id}-again")) for row in rows]


@metered("F133", "one of a customer's events is missing in every total")
def one_lost(world: World, rows: list[MeteredRow]) -> list[MeteredRow]:
    """The second event of each customer that counts anything: the debugger still shows it."""
    seen: dict[tuple[str, str], list[str]] = world.part("fault F133", lambda _world: {})
    kept = []
    for row in rows:
        ids = seen.setdefault((row.event.environment, row.event.external_customer_id), [])
        if row.quantity and row.event.id not in ids and len(ids) < _LOST:
            ids.append(row.event.id)
        lost = len(ids) == _LOST and row.event.id == ids[-1]
        kept.append(row._replace(meter=row.meter + LOST) if lost else row)
    return kept


_lagging("F74", "the metering consumer stands still: events are never processed")(lambda _world: None)


@_lagging("F75", "the metering consumer is slow, but correct")
def slow(world: World) -> float:
    given = world.options.extra.get("slow_seconds", SLOW_SECONDS)
    return float(given) if isinstance(given, (int, float)) else SLOW_SECONDS


def _not_there(identifier: str, status: int) -> Reply:
    code = "not_found" if status == 404 else "database_error"
    error = ApiError(code, "Event not found in events table", {"event_id": identifier}, status)
    return Reply(status, error.body())


def _looked_up(call: Call) -> str | None:
    if call.method != "GET" or call.pattern not in _LOOKUPS:
        return None
    return call.params.get("id") or call.query.get("id")


@fault("F76", "the event debugger answers 404 and 500 a few times before it answers", "before")
def transient_lookup(call: Call) -> Reply | None:
    identifier = _looked_up(call)
    if not identifier:
        return None
    tries: dict[str, int] = call.world.part("fault F76", lambda _world: {})
    done = tries.get(identifier, 0)
    tries[identifier] = done + 1
    return _not_there(identifier, _TRANSIENT[done]) if done < len(_TRANSIENT) else None


fault("F77", "the event debugger always answers 500", "before")(
    lambda call: _not_there(identifier, 500) if (identifier := _looked_up(call)) else None
)
