"""Writes the reference pages that follow from the code: ``python docs/reference/write.py``."""

from __future__ import annotations

from pathlib import Path

from pytest_flexprice.evidence import document
from pytest_flexprice.model import golive_plan as plans
from pytest_flexprice.rehearsal.start import known_faults

HERE = Path(__file__).parent
INTRODUCTION = """# Faults of a rehearsal

`pytest --flexprice-env=local --flexprice-fault=NAME` breaks the embedded Flexprice, the demo handler or the demo
company in one way, so that the checklist can be seen to fail. The option may be given more than once. Written by `docs/reference/write.py`.

| Name | What is wrong |
|---|---|
"""


def main() -> None:
    """Write the pages anew."""
    rows = (f"| `{name}` | {meaning} |\n" for name, meaning in sorted(known_faults().items(), key=_order))
    (HERE / "faults.md").write_text(INTRODUCTION + "".join(rows), encoding="utf-8")
    (HERE / "plan.schema.json").write_text(plans.json_schema() + "\n", encoding="utf-8")
    (HERE / "golive.schema.json").write_text(document.json_schema(), encoding="utf-8")


def _order(row: tuple[str, str]) -> tuple[bool, int, str]:
    name = row[0]
    number = "".join(char for char in name.split(" ")[0] if char.isdigit())
    return not name.startswith("F"), int(number or 0), name


if __name__ == "__main__":
    main()
