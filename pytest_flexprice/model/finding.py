"""A finding is data: what is wrong, where, what it costs and what to do. Its sentence is written once, here.

Terminal, Allure, HTML, Markdown and JSON are renderings of findings (checklist: every item; evidence rules of the report).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, is_dataclass
from enum import Enum, StrEnum
from math import isfinite
from typing import Any


class Severity(StrEnum):
    """How a finding weighs: an ``error`` turns its scenario red, the others are told and nothing more."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Kind(StrEnum):
    """Why a scenario is not green."""

    REQUIREMENT = "requirement not met"
    NOT_VERIFIED = "not verified"
    NOT_DECIDED = "not decided"
    LEFT_BEHIND = "left behind"


class Absent(Enum):
    """That nothing is there where two sides were compared; a side that is left out of a finding was never compared."""

    NOTHING = None


def compared(value: Any) -> Any:
    """One of two compared values, for ``expected`` and ``observed``: what is absent is told as *nothing*."""
    return Absent.NOTHING if value is None or value == "" else value


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or worth knowing, about a go-live.

    Attributes:
        item: the checklist item it belongs to, such as ``"2.2"``.
        path: where it is, such as ``"plans.acme-pro.prices.model.completion.amount"`` or ``"golive.toml: webhooks.endpoint"``.
        problem: one clause saying what is wrong, without a full stop at its end.
        expected, observed: the values, where there are any; None where there is no such side (see ``compared``).
        consequence: what it means for money or safety, as a clause.
        remedy: what to do, as an imperative clause.
    """

    item: str
    path: str
    problem: str
    expected: Any = None
    observed: Any = None
    consequence: str = ""
    remedy: str = ""
    severity: Severity = Severity.ERROR
    kind: Kind = Kind.REQUIREMENT

    @property
    def sentence(self) -> str:
        """The finding as its reader sees it: problem, values, consequence, remedy."""
        text = self.problem
        sides = {"expected": self.expected, "found": self.observed}
        values = ", ".join(f"{word} {show(value)}" for word, value in sides.items() if value is not None)
        if values:
            text += f" ({values})"
        if self.consequence:
            text += f": {self.consequence}"
        if self.remedy:
            text += f"; {self.remedy}"
        return text + "."

    def as_json(self) -> dict[str, Any]:
        """A JSON-ready form, with the sentence in it."""
        row = asdict(self)
        row.update(severity=self.severity.value, kind=self.kind.value, sentence=self.sentence)
        row.update(expected=plain(self.expected), observed=plain(self.observed))
        return row


def show(value: Any) -> str:
    """A value as a person reads it: decimals without exponent, nothing as *nothing*, text in quotes."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return show(value.value)
    return _several(value) or str(plain(value))


def _several(value: Any) -> str:
    """The parts of a list or of something with named parts; empty for a single value."""
    if isinstance(value, (list, tuple, set, frozenset)):
        shown = sorted(map(show, value)) if isinstance(value, (set, frozenset)) else [show(one) for one in value]
        return ", ".join(shown) or "none"
    mapping = _as_mapping(value)
    return "" if mapping is None else "; ".join(f"{name}: {show(one)}" for name, one in mapping.items()) or "none"


def plain(value: Any) -> Any:
    """A JSON-ready form of a value: decimals and times as text, sets sorted, dataclasses and models as objects."""
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, (str, int, bool)):
        return value
    if isinstance(value, (set, frozenset)):
        return sorted((plain(one) for one in value), key=str)
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    mapping = _as_mapping(value)
    if mapping is not None:
        return {str(key): plain(one) for key, one in mapping.items()}
    return _plain_scalar(value)


def _as_mapping(value: Any) -> dict[Any, Any] | None:
    if isinstance(value, dict):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    return dict(value.model_dump()) if hasattr(value, "model_dump") else None


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, float) and isfinite(value):
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return format(value, "f") if hasattr(value, "as_tuple") else str(value)


class RequirementNotMet(AssertionError):
    """A checklist requirement does not hold; carries the findings that say so."""

    kind = Kind.REQUIREMENT

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = list(findings)
        super().__init__("\n".join(finding.sentence for finding in self.findings))


class NotDecided(RequirementNotMet):
    """The plan is silent about something that must be decided before going live."""

    kind = Kind.NOT_DECIDED


class LeftBehind(RequirementNotMet):
    """Something that the run created is still there."""

    kind = Kind.LEFT_BEHIND


class NotVerified(Exception):
    """Something could not be observed (deadline, 5xx, 501, missing input): neither met nor not met."""

    kind = Kind.NOT_VERIFIED

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = list(findings)
        super().__init__("\n".join(finding.sentence for finding in self.findings))


def require_none(findings: Iterable[Finding]) -> None:
    """Let findings speak: raise if any of them is an error.

    Raises:
        RequirementNotMet: at least one error says that a requirement is not met.
        NotDecided: all errors say that the plan is silent.
        NotVerified: all errors say that something could not be observed.
        LeftBehind: all errors say that something the run created is still there.
    """
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if not errors:
        return
    kinds = {finding.kind for finding in errors}
    if kinds == {Kind.NOT_VERIFIED}:
        raise NotVerified(errors)
    if kinds == {Kind.NOT_DECIDED}:
        raise NotDecided(errors)
    if kinds == {Kind.LEFT_BEHIND}:
        raise LeftBehind(errors)
    raise RequirementNotMet(errors)


def not_verified(item: str, path: str, problem: str, **details: Any) -> NotVerified:
    """The exception for one thing that could not be observed."""
    return NotVerified([Finding(item, path, problem, kind=Kind.NOT_VERIFIED, **details)])


def not_decided(item: str, path: str, problem: str, **details: Any) -> NotDecided:
    """The exception for one thing that the plan is silent about."""
    return NotDecided([Finding(item, path, problem, kind=Kind.NOT_DECIDED, **details)])
