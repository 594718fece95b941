"""What a webhook handler answered to each probe: forged messages as a matrix, all others as lists (checklist 6.2 and 6.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

_ANSWER = re.compile(r"(?P<said>.*) \((?P<seconds>\d+\.\d+) s\)$", re.DOTALL)
_CROSSED = re.compile(r"(?P<form>.+?) (?P<type>\S+) in (?P<family>\S+) headers as (?P<content>.+)$")
_CUT = "…"


@dataclass(frozen=True)
class ProbeAnswer:
    """The answer to one probe; ``wanted`` is what a sound handler does, ``seconds`` how long it took, as text."""

    probe: str
    wanted: str
    said: str
    seconds: str

    @property
    def contrary(self) -> bool:
        """Whether success was answered where a refusal was wanted, or the other way round."""
        success = self.said.startswith("2")
        return (self.wanted == "refused" and success) or (self.wanted == "accepted" and not success)


@dataclass(frozen=True)
class ProbeRow:
    """One kind of message in the matrix; an answer for each way to forge it, None where it was not tried."""

    event_type: str
    carried: str
    answers: list[ProbeAnswer | None]


@dataclass(frozen=True)
class Probes:
    """All answers: ``groups`` by what was wanted, as headings, and the matrix of what was forged in the same ways."""

    groups: dict[str, list[ProbeAnswer]]
    forms: list[str]
    matrix: list[ProbeRow]
    unshown: str = ""
    layout: str = field(default="probes", init=False)


def read(expected: Any, observed: Any) -> Probes | None:
    """The answers that an observation holds; None where it holds something else."""
    if not isinstance(expected, dict) or not isinstance(observed, dict) or expected.keys() != observed.keys():
        return None
    told = [_answer(str(probe), expected[probe], observed[probe]) for probe in observed if probe != _CUT]
    answers = [answer for answer in told if answer is not None]
    if not answers or len(answers) != len(told):
        return None
    crossed = [(match, answer) for answer in answers if (match := _crossed(answer))]
    forms = list(dict.fromkeys(match["form"] for match, _ in crossed))
    return Probes(_groups(answers), forms, _matrix(crossed, forms), str(observed.get(_CUT, "")))


def _answer(probe: str, wanted: Any, told: Any) -> ProbeAnswer | None:
    match = _ANSWER.match(told) if isinstance(told, str) else None
    return ProbeAnswer(probe, wanted, match["said"], match["seconds"]) if match and isinstance(wanted, str) else None


def _crossed(answer: ProbeAnswer) -> re.Match[str] | None:
    """What a probe of the matrix says in its name; what was sent to find out a cause is none of them."""
    return _CROSSED.match(answer.probe) if answer.wanted == "refused" else None


def _heading(wanted: str) -> str:
    return "Sent to find out a cause" if wanted == "either" else f"To be {wanted}"


def _groups(answers: list[ProbeAnswer]) -> dict[str, list[ProbeAnswer]]:
    groups: dict[str, list[ProbeAnswer]] = {}
    for answer in answers:
        if not _crossed(answer):
            groups.setdefault(_heading(answer.wanted), []).append(answer)
    return groups


def _matrix(crossed: list[tuple[re.Match[str], ProbeAnswer]], forms: list[str]) -> list[ProbeRow]:
    rows: dict[tuple[str, str], dict[str, ProbeAnswer]] = {}
    for match, answer in crossed:
        rows.setdefault((match["type"], f"{match['family']}, {match['content']}"), {})[match["form"]] = answer
    return [ProbeRow(*key, [own.get(form) for form in forms]) for key, own in rows.items()]
