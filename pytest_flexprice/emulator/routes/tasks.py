"""``/v1/tasks`` and ``/v1/usage-records``: empty lists, as nothing is imported here and no marketplace is reported to (contract 1.10)."""

from __future__ import annotations

from ..kernel import binding
from ..kernel.lists import OWN
from ..kernel.resource import Resource, equal, flag
from ..kernel.routing import route

_OWNERS = ("subscription_id", "customer_id", "customer_external_id", "plan_id", "currency")

TASKS = Resource("tasks", "Task", (), sort="name", offset=OWN)
TASKS.serve("/v1/tasks", search=False)
USAGE_RECORDS = Resource(
    "usage records",
    "Usage record",
    (*_OWNERS, "amount", "quantity", "period_start", "period_end", "synced"),
    (
        *map(equal, _OWNERS),
        *(equal(name, kind=binding.instant) for name in ("period_start", "period_end")),
        flag("synced"),
    ),
)
route("POST", "/v1/usage-records/search")(USAGE_RECORDS.searched)
