"""Gherkin in Allure: allure-pytest knows no scenarios, so this adds their labels, titles, steps and observations.

Imported only when allure-pytest is loaded and writes results. Labels are set at collection, so that a scenario that fails in
its set-up, or is skipped, lands in its place too.
"""

from __future__ import annotations

import csv
import io
import sys
import uuid
from dataclasses import dataclass
from typing import Any

import allure
import allure_commons
import pytest
from pytest_bdd.scenario import scenario_wrapper_template_registry

from pytest_flexprice.evidence.allure_redaction import install
from pytest_flexprice.evidence.recorder import ScenarioRecorder
from pytest_flexprice.evidence.records import ObservationRecord, ScenarioRecord
from pytest_flexprice.evidence.scenarios import describe
from pytest_flexprice.evidence.sidebyside import aside, differences_first, rows, text_table
from pytest_flexprice.model.checklist import BY_ID, SECTIONS

# Items whose failure sends wrong invoices, or none, to everybody.
_dynamic: Any = allure.dynamic  # allure has no annotations
BLOCKERS = frozenset({"1.1", "2.1", "2.2", "4.2", "5.3", "7.2", "7.3"})


@dataclass
class _Open:
    """The scenario that is running: how many steps were reached, and the uuid of the one that is open."""

    reached: int = 0
    step: str | None = None


class AllureBridge:
    """Hooks that show a scenario in Allure as its author wrote it."""

    def __init__(self, config: pytest.Config, recorder: ScenarioRecorder) -> None:
        self._rehearsal = recorder.rehearsal
        self._running: dict[str, _Open] = {}
        recorder.observed.append(self.observation)
        install(config, recorder.redactor)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Epic, feature, story, suites and severity, from the checklist."""
        for item in items:
            record = describe(item)
            if record is None:
                continue
            for name, value in labels(record, rehearsal=self._rehearsal):
                item.add_marker(pytest.mark.allure_label(value, label_type=name))
            item.add_marker(pytest.mark.allure_description(description(record, rehearsal=self._rehearsal)))
            function: Any = getattr(item, "obj", None)
            if scenario_wrapper_template_registry.get(function) is not None:
                function.__allure_display_name__ = record.name

    def pytest_bdd_before_scenario(self, request: pytest.FixtureRequest, scenario: Any) -> None:
        """The title, with the values of this example."""
        _dynamic.title(scenario.name)
        self._running[request.node.nodeid] = _Open()

    def pytest_bdd_before_step(self, request: pytest.FixtureRequest, step: Any) -> None:
        """Open a step, with its data table and its text."""
        running = self._running.setdefault(request.node.nodeid, _Open())
        running.reached += 1
        running.step = str(uuid.uuid4())
        allure_commons.plugin_manager.hook.start_step(uuid=running.step, title=_title(step), params={})
        if step.datatable is not None:
            allure.attach(_csv(step.datatable.raw()), "Data table", allure.attachment_type.CSV)
        if step.docstring is not None:
            allure.attach(step.docstring, "Text", allure.attachment_type.TEXT)

    def pytest_bdd_after_step(self, request: pytest.FixtureRequest) -> None:
        """The step holds."""
        self._stop(request)

    def pytest_bdd_step_error(self, request: pytest.FixtureRequest, exception: BaseException) -> None:
        """The step does not hold."""
        self._stop(request, exception)

    def pytest_bdd_step_func_lookup_error(
        self, request: pytest.FixtureRequest, step: Any, exception: BaseException
    ) -> None:
        """Nothing implements the step."""
        self.pytest_bdd_before_step(request, step)
        self._stop(request, exception)

    def pytest_bdd_after_scenario(self, request: pytest.FixtureRequest, scenario: Any) -> None:
        """Close what a skip left open, and show the steps that were not reached."""
        self._stop(request, sys.exc_info()[1])
        reached = self._running.pop(request.node.nodeid, _Open()).reached
        unreached = pytest.skip.Exception("not reached")
        for step in scenario.steps[reached:]:
            opened = str(uuid.uuid4())
            allure_commons.plugin_manager.hook.start_step(uuid=opened, title=_title(step), params={})
            _stop_step(opened, unreached)

    def observation(self, record: ScenarioRecord, seen: ObservationRecord) -> None:
        """Attach an observation to the step that made it."""
        allure.attach(observation_text(record, seen), seen.title, allure.attachment_type.TEXT)

    def _stop(self, request: pytest.FixtureRequest, exception: BaseException | None = None) -> None:
        running = self._running.get(request.node.nodeid)
        if running is not None and running.step is not None:
            _stop_step(running.step, exception)
            running.step = None


def attach(config: pytest.Config, recorder: ScenarioRecorder) -> AllureBridge:
    """Make and register the bridge of this process."""
    bridge = AllureBridge(config, recorder)
    config.pluginmanager.register(bridge, "flexprice-allure")
    return bridge


def labels(record: ScenarioRecord, *, rehearsal: bool = False) -> list[tuple[str, str]]:
    """Allure's labels of a scenario."""
    items = [BY_ID[number] for number in record.items]
    section = f"{items[0].section}. {SECTIONS[items[0].section]}"
    severity = "blocker" if BLOCKERS & set(record.items) else "minor" if items[0].proof == "person" else "critical"
    return [
        ("epic", "Go-live"),
        ("feature", section),
        *(("story", f"{item.id} {item.title}") for item in items),
        ("parentSuite", "Rehearsal of the go-live checklist" if rehearsal else "Go-live checklist"),
        *((("tag", "rehearsal"),) if rehearsal else ()),
        ("suite", section),
        ("subSuite", f"{items[0].id} {items[0].title}"),
        ("severity", severity),
    ]


def description(record: ScenarioRecord, *, rehearsal: bool = False) -> str:
    """What stands above the steps: the items that the scenario proves, and what kind of proof it is."""
    proved = ", ".join(f"{number} {BY_ID[number].title}" for number in record.items)
    text = f"Checklist {proved}. Level {record.level}. {record.feature_file}".strip()
    if all(BY_ID[number].proof == "person" for number in record.items):
        text += (
            "\n\n**Attested:** a person says so in the plan; machines see no more than that the statement counts today."
        )
    return "**Rehearsal:** no evidence about a real environment.\n\n" + text if rehearsal else text


def observation_text(record: ScenarioRecord, seen: ObservationRecord) -> str:
    """An observation as plain text: what is wrong first, then both sides."""
    sentences = [f"✗ {record.findings[number].sentence}" for number in seen.findings]
    aligned = rows(seen.expected, seen.observed)
    table = text_table(differences_first(aligned) if sentences else aligned, blamed=bool(sentences)) if aligned else ""
    parts = ["\n".join(sentences), aside(seen.expected, seen.observed), table.rstrip("\n")]
    return "\n\n".join(filter(None, parts)) + "\n"


def _title(step: Any) -> str:
    return f"{step.keyword.strip()} {step.name}"


def _csv(table: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table)
    return text.getvalue()


def _stop_step(opened: str, error: BaseException | None) -> None:
    allure_commons.plugin_manager.hook.stop_step(
        uuid=opened,
        exc_type=type(error) if error else None,
        exc_val=error,
        exc_tb=error.__traceback__ if error else None,
    )
