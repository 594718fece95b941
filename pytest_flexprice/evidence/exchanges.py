"""The conversation with Flexprice, one redacted JSON line per exchange, and its summary."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pytest_flexprice.evidence.redaction import Redactor
from pytest_flexprice.model.finding import plain

MERGED = "exchanges.ndjson"
_LOG = logging.getLogger(__name__)


class ExchangeLog:
    """Appends exchanges to an NDJSON file; safe for threads, one file per process.

    The report looks at ``at`` (ISO 8601, UTC), ``method``, ``path``, ``status`` (None: no answer) and ``seconds``; anything else
    is kept too. ``scenario``, the node id of the running test, is added. All values pass the redactor before they are written.
    """

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self.path = path
        self._redactor = redactor
        self._lock = threading.Lock()

    def append(self, exchange: dict[str, Any]) -> None:
        """Write one exchange, without secrets, as one line. On a full disk the run goes on: what it made has to be taken away."""
        running = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
        scenario = self._redactor.values(str(exchange.get("scenario") or running))
        row = {**self._redactor.data(exchange), "scenario": scenario}
        line = json.dumps(plain(row), ensure_ascii=False, separators=(",", ":"))
        try:
            with self._lock:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with self.path.open("a", encoding="utf-8") as file:
                    file.write(line + "\n")
        except OSError as error:
            _LOG.warning("%s is not whole (%s)", self.path, error.strerror)


def log_name(worker: str) -> str:
    """The file that one process writes; ``worker`` is ``main`` or xdist's ``gw0``."""
    return f"exchanges-{worker}.ndjson"


def merge(folder: Path) -> Path:
    """Make one file, in the order of time, of what the processes wrote, and remove theirs."""
    merged, parts = folder / MERGED, sorted(folder.glob("exchanges-*.ndjson"))
    ordered = [(row.get("at") or "", number, row) for part in parts for number, row in enumerate(read(part))]
    ordered.sort(key=lambda row: (str(row[0]), row[1]))
    text = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for _, _, row in ordered)
    merged.write_text(text, encoding="utf-8")
    for part in parts:
        part.unlink()
    return merged


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The exchanges of a file; none where it is not there."""
    return rows(path.read_text(encoding="utf-8")) if path.exists() else iter(())


def rows(text: str) -> Iterator[dict[str, Any]]:
    """The exchanges of a text; a line that a killed process left unfinished is passed over."""
    for line in text.split("\n"):  # a text in it may hold what else ends lines
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            yield row


def by_scenario(exchanged: Iterable[dict[str, Any]]) -> Counter[str]:
    """How many exchanges each scenario had, by node id."""
    return Counter(str(row.get("scenario") or "") for row in exchanged)


def summary(exchanged: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """How many exchanges there were, by method and by status, how many failed, and the slowest one in seconds."""
    methods: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    slowest, seconds = "", 0.0
    for row in exchanged:
        methods[str(row.get("method", "?"))] += 1
        statuses[str(row.get("status") or "no answer")] += 1
        took = float(row.get("seconds") or 0)
        if took > seconds:
            slowest, seconds = f"{row.get('method', '?')} {row.get('path', '')}", took
    return {
        "count": sum(methods.values()),
        "methods": dict(sorted(methods.items())),
        "statuses": dict(sorted(statuses.items())),
        "slowest": slowest,
        "slowest_seconds": round(seconds, 3),
    }
