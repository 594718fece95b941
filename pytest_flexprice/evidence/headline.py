"""A verdict in a word, a headline and an exit code: pure functions of what was judged of every item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_flexprice.evidence.judged import ItemVerdict, Word
from pytest_flexprice.evidence.sidebyside import capital
from pytest_flexprice.model.checklist import Level

EXIT_FAILED = 1
EXIT_NOT_VERIFIED = 6
EXIT_LEFT_BEHIND = 7


@dataclass(frozen=True)
class Troubles:
    """What keeps a run from being green beside the items."""

    leftovers: Sequence[str]
    others_failed: int
    untold: int


def word_of(judged: list[ItemVerdict], level: Level, rehearsal: bool, beside: Troubles) -> tuple[Word, str, str]:
    """The word of the verdict, its label, and the sentence that says why."""
    failed = [item.id for item in judged if item.state == "failed"]
    unproved = [item.id for item in judged if item.state in ("not verified", "not run")]
    waived = [item.id for item in judged if item.state == "waived"]
    troubles = _troubles(failed, [item.id for item in judged if item.state == "not decided"], beside)
    if rehearsal:
        told = troubles + ([f"not proved: {_list(spans(unproved))}"] if unproved else [])
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


def _troubles(failed: list[str], undecided: list[str], beside: Troubles) -> list[str]:
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


def coverage_of(judged: list[ItemVerdict], level: Level) -> str:
    """What the run covers of the checklist, and at which level the rest would be covered."""
    covered = [item for item in judged if item.in_level and item.state != "not run"]
    missed = [item.id for item in judged if item.in_level and item.state == "not run"]
    opened = [item for item in judged if not item.in_level]
    text = f"Level {level.word} covers {len(covered)} of {len(judged)} items"
    if missed:
        text = f"This run at level {level.word} covered {len(covered)} of {len(judged)} items, did not run {_list(spans(missed))}"
    if not opened:
        return text + "."
    needed = max(Level.parse(item.level) for item in opened)
    return f"{text} and leaves open {_list(spans([item.id for item in opened]))}; run at level {needed.word} to cover them."


def exit_code_of(judged: list[ItemVerdict], beside: Troubles) -> int:
    """pytest's exit code: what was left behind weighs most, then what failed, then what could not be verified; 0 otherwise."""
    if beside.leftovers:
        return EXIT_LEFT_BEHIND
    if beside.others_failed or any(item.state in ("failed", "not decided") for item in judged):
        return EXIT_FAILED
    # What somebody chose to leave out was not asked of this run.
    unproved = any(item.state == "not run" and item.in_level and not item.chosen_out for item in judged)
    unproved = unproved or any(item.state == "not verified" for item in judged)
    return EXIT_NOT_VERIFIED if unproved or beside.untold else 0


def _items(ids: list[str]) -> str:
    return f"{_list(spans(ids))} {'is' if len(ids) == 1 else 'are'}"


def _list(ids: list[str]) -> str:
    return ids[0] if len(ids) == 1 else f"{', '.join(ids[:-1])} and {ids[-1]}"


def spans(ids: Sequence[str]) -> list[str]:
    """Ids of items, three neighbours of one section and more as a span: ``1.1–1.4``, ``2.1``."""
    runs: list[list[str]] = []
    for one in ids:
        section, number = one.split(".")
        if runs and runs[-1][-1] == f"{section}.{int(number) - 1}":
            runs[-1].append(one)
        else:
            runs.append([one])
    return [name for run in runs for name in ([f"{run[0]}–{run[-1]}"] if len(run) > 2 else run)]
