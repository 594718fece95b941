"""Lists that are always empty here: price units and tasks cannot be made (contract 1.10)."""

from __future__ import annotations

from typing import Any

from ..kernel.call import Call
from ..kernel.lists import OWN
from ..kernel.resource import Resource
from ..kernel.routing import route

UNITS = Resource("price units", "Price unit", ("name", "code"), sort="name", offset=OWN)
TASKS = Resource("tasks", "Task", (), sort="name", offset=OWN)


@route("GET", "/v1/tasks")
def list_tasks(call: Call) -> dict[str, Any]:
    """No tasks."""
    return TASKS.listed(call)


@route("GET", "/v1/prices/units")
def list_units(call: Call) -> dict[str, Any]:
    """No price units."""
    return UNITS.listed(call)


@route("POST", "/v1/prices/units/search")
def search_units(call: Call) -> dict[str, Any]:
    """The same by a body."""
    return UNITS.searched(call)
