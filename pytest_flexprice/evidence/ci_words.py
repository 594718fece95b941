"""A run told to a CI: what changed since last time as a text to send, and what is red as annotations on the plan's lines."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

from pytest_flexprice.evidence.document import Document
from pytest_flexprice.evidence.drift import told
from pytest_flexprice.evidence.judged import ItemVerdict

_IN_PLAN = re.compile(r"(?P<file>[^\s:]+\.toml): (?P<key>[\w.-]+)")
_IN_FILE = re.compile(r"\(?(?P<file>[\w./-]+\.(?:csv|ndjson|jsonl|json|parquet)):(?P<line>\d+)\)?")
_TABLES = {
    1: "environments.{environment}",
    3: "events",
    4: "customers",
    5: "invoicing",
    6: "webhooks",
    8: "attestations",
}
_OF_ITEM = {"2.1": "catalog", "2.2": "events", "7.4": "webhooks"}
_SEVERITIES = {"failed": "critical", "not decided": "critical", "not verified": "major", "waived": "info"}
_WORDS = {"failed": "error", "not decided": "error", "not verified": "error", "waived": "warning"}


def changes(document: Document) -> str:
    """What changed since the last run, as a short text; "" where nothing did, or there is no earlier run."""
    drift, run = document.drift, document.run
    if drift is None or drift.nothing:
        return ""
    head = f"{document.verdict.label}: {run.company or 'go-live'}, {run.environment}. Since the run {drift.when}:"
    lines = [head, *(f"• {' '.join(sentence.split())}" for sentence in told(drift))]
    return "\n".join([*lines, *([run.ci_url] if run.ci_url else [])]) + "\n"


def annotated(document: Document, plan: str, plan_name: str) -> Iterator[str]:
    """A GitHub workflow command for every item that is red or waived, on the line that it is about.

    Args:
        plan: the text of the plan, ``plan_name`` its path from the repository's root.
    """
    lines = plan.splitlines()
    for item in document.verdict.items:
        if item.state in _WORDS:
            file, line = _place(item, document, lines, plan_name)
            place = f"file={_property(file)},line={line},title={_property(f'{item.id} {item.title}: {item.state}')}"
            yield f"::{_WORDS[item.state]} {place}::{_data(item.why)}"


def quality(document: Document, plan: str, plan_name: str) -> list[dict[str, Any]]:
    """The same as a code-quality report, which GitLab shows at a merge request and in a pipeline."""
    lines = plan.splitlines()
    rows = []
    for item in document.verdict.items:
        if item.state in _WORDS:
            file, line = _place(item, document, lines, plan_name)
            rows.append(
                {
                    "description": f"{item.id} {item.title}: {item.state}. {item.why}",
                    "check_name": f"go-live {item.id}",
                    # One item is one row whatever it says tonight: what is new and what is fixed goes by this.
                    "fingerprint": hashlib.sha256(f"{document.run.environment} {item.id}".encode()).hexdigest(),
                    "severity": _SEVERITIES[item.state],
                    "location": {"path": file, "lines": {"begin": line}},
                }
            )
    return rows


def _place(item: ItemVerdict, document: Document, lines: Sequence[str], plan_name: str) -> tuple[str, int]:
    own = [record for record in document.scenarios if record.node_id in item.scenarios]
    for finding in (each for record in own for each in record.errors if each.item == item.id):
        key = _IN_PLAN.search(finding.path)
        if key:
            return plan_name, line_of(lines, key["key"])
        row = _IN_FILE.search(f"{finding.path} {finding.problem}")
        if row:
            return row["file"], int(row["line"])
    table = _OF_ITEM.get(item.id) or _TABLES.get(item.section, "environments.{environment}")
    return plan_name, line_of(lines, table.format(environment=document.run.environment))


def line_of(lines: Sequence[str], key: str) -> int:
    """The line of a plan on which a key or its table stands, counted from 1; the first where neither is there."""
    found, table = 1, ""
    best = 0
    for number, line in enumerate(lines, 1):
        header = re.match(r"\s*\[+\s*([^\[\]]+?)\s*\]+", line)
        entry = re.match(r"\s*([\w-]+)\s*=", line)
        table = header[1].replace('"', "") if header else table
        here = table if header else f"{table}.{entry[1]}".lstrip(".") if entry else ""
        if here and len(here) > best and (key == here or key.startswith(f"{here}.")):
            found, best = number, len(here)
    return found


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
