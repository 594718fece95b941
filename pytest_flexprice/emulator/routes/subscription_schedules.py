"""``/v1/subscriptions/schedules``: planned cancellations, and taking one back. Refusals are no envelope here."""

from __future__ import annotations

from typing import Any

from ..billing import schedules
from ..billing.scope import Scope
from ..kernel import errors
from ..kernel.binding import Schema, field
from ..kernel.call import Call
from ..kernel.routing import route
from ..kernel.tables import Row

_CANCEL = Schema(
    "CancelScheduleRequest", *(field(name) for name in ("schedule_id", "subscription_id", "schedule_type"))
)


def _listed(scope: Scope, rows: list[Row]) -> dict[str, Any]:
    return {"schedules": [schedules.shown(scope, row) for row in rows[::-1]], "count": len(rows)}


def _unknown() -> errors.BareError:
    return errors.BareError(404, {"error": "Schedule not found"})


@route("GET", "/v1/subscriptions/schedules")
def list_schedules(call: Call) -> dict[str, Any]:
    """All schedules of the environment, newest first."""
    return _listed(Scope.of(call), call.find(schedules.TABLE))


@route("GET", "/v1/subscriptions/:id/schedules")
def schedules_of(call: Call) -> dict[str, Any]:
    """The schedules of one subscription; none of an unknown one."""
    return _listed(Scope.of(call), call.find(schedules.TABLE, subscription_id=call.params["id"]))


@route("GET", "/v1/subscriptions/schedules/:id")
def get_schedule(call: Call) -> dict[str, Any]:
    """One schedule."""
    row = call.get(schedules.TABLE, call.params["id"])
    if row is None:
        raise _unknown()
    return schedules.shown(Scope.of(call), row)


@route("POST", "/v1/subscriptions/schedules/:id/cancel", permission="subscription:write")
def cancel_schedule(call: Call) -> dict[str, str]:
    """Take back what is planned."""
    return _cancelled(call, call.get(schedules.TABLE, call.params["id"]))


@route("POST", "/v1/subscriptions/schedules/cancel", permission="subscription:write")
def cancel_named_schedule(call: Call) -> dict[str, str]:
    """Take back what is planned for a subscription, or by its id."""
    body = call.bind(_CANCEL)
    if body["schedule_id"]:
        return _cancelled(call, call.get(schedules.TABLE, body["schedule_id"]))
    if not body["subscription_id"] or not body["schedule_type"]:
        raise errors.BareError(400, {"error": "a schedule_id, or subscription_id and schedule_type, must be given"})
    wanted = {"subscription_id": body["subscription_id"], "schedule_type": body["schedule_type"], "_status": "pending"}
    return _cancelled(call, next(iter(call.find(schedules.TABLE, **wanted)), None))


def _cancelled(call: Call, row: Row | None) -> dict[str, str]:
    if row is None:
        raise _unknown()
    scope = Scope.of(call)
    if not schedules.open_to_cancel(scope, row):
        raise errors.BareError(400, {"error": f"this schedule is {row['_status']} or over"})
    schedules.cancel(scope, row)
    return {"status": "cancelled", "message": "what was planned is taken back"}
