"""An existing plan and what the environment has beyond it: shown as a diff, and added where that is asked for; comments stay."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import AoT

from pytest_flexprice.model.catalog_snapshot import SnapshotError
from pytest_flexprice.model.declared_customers import DeclaredRow, declared
from pytest_flexprice.model.finding import show
from pytest_flexprice.model.golive_plan import GoLivePlan
from pytest_flexprice.model.table_form import Unusable, form_of
from pytest_flexprice.oracle.catalog import canonical
from pytest_flexprice.tasks.init import CATALOG, FirstPlan

_TABLES = ("catalog", "customers", "invoicing", "webhooks")
_MERGED = ("invoicing", "webhooks")


@dataclass
class Update:
    """New contents of files by path, and what they hold today ("" where they are new)."""

    files: dict[Path, tuple[str, str]] = field(default_factory=dict)

    def diff(self) -> str:
        """What would change, as people read it."""
        lines: list[str] = []
        for path, (before, after) in self.files.items():
            lines += difflib.unified_diff(
                before.splitlines(), after.splitlines(), str(path), str(path), lineterm="", n=1
            )
        return "\n".join(lines)

    def write(self) -> None:
        """Write the new contents."""
        for path, (_, after) in self.files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(after, encoding="utf-8", newline="")


def update(existing: GoLivePlan, fresh: FirstPlan) -> Update:
    """What to add to the plan and its customers file so that they state what the environment holds; nothing is taken away."""
    result = Update()
    text = existing.path.read_bytes().decode("utf-8-sig")
    merged = _merged(text, fresh)
    if merged != text:
        result.files[existing.path] = (text, merged)
    named = {name for event in existing.events for name in event.sample_files}
    for name, content in fresh.files.items():
        path = existing.folder / name
        if "/samples/" in name and name in merged and name not in named and not path.exists():
            result.files[path] = ("", content)
    customers = existing.customers
    if customers is not None and customers.file:
        result.files.update(_customers(existing, fresh))
    return result


def otherwise(existing: GoLivePlan, fresh: FirstPlan) -> Iterator[str]:
    """In what the plan and the environment differ: no run of this task decides which is right, a run of the checklist tells it."""
    found = tomlkit.parse(fresh.toml).unwrap().get("invoicing", {})
    for name in ("grace_period_days", "auto_cancel", "due_date_days", "finalization_delay_seconds"):
        decided, here = getattr(existing.invoicing, name, None), found.get(name)
        if None not in (decided, here) and decided != here:
            yield f"invoicing.{name} is {show(decided)} in the plan and {show(here)} in the environment (5.1)"
    snapshot = existing.catalog.signed_off if existing.catalog else ""
    if snapshot and snapshot not in existing.environments and _differs(existing.folder / snapshot, fresh):
        yield f"{snapshot} is another catalog than the environment's (2.1); --flexprice-snapshot signs off what is there"


def _differs(path: Path, fresh: FirstPlan) -> bool:
    """Whether a snapshot that can be read holds another catalog than the one that was found."""
    try:
        return canonical.dumps(canonical.load(path)) != fresh.files[CATALOG]
    except SnapshotError:
        return False


def _merged(text: str, fresh: FirstPlan) -> str:
    document, found = tomlkit.parse(text), tomlkit.parse(fresh.toml)
    environments: Any = document.setdefault("environments", tomlkit.table(is_super_table=True))
    own = environments.get(fresh.name)
    if own is None:
        environments[fresh.name] = found["environments"][fresh.name]
        own = environments[fresh.name]
    for name in _TABLES:
        if name in own or name not in found:
            continue
        if name not in document:
            document[name] = found[name]
        elif name in _MERGED:
            _add_missing(document[name], found[name])
    _add_events(document, found)
    return tomlkit.dumps(document)


def _add_missing(table: Any, found: Any) -> None:
    for key, value in found.items():
        if key not in table:
            table[key] = value


def _add_events(document: tomlkit.TOMLDocument, found: tomlkit.TOMLDocument) -> None:
    known = {str(event["name"]) for event in document.get("events", [])}
    new = [event for event in found.get("events", []) if str(event["name"]) not in known]
    if new and "events" not in document:
        document["events"] = AoT([])
    for event in new:
        document["events"].append(event)


def _customers(existing: GoLivePlan, fresh: FirstPlan) -> Iterator[tuple[Path, tuple[str, str]]]:
    """The customers file with a row for each customer that it lacks, written as it is written."""
    assert existing.customers is not None
    path = existing.folder / existing.customers.file
    try:
        form = form_of(path, existing.customers.file)
        known = {
            one.external_id for one in declared(existing.customers, existing.folder) if isinstance(one, DeclaredRow)
        }
    except Unusable:
        return  # told by item 4.1
    rows = [row for row in fresh.found.customers if row["external_id"] not in known]
    if not rows or form.encoding.startswith("utf-16"):
        return
    before = path.read_bytes().decode("utf-8", "surrogateescape")
    added = io.StringIO()
    end = "\r\n" if "\r\n" in before else "\n"
    writer = csv.writer(added, delimiter=form.delimiter, lineterminator=end)
    writer.writerows([row.get(name, "") for name in form.columns] for row in rows)
    yield path, (before, before + ("" if before.endswith("\n") else end) + added.getvalue())
