"""Under xdist, what belongs together stays on one worker, and a worker that dies takes nobody with it.

Scenarios with one test customer, one webhook handler, or the company's own log, belong together. This is xdist's ``loadgroup`` by
what scenarios need; xdist's own reads groups from node ids that it rewrites in the workers, which pytest 9.2 no longer lets it do,
without a word (measured with xdist 3.8).
"""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped] # xdist has no types

from pytest_flexprice.evidence.sealed import original
from pytest_flexprice.model.checklist import Level

GROUPS = {
    Level.PROBE.word: "webhook handler",
    Level.SMOKE.word: "test customer",
    Level.DRILL.word: "test customer",
}
GIVEN = {
    "the company's own log": "own log",
    "the sample events of the application": "samples",
    "the events that reached this environment in the last seven days": "samples",
}
"""What is read or compared once in a process, by the step that needs it, although no level says so."""


class SurvivingScheduling(LoadScopeScheduling):  # type: ignore[misc] # as above
    """Distribution by scope that ends although workers die; xdist's own waits for ever (3.8).

    A worker begins a test only once it knows the next one, or that there is none. The one that replaces a dead worker was given a
    single test, and never told that there is no other.
    """

    def remove_node(self, node: Any) -> str | None:
        """Take a worker away; what it was doing when it died is not begun a second time."""
        workload = self.assigned_work[node]
        doing: tuple[dict[str, bool], str] | None = next(
            ((unit, name) for unit in workload.values() for name, done in unit.items() if not done), None
        )
        if doing is None:
            self.assigned_work.pop(node)
            return None
        unit, name = doing
        unit[name] = True
        self.assigned_work.pop(node)
        self.workqueue.update({scope: rest for scope, rest in workload.items() if not all(rest.values())})
        for other in self.nodes:
            self._reschedule(other)
        return name

    def _reschedule(self, node: Any) -> None:
        if node.shutting_down:
            return
        while self.workqueue and self._pending_of(self.assigned_work[node]) <= 2:
            self._assign_work_unit(node)
        if not self.workqueue:
            node.shutdown()


class FileScheduling(SurvivingScheduling):
    """``--dist loadfile``: each file to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.split("::", 1)[0]


class GroupScheduling(SurvivingScheduling):
    """Sends each group to one worker and everything else to whoever is free.

    ``folder`` is the run's evidence folder, where workers say what they collected before they report it.
    """

    def __init__(self, config: Any, log: Any, folder: Path) -> None:
        super().__init__(config, log)
        self._folder = folder

    @cached_property
    def _groups(self) -> dict[str, str]:
        rows = [
            row
            for path in self._folder.glob("collected-*.json")
            for row in json.loads(original(path.read_text(encoding="utf-8")))
        ]
        found = {row["node_id"]: GROUPS.get(row["level"]) or _given(row) for row in rows}
        return {node_id: group for node_id, group in found.items() if group}

    def _split_scope(self, nodeid: str) -> str:
        return self._groups.get(nodeid, nodeid)


def _given(row: dict[str, Any]) -> str:
    return next((GIVEN[step["name"]] for step in row.get("steps", ()) if step["name"] in GIVEN), "")
