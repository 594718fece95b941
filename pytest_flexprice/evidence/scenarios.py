"""What pytest-bdd and exceptions say about a scenario, in the words of a record."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd.scenario import scenario_wrapper_template_registry

from pytest_flexprice.evidence.carrying import marks_of
from pytest_flexprice.evidence.records import Outcome, ScenarioRecord, StepRecord, StepStatus
from pytest_flexprice.model.checklist import BY_TAG, Level
from pytest_flexprice.model.finding import Finding, Kind, NotVerified, RequirementNotMet

_STEP_STATUS: dict[Outcome, StepStatus] = {
    "failed": "failed",
    "not verified": "not verified",
    "not decided": "not decided",
}
_LEVELS = {level.word: level for level in Level}


def describe(item: pytest.Item, packaged: Path | None = None) -> ScenarioRecord | None:
    """What is known of a scenario before it runs; None for a test that proves no checklist item.

    ``packaged`` is the folder of the suite's own feature files.
    """
    marks = marks_of(item)
    items = [BY_TAG[tag].id for tag in BY_TAG if tag in marks]
    if not items:
        return None
    function = getattr(item, "obj", None)
    template = scenario_wrapper_template_registry.get(function) if function is not None else None
    level = max((_LEVELS[mark] for mark in marks if mark in _LEVELS), default=Level.LINT)
    record = ScenarioRecord(node_id=item.nodeid, name=item.name, items=items, level=level.word)
    if template is not None:
        record.name, record.feature = template.name, template.feature.name or ""
        record.packaged, record.feature_file = home(Path(template.feature.filename), item.config.rootpath, packaged)
        record.example = _example(item)
        record.steps = [step_record(step) for step in template.steps]
    return record


def home(feature: Path, root: Path, packaged: Path | None) -> tuple[bool, str]:
    """Whether a feature file is one of the suite's own, and its name: within the suite, or from the rootdir."""
    feature = feature.resolve()
    if packaged is not None and feature.is_relative_to(packaged):
        return True, feature.relative_to(packaged).as_posix()
    return False, feature.relative_to(root.resolve()).as_posix() if feature.is_relative_to(
        root.resolve()
    ) else feature.name


def _example(item: pytest.Item) -> dict[str, str]:
    callspec = getattr(item, "callspec", None)
    row = callspec.params.get("_pytest_bdd_example") if callspec is not None else None
    return {str(name): str(value) for name, value in row.items()} if isinstance(row, dict) else {}


def outcome_of(error: BaseException) -> Outcome:
    """What an exception says about a scenario."""
    if isinstance(error, NotVerified):
        return "not verified"
    if isinstance(error, RequirementNotMet):
        return "not decided" if error.kind is Kind.NOT_DECIDED else "failed"
    return "not run" if isinstance(error, pytest.skip.Exception) else "failed"


def one_line(error: BaseException, when: str = "") -> str:
    """What an exception says, as one line; of many findings the first and how many more there are."""
    if isinstance(error, (RequirementNotMet, NotVerified)) and error.findings:
        more = f" (and {len(error.findings) - 1} more)" if len(error.findings) > 1 else ""
        return error.findings[0].sentence + more
    text = re.sub(r"\s+", " ", str(getattr(error, "msg", None) or error)).strip()
    named = isinstance(error, (AssertionError, pytest.fail.Exception, pytest.skip.Exception))
    text = text if named and text else f"{type(error).__name__}: {text}".removesuffix(": ")
    phase = {"setup": "while setting up: ", "teardown": "while cleaning up: "}.get(when, "")
    return (phase if outcome_of(error) == "failed" else "") + text[:500]


def step_status(error: BaseException) -> StepStatus:
    """What an exception says about the step that raised it."""
    return _STEP_STATUS.get(outcome_of(error), "skipped")


def step_record(step: Any) -> StepRecord:
    """A step of pytest-bdd before it is reached."""
    table = [list(row) for row in step.datatable.raw()] if step.datatable is not None else None
    return StepRecord(keyword=step.keyword.strip(), name=step.name, table=table, text=step.docstring)


def in_sentences(record: ScenarioRecord, step: StepRecord | None, when: str, findings: Iterable[Finding]) -> str:
    """What stands in place of a traceback: the scenario, the step, and each finding's sentence."""
    where = f"{step.keyword} {step.name}" if step and when == "call" else f"while {when or 'running'}"
    sentences = [f"    {finding.item or ', '.join(record.items)}  {finding.sentence}" for finding in findings]
    return "\n".join([f"Scenario: {record.name}", f"  {where}", *sentences])
