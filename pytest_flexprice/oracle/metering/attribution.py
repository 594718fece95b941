"""How far an event got, from the Event Debugger's answers: accepted, landed, matched, counted (checklist 3.2, 3.3, 7.2).

One failing answer means different things in flight and at the deadline, so every attribution says whether it is settled
(contract 3.8).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import IntEnum
from typing import Any

from pytest_flexprice.model.decimals import QUANTITY_TOLERANCE, ZERO, decimal, tidy, words
from pytest_flexprice.model.finding import Finding, Kind
from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.near_miss import NearMisses
from pytest_flexprice.model.values import number_of
from pytest_flexprice.oracle.metering.expressions import ExpressionError
from pytest_flexprice.oracle.metering.meters import quantity


class Reached(IntEnum):
    """How far an event got: taken in, stored, matched to a meter, price and subscription, counted with its quantity."""

    ACCEPTED = 1
    LANDED = 2
    MATCHED = 3
    COUNTED = 4


@dataclass(frozen=True)
class Attribution:
    """What one look at an event says.

    ``settled`` is false while a later look may say more: wait until a deadline, then let ``finding`` speak.
    """

    event_id: str
    rung: Reached
    settled: bool
    sentence: str
    finding: Finding | None = None

    @property
    def counted(self) -> bool:
        """Whether the event counts as it must."""
        return self.rung is Reached.COUNTED and self.finding is None

    @property
    def unseen(self) -> bool:
        """Whether nobody finds the event by its id, although it was accepted."""
        return self.rung is Reached.ACCEPTED and self.finding is not None and self.finding.kind is Kind.REQUIREMENT


def attribute(
    event: Event,
    status: int,
    answer: Mapping[str, Any] | None,
    *,
    meter: Meter | None = None,
    event_names: Iterable[str] = (),
    external_ids: Iterable[str] = (),
) -> Attribution:
    """What an answer of ``GET /v1/events/lookup`` (its HTTP status and JSON) says about a sent event.

    ``meter`` is the one that must count it; ``event_names`` and ``external_ids`` are those of the environment, for hints.
    """
    path = f"events.{event.id}"
    if status == 404:
        sentence = f"event '{event.id}' was accepted, but the Event Debugger does not show it"
        return _waiting(
            event, Reached.ACCEPTED, sentence, "it is not counted", "look at the ingestion lag and send it again"
        )
    if status != 200 or answer is None:
        sentence = f"event '{event.id}' could not be looked up: the Event Debugger answered {status}"
        return Attribution(
            event.id,
            Reached.ACCEPTED,
            False,
            sentence,
            Finding("", path, f"not verified: {sentence}", kind=Kind.NOT_VERIFIED),
        )
    if answer.get("status") == "processed":
        return _processed(event, answer, meter)
    if answer.get("status") == "failed":
        ids = {*external_ids, event.external_customer_id}
        return _failed(_stored(answer) or event, answer, meter, NearMisses(event_names), NearMisses(ids))
    reason = _why_processing(event, meter)
    sentence = f"event '{event.id}' is stored, but still 'processing'{reason}"
    remedy = (
        "see that its customer has an active subscription with a line on the meter; if it has, and no event is processed, ask "
        "Flexprice's support whether processing stands still"
    )
    return _waiting(
        event, Reached.LANDED, sentence, "processing can last for ever, and then it is never counted", remedy
    )


def _waiting(event: Event, rung: Reached, sentence: str, consequence: str, remedy: str) -> Attribution:
    finding = Finding("", f"events.{event.id}", sentence, consequence=consequence, remedy=remedy)
    return Attribution(event.id, rung, False, sentence, finding)


def _why_processing(event: Event, meter: Meter | None) -> str:
    if meter is None:
        return ""
    try:
        quantity(meter, event)
    except ExpressionError as error:
        return f" ({error})"
    return ""


def _failed(
    event: Event, answer: Mapping[str, Any], meter: Meter | None, names: NearMisses, ids: NearMisses
) -> Attribution:
    point = ((answer.get("debug_tracker") or {}).get("failure_point") or {}).get("failure_point_type") or "unknown step"
    rung, consequence = Reached.LANDED, "it was answered 202 and is never billed"
    if point == "customer_lookup":
        near = ids.hint(event.external_customer_id)
        inner = ", which looks like Flexprice's own id" if event.external_customer_id.startswith("cust_") else ""
        problem = f"no customer has the external id '{event.external_customer_id}'{inner}{near}"
        remedy = "send the external id byte for byte, or create the customer"
    elif point == "meter_lookup":
        problem, remedy = _unmatched(event, meter, names)
    elif point == "price_lookup":
        problem, remedy = f"the meter of '{event.name}' has no price", "put a price on the meter into the plan"
        rung = Reached.MATCHED
    elif point == "subscription_line_item_lookup":
        problem = (
            f"no line of the customer's subscription is in force at {event.timestamp.isoformat()} for '{event.name}'"
        )
        remedy = "look at the subscription's lines and their start, and at the event's timestamp"
        rung = Reached.MATCHED
    else:
        problem, remedy = f"event '{event.id}' failed at {point}", "look at it in the Event Debugger"
    sentence = f"event '{event.id}' was accepted but not counted: {problem}"
    finding = Finding("", f"events.{event.id}", sentence, consequence=consequence, remedy=remedy)
    return Attribution(event.id, rung, True, sentence, finding)


def _unmatched(event: Event, meter: Meter | None, names: NearMisses) -> tuple[str, str]:
    if meter is not None and event.name == meter.event_name:
        for one in meter.filters:
            if one.key not in event.properties:
                return (
                    f"the filter of meter '{meter.name}' needs the property '{one.key}', which the event lacks",
                    "send it inside properties; top-level fields are never compared",
                )
        if not meter.accepts(event):
            wanted = ", ".join(f"{one.key} in {'/'.join(one.values)}" for one in meter.filters)
            return f"it does not pass the filter of meter '{meter.name}' ({wanted})", "send a value the filter knows"
    return (
        f"no meter has the event name '{event.name}'{names.hint(event.name)}",
        "send the name byte for byte as the meter has it",
    )


def _processed(event: Event, answer: Mapping[str, Any], meter: Meter | None) -> Attribution:
    rows = answer.get("processed_events") or [{}]
    row = next((each for each in rows if meter is None or each.get("meter_id") == meter.id), rows[0])
    counts = decimal(row.get("qty_total"), ZERO)
    sentence = f"event '{event.id}' is processed and counts {words(counts)}"
    if meter is None or (meter.id and row.get("meter_id") not in (None, "", meter.id)):
        return Attribution(event.id, Reached.COUNTED, True, sentence)
    wanted = quantity(meter, event)
    if abs(wanted - counts) <= QUANTITY_TOLERANCE:
        why = why_zero(meter, event) if counts == 0 else ""
        if why:
            return _uncounted(event, f"event '{event.id}' is processed but counts zero: {why}", None, counts)
        return Attribution(event.id, Reached.COUNTED, True, sentence)
    stored = _stored(answer)
    why = why_zero(meter, stored) if stored is not None and counts == 0 else ""
    reason = f": as it was stored, {why}" if why else ""
    return _uncounted(
        event, f"event '{event.id}' is processed with another quantity than it must have{reason}", wanted, counts
    )


def _stored(answer: Mapping[str, Any]) -> Event | None:
    """The event as Flexprice stored it, where the answer has it."""
    try:
        return Event.from_api(answer["event"])
    except (KeyError, TypeError, ValueError):
        return None


def changed_on_the_way(event: Event, answer: Mapping[str, Any]) -> list[Finding]:
    """What a pipeline changed of an event before Flexprice stored it: its time, to the millisecond, its customer, or its name.

    A time that is left out is the time of arrival, so that late events move into another period (contract 3.1).
    """
    stored = _stored(answer)
    if stored is None:
        return []
    path, findings = f"events.{event.id}", []
    if abs(stored.timestamp - event.timestamp) >= timedelta(milliseconds=1):
        findings.append(
            Finding(
                "",
                f"{path}.timestamp",
                f"event '{event.id}' is stored with another time than it was given",
                expected=event.timestamp.isoformat(),
                observed=stored.timestamp.isoformat(),
                consequence="late events are billed in another period, and every retry counts again",
                remedy="send the event's own timestamp",
            )
        )
    if stored.external_customer_id and stored.external_customer_id != event.external_customer_id:
        findings.append(
            Finding(
                "",
                f"{path}.external_customer_id",
                f"event '{event.id}' is stored for another customer than it was sent for",
                expected=event.external_customer_id,
                observed=stored.external_customer_id,
                consequence="somebody else is billed for it, or nobody",
                remedy="send the external id byte for byte",
            )
        )
    if stored.name != event.name:
        problem = f"event '{event.id}' is stored under another name than it was sent"
        consequence, remedy = "another meter counts it, or none", "send the name byte for byte as the meter has it"
        findings.append(
            Finding("", f"{path}.event_name", problem, event.name, stored.name, consequence=consequence, remedy=remedy)
        )
    return findings


def _uncounted(event: Event, problem: str, wanted: Decimal | None, counts: Decimal) -> Attribution:
    finding = Finding(
        "",
        f"events.{event.id}",
        problem,
        expected=None if wanted is None else tidy(wanted),
        observed=None if wanted is None else tidy(counts),
        consequence="it is answered like every good event, and bills wrongly" if wanted else "it bills nothing",
        remedy="correct the event that the application sends, or the meter",
    )
    return Attribution(event.id, Reached.MATCHED, True, problem, finding)


def why_zero(meter: Meter, event: Event) -> str:
    """Why an event counts zero although its application may mean something by it; empty for an honest zero (contract 3.5)."""
    field = meter.aggregation.field
    if meter.aggregation.type == "COUNT" or meter.aggregation.expression or not field:
        return ""
    if field not in event.properties:
        return f"it has no property '{field}'{NearMisses(event.properties).hint(field)}"
    value = event.properties[field]
    if meter.aggregation.type == "COUNT_UNIQUE":
        return ""
    number = number_of(value)
    if number is None:
        return f"its property '{field}' is {_shown(value)}, which is no number"
    return f"its property '{field}' is {words(number)}, and negative values count 0" if number < 0 else ""


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f"the text '{value}'"
    if value is None or isinstance(value, bool):
        return "nothing" if value is None else str(value).lower()
    return "a list" if isinstance(value, (list, tuple)) else "an object"
