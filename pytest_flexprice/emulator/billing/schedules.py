"""What a cancellation that is planned leaves to be undone: a schedule with the state from before."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ..kernel.tables import Row
from . import inheritance
from .scope import Scope

TABLE = "subscription_schedules"
_STATE = ("cancel_at_period_end", "cancel_at", "end_date", "current_period_end")
_SHOWN = (
    "id",
    "subscription_id",
    "schedule_type",
    "scheduled_at",
    "status",
    "cancelled_at",
    "created_at",
    "updated_at",
)


def plan_cancellation(scope: Scope, row: Row, moment: datetime) -> None:
    """Note the state of a subscription that is about to get a planned end at ``moment``."""
    state = {name: row[name] for name in _STATE}
    scope.insert(
        TABLE,
        "sched",
        subscription_id=row["id"],
        schedule_type="cancellation",
        scheduled_at=moment,
        _status="pending",
        cancelled_at=None,
        _state=state,
    )


def open_to_cancel(scope: Scope, schedule: Row) -> bool:
    """Whether it is still to come."""
    return bool(schedule["_status"] == "pending" and scope.now < schedule["scheduled_at"])


def cancel(scope: Scope, schedule: Row) -> None:
    """Give the subscription back the state from before."""
    row = scope.need("subscriptions", schedule["subscription_id"])
    scope.touch(row, **schedule["_state"], cancelled_at=None)
    inheritance.follow(scope, row)
    scope.touch(schedule, _status="cancelled", cancelled_at=scope.now)


def shown(scope: Scope, schedule: Row) -> dict[str, Any]:
    """A schedule as the API shows it."""
    view = {**schedule, "status": schedule["_status"]}
    left = int((schedule["scheduled_at"] - scope.now) / timedelta(days=1))
    known = {name: view[name] for name in _SHOWN if view[name] is not None}
    return {**known, "days_until_execution": left, "can_be_cancelled": open_to_cancel(scope, schedule)}
