"""Writes what follows from the code: reference pages, schemas, the picture of the rooms and the emulator's page.

``python docs/reference/write.py`` writes them anew; tests say which of them is stale.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_flexprice.evidence import document
from pytest_flexprice.model import plan_file
from pytest_flexprice.model.customer_columns import COLUMNS as COLUMN_TABLE
from pytest_flexprice.model.customer_columns import TOLD
from pytest_flexprice.rehearsal.start import known_faults
from pytest_flexprice.run import options

HERE = Path(__file__).parent
INTRODUCTION = """# Faults of a rehearsal

`pytest --flexprice-env=local --flexprice-fault=NAME` breaks the embedded Flexprice, the demo handler or the demo
company in one way, so that the checklist can be seen to fail. The option may be given more than once. Written by `docs/reference/write.py`.

| Name | What is wrong |
|---|---|
"""


COLUMNS = """# The customers file

A CSV file whose first line names its columns; `external_id` is the one that must be there. Commas, semicolons, tabs and `|` are
read as delimiters, a `sep=` line is followed, blank rows are passed over, a byte order mark and UTF-16 are read, and a header may
be written in another spelling ("External ID"). What cannot be read is told with line, column, value and what was expected, all of
it at once. The same columns may stand in the plan, as rows of `customers.declared`. Empty cells say nothing, so nothing is
compared with them. Written by `docs/reference/write.py`.

| Column | What it says | What a cell may hold | A difference costs |
|---|---|---|---|
"""
OPTIONS = """# Every option

Written by `docs/reference/write.py` from the plugin; [options.md](options.md) has the variables, the order in which values count,
fixtures and exit codes.

| Option | What it does |
|---|---|
"""


def columns_page() -> str:
    """The page of the customers file's columns."""
    rows = (f"| `{one.name}` | {one.meaning} | {one.expected} | {one.cost} |\n" for one in COLUMN_TABLE)
    told = ", ".join(f"`{name}`" for name in TOLD)
    return (
        COLUMNS
        + "".join(rows).replace(" |  |", " | |")
        + f"\nBeside them {told} may stand there; nothing is compared with them.\n"
    )


def options_page() -> str:
    """The page of the plugin's options."""
    parser = pytest.Parser(_ispytest=True)
    options.add_options(parser)
    rows = []
    for option in parser.getgroup("flexprice").options:
        attributes = option.attrs()
        value = str(attributes.get("metavar") or "")
        shown = f"[={value}]" if attributes.get("nargs") == "?" else f" {value}" if value else ""
        rows.append(f"| `{option.names()[0]}{_cell(shown)}` | {_cell(attributes['help'])} |\n")
    return OPTIONS + "".join(rows)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Write the pages anew."""
    (HERE / "customers.md").write_text(columns_page(), encoding="utf-8")
    (HERE / "every-option.md").write_text(options_page(), encoding="utf-8")
    rows = (f"| `{name}` | {meaning} |\n" for name, meaning in sorted(known_faults().items(), key=_order))
    (HERE / "faults.md").write_text(INTRODUCTION + "".join(rows), encoding="utf-8")
    (HERE / "plan.schema.json").write_text(plan_file.json_schema() + "\n", encoding="utf-8")
    (HERE / "golive.schema.json").write_text(document.json_schema(), encoding="utf-8")
    for script in (["docs/reference/rooms.py"], ["-m", "tests.emulator.fidelity"]):
        subprocess.run([sys.executable, *script], cwd=HERE.parents[1], check=True)  # noqa: S603 - our own


def _order(row: tuple[str, str]) -> tuple[bool, int, str]:
    name = row[0]
    number = "".join(char for char in name.split(" ")[0] if char.isdigit())
    return not name.startswith("F"), int(number or 0), name


if __name__ == "__main__":
    main()
