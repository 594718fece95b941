"""The verdict on a run: a pure function of what was recorded, what the plan says, and the day.

Every item is passed, attested, failed, not decided, not verified, waived or not run, and says why. READY needs every item of the checklist
passed or attested; a rehearsal is never READY.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from pytest_flexprice.evidence.records import ScenarioRecord
from pytest_flexprice.evidence.sidebyside import capital, grouped
from pytest_flexprice.evidence.statements import (
    Accepted,
    Statement,
    attestation_for,
    ended_waiver,
    statement_for,
    waiver_for,
)
from pytest_flexprice.model.checklist import ITEMS, Item, Level

if TYPE_CHECKING:
    from pytest_flexprice.model.golive_plan import GoLivePlan

State = Literal["passed", "attested", "failed", "not decided", "not verified", "waived", "not run"]
Word = Literal["READY", "READY WITH WAIVERS", "NOT READY", "INCOMPLETE", "REHEARSAL"]
STATES: tuple[State, ...] = ("passed", "attested", "waived", "failed", "not decided", "not verified", "not run")

_GRAVE: tuple[Literal["failed", "not decided", "not verified"], ...] = ("failed", "not decided", "not verified")

MOST_NAMES = 2
EXIT_FAILED = 1
EXIT_NOT_VERIFIED = 6
EXIT_LEFT_BEHIND = 7


@dataclass(frozen=True)
class _Grounds:
    """What a verdict rests on beside the records."""

    level: Level
    today: date
    plan: GoLivePlan | None
    environment: str


@dataclass(frozen=True)
class _Troubles:
    """What keeps a run from being green beside the items."""

    leftovers: Sequence[str]
    others_failed: int
    untold: int


class ItemVerdict(BaseModel):
    """The state of one item and one sentence saying why; ``without_waiver`` is its state had nobody waived it."""

    id: str
    title: str
    section: int
    level: str
    state: State
    why: str
    in_level: bool = True
    waiver: Accepted | None = None
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


def judge(
    items: Sequence[Item],
    scenarios: Iterable[ScenarioRecord],
    *,
    level: Level,
    today: date,
    plan: GoLivePlan | None = None,
    environment: str = "",
    rehearsal: bool = False,
    leftovers: Sequence[str] = (),
    others_failed: int = 0,
    untold: int = 0,
) -> Verdict:
    """The verdict on a run at ``level``.

    ``scenarios`` are all that were collected, also those that never ran; ``others_failed`` counts failed tests that prove no
    item, ``untold`` failures that pytest counts and no record tells of. ``today`` decides which waivers and attestations still count.
    """
    records = list(scenarios)
    grounds = _Grounds(level, today, plan, environment)
    judged = [_judge_item(item, records, grounds) for item in items]
    word, label, headline = _word(judged, level, rehearsal, _Troubles(leftovers, others_failed, untold))
    return Verdict(
        word=word,
        label=label,
        headline=headline,
        coverage=_coverage(judged, level),
        items=judged,
        leftovers=list(leftovers),
        rehearsal=rehearsal,
        exit_code=_exit_code(judged, _Troubles(leftovers, others_failed, untold)),
        counts=_counts(judged),
    )


def _counts(judged: list[ItemVerdict]) -> dict[str, int]:
    counts = {state: sum(item.state == state for item in judged) for state in STATES}
    return {state: count for state, count in counts.items() if count}


def with_attested(verdict: Verdict, scenarios: list[ScenarioRecord]) -> list[ScenarioRecord]:
    """The scenarios, those that rest on nothing but a person's word told apart from those in which something was seen."""
    attested = {item.id for item in verdict.items if item.state == "attested"}
    return [
        record.model_copy(update={"outcome": "attested"})
        if record.outcome == "passed" and attested.issuperset(record.items)
        else record
        for record in scenarios
    ]


def _judge_item(item: Item, records: list[ScenarioRecord], grounds: _Grounds) -> ItemVerdict:
    level, plan = grounds.level, grounds.plan
    mine = [record for record in records if item.id in record.items]
    within = [record for record in mine if Level.parse(record.level) <= level]
    state, why = _from_scenarios(item, mine, within, level)
    verdict = ItemVerdict(
        id=item.id,
        title=item.title,
        section=item.section,
        level=item.level.word,
        state=state,
        why=why,
        in_level=item.level <= level,
        scenarios=[record.node_id for record in mine],
        chosen_out=state == "not run" and bool(within) and all(r.deselected for r in within if r.outcome == "not run"),
    )
    verdict.warnings = _warnings(item, within)
    if state == "passed" and plan is not None:
        verdict.statement = statement_for(item, plan, grounds.environment, grounds.today)
    if state == "passed" and item.proof != "machine":
        _judge_statement(item, verdict, grounds)
    return _waived(verdict, grounds)


def _from_scenarios(
    item: Item, mine: list[ScenarioRecord], within: list[ScenarioRecord], level: Level
) -> tuple[State, str]:
    """The state that machine evidence gives; the gravest scenario decides."""
    for state in _GRAVE:
        grave = [record for record in within if record.outcome == state]
        if grave:
            return state, _said(item, grave)
    if item.level > level:
        return "not run", f"Needs level {item.level.word}; this run went up to {level.word}."
    missing = [record for record in within if record.outcome == "not run"]
    if missing:
        return "not run", _not_run(missing)
    if not within:
        return "not run", "No scenario of this run proves it." if not mine else "No scenario at this level proves it."
    return "passed", _held(within)


def _said(item: Item, records: list[ScenarioRecord]) -> str:
    """The first finding about this item; a scenario's other findings are counted."""
    errors = [finding for record in records for finding in record.errors]
    own = [finding for finding in errors if finding.item == item.id] or errors
    own = list({(finding.path, finding.sentence): finding for finding in own}.values())
    # What was too much to keep is still counted.
    total = len(own) + sum(max(record.findings_total - len(record.findings), 0) for record in records)
    if own:
        more = f" ({total - 1} more findings)" if total > 2 else " (1 more finding)" if total == 2 else ""
        return capital(own[0].sentence) + more
    return next((record.message for record in records if record.message), "The scenario failed without a message.")


def _warnings(item: Item, records: list[ScenarioRecord]) -> list[str]:
    findings = [finding for record in records for finding in record.findings if finding.severity == "warning"]
    groups = grouped(finding for finding in findings if finding.item == item.id)
    more = {group.sentence: f" ({group.count - 1} more like this)" if group.count > 1 else "" for group in groups}
    return [capital(sentence) + count for sentence, count in more.items()]


def _not_run(missing: list[ScenarioRecord]) -> str:
    chosen = [record for record in missing if record.deselected]
    if len(chosen) == len(missing):
        return "Left out by the selection of this run."
    first = next(record for record in missing if not record.deselected)
    return capital(first.message) or f"'{first.name}' was not reached."


def _held(within: list[ScenarioRecord]) -> str:
    names = list(dict.fromkeys(record.name.rstrip(".") for record in within))
    more = f"; and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"{'; '.join(names[:MOST_NAMES])}{more}."


def _judge_statement(item: Item, verdict: ItemVerdict, grounds: _Grounds) -> None:
    """A person's part: without a statement that counts, what machines saw is not enough."""
    if item.proof == "person":
        verdict.statement = attestation_for(item, grounds.plan, grounds.environment, grounds.today)
    if verdict.statement is None:
        verdict.state = "not decided"
        verdict.why = f"Nobody answers for it: the plan holds no statement for item {item.id} that counts today."
    elif item.proof == "person" or not verdict.statement.machine_part:
        verdict.state, verdict.why = "attested", verdict.statement.sentence
    else:
        verdict.why = f"{verdict.why} {verdict.statement.sentence}"


def _waived(verdict: ItemVerdict, grounds: _Grounds) -> ItemVerdict:
    if verdict.state not in _GRAVE:
        return verdict
    waiver = waiver_for(verdict.id, grounds.plan, grounds.today)
    if waiver is None:
        ended = ended_waiver(verdict.id, grounds.plan, grounds.today)
        verdict.why += f" Its waiver ended on {ended.isoformat()}." if ended else ""
        return verdict
    verdict.without_waiver, verdict.state, verdict.waiver = verdict.state, "waived", waiver
    verdict.why = f"{waiver.sentence} Without the waiver {verdict.without_waiver}: {verdict.why}"
    return verdict


def unfinished(level: Level) -> Verdict:
    """The verdict on a run that has begun and not ended: nothing is proved."""
    verdict = judge(ITEMS, [], level=level, today=date.max)
    why = "The run began and has not ended."
    items = [item.model_copy(update={"state": "not run", "why": why}) for item in verdict.items]
    text = f"{why} Nothing is proved; what it may have left behind is removed by --flexprice-sweep."
    return verdict.model_copy(update={"headline": text, "coverage": _coverage(items, level), "items": items})


def _word(judged: list[ItemVerdict], level: Level, rehearsal: bool, beside: _Troubles) -> tuple[Word, str, str]:
    failed = [item.id for item in judged if item.state == "failed"]
    unproved = [item.id for item in judged if item.state in ("not verified", "not run")]
    waived = [item.id for item in judged if item.state == "waived"]
    troubles = _troubles(failed, [item.id for item in judged if item.state == "not decided"], beside)
    if rehearsal:
        told = troubles + ([f"not proved: {', '.join(unproved)}"] if unproved else [])
        excepted = f", except {_list(waived)}: waived" if waived else ""
        outcome = "; ".join(told) if told else f"all {len(judged)} items hold{excepted}"
        return "REHEARSAL", "REHEARSAL", f"{capital(outcome)}. A rehearsal says nothing about a real environment."
    if troubles and not (beside.untold and len(troubles) == 1):
        return "NOT READY", "NOT READY", f"{capital('; '.join(troubles))}."
    if troubles:
        return "INCOMPLETE", "INCOMPLETE", f"{capital(troubles[0])}."
    if unproved:
        below = [item for item in judged if item.state in ("not verified", "not run") and item.in_level]
        where = "in this run" if below else f"at level {level.word}"
        return "INCOMPLETE", "INCOMPLETE", f"Nothing failed, but {_items(unproved)} not proved {where}."
    if waived:
        label = f"READY WITH {len(waived)} WAIVED"
        return "READY WITH WAIVERS", label, f"Every item is passed or attested, except {_list(waived)}: waived."
    return "READY", "READY", f"All {len(judged)} items are passed or attested."


def _troubles(failed: list[str], undecided: list[str], beside: _Troubles) -> list[str]:
    leftovers, others_failed, untold = beside.leftovers, beside.others_failed, beside.untold
    troubles = [f"{len(failed)} {'item' if len(failed) == 1 else 'items'} failed: {_list(failed)}"] if failed else []
    if undecided:
        is_are = "item is" if len(undecided) == 1 else "items are"
        troubles.append(f"{len(undecided)} {is_are} not decided: {_list(undecided)}")
    if leftovers:
        troubles.append(f"{len(leftovers)} {'object was' if len(leftovers) == 1 else 'objects were'} left behind")
    if others_failed:
        troubles.append(f"{others_failed} {'test' if others_failed == 1 else 'tests'} of your own failed")
    if untold:
        counted = f"{untold} {'failure' if untold == 1 else 'failures'}"
        troubles.append(f"pytest counts {counted} that no scenario tells of, so this verdict cannot be trusted")
    return troubles


def _coverage(judged: list[ItemVerdict], level: Level) -> str:
    covered = [item for item in judged if item.in_level and item.state != "not run"]
    missed = [item.id for item in judged if item.in_level and item.state == "not run"]
    opened = [item for item in judged if not item.in_level]
    text = f"Level {level.word} covers {len(covered)} of {len(judged)} items"
    if missed:
        text = (
            f"This run at level {level.word} covered {len(covered)} of {len(judged)} items, did not run {_list(missed)}"
        )
    if not opened:
        return text + "."
    needed = max(Level.parse(item.level) for item in opened)
    return f"{text} and leaves open {_list([item.id for item in opened])}; run at level {needed.word} to cover them."


def _exit_code(judged: list[ItemVerdict], beside: _Troubles) -> int:
    if beside.leftovers:
        return EXIT_LEFT_BEHIND
    if beside.others_failed or any(item.state in ("failed", "not decided") for item in judged):
        return EXIT_FAILED
    # What somebody chose to leave out was not asked of this run.
    unproved = any(item.state == "not run" and item.in_level and not item.chosen_out for item in judged)
    unproved = unproved or any(item.state == "not verified" for item in judged)
    return EXIT_NOT_VERIFIED if unproved or beside.untold else 0


def _items(ids: list[str]) -> str:
    return f"{_list(ids)} {'is' if len(ids) == 1 else 'are'}"


def _list(ids: list[str]) -> str:
    return ids[0] if len(ids) == 1 else f"{', '.join(ids[:-1])} and {ids[-1]}"
