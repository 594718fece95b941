"""What changed since the last run against the same environment: states of items, findings that are new, findings that are gone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pytest_flexprice.evidence.records import ScenarioRecord
from pytest_flexprice.evidence.verdict import ItemVerdict, Verdict

MOST = 50


class Change(BaseModel):
    """One item whose state or findings are not what they were."""

    item: str
    before: str
    now: str
    appeared: list[str] = []
    gone: list[str] = []


class Drift(BaseModel):
    """The changes since the run ``since``; an empty list says that nothing changed, no ``Drift`` that there is no earlier run."""

    since: str
    changes: list[Change] = []


def drift(folder: Path, run_id: str, verdict: Verdict, scenarios: Iterable[ScenarioRecord]) -> Drift | None:
    """Compare with the newest earlier run that left a ``golive.json`` beside ``folder``.

    Items that one of the two runs did not reach are left out: their difference is one of the runs, not of the environment.
    """
    earlier = previous(folder)
    if earlier is None:
        return None
    since = str(earlier["run"]["run_id"])
    before = {item["id"]: str(item["state"]) for item in earlier["verdict"]["items"]}
    had = _sentences(_told(earlier), since)
    has = _sentences(((each.item, each.sentence) for record in scenarios for each in record.findings), run_id)
    changes = [_change(item, before.get(item.id, "not run"), had, has) for item in verdict.items]
    return Drift(since=since, changes=[change for change in changes if change is not None])


def previous(folder: Path) -> dict[str, Any] | None:
    """The newest earlier ``golive.json``; run ids sort by time. One that cannot be read, or of a run that never ended, is no ground."""
    for path in sorted(folder.parent.glob("*/golive.json"), reverse=True):
        if path.parent.name < folder.name:
            try:
                found = json.loads(path.read_text(encoding="utf-8"))
                if (
                    isinstance(found, dict)
                    and found.get("ended", True)
                    and found["run"]["run_id"]
                    and found["verdict"]["items"] is not None
                ):
                    return found
            except (OSError, ValueError, KeyError, TypeError):
                continue
    return None


def _change(item: ItemVerdict, before: str, had: dict[str, set[str]], has: dict[str, set[str]]) -> Change | None:
    if "not run" in (before, item.state):
        return None
    old, new = had.get(item.id, set()), has.get(item.id, set())
    if before == item.state and old == new:
        return None
    appeared, gone = sorted(new - old)[:MOST], sorted(old - new)[:MOST]
    return Change(item=item.id, before=before, now=item.state, appeared=appeared, gone=gone)


def _sentences(findings: Iterable[tuple[str, str]], run_id: str) -> dict[str, set[str]]:
    """Sentences by item; a run's own id, which names what it made, is no difference."""
    by_item: dict[str, set[str]] = {}
    for item, sentence in findings:
        by_item.setdefault(item, set()).add(sentence.replace(run_id, "…").replace(run_id.lower(), "…"))
    return by_item


def _told(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Items and sentences of an earlier document, which another version may have written."""
    for record in document.get("scenarios") or ():
        for row in record.get("findings") or ():
            yield str(row.get("item", "")), str(row.get("sentence", ""))
