"""Under xdist, what belongs together stays on one worker: scenarios with one test customer, or one webhook handler.

This is xdist's ``loadgroup`` by the levels of scenarios. xdist's own reads groups from node ids that it rewrites in the workers, which
pytest 9.2 no longer lets it do, without a word (measured with xdist 3.8).
"""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped] # xdist has no types

from pytest_flexprice.model.checklist import Level

GROUPS = {
    Level.PROBE.word: "webhook handler",
    Level.SMOKE.word: "test customer",
    Level.DRILL.word: "test customer",
}


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc] # as above
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
            for row in json.loads(path.read_text(encoding="utf-8"))
        ]
        return {row["node_id"]: GROUPS[row["level"]] for row in rows if row["level"] in GROUPS}

    def _split_scope(self, nodeid: str) -> str:
        return self._groups.get(nodeid, nodeid)
