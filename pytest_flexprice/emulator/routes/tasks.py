"""What is nowhere here — imports, exports, workflows, checkouts, gateways, reports of a marketplace: empty lists, and 404 by id."""

from __future__ import annotations

from typing import Any

from ..billing import finalization, rollover
from ..kernel import binding, errors
from ..kernel.call import Call, started
from ..kernel.lists import OWN, Page
from ..kernel.resource import Resource, Values, equal, equals, flag
from ..kernel.routing import route

_OWNERS = ("subscription_id", "customer_id", "customer_external_id", "plan_id", "currency")
_KINDS = ("events", "invoice", "credit_topups", "credit_usage", "usage_analytics")
_STATUSES = ("PENDING", "PROCESSING", "COMPLETED", "FAILED")
_SCHEDULE = binding.Schema(
    "CreateScheduledTaskRequest",
    *(binding.field(name, rules="required") for name in ("connection_id", "entity_type", "interval")),
    binding.field("job_config", binding.mapping, "required"),
    binding.field("enabled", binding.boolean),
)
_SWITCH = binding.Schema("UpdateScheduledTaskRequest", binding.field("enabled", binding.boolean, "required"))
_STATUS = binding.Schema("UpdateTaskStatusRequest", binding.field("task_status", rules="required"))

TASKS = Resource(
    "tasks",
    (),
    tuple(equals("created_by entity_type scheduled_task_id task_status task_type")),
    sort="name",
    offset=OWN,
)
TASKS.serve("/v1/tasks", search=False, one=True)
route("GET", "/v1/tasks/:id/download")(TASKS.shown)
SCHEDULED = Resource(
    "scheduled tasks",
    (),
    (*equals("connection_id entity_type interval"), flag("enabled")),
    sort="name",
    offset=OWN,
)
SCHEDULED.serve("/v1/tasks/scheduled", search=False, one=True, archive="")
SESSIONS = Resource("checkout sessions", ())
route("GET", "/v1/checkout/sessions/:id")(SESSIONS.shown)
route("DELETE", "/v1/checkout/sessions/:id")(SESSIONS.shown)
_RUN = ("workflow_id", "workflow_type", "task_queue", "workflow_status", "entity", "entity_id")
WORKFLOWS = Resource("workflows", (*_RUN, "start_time", "close_time"), tuple(equals(*_RUN)))
route("POST", "/v1/workflows/search", permission="workflow:read")(WORKFLOWS.searched)
USAGE_RECORDS = Resource(
    "usage records",
    (*_OWNERS, "amount", "quantity", "period_start", "period_end", "synced"),
    (
        *equals(*_OWNERS),
        *(equal(name, kind=binding.instant) for name in ("period_start", "period_end")),
        flag("synced"),
    ),
)
route("POST", "/v1/usage-records/search")(USAGE_RECORDS.searched)


@route("POST", "/v1/tasks/scheduled/schedule-draft-finalization", permission="task:write")
def finalize_drafts(call: Call) -> dict[str, str]:
    """The job that finalizes drafts whose delay is over, now and for everybody (contract 5.6; by the API's description)."""
    finalization.finalize_drafts(call.world, call.now)
    return started(call, "DraftFinalizationWorkflow", "draft finalization workflow started")


@route("POST", "/v1/tasks/scheduled/schedule-update-billing-period", permission="task:write")
def roll_over(call: Call) -> dict[str, str]:
    """The job that ends periods which are over, now and for everybody (contract 5.6; by the API's description)."""
    rollover.roll_over(call.world, call.now)
    return started(call, "UpdateBillingPeriodWorkflow", "billing period update workflow started")


@route("GET", "/v1/tasks/result")
def result(call: Call) -> Any:
    """Of no workflow."""
    identifier = call.query.get("workflow_id")
    errors.refuse(not identifier, "workflow_id is required")
    raise errors.not_found("Workflow not found")


@route("PUT", "/v1/tasks/:id/status")
def change_status(call: Call) -> Any:
    """Of no task."""
    status = call.bind(_STATUS)["task_status"]
    errors.require_one_of(_STATUSES, status, "task status", "task_status")
    return TASKS.shown(call)


@route("POST", "/v1/tasks/scheduled")
def schedule(call: Call) -> Any:
    """Exports need a connection to a storage, and there is none."""
    body = call.bind(_SCHEDULE)
    errors.require_one_of(_KINDS, body["entity_type"], "entity type", "entity_type")
    CONNECTIONS.found(call, body["connection_id"])
    raise errors.not_implemented("exports to a connected storage")


@route("PUT", "/v1/tasks/scheduled/:id")
def switch(call: Call) -> Any:
    """Of no schedule."""
    call.bind(_SWITCH)
    return SCHEDULED.shown(call)


route("POST", "/v1/tasks/scheduled/:id/run")(SCHEDULED.shown)


CONNECTIONS = Resource("connections", ("name", "provider_type"))


def _page(call: Call, values: Values, page: Page) -> dict[str, Any]:
    """The gateways in the order in which they were connected; none is ``null``."""
    found = CONNECTIONS.selected(call, values, page)[::-1]
    shown = found[page.offset : page.offset + page.limit]
    return {"connections": shown or None, "total": len(found), "limit": page.limit, "offset": page.offset}


CONNECTIONS.serve("/v1/connections", one=True, answer=_page)
