"""When the smoke test reached what, from the first event sent to the webhook processed, for the report and the next runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pytest_flexprice.testbed.ladder import Rung, Times
from pytest_flexprice.webhooks.delivery import Delivery
from pytest_flexprice.webhooks.processed import Processed

_STAGES = {
    "sent": Rung.ACCEPTED,
    "landed": Rung.LANDED,
    "counted": Rung.METERED,
    "previewed": Rung.PREVIEWED,
    "finalized": Rung.FINALIZED,
}
REACHED, BROKE, NOT_REACHED = "reached", "broke here", "not reached"


def stages(
    times: Mapping[Rung, Times],
    finalized_at: datetime | None = None,
    delivery: Delivery | None = None,
    processed: datetime | None = None,
) -> dict[str, Any]:
    """The stages of the ladder as an observation shows them: when each was reached, and after how many seconds since the first event.

    Args:
        times: of each rung that was tried.
        finalized_at: when the finalize call was sent, where the invoice was finalized.
        delivery: what became of its webhook; its moments are those of the delivery service's clock.
        processed: when the company was seen to have processed it.
    """
    sent = times.get(Rung.ACCEPTED)
    rows = [_climbed(stage, times.get(rung)) for stage, rung in _STAGES.items()]
    if sent is not None and not sent.broken:
        rows[0] = ("sent", sent.began, REACHED)
    if finalized_at is not None:
        rows[-1] = ("finalized", finalized_at, REACHED)
    tried = [attempt.at for attempt in delivery.tried] if delivery else []
    answered = [attempt.at for attempt in delivery.tried if attempt.acknowledged] if delivery else []
    rows += [_seen("delivered", min(tried, default=None)), _seen("acknowledged", min(answered, default=None))]
    rows.append(_seen("processed", processed))
    zero = sent.began if sent is not None else None
    return {"ladder": [_row(stage, at, state, zero) for stage, at, state in rows]}


def processed_at(processed: Processed | None, now: datetime) -> datetime | None:
    """``now`` where the company tells that it processed the webhook."""
    return now if processed is not None and processed.times else None


def _climbed(stage: str, times: Times | None) -> tuple[str, datetime | None, str]:
    if times is None:
        return stage, None, NOT_REACHED
    return stage, times.ended, BROKE if times.broken else REACHED


def _seen(stage: str, at: datetime | None) -> tuple[str, datetime | None, str]:
    return stage, at, REACHED if at is not None else NOT_REACHED


def _row(stage: str, at: datetime | None, state: str, zero: datetime | None) -> dict[str, str]:
    row = {"stage": stage, "state": state}
    if at is not None and zero is not None:
        row |= {"at": at.isoformat(timespec="milliseconds"), "seconds": f"{max((at - zero).total_seconds(), 0.0):.2f}"}
    return row
