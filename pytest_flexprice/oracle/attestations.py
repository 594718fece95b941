"""Checklist section 8 as pure functions: does somebody answer for an item, and does the statement still count?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from pytest_flexprice.model.checklist import BY_ID
from pytest_flexprice.model.finding import Finding, Kind, Severity
from pytest_flexprice.model.golive_plan import Attestation

WARNING_DAYS = 14


def check(item: str, statements: Sequence[Attestation], environment: str, today: date, folder: Path) -> list[Finding]:
    """What is wrong with the statements about one item; none is wrong if one of them counts.

    ``folder`` is where evidence named as a file starts from.
    """
    if not statements:
        return [_missing(item, environment)]
    judged = [_judge(statement, environment, today, folder) for statement in statements]
    good = [findings for findings in judged if not any(each.severity is Severity.ERROR for each in findings)]
    return good[0] if good else judged[-1]


def _missing(item: str, environment: str) -> Finding:
    return Finding(
        item,
        "golive.toml: attestations",
        f"nobody answers for item {item} ({BY_ID[item].title}) in environment '{environment}'; an owner is needed",
        remedy=f'let the owner add a table [[attestations]] with item = "{item}", statement, by, role and on',
        kind=Kind.NOT_DECIDED,
    )


def _judge(statement: Attestation, environment: str, today: date, folder: Path) -> list[Finding]:
    where = f"golive.toml: attestations ({statement.item}, {statement.by})"
    last = statement.on + timedelta(days=statement.valid_days)
    problem, remedy = "", "let its owner state it again"
    if statement.environment and statement.environment != environment:
        problem = f"the statement of {statement.by} is about environment '{statement.environment}', not '{environment}'"
    elif statement.on > today:
        problem, remedy = f"the statement of {statement.by} is dated in the future, {statement.on}", "correct its date"
    elif last < today:
        age = (today - statement.on).days
        problem = f"the statement of {statement.by} of {statement.on} is {age} days old and ran out on {last}"
    if problem:
        return [Finding(statement.item, where, problem, remedy=remedy, kind=Kind.NOT_DECIDED)]
    findings = _evidence(statement, where, folder)
    if (last - today).days <= WARNING_DAYS:
        soon = f"the statement of {statement.by} runs out on {last}"
        findings.append(Finding(statement.item, where, soon, remedy=remedy, severity=Severity.WARNING))
    return findings


def _evidence(statement: Attestation, where: str, folder: Path) -> list[Finding]:
    """Whether named evidence can exist: links are not followed, files must be there."""
    evidence = statement.evidence.strip()
    if not evidence:
        return []
    parts = urlsplit(evidence)
    if parts.scheme in ("http", "https"):
        if parts.hostname and "." in parts.hostname:
            return []
        problem = f"the evidence '{evidence}' is no address that anybody could open"
    elif (folder / evidence).exists():
        return []
    else:
        problem = f"the evidence '{evidence}' is neither a link nor a file beside the plan"
    return [Finding(statement.item, where, problem, remedy="name a link, or a file that is there")]
