"""The picture of the house in ARCHITECTURE.md, which room imports which, from the code; ``python docs/reference/rooms.py`` writes it."""

from __future__ import annotations

import re
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

PAGE = Path(__file__).parents[2] / "ARCHITECTURE.md"
BEGIN, END = "<!-- rooms: written by docs/reference/rooms.py -->\n", "<!-- end of rooms -->"


ROOMS = frozenset(
    path.name for path in (PAGE.parent / "pytest_flexprice").iterdir() if (path / "__init__.py").is_file()
)
ROOT = "pytest_flexprice"


def room(module: str) -> str:
    """The room of a module: ``steps``, or the part below the package: a folder, or ``plugin`` and ``trial`` alone."""
    parts = module.split(".")
    return parts[1] if parts[0] == ROOT and len(parts) > 1 else parts[0]


def arrows() -> dict[str, set[str]]:
    """Which rooms each room imports. The package itself, which only holds the version, is none."""
    sys.path.insert(0, str(PAGE.parent))
    graph = grimp.build_graph(ROOT, "steps", cache_dir=None)
    found: dict[str, set[str]] = {room(module): set() for module in graph.modules}
    for module in graph.modules:
        found[room(module)] |= {room(each) for each in graph.find_modules_directly_imported_by(module)}
    return {one: others - {one, ROOT} for one, others in found.items() if one != ROOT}


def order(imports: dict[str, set[str]]) -> list[str]:
    """The rooms, each before those it imports.

    Raises:
        graphlib.CycleError: some rooms import each other.
    """
    listed = {one: sorted(imports[one]) for one in sorted(imports)}  # so that the picture is always the same one
    return [*TopologicalSorter(listed).static_order()][::-1]


def reduced(imports: dict[str, set[str]]) -> list[tuple[str, str]]:
    """The arrows without those that a longer way implies."""
    below: dict[str, set[str]] = {}
    for one in reversed(order(imports)):
        below[one] = imports[one].union(*(below[each] for each in imports[one]))
    return [
        (one, other)
        for one in order(imports)
        for other in sorted(imports[one])
        if not any(other in below[each] for each in imports[one])
    ]


def mermaid() -> str:
    """The picture as a Mermaid flowchart."""
    rows = (f"    {one} --> {other}" for one, other in reduced(arrows()))
    return "```mermaid\nflowchart TD\n" + "\n".join(rows) + "\n```\n"


def written(page: str) -> str:
    """The page with the picture as the code is now."""
    return re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: f"{BEGIN}{mermaid()}{END}", page, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
