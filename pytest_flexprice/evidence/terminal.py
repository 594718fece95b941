"""The closing table of a run, on terminals of any width."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_flexprice.evidence.drift import told
from pytest_flexprice.evidence.headline import spans
from pytest_flexprice.evidence.judged import ItemVerdict, State, Verdict, Word
from pytest_flexprice.model.checklist import SECTIONS

if TYPE_CHECKING:
    from pytest_flexprice.evidence.bundle import Bundle
    from pytest_flexprice.evidence.drift import Drift
    from pytest_flexprice.evidence.records import ScenarioRecord

COLOURS: dict[State, dict[str, bool]] = {
    "passed": {"green": True},
    "attested": {"cyan": True},
    "waived": {"yellow": True},
    "failed": {"red": True, "bold": True},
    "not decided": {"purple": True, "bold": True},
    "not verified": {"yellow": True, "bold": True},
    "not run": {"light": True},
}
BANNER: dict[Word, dict[str, bool]] = {
    "READY": {"green": True, "bold": True},
    "READY WITH WAIVERS": {"yellow": True, "bold": True},
    "NOT READY": {"red": True, "bold": True},
    "INCOMPLETE": {"yellow": True, "bold": True},
    "REHEARSAL": {"blue": True, "bold": True},
}
STATE_WIDTH, IDS_WIDTH = 13, 13
NARROW, NARROWEST, WIDEST = 72, 40, 100
MOST_WARNINGS = 2
HOLDS: tuple[State, ...] = ("passed", "attested")
LAST: tuple[State, ...] = ("not run", "waived", "not decided", "not verified", "failed")
"""The order of what does not hold: what to do something about stands at the end, where a terminal shows it."""


def print_verdict(
    reporter: Any, verdict: Verdict, bundle: Bundle, trouble: str = "", warnings: Sequence[str] = ()
) -> None:
    """Write the table, the verdict line and where the evidence lies."""
    width = max(shutil.get_terminal_size().columns, NARROWEST)
    table = min(width, WIDEST)
    reporter.section("go-live checklist" + (" (rehearsal)" if verdict.rehearsal else ""))
    if reporter.verbosity > 0:
        _every_item(reporter, verdict, bundle, table)
    else:
        _short_table(reporter, verdict, table)
    for sentence in verdict.leftovers:
        _paragraph(reporter, f"Left behind: {sentence}", width, red=True)
    reporter.write_line("")
    _paragraph(reporter, f"{verdict.label}: {verdict.headline}", width, **BANNER[verdict.word])
    _paragraph(reporter, verdict.coverage, width)
    drift = bundle.document.drift if bundle.document else None
    if drift is not None:
        _paragraph(reporter, drift_line(drift), width)
    for warning in warnings:
        _paragraph(reporter, f"Warning: {warning}.", width, yellow=True)
    if trouble:
        _paragraph(reporter, trouble, width, red=True, bold=True)
    if not bundle.written:
        return
    reporter.write_line(f"Report:   {_short(bundle.html)}")
    if bundle.allure:
        reporter.write_line(bundle.allure)
    reporter.write_line(f"Evidence: {_short(bundle.zip or bundle.folder)}")


def _every_item(reporter: Any, verdict: Verdict, bundle: Bundle, width: int) -> None:
    """A row for every item, with its scenarios, for whoever asked for more with ``-v``."""
    said: set[str] = set()
    for item in verdict.items:
        _item(reporter, item, width, said)
        for line in scenario_lines(item, bundle.document.scenarios) if bundle.document is not None else ():
            reporter.write_line(line)


def _short_table(reporter: Any, verdict: Verdict, width: int) -> None:
    """A line a section for what holds, a row for what has a warning, one for all that a cause left unreached, and what is red last."""
    for text in held_lines(verdict.items, width):
        reporter.write_line(text, **COLOURS["passed"])
    said: set[str] = set()
    for item in verdict.items:
        if item.state in HOLDS and set(item.warnings) - said:
            _item(reporter, item, width, said)
    for state in LAST:
        mine = [item for item in verdict.items if item.state == state]
        for item in unreached(mine) if state == "not run" else mine:
            _item(reporter, item, width, said)


def _item(reporter: Any, item: ItemVerdict, width: int, said: set[str]) -> None:
    for coloured, text in item_lines(item, width):
        reporter.write_line(text, **(COLOURS[item.state] if coloured else {}))
    for line in warning_lines(item, width, said):
        reporter.write_line(line, yellow=True)


def held_lines(items: Iterable[ItemVerdict], width: int) -> Iterator[str]:
    """What holds, a line for each section and state: ``1.1–1.4  passed  Environment and API access``."""
    held = [item for item in items if item.state in HOLDS]
    for (section, state), mine in groupby(held, lambda item: (item.section, item.state)):
        ids = ", ".join(spans([item.id for item in mine]))
        text = f"{ids:<{IDS_WIDTH}} {state:<{STATE_WIDTH}} {SECTIONS[section]}"
        yield text if len(text) <= width else f"{ids} {state}"


def unreached(items: Sequence[ItemVerdict]) -> Iterator[ItemVerdict]:
    """What was not run, one row for all with the same reason."""
    for why in dict.fromkeys(item.why for item in items):
        first, *others = [item for item in items if item.why == why]
        also = f" (also {', '.join(spans([item.id for item in others]))})" if others else ""
        yield first.model_copy(update={"why": f"{why.removesuffix('.')}{also}"})


def drift_line(drift: Drift) -> str:
    """What changed since the last run, in one paragraph."""
    return f"Since {drift.since}: {'; '.join(told(drift)) or 'nothing changed'}."


def item_lines(item: ItemVerdict, width: int) -> list[tuple[bool, str]]:
    """The lines of one item, each with whether it carries the item's colour.

    On a wide terminal the sentence stands in a column of its own; on a narrow one below. Items that hold take one line.
    """
    head = f"{item.id}  {item.state:<{STATE_WIDTH}}"
    holds = item.state in HOLDS
    sentence = item.title if holds else item.why
    if width >= NARROW:
        room = width - len(head) - 1
        first, *rest = textwrap.wrap(sentence, room) or [""]
        if holds and rest:
            first, rest = textwrap.shorten(sentence, room, placeholder="…"), []
        return [(True, f"{head} {first}"), *((False, " " * (len(head) + 1) + line) for line in rest)]
    title = textwrap.shorten(item.title, width - 5, placeholder="…")
    below = [] if holds else textwrap.wrap(item.why, width - 5)
    return [(True, head.rstrip()), (False, " " * 5 + title), *((False, " " * 5 + line) for line in below)]


def warning_lines(item: ItemVerdict, width: int, said: set[str]) -> list[str]:
    """The lines of an item's warnings; many of them are only counted here, the report has them all.

    What an earlier item said already, as ``said`` keeps it, is not repeated.
    """
    new = [warning for warning in item.warnings if warning not in said]
    said.update(new)
    told = [f"Warning: {warning}" for warning in new[:MOST_WARNINGS]]
    left = len(new) - len(told)
    told += [f"and {left} more {'warning' if left == 1 else 'warnings'}, in the report"] if left else []
    return [" " * 5 + line for warning in told for line in textwrap.wrap(warning, width - 5)]


def scenario_lines(item: ItemVerdict, scenarios: Iterable[ScenarioRecord]) -> list[str]:
    """The scenarios behind an item, for whoever asked for more with ``-v``."""
    behind = set(item.scenarios)
    return [
        f"     {one.outcome:<{STATE_WIDTH}}{one.name}  (@{one.level})" for one in scenarios if one.node_id in behind
    ]


def _paragraph(reporter: Any, text: str, width: int, **markup: bool) -> None:
    for line in textwrap.wrap(text, width):
        reporter.write_line(line, **markup)


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
