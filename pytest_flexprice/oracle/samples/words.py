"""How each broken rule of sample events is told: what is wrong, what it costs, what to do (checklist 3.1, contract 3.1 to 3.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pytest_flexprice.model.finding import Severity


class Words(NamedTuple):
    """How one broken rule is told; ``{about}`` stands for its property and ``{event}`` for its event name."""

    problem: str
    consequence: str
    remedy: str
    severity: Severity = Severity.ERROR


_REFUSED = "Flexprice refuses such an event with 400"
_ZERO = "such events read processed and count 0"
WORDS: Mapping[str, Words] = {
    "not an object": Words("no JSON object", _REFUSED, "write one JSON object for each event"),
    "no event_name": Words("no event_name", _REFUSED, "send the event's name"),
    "event_name no text": Words("an event_name that is no text", _REFUSED, "send the name as text"),
    "blank event_name": Words(
        "a blank event_name", "Flexprice answers 202 and never stores the event", "send the event's name"
    ),
    "white space around event_name": Words(
        "white space around event_name", "Flexprice cuts it off and counts the event", "send it without", Severity.INFO
    ),
    "no external_customer_id": Words("no external_customer_id", _REFUSED, "send the customer's external id"),
    "external_customer_id no text": Words("an external_customer_id that is no text", _REFUSED, "send the id as text"),
    "white space around external_customer_id": Words(
        "white space around external_customer_id",
        "Flexprice keeps it, so the event belongs to another customer",
        "send the external id exactly as the customer has it",
    ),
    "internal id": Words(
        "an external_customer_id that looks like one of Flexprice's internal ids",
        "no customer has it as external id, so the event is billed to nobody",
        "send the external id",
    ),
    "no event_id": Words(
        "no event_id",
        "Flexprice makes one up for each request, so every retry counts again",
        "send an id that stays the same when the event is sent again",
    ),
    "event_id no text": Words("an event_id that is no text", _REFUSED, "send the id as text"),
    "no timestamp": Words(
        "no timestamp",
        "Flexprice takes the time of arrival: a late event falls into another period, and a retry counts again",
        "send when it happened, such as 2026-11-22T10:30:00Z",
    ),
    "timestamp a number": Words(
        "a timestamp that is a number", _REFUSED, "send it as RFC 3339 text, such as 2026-11-22T10:30:00Z"
    ),
    "timestamp without zone": Words(
        "a timestamp without a zone", _REFUSED, "end it with Z when it is UTC, or with its offset, such as +02:00"
    ),
    "timestamp not RFC 3339": Words("a timestamp that is not RFC 3339", _REFUSED, "send it like 2026-11-22T10:30:00Z"),
    "timestamp before 2000": Words(
        "a timestamp before the year 2000",
        "the event lies before every billing period and is never billed: seconds and milliseconds were mixed up, or nothing was set",
        "check the unit of the clock that it is made from",
    ),
    "timestamp long ago": Words(
        "a timestamp more than a year ago",
        "such an event is billed in no open period",
        "check the sample",
        Severity.WARNING,
    ),
    "timestamp before every subscription": Words(
        "a timestamp before the first declared subscription starts",
        "usage before the start of its customer's subscription is never billed",
        "check the start_date of the customers, or the sample",
        Severity.WARNING,
    ),
    "timestamp in a loose form": Words(
        "a timestamp that is not quite RFC 3339",
        "Flexprice takes it (a decimal comma, an hour of one digit, or an offset of 24 hours), other readers do not",
        "send it like 2026-11-22T10:30:00Z",
        Severity.WARNING,
    ),
    "timestamp in the future": Words(
        "a timestamp in the future",
        "Flexprice accepts it, and no invoice of the current period contains it",
        "check clock and time zone (a local time with a Z behind it looks like this)",
    ),
    "timestamp not UTC": Words(
        "a timestamp that is not UTC",
        "Flexprice accepts it and keeps it as UTC",
        "send UTC, to be sure",
        Severity.WARNING,
    ),
    "properties no object": Words("properties that are no object", _REFUSED, "send an object of names and values"),
    "property missing": Words(
        "no property '{about}', which the meter of '{event}' reads", _ZERO, "send it under exactly this name"
    ),
    "property no number": Words(
        "a property '{about}' that is no number to Flexprice",
        _ZERO,
        "send a bare number: no units, no separators, no spaces, no lists",
    ),
    "negative quantity": Words(
        "a negative '{about}'", "Flexprice counts it as 0", "send corrections another way than by negative events"
    ),
    "negative operand": Words(
        "a negative '{about}', which the expression of the meter of '{event}' reads",
        "where the expression becomes negative, Flexprice counts it as 0",
        "send corrections another way than by negative events, unless the expression means it",
        Severity.WARNING,
    ),
    "quantity that stops metering": Words(
        "a '{about}' beyond 1.7e23",
        "one such event stops metering and billing for every customer of the server until it is restarted",
        "never send it",
    ),
    "number that loses digits": Words(
        "a '{about}' beyond 2^53 that no JSON number can hold exactly", "its last digits are lost", "send it as text"
    ),
    "unique value missing": Words(
        "no property '{about}', of which the meter of '{event}' counts the different values",
        "such events are not counted at all",
        "send it under exactly this name",
    ),
    "operand missing": Words(
        "no property '{about}', which the expression of the meter of '{event}' reads",
        "it counts as 0 in the expression",
        "send it under exactly this name",
        Severity.WARNING,
    ),
    "operand no number": Words(
        "a property '{about}' that is no number, and the expression of the meter of '{event}' reads it",
        "such events are never metered and stay in processing",
        "send a bare number",
    ),
}
