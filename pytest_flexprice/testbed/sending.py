"""How test events leave: through Flexprice's API here, or through a company's own pipeline (fixture ``send_events``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_flexprice.api import Flexprice
from pytest_flexprice.testbed.customer import rfc3339

MOST_PER_BULK = 1000  # contract 3.2


@dataclass(frozen=True)
class Sent:
    """One accepted event: its id, and the path that took it (``single``, ``bulk`` or the company's own word)."""

    event_id: str
    path: str


SendEvents = Callable[[list[dict[str, Any]]], "list[Sent] | None"]


def send_through_api(flexprice: Flexprice, events: Sequence[dict[str, Any]]) -> list[Sent]:
    """Send the first event by itself and the others in bulk, so that both paths are proved.

    Ids and timestamps are fixed, so retries change nothing (contract 3.3).

    Raises:
        ApiError, NotVerified: as the client.
    """
    bodies = [{**event, "timestamp": rfc3339(event["timestamp"])} for event in events]
    sent = []
    for body in bodies[:1]:
        flexprice.post("/v1/events", body, idempotent=True)
        sent.append(Sent(body["event_id"], "single"))
    for start in range(1, len(bodies), MOST_PER_BULK):
        batch = bodies[start : start + MOST_PER_BULK]
        flexprice.post("/v1/events/bulk", {"events": batch}, idempotent=True)
        sent += [Sent(body["event_id"], "bulk") for body in batch]
    return sent
