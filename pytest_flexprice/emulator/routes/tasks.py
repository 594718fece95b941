"""``/v1/tasks``: always an empty list, as nothing is imported here (contract 1.10)."""

from __future__ import annotations

from ..kernel.lists import OWN
from ..kernel.resource import Resource

TASKS = Resource("tasks", "Task", (), sort="name", offset=OWN)
TASKS.serve("/v1/tasks", search=False)
