"""``junit.xml``: one test case per scenario, with true outcomes, for CI systems and test management."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from pytest_flexprice.evidence.document import Document
from pytest_flexprice.evidence.records import ScenarioRecord

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FAILURES = ("failed", "not decided")


def junit(document: Document) -> str:
    """JUnit XML of a run: not met and not decided are failures, not verified and broken are errors, the rest is skipped."""
    scenarios = [record for record in document.scenarios if not record.deselected]
    errors = [record for record in scenarios if record.outcome == "not verified" or record.broken]
    failures = [record for record in scenarios if record.outcome in _FAILURES and not record.broken]
    suite = Element(
        "testsuite",
        name="Go-live checklist",
        tests=str(len(scenarios)),
        failures=str(len(failures)),
        errors=str(len(errors)),
        skipped=str(sum(record.outcome == "not run" for record in scenarios)),
        time=f"{document.run.seconds:.3f}",
        timestamp=document.run.started.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
        hostname=_clean(document.run.run_on),
    )
    run = document.run
    told = {"verdict": document.verdict.label, "environment": run.environment, "level": run.level, "run_id": run.run_id}
    _properties(suite, told)
    for record in scenarios:
        _case(suite, record)
    root = Element("testsuites")
    root.append(suite)
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _case(suite: Element, record: ScenarioRecord) -> None:
    case = SubElement(
        suite,
        "testcase",
        classname=_clean(record.feature or record.node_id.split("::")[0]),
        name=_clean(record.name),
        time=f"{record.duration:.3f}",
    )
    _properties(
        case,
        {"items": " ".join(record.items), "level": record.level, "outcome": record.outcome, "node_id": record.node_id},
    )
    if record.outcome in ("passed", "attested"):
        return
    kind = "skipped" if record.outcome == "not run" else "error" if _is_error(record) else "failure"
    verdict = SubElement(case, kind, message=_clean(record.message))
    if kind != "skipped":
        verdict.set("type", record.outcome)
        verdict.text = _clean("\n".join(finding.sentence for finding in record.errors) or record.message)


def _is_error(record: ScenarioRecord) -> bool:
    return record.broken or record.outcome == "not verified"


def _properties(parent: Element, values: dict[str, str]) -> None:
    properties = SubElement(parent, "properties")
    for name, value in values.items():
        SubElement(properties, "property", name=name, value=_clean(value))


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
