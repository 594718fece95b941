"""Events that the Event Debugger does not know by their ids: under which ids they were stored instead (checklist 3.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_flexprice.model.finding import Finding
from pytest_flexprice.model.meters import Event


def under_other_ids(sent: Sequence[Event], stored: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """What the stored events of the test customer say of events that nobody finds by their ids; nothing where none is stored.

    ``stored`` are rows of ``POST /v1/events/query``; the customer has no events beside those that were sent.
    """
    given = {event.id for event in sent}
    others = [str(row["id"]) for row in stored if row.get("id") and row["id"] not in given]
    if not others or len(others) < len(stored) / 2:
        return []
    count, kinds = len(sent), list(dict.fromkeys(others))
    if len(kinds) == 1 and count > 1:
        problem = f"{count} test events with {count} event ids were stored under one event id, '{kinds[0]}'"
        cost = "events of one id in the same second are billed once, however many they are, and no retry can be told from a new event"
    else:
        problem = f"the test events were stored under other event ids than they were given, such as '{kinds[0]}'"
        cost = "an event that is sent again gets a new id and is billed again"
    remedy = "let what sends the events keep each event's own id, also when it is sent again"
    return [Finding("", "events.event_id", problem, given_ids(sent), kinds[:5], cost, remedy)]


def given_ids(sent: Sequence[Event]) -> str:
    """The ids that events were given, as few of them as show what they are."""
    ids = [event.id for event in sent]
    return ids[0] if len(ids) == 1 else f"{ids[0]} to {ids[-1]}"
