"""What all tests share."""

from __future__ import annotations

import gc
import os

import pytest

try:
    from hypothesis import settings
except ImportError:  # pytest reads this file in a checkout's rehearsal too, which installs nothing of the tests
    settings = None

if settings is not None:
    # A busy machine is no defect; and what is tried is the same each time, so that a red run can be repeated. `TRIED=20000` tries as many
    # at random, in search of what nobody thought of.
    tried = int(os.environ.get("TRIED", "0"))
    settings.register_profile("same", deadline=None, derandomize=True)
    settings.register_profile("search", deadline=None, max_examples=tried or 100)
    settings.load_profile("search" if tried else "same")

LONG = (
    "docs/test_contributing.py",
    "docs/test_examples.py",
    "docs/test_foreign_handlers.py",
    "docs/test_webhook_handlers.py",
    "faults/test_faults.py",
    "invoicing/test_any_deal.py",
    "plugin/test_any_plan.py",
    "plugin/test_cleanup.py",
    "plugin/test_planting.py",
    "plugin/test_rehearsal.py",
    "safety/test_interruption.py",
    "safety/test_kill_points.py",
    "safety/test_runs.py",
    "safety/test_two_runs.py",
    "safety/test_verdict_table.py",
    "traffic/test_rehearsed.py",
    "webhooks/test_handlers.py",
    "webhooks/test_section.py",
)
"""Where a test takes seconds: runs of their own, and what waits for somebody."""


def pytest_collection_finish() -> None:
    """What was imported and collected stays: nobody need look through it for garbage again and again."""
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deal the long tests to the workers first, so that none is left with them at the end.

    With ``worksteal`` each worker begins with as many items as any other, one worker's after the other's.
    """
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    long = [item for item in items if item.path.as_posix().endswith(LONG)]
    rest = [item for item in items if not item.path.as_posix().endswith(LONG)]
    share = -(-len(rest) // workers)
    items[:] = [
        item
        for worker in range(workers)
        for item in (*long[worker::workers], *rest[worker * share : (worker + 1) * share])
    ]
