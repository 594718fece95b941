"""The ledger: what this run made, on disk before the request that makes it, so that nothing is lost track of.

A line is data. What this process wrote it has seen happen; what it reads from a file is a claim, which clean-up holds against the server
before anything is done to it.
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_flexprice.model.finding import not_verified
from pytest_flexprice.testbed.naming import PREFIX

#: In the order in which they are removed (contract 8.1, step 11). A ``draft`` is an invoice that a workflow was asked for.
KINDS = ("draft", "invoice", "subscription", "wallet", "customer")
_NAMED = ("customer", "subscription")  # an invoice's key is the id that Flexprice gave it
_STATES = ("intended", "created", "gone")


@dataclass
class Entry:
    """One object: ``key`` is what we call it (external id, idempotency), ``id`` what Flexprice calls it once it exists.

    ``age`` is how many seconds ago it was intended; ``proved`` whether this process saw that it is ours; ``told`` the questions whose
    answers gave its id, where it was not asked for by that id.
    """

    kind: str
    key: str
    id: str = ""
    gone: bool = False
    about: dict[str, str] = field(default_factory=dict)
    since: float = field(default=-math.inf, compare=False)
    proved: bool = field(default=False, compare=False)
    told: set[str] = field(default_factory=set, compare=False)

    @property
    def age(self) -> float:
        """By a clock that nobody sets: the one of the wall may be, while a run or a sweep waits."""
        return time.monotonic() - self.since

    def answers_to(self, identifier: str) -> bool:
        """Whether this process saw that this is its id, in more than one answer, or the name that it was given by us."""
        named = self.kind in _NAMED and identifier == self.key
        return self.proved and (named or (identifier == self.id and len(self.told) != 1))


class Ledger:
    """An append-only NDJSON file of what a run intends to make, made and removed; every line is fsynced.

    Raises:
        OSError: the file is there and cannot be read.
        NotVerified: a line cannot be written; then nothing may be created.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        #: What is wrong in the file, one sentence each; the rest of it counts.
        self.problems: list[str] = []
        self._lock = threading.RLock()
        self._entries: dict[tuple[str, str], Entry] = {}
        self._torn = False
        if path.exists():
            self._load(path.read_bytes())

    def intend(self, kind: str, key: str, **about: str) -> None:
        """Note an object before the request that creates it."""
        row = _row(kind, key, "intended", about=about)
        self._write(row)
        self._apply(row, proved=True)

    def created(self, kind: str, key: str, identifier: str) -> None:
        """Note the id that it was asked for by; kept in mind also where the disk is full."""
        row = _row(kind, key, "created", id=identifier)
        self._apply(row, proved=True).told.clear()
        self._write(row)

    def told(self, kind: str, key: str, identifier: str, question: str) -> None:
        """Note the id that the answer to a question gave it. It is ours, and on disk, once a second question was answered alike: one answer
        may lie."""
        entry, row = self.entry(kind, key), _row(kind, key, "created", id=identifier)
        if entry is None or entry.id != identifier:
            self._apply(row, proved=True).told = {question}
        elif entry.told and question not in entry.told:
            entry.told.add(question)
            self._write(row)

    def gone(self, kind: str, key: str) -> None:
        """Note that it was removed, read back."""
        row = _row(kind, key, "gone")
        self._apply(row)
        self._write(row)

    def owns(self, identifier: str) -> bool:
        """Whether an id or external id belongs to this run, as this process saw it."""
        return bool(identifier) and any(
            entry.answers_to(identifier) for entry in self._entries.values() if entry.kind != "draft"
        )

    def open(self, kind: str | None = None) -> list[Entry]:
        """What has not been removed yet, in the order of removal."""
        entries = [entry for entry in self._entries.values() if not entry.gone and kind in (None, entry.kind)]
        return sorted(entries, key=lambda entry: KINDS.index(entry.kind))

    def entry(self, kind: str, key: str) -> Entry | None:
        """One entry, removed or not."""
        return self._entries.get((kind, key))

    def _write(self, row: dict[str, Any]) -> None:
        line = json.dumps(row, ensure_ascii=True) + "\n"
        with self._lock:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with self.path.open("ab") as file:
                    file.write((b"\n" if self._torn else b"") + line.encode())
                    self._torn = True
                    file.flush()
                    os.fsync(file.fileno())
                self._torn = False
            except OSError as error:
                raise not_verified(
                    "",
                    str(self.path),
                    f"the ledger {self.path} cannot be written ({os.strerror(error.errno or 0)}), so nothing more is made",
                    remedy="make room there, then run --flexprice-sweep",
                ) from error

    def _load(self, content: bytes) -> None:
        lines = content.split(b"\n")
        self._torn = bool(lines.pop())  # what a killed run cut off in the middle; the request after it was never sent
        for number, line in enumerate(lines, start=1):
            try:
                row = _checked(json.loads(line.decode()))
            except (ValueError, RecursionError) as error:
                self.problems.append(f"{self.path}:{number} is damaged ({error}) and was passed over")
                continue
            if row["kind"] == "customer" and not row["key"].startswith(PREFIX):
                self.problems.append(
                    f"{self.path}:{number} names the customer '{row['key']}', which lacks the prefix '{PREFIX}': it is not ours "
                    "and was passed over"
                )
                continue
            self._apply(row)

    def _apply(self, row: dict[str, Any], *, proved: bool = False) -> Entry:
        with self._lock:
            entry = self._entries.setdefault((row["kind"], row["key"]), Entry(row["kind"], row["key"]))
            entry.id = row.get("id") or entry.id
            entry.about.update(row.get("about") or {})
            entry.gone = row["state"] == "gone"
            entry.proved = entry.proved or proved
            if row["state"] == "intended":
                entry.since = time.monotonic() - (0 if proved else _seconds_since(row.get("at")))
            return entry


def _row(kind: str, key: str, state: str, **more: Any) -> dict[str, Any]:
    return {"at": datetime.now(UTC).isoformat(), "kind": kind, "key": key, "state": state, **more}


def _checked(row: Any) -> dict[str, Any]:
    """A line whose every value is what it must be.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(row, dict):
        raise ValueError("it is no object")
    if row.get("kind") not in KINDS or row.get("state") not in _STATES:
        raise ValueError("its kind or state is unknown")
    key, identifier, about = row.get("key"), row.get("id", ""), row.get("about") or {}
    if not isinstance(key, str) or not key or not isinstance(identifier, str):
        raise ValueError("its key or id is no text")
    if not isinstance(about, dict) or not all(isinstance(value, str) for value in about.values()):
        raise ValueError("what it is about is no object of texts")
    return row


def _seconds_since(text: Any) -> float:
    """By the clock of the wall; none where it was set back since."""
    try:
        moment = datetime.fromisoformat(text)
        return max((datetime.now(UTC) - (moment if moment.tzinfo else moment.replace(tzinfo=UTC))).total_seconds(), 0)
    except (TypeError, ValueError):
        return 0
