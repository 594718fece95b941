"""The run as one document: what ``golive.json`` holds and what every other rendering is made of."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from pytest_flexprice.evidence.drift import Drift
from pytest_flexprice.evidence.judged import Verdict
from pytest_flexprice.evidence.records import Reconciliation, ScenarioRecord


class ValueRow(BaseModel):
    """A resolved value of the run and its source."""

    name: str
    value: str
    source: str = ""


class Digest(BaseModel):
    """A file that the run rested on."""

    file: str
    sha256: str


class Provenance(BaseModel):
    """Where this evidence comes from; times are UTC, ``key_tail`` the last two characters of the API key."""

    run_id: str
    environment: str
    environment_type: str
    environment_id: str
    base_url: str
    company: str
    level: str
    rehearsal: bool
    key_tail: str
    started: datetime
    finished: datetime
    seconds: float
    versions: dict[str, str]
    platform: str
    git_commit: str
    git_dirty: bool | None
    features: list[Digest]
    plan: Digest | None
    run_by: str
    run_on: str
    ci_url: str
    selection: str
    pytest_args: list[str]
    header: list[ValueRow] = []


class Document(BaseModel):
    """The whole of a run's evidence that is data; a run that never came to its end has not ``ended``."""

    format: Literal["pytest-flexprice/golive/1"] = "pytest-flexprice/golive/1"
    run: Provenance
    verdict: Verdict
    scenarios: list[ScenarioRecord]
    ended: bool = True
    drift: Drift | None = None
    reconciliation: Reconciliation = Reconciliation()
    exchanges: dict[str, Any] = {}


def json_schema() -> str:
    """The JSON Schema of ``golive.json``, as published in the reference."""
    schema = Document.model_json_schema(mode="serialization")
    schema["title"] = "golive.json: the evidence of one pytest-flexprice run"
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"
