"""Differences that somebody accepted: by path, for a reason, until a day (checklist 2.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Protocol

from pytest_flexprice.model.finding import Finding, Severity


class Acceptance(Protocol):
    """One ``[[catalog.accepted]]`` of the plan; ``until`` is the last day it counts."""

    @property
    def path(self) -> str:
        """The path of the finding, exactly."""

    @property
    def reason(self) -> str:
        """Why it is acceptable."""

    @property
    def owner(self) -> str:
        """Who accepted it."""

    @property
    def until(self) -> date:
        """The last day."""


def apply(
    findings: Iterable[Finding], accepted: Sequence[Acceptance], today: date, elsewhere: Iterable[str] = ()
) -> list[Finding]:
    """The findings as they stand on ``today``; ``elsewhere`` are paths of findings that another scenario tells.

    An accepted one becomes information that says who accepted it and until when; one whose acceptance has run out stays and says
    so; an acceptance that no finding needs becomes a warning. Nothing else changes.
    """
    by_path = {one.path: one for one in accepted}
    used = set(elsewhere)
    result: list[Finding] = []
    for finding in findings:
        acceptance = by_path.get(finding.path)
        if acceptance is None:
            result.append(finding)
            continue
        used.add(finding.path)
        if today <= acceptance.until:
            note = f"; {acceptance.owner} accepted this until {acceptance.until}: {acceptance.reason}"
            result.append(replace(finding, problem=finding.problem + note, severity=Severity.INFO))
        else:
            note = f"; the acceptance by {acceptance.owner} ended on {acceptance.until}"
            result.append(replace(finding, problem=finding.problem + note))
    for one in accepted:
        if one.path not in used:
            result.append(
                Finding(
                    "2.1",
                    f"golive.toml: catalog.accepted {one.path}",
                    f"the accepted difference '{one.path}' of {one.owner} is not there",
                    consequence="an acceptance that nothing needs would hide the next difference at that place",
                    remedy="remove it from the plan or correct its path",
                    severity=Severity.WARNING,
                )
            )
    return result
