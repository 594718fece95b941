"""The ledger: what this run made, on disk before the request that makes it, so that nothing is lost track of."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

#: In the order in which they are removed (contract 8.1, step 11).
KINDS = ("invoice", "subscription", "wallet", "customer")


@dataclass
class Entry:
    """One object: ``key`` is what we call it (external id, idempotency), ``id`` what Flexprice calls it once it exists."""

    kind: str
    key: str
    id: str = ""
    gone: bool = False
    about: dict[str, str] = field(default_factory=dict)


class Ledger:
    """An append-only NDJSON file of what a run intends to make, made and removed; every line is fsynced.

    Raises:
        OSError: the file cannot be written; then nothing may be created.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._entries: dict[tuple[str, str], Entry] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                self._apply(_parsed(line))

    def intend(self, kind: str, key: str, **about: str) -> None:
        """Note an object before the request that creates it."""
        self._write({"kind": kind, "key": key, "state": "intended", "about": about})

    def created(self, kind: str, key: str, identifier: str) -> None:
        """Note the id that Flexprice gave it."""
        self._write({"kind": kind, "key": key, "id": identifier, "state": "created"})

    def gone(self, kind: str, key: str) -> None:
        """Note that it was removed, read back."""
        self._write({"kind": kind, "key": key, "state": "gone"})

    def owns(self, identifier: str) -> bool:
        """Whether an id or external id belongs to this run."""
        return any(identifier in (entry.id, entry.key) for entry in self._entries.values() if identifier)

    def open(self, kind: str | None = None) -> list[Entry]:
        """What has not been removed yet, in the order of removal."""
        entries = [entry for entry in self._entries.values() if not entry.gone and kind in (None, entry.kind)]
        return sorted(entries, key=lambda entry: KINDS.index(entry.kind))

    def _write(self, row: dict[str, Any]) -> None:
        line = json.dumps({"at": datetime.now(UTC).isoformat(), **row}, ensure_ascii=False)
        with self._lock:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
                file.flush()
                os.fsync(file.fileno())
            self._apply(row)

    def _apply(self, row: dict[str, Any]) -> None:
        kind, key = row.get("kind"), row.get("key")
        if kind not in KINDS or not isinstance(key, str):
            return
        entry = self._entries.setdefault((kind, key), Entry(kind, key))
        entry.id = row.get("id") or entry.id
        entry.about.update(row.get("about") or {})
        entry.gone = row.get("state") == "gone"


def _parsed(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:  # the last line of a killed run may be cut
        return {}
    return row if isinstance(row, dict) else {}


def ledgers(folder: Path) -> Iterator[Ledger]:
    """The ledgers of all runs whose evidence lies below a folder."""
    for path in sorted(folder.glob("*/ledger-*.ndjson")):
        yield Ledger(path)
