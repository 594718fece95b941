"""Secrets in what pytest prints: tracebacks, assertion texts, captured output."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_flexprice.evidence.redaction import Redactor
from pytest_flexprice.model.shown import shown

_MODULE = "_pytest._code.code"


def redact_report(report: pytest.TestReport | pytest.CollectReport, redactor: Redactor) -> None:
    """Remove secrets from a report's failure text and captured output, in place, whatever traceback style is on."""
    report.longrepr = redacted(report.longrepr, redactor)
    report.sections = [(name, shown(redactor.text(content))) for name, content in report.sections]
    if isinstance(report, pytest.TestReport):
        report.user_properties = [
            (redactor.text(str(name)), redacted(value, redactor)) for name, value in report.user_properties
        ]


def redacted(value: Any, redactor: Redactor) -> Any:
    """A failure text, or pytest's own object for one, without secrets; objects are changed in place."""
    if isinstance(value, str):
        return shown(redactor.text(value))
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return _lines(value, redactor)
    if isinstance(value, (list, tuple)):
        return type(value)(redacted(one, redactor) for one in value) if type(value) in (list, tuple) else value
    if type(value).__module__ == _MODULE and hasattr(value, "__dict__"):
        for name, one in vars(value).items():
            # Set around frozen dataclasses: these objects are pytest's own and are read once, after this.
            object.__setattr__(value, name, redacted(one, redactor))
    return value


def _lines(lines: list[str], redactor: Redactor) -> list[str]:
    """Lines without secrets, also those that one breaks off and the next goes on with. Python's own end with a break, pytest's not."""
    own = all(line.endswith("\n") for line in lines)
    text = shown(redactor.text(("" if own else "\n").join(lines)))
    return text.splitlines(keepends=True) if own else text.split("\n")
