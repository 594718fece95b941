"""The verdict on a run: a pure function of what was recorded, what the plan says, and the day.

Every item is passed, attested, failed, not decided, not verified, waived or not run, and says why. READY needs every item of the checklist
passed or attested; a rehearsal is never READY.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from pytest_flexprice.evidence.records import ScenarioRecord
from pytest_flexprice.evidence.sidebyside import capital, grouped
from pytest_flexprice.evidence.statements import (
    attestation_for,
    ended_waiver,
    statement_for,
    waiver_for,
)
from pytest_flexprice.model.checklist import ITEMS, Item, Level

if TYPE_CHECKING:
    from pytest_flexprice.model.golive_plan import GoLivePlan
from pytest_flexprice.evidence.headline import Troubles, coverage_of, exit_code_of, word_of
from pytest_flexprice.evidence.judged import STATES, ItemVerdict, State, Verdict

_GRAVE: tuple[Literal["failed", "not decided", "not verified"], ...] = ("failed", "not decided", "not verified")

MOST_NAMES = 2


@dataclass(frozen=True)
class _Grounds:
    """What a verdict rests on beside the records."""

    level: Level
    today: date
    plan: GoLivePlan | None
    environment: str


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
    word, label, headline = word_of(judged, level, rehearsal, Troubles(leftovers, others_failed, untold))
    return Verdict(
        word=word,
        label=label,
        headline=headline,
        coverage=coverage_of(judged, level),
        items=judged,
        leftovers=list(leftovers),
        rehearsal=rehearsal,
        exit_code=exit_code_of(judged, Troubles(leftovers, others_failed, untold)),
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
    waiver = waiver_for(verdict.id, grounds.plan, grounds.today)
    ended = None if waiver else ended_waiver(verdict.id, grounds.plan, grounds.today)
    if verdict.state not in _GRAVE:
        if ended:
            verdict.warnings.append(
                f"Its waiver ended on {ended.isoformat()} and covers nothing any more; take it out."
            )
        return verdict
    if waiver is None:
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
    return verdict.model_copy(update={"headline": text, "coverage": coverage_of(items, level), "items": items})
