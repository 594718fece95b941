"""Does a person's statement count? The one place that knows; scenarios, verdict and plan ask here."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

SOON = timedelta(days=14)
_PLACEHOLDER = re.compile(
    r"(|to\W?do|tbd|tba|tbc|fixme|n\W?a|none|null|nil|nobody|no\W?one|anybody|anyone|name|your\W?name|full\W?name|owner|role|"
    r"someone|some\W?body|x+|unknown|not\W?known|placeholder|asdf|(foo|bar|baz)+|lorem\W?ipsum.*|j(ohn|ane)\W?doe|"
    r"change\W?me|fill\W?me|fill\W?in)",
    re.IGNORECASE,
)


class Stated(Protocol):
    """What a statement has to say of itself; ``valid_days`` counts from ``on``."""

    @property
    def by(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def statement(self) -> str: ...
    @property
    def on(self) -> date: ...
    @property
    def valid_days(self) -> int: ...
    @property
    def environment(self) -> str: ...
    @property
    def evidence(self) -> str: ...
    @property
    def evidence_sha256(self) -> str: ...


def digest_in(folder: Path) -> Callable[[str], str]:
    """What tells the SHA-256 of a file in a folder; "" for a link, or a file that cannot be read."""

    def digest(name: str) -> str:
        try:
            with (folder / name).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return ""

    return digest


@dataclass(frozen=True)
class Standing:
    """Whether a statement counts: the ``problem`` says why it does not, ``remedy`` what to do; ``runs_out`` is its last day, if soon."""

    problem: str = ""
    remedy: str = ""
    undecided: bool = True
    runs_out: date | None = None

    @property
    def counts(self) -> bool:
        """Nothing speaks against it."""
        return not self.problem


def is_placeholder(text: str) -> bool:
    """Whether a text stands where a name or sentence should: empty, TODO, ???, n/a, nobody and their like."""
    bare = re.sub(r"^[\W_]+|[\W_]+$", "", text)
    return bool(_PLACEHOLDER.fullmatch(bare))


def last_day(stated: Stated) -> date:
    """The last day on which a statement counts."""
    return stated.on + timedelta(days=stated.valid_days)


def standing(
    stated: Stated,
    environment: str,
    today: date,
    exists: Callable[[str], bool],
    *,
    alone: bool = True,
    digest: Callable[[str], str] = lambda name: "",
) -> Standing:
    """Whether a statement counts today in this environment; ``exists`` and ``digest`` (SHA-256) tell of a file beside the plan.

    It has to be signed by a name, with a role and a sentence, made for this environment, not in the future, not run out, and its
    evidence, if it names any, can be looked at. One that names no environment is about the plan's only one, which ``alone`` says
    that this is; where there are several, what somebody said of a test must not count for production.
    """
    who, last = f"the statement of {stated.by}", last_day(stated)
    empty = next((part for part in ("by", "role", "statement") if is_placeholder(getattr(stated, part))), "")
    if empty:
        return Standing(
            f"{empty} = '{getattr(stated, empty)}' is a placeholder, so nobody stated this",
            "write a real name or sentence",
        )
    elsewhere = _elsewhere(stated, environment, alone)
    if elsewhere:
        return elsewhere
    if stated.on > today:
        return Standing(f"{who} is dated in the future, {stated.on}", "correct its date")
    if last < today:
        age = (today - stated.on).days
        return Standing(f"{who} of {stated.on} is {age} days old and ran out on {last}", "let its owner state it again")
    unseen = _evidence(stated, exists, digest)
    if unseen:
        return unseen
    return Standing(runs_out=last if last - today <= SOON else None)


def _evidence(stated: Stated, exists: Callable[[str], bool], digest: Callable[[str], str]) -> Standing | None:
    """What is wrong with the evidence of a statement, if anything is."""
    unseen = _unseen(stated.evidence.strip(), exists)
    if unseen:
        return Standing(unseen, "name a link, or a file that is there", undecided=False)
    if stated.evidence_sha256 and digest(stated.evidence.strip()) != stated.evidence_sha256:
        other = f"the evidence '{stated.evidence}' is not the file that {stated.by} stated it about: its SHA-256 is another one"
        return Standing(other, "let its owner look at the file and state it again", undecided=False)
    return None


def _elsewhere(stated: Stated, environment: str, alone: bool) -> Standing | None:
    """What is wrong with the environment of a statement, if anything is."""
    who = f"the statement of {stated.by}"
    if stated.environment == environment or (alone and not stated.environment):
        return None
    if not stated.environment:
        remedy = f'let its owner add environment = "{environment}" if it is meant'
        return Standing(f"{who} names no environment, and the plan has several", remedy)
    return Standing(
        f"{who} is about environment '{stated.environment}', not '{environment}'", "let its owner state it again"
    )


def _unseen(evidence: str, exists: Callable[[str], bool]) -> str:
    """Why nobody can look at named evidence, or "": links are not followed, files must be there."""
    if not evidence:
        return ""
    try:
        parts = urlsplit(evidence)
        reachable = bool(parts.hostname and "." in parts.hostname)
    except ValueError:
        return f"the evidence '{evidence}' is no address that anybody could open"
    if parts.scheme in ("http", "https"):
        return "" if reachable else f"the evidence '{evidence}' is no address that anybody could open"
    return "" if exists(evidence) else f"the evidence '{evidence}' is neither a link nor a file beside the plan"
