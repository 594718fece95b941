"""Whether a scenario was carried out: every step entered and left, in the call phase, once.

A scenario that was set up only, whose steps somebody left out, or that ran twice is green for pytest and proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest

from pytest_flexprice.evidence.records import Outcome, ScenarioRecord

Identity = tuple[bool, str, str, tuple[tuple[str, str], ...]]


def ending(record: ScenarioRecord, written: int, reports: Sequence[pytest.TestReport]) -> tuple[Outcome, str]:
    """How a scenario ended in which nothing was raised: passed only if it was carried out.

    ``written`` is the number of its steps as they are written, ``reports`` are those of its phases.
    """
    if any(hasattr(each, "wasxfail") for each in reports):
        return "not run", "marked as expected to fail, which proves nothing"
    called = next((each for each in reports if each.when == "call"), None)
    if called is None:
        return "not run", "It was set up, but not carried out."
    done = sum(step.status == "passed" for step in record.steps)
    if done < written or len(record.steps) != written:
        return "not run", f"Only {done} of its {written} steps were carried out."
    return (
        ("passed", "") if called.passed else ("not verified", f"pytest calls it {called.outcome}, and nobody said why.")
    )


def identity(record: ScenarioRecord) -> Identity:
    """What makes two records one scenario, whatever repeats, reruns or copies of it are called."""
    return record.packaged, record.feature_file, record.name, tuple(sorted(record.example.items()))


def repeated(records: Iterable[ScenarioRecord]) -> list[ScenarioRecord]:
    """The records, those of a scenario that was begun more than once as *not verified*, unless it failed."""
    records = list(records)
    begun: dict[Identity, int] = {}
    for record in records:
        begun[identity(record)] = begun.get(identity(record), 0) + record.executions
    return [_twice(record, begun[identity(record)]) for record in records]


def _twice(record: ScenarioRecord, times: int) -> ScenarioRecord:
    if times < 2 or not record.executions or not record.steps or record.outcome in ("failed", "not decided"):
        return record
    message = (
        f"It was executed {times} times in this run, and what is green the second time proves nothing; let it run once."
    )
    return record.model_copy(update={"outcome": "not verified", "message": message})
