"""The page of attacks in the documentation, written from the table: ``python -m tests.safety.page``."""

from __future__ import annotations

from pathlib import Path

from tests.safety.table import CASES, Case

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "attacks.md"
INTRODUCTION = """# Attacks that the suite is tried against

A proxy stands between the suite and an embedded Flexprice that holds a company in production: its customers, their
subscriptions, drafts and finalized invoices. A test customer is made, subscribed, invoiced and taken away while the proxy
answers as below. After each attack no object of the company has changed, nothing was made twice, and one sweep behind an
honest server leaves nothing of ours. Where something has to stay behind until then, because it could not be proved to be
ours, it is told by its id (exit code 7). Written by `python -m tests.safety.page` from `tests/safety/table.py`; see
[SECURITY.md](../../SECURITY.md).
"""


def text() -> str:
    """The whole page."""
    return INTRODUCTION + "".join(_section(title, cases) for title, cases in CASES.items())


def _section(title: str, cases: tuple[Case, ...]) -> str:
    rows = "".join(
        f"| {_cell(case.name)} | {'told, left for the sweep' if case.leaves else 'nothing left'} |\n" for case in cases
    )
    return f"\n## {title}\n\n| What is answered | What the run leaves at most |\n|---|---|\n{rows}"


def _cell(words: str) -> str:
    return (words[0].upper() + words[1:]).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
