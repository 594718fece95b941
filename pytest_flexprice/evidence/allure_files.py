"""What belongs beside Allure's results: environment, categories, executor, and the scenarios that never reported.

Written once, at the end, in the controller: workers would race, and cleaning the folder would lose it.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from pytest_flexprice.evidence.document import Document, Provenance
from pytest_flexprice.evidence.records import ScenarioRecord
from pytest_flexprice.model.checklist import BY_ID, SECTIONS

NOT_MET, NOT_VERIFIED, NOT_DECIDED, LEFT_BEHIND = (
    "Requirement not met",
    "Not verified",
    "Not decided",
    "Left behind",
)
# Allure 2 wants the whole message to match, Allure 3 reads JavaScript's regular expressions: this suits both.
CATEGORIES = [
    {"name": LEFT_BEHIND, "messageRegex": r"^Left behind: [\s\S]*$", "matchedStatuses": ["failed", "broken"]},
    {"name": NOT_DECIDED, "messageRegex": r"^Not decided: [\s\S]*$", "matchedStatuses": ["failed"]},
    {"name": NOT_VERIFIED, "messageRegex": r"^Not verified: [\s\S]*$", "matchedStatuses": ["broken"]},
    {"name": NOT_MET, "matchedStatuses": ["failed"]},
    {"name": "Error in the scenario itself", "matchedStatuses": ["broken"]},
    {"name": "Not run", "matchedStatuses": ["skipped"]},
]


def write_allure_files(folder: Path, document: Document, crashed: dict[str, str]) -> None:
    """Complete Allure's results; nothing is written where Allure left none."""
    if not folder.is_dir():
        return
    _json(folder / "categories.json", CATEGORIES)
    _json(folder / "executor.json", executor(document.run))
    (folder / "environment.properties").write_text(environment(document), encoding="utf-8")
    for record in document.scenarios:
        if record.node_id in crashed:
            _json(folder / f"{uuid.uuid4()}-result.json", crashed_result(record, document.run))


def environment(document: Document) -> str:
    """``environment.properties``: one escaped line per value."""
    run = document.run
    values = {
        "Verdict": document.verdict.label,
        "Rehearsal": "yes" if run.rehearsal else "no",
        "Environment": run.environment,
        "Type": run.environment_type,
        "Base URL": run.base_url,
        "Level": run.level,
        "Run": run.run_id,
        "API key ends in": run.key_tail or "-",
        "Commit": run.git_commit + (" (changed)" if run.git_dirty else ""),
        "Started": run.started.strftime("%Y-%m-%d %H:%M:%S UTC"),
        **{name: version for name, version in run.versions.items() if name in ("python", "pytest-flexprice")},
    }
    return "".join(f"{name.replace(' ', '.')}={_escaped(value)}\n" for name, value in values.items() if value)


def configuration(document: Document) -> dict[str, Any]:
    """``allurerc.json``: makes ``npx allure generate allure-results`` in the run's folder a report by checklist item."""
    name = f"{document.verdict.label}: go-live checklist, {document.run.environment}"
    options = {"reportName": name, "groupBy": ["feature", "story"], "defaultSortBy": "name,asc", "singleFile": True}
    return {
        "name": name,
        "output": "allure-report",
        "categories": {"rules": CATEGORIES},
        "plugins": {"awesome": {"options": options}},
    }


def executor(run: Provenance) -> dict[str, Any]:
    """Who ran it, as Allure's ``executor.json``."""
    name = "GitHub Actions" if "/actions/runs/" in run.ci_url else "CI" if run.ci_url else run.run_on
    row = {"name": name, "type": "github" if name == "GitHub Actions" else "local", "buildName": run.run_id}
    return row | ({"buildUrl": run.ci_url, "reportUrl": run.ci_url} if run.ci_url else {})


def crashed_result(record: ScenarioRecord, run: Provenance) -> dict[str, Any]:
    """A result for a scenario whose worker crashed; missing from the report it would read as fine."""
    at = int((record.started or run.finished).timestamp() * 1000)
    item = BY_ID[record.items[0]]
    labels = {
        "epic": "Go-live",
        "feature": SECTIONS[item.section],
        "story": f"{item.id} {item.title}",
        "parentSuite": "Go-live checklist",
        "suite": SECTIONS[item.section],
        "framework": "pytest-bdd",
    }
    digest = hashlib.md5(record.node_id.encode(), usedforsecurity=False).hexdigest()
    return {
        "uuid": str(uuid.uuid4()),
        "name": record.name,
        "fullName": record.node_id,
        "historyId": digest,
        "testCaseId": digest,
        "status": "broken",
        "statusDetails": {"message": f"Not verified: {record.message}"},
        "steps": [
            {"name": f"{step.keyword} {step.name}", "status": "skipped", "start": at, "stop": at}
            for step in record.steps
        ],
        "labels": [{"name": name, "value": value} for name, value in labels.items()],
        "start": at,
        "stop": at,
    }


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\r", " ").replace("\n", " ")


def write_configuration(folder: Path, document: Document) -> None:
    """Write ``allurerc.json`` into the run's own folder, beside its results."""
    _json(folder / "allurerc.json", configuration(document))


def _json(path: Path, data: Any) -> None:
    path.write_text(as_text(data), encoding="utf-8")


def as_text(data: Any) -> str:
    """Data as Allure's files hold it."""
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def default_folder(config: pytest.Config, folder: Path) -> None:
    """Allure's results belong to the evidence unless ``--alluredir`` says otherwise; this comes before allure-pytest configures."""
    if hasattr(config.option, "allure_report_dir") and not config.option.allure_report_dir:
        if not config.option.collectonly:
            config.option.allure_report_dir = str(folder / "allure-results")
        # The folder is new; under xdist, cleaning it would wipe the results of other workers.
        config.option.clean_alluredir = False
