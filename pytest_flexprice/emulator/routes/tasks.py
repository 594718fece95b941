"""``/v1/tasks``: always an empty list, as nothing is imported here (contract 1.10)."""

from __future__ import annotations

from typing import Any

from ..kernel.call import Call
from ..kernel.lists import OWN
from ..kernel.resource import Resource
from ..kernel.routing import route

TASKS = Resource("tasks", "Task", (), sort="name", offset=OWN)


@route("GET", "/v1/tasks")
def list_tasks(call: Call) -> dict[str, Any]:
    """No tasks."""
    return TASKS.listed(call)
