"""How long the lint of sample events takes beside DuckDB's own scan of the same file.

python benchmarks/event_lint.py 1000000 10000000
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from pytest_flexprice.model.golive_plan import EventKind
from pytest_flexprice.model.meters import Aggregation, Meter
from pytest_flexprice.oracle.samples import check as sample_check

EVENTS = [EventKind(name="model.completion", properties={"tokens": "number", "model": "string"})]
METERS = [Meter("m", "m", "model.completion", Aggregation("SUM", "tokens"))]
CUSTOMERS = 5_000


def write(path: Path, count: int) -> None:
    """A file of that many healthy events, some seconds apart."""
    duckdb.execute(
        f"COPY (SELECT 'model.completion' AS event_name, 'evt-' || range AS event_id, "
        f"'acct_' || (range % {CUSTOMERS}) AS external_customer_id, "
        "strftime(TIMESTAMP '2026-11-01' + INTERVAL (range % 1500000) SECOND, '%Y-%m-%dT%H:%M:%S.%gZ') AS \"timestamp\", "
        f"{{'tokens': range % 4000, 'model': 'large'}} AS properties FROM range({count})) TO '{path}' (FORMAT json)"
    )


def measure(count: int) -> None:
    """One size: file, bare scan, lint, memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.ndjson"
        write(path, count)
        began = time.perf_counter()
        duckdb.execute(f"SELECT count(*), sum(properties.tokens) FROM '{path}'").fetchall()
        bare = time.perf_counter() - began
        began = time.perf_counter()
        checked = sample_check.check(
            EVENTS,
            [path],
            path.parent,
            datetime(2026, 11, 22, tzinfo=UTC),
            meters=METERS,
            customers=(f"acct_{number}" for number in range(CUSTOMERS)),
        )
        lint = time.perf_counter() - began
        findings = len(checked.form + checked.identity + checked.names + checked.customers + checked.quantities)
        size = path.stat().st_size / 1e6
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{count:>12,} events, {size:8,.0f} MB: bare scan {bare:6.2f} s, lint {lint:6.2f} s ({lint / bare:.1f} x), "
        f"{findings} findings, peak memory {memory:,.0f} MB"
    )


if __name__ == "__main__":
    for word in sys.argv[1:] or ["1000000"]:
        measure(int(word))
