"""Renderings of a run: HTML that opens anywhere, Markdown for a ticket, JSON for machines."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from pytest_flexprice.evidence import (
    catalog_review,
    drift,
    invoice_layout,
    price_table,
    probe_matrix,
    sidebyside,
    timeline,
    traffic_chart,
)
from pytest_flexprice.evidence.document import Document
from pytest_flexprice.evidence.judged import STATES, ItemVerdict, State, Verdict
from pytest_flexprice.evidence.records import GRAVITY, ObservationRecord, ScenarioRecord
from pytest_flexprice.model.checklist import SECTIONS
from pytest_flexprice.model.shown import shown

ICONS = {
    "passed": "✓",
    "attested": "✎",
    "waived": "⚑",
    "failed": "✗",
    "not verified": "?",
    "not decided": "…",
    "not run": "–",
    "skipped": "–",
}
LAYOUTS: tuple[Callable[[Any, Any], Any], ...] = (
    price_table.read,
    timeline.read,
    traffic_chart.read,
    invoice_layout.read,
    probe_matrix.read,
)
FILTERS: tuple[tuple[str, tuple[State, ...]], ...] = (
    ("Red", ("failed", "not decided")),
    ("Not verified", ("not verified",)),
    ("Waived", ("waived",)),
    ("Attested", ("attested",)),
    ("Passed", ("passed",)),
    ("Not run", ("not run",)),
)
PROBLEMS: tuple[State, ...] = ("failed", "not decided", "not verified", "waived")


def as_json(document: Document) -> str:
    """``golive.json``; its schema is published in the reference."""
    return document.model_dump_json(indent=2) + "\n"


def as_html(document: Document) -> str:
    """``golive.html``: one file without any outside reference."""
    return _allowed(_render("html", document))


def as_markdown(document: Document) -> str:
    """``golive.md``: the verdict and the checklist, short enough to paste into a ticket."""
    return _render("md", document)


@cache
def templates(kind: str) -> Environment:
    """What pages of a kind (``html`` or ``md``) are made with; what it has compiled, it keeps."""
    made = Environment(
        loader=PackageLoader("pytest_flexprice.evidence"),
        autoescape=select_autoescape(("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_markdown if kind == "md" else _page,
    )
    made.filters.update(_filters())
    return made


def _render(kind: str, document: Document) -> str:
    template = templates(kind).get_template(f"golive.{kind}.j2")
    return template.render(
        document=document,
        run=document.run,
        verdict=document.verdict,
        sections=_sections(document.verdict.items),
        scenarios={record.node_id: record for record in document.scenarios},
        homes=_homes(document.verdict.items),
        states=STATES,
        icons=ICONS,
        problems=[item for state in PROBLEMS for item in document.verdict.items if item.state == state],
    )


def _filters() -> dict[str, Callable[..., Any]]:
    return {
        "slug": lambda text: str(text).replace(" ", "-"),
        "seconds": _seconds,
        "utc": lambda moment: moment.strftime("%Y-%m-%d %H:%M:%S UTC") if isinstance(moment, datetime) else "",
        "rows": _rows,
        "laid_out": _laid_out,
        "reviewed": _reviewed,
        "gravest_first": _gravest_first,
        "aside": lambda seen: sidebyside.aside(seen.expected, seen.observed),
        "one_sided": sidebyside.is_one_sided,
        "grouped": sidebyside.grouped,
        "cell": str,
        "capital": sidebyside.capital,
        "anchor": _anchor,
        "filters": _filters_of,
        "told": drift.told,
        "spark": _spark,
        "at_step": lambda record, number: [seen for seen in record.observations if seen.step == number],
    }


def _filters_of(verdict: Verdict) -> list[tuple[str, tuple[State, ...], int]]:
    """The states by which items can be filtered, and how many items are in each; none that keeps nothing."""
    counted = [(name, kept, sum(item.state in kept for item in verdict.items)) for name, kept in FILTERS]
    return [each for each in counted if each[2]]


def _spark(values: Sequence[float]) -> str:
    """The points of a small line over 120 × 24, the highest value at the top."""
    top, step = max(values) or 1.0, 116 / max(len(values) - 1, 1)
    return " ".join(f"{2 + number * step:.1f},{22 - 20 * value / top:.1f}" for number, value in enumerate(values))


def _gravest_first(item: ItemVerdict, scenarios: dict[str, ScenarioRecord]) -> list[ScenarioRecord]:
    records = [scenarios[node_id] for node_id in item.scenarios]
    return sorted(records, key=lambda record: GRAVITY.index(record.outcome), reverse=True)


def _rows(seen: ObservationRecord) -> list[sidebyside.ComparedRow]:
    aligned = sidebyside.rows(seen.expected, seen.observed)
    return sidebyside.differences_first(aligned) if seen.findings else aligned


def _laid_out(seen: ObservationRecord) -> Any:
    """The observation in a layout of its own, where its data has one; whatever else is a plain comparison."""
    return next(filter(None, (read(seen.expected, seen.observed) for read in LAYOUTS)), None)


def _reviewed(seen: ObservationRecord, record: ScenarioRecord) -> catalog_review.Review | None:
    own = [record.findings[number] for number in seen.findings if number < len(record.findings)]
    return catalog_review.read(seen.expected, seen.observed, own)


def _sections(items: list[ItemVerdict]) -> list[tuple[int, str, list[ItemVerdict]]]:
    return [(number, title, [item for item in items if item.section == number]) for number, title in SECTIONS.items()]


def _homes(items: list[ItemVerdict]) -> dict[str, str]:
    """Where a scenario is shown in full: with the first of its items."""
    homes: dict[str, str] = {}
    for item in items:
        for node_id in item.scenarios:
            homes.setdefault(node_id, item.id)
    return homes


def _anchor(record: ScenarioRecord) -> str:
    return "s-" + "".join(char if char.isalnum() else "-" for char in record.node_id)


def _page(value: Any) -> Any:
    """A value as a page shows it; Jinja escapes it after this."""
    return shown(value) if type(value) is str else value


def _markdown(value: Any) -> Any:
    """A value as Markdown shows it: no link, no image, no HTML, no end of a table's cell, of a line or of code."""
    if not isinstance(value, str):
        return value
    text = " ".join(shown(value).splitlines()).replace("\\", "\\\\").replace("|", "\\|").replace("`", "'")
    return text.replace("<", "&lt;").replace("[", "\\[").replace("](", "]\\(")


def _allowed(page: str) -> str:
    """The page with a policy that allows its own styles and scripts, by their digests, and nothing else.

    Whatever is data stands escaped in the page, so every tag in it is the template's.
    """
    for tag in ("style", "script"):
        digests = (f"'sha256-{digest(text)}'" for text in re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL))
        page = page.replace(f"{tag.upper()}S-OF-THIS-PAGE", " ".join(digests), 1)
    return page


def digest(text: str) -> str:
    """The SHA-256 of a text as a Content-Security-Policy states it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _seconds(value: float) -> str:
    if value < 0.001:
        return ""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if value < 60 else f"{value // 60:.0f} min {value % 60:.0f} s"
