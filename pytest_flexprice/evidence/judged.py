"""What a verdict says of every item and of the whole run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from pytest_flexprice.evidence.statements import (
    AcceptedItem,
    Statement,
)

if TYPE_CHECKING:
    pass


State = Literal["passed", "attested", "failed", "not decided", "not verified", "waived", "not run"]
Word = Literal["READY", "READY WITH WAIVERS", "NOT READY", "INCOMPLETE", "REHEARSAL"]
STATES: tuple[State, ...] = ("passed", "attested", "waived", "failed", "not decided", "not verified", "not run")


class ItemVerdict(BaseModel):
    """The state of one item and one sentence saying why; ``without_waiver`` is its state had nobody waived it."""

    id: str
    title: str
    section: int
    level: str
    state: State
    why: str
    in_level: bool = True
    waiver: AcceptedItem | None = None
    without_waiver: State | None = None
    statement: Statement | None = None
    scenarios: list[str] = []
    chosen_out: bool = False
    warnings: list[str] = []


class Verdict(BaseModel):
    """The verdict on a run: its word, its headline, every item, what was left behind, and the number of items in each state."""

    word: Word
    label: str
    headline: str
    coverage: str
    items: list[ItemVerdict]
    leftovers: list[str] = []
    rehearsal: bool = False
    exit_code: int = 0
    counts: dict[str, int] = {}
