"""Sample events, and what is said of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from pytest_flexprice.model.finding import Finding, Severity
from pytest_flexprice.model.golive_plan import EventKind
from pytest_flexprice.oracle.samples import check as sample_check
from pytest_flexprice.oracle.samples.check import Checked

from .catalog_strategies import tokens

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


EVENTS = [EventKind(name="model.completion", properties={"tokens": "number", "model": "string"})]


METERS = (tokens(),)


def event(number: int = 1, **changes: object) -> dict[str, object]:
    values = {
        "event_name": "model.completion",
        "event_id": f"e-{number}",
        "external_customer_id": "acct_1",
        "timestamp": "2026-11-21T10:30:57Z",
        "properties": {"tokens": 12, "model": "large"},
    }
    return {key: value for key, value in {**values, **changes}.items() if value != "(absent)"}


def check(tmp_path: Path, *rows: object, name: str = "s.ndjson", meters=METERS, customers=("acct_1",)) -> Checked:
    path = tmp_path / name
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return sample_check.check(EVENTS, [path], tmp_path, NOW, meters=meters, customers=customers)


def everything(checked: Checked) -> list[Finding]:
    return [*checked.form, *checked.identity, *checked.names, *checked.customers, *checked.quantities]


def errors(checked: Checked) -> list[str]:
    return [one.sentence for one in everything(checked) if one.severity is Severity.ERROR]
