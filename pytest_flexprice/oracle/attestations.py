"""Checklist section 8 as pure functions: does somebody answer for an item, and does the statement still count?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from pytest_flexprice.model.checklist import BY_ID
from pytest_flexprice.model.finding import Finding, Kind, Severity
from pytest_flexprice.model.golive_plan import Attestation
from pytest_flexprice.model.statements import digest_in, standing


def check(
    item: str,
    statements: Sequence[Attestation],
    environment: str,
    today: date,
    folder: Path,
    *,
    alone: bool = True,
) -> list[Finding]:
    """What is wrong with the statements about one item; none is wrong if one of them counts.

    ``folder`` is where evidence named as a file starts from, ``alone`` whether the plan has no other environment.
    """
    if not statements:
        return [_missing(item, environment, alone)]
    judged = [_judge(statement, environment, today, folder, alone) for statement in statements]
    good = [findings for findings in judged if not any(each.severity is Severity.ERROR for each in findings)]
    return good[0] if good else judged[-1]


def _missing(item: str, environment: str, alone: bool) -> Finding:
    keys = "statement, by, role and on" if alone else f'statement, by, role, on and environment = "{environment}"'
    return Finding(
        item,
        "golive.toml: attestations",
        f"nobody answers for item {item} ({BY_ID[item].title}) in environment '{environment}'; an owner is needed",
        remedy=f'let the owner add a table [[attestations]] with item = "{item}", {keys}',
        kind=Kind.NOT_DECIDED,
    )


def _judge(statement: Attestation, environment: str, today: date, folder: Path, alone: bool) -> list[Finding]:
    where = f"golive.toml: attestations ({statement.item}, {statement.by})"
    stands = standing(
        statement,
        environment,
        today,
        lambda name: (folder / name).exists(),
        alone=alone,
        digest=digest_in(folder),
    )
    if stands.problem:
        kind = Kind.NOT_DECIDED if stands.undecided else Kind.REQUIREMENT
        return [Finding(statement.item, where, stands.problem, remedy=stands.remedy, kind=kind)]
    if stands.runs_out:
        soon = f"the statement of {statement.by} runs out on {stands.runs_out}"
        return [Finding(statement.item, where, soon, remedy="let its owner state it again", severity=Severity.WARNING)]
    return []
