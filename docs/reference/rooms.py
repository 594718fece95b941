"""The picture of the house in ARCHITECTURE.md, which room imports which, from the code; ``python docs/reference/rooms.py`` writes it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import grimp

PAGE = Path(__file__).parents[2] / "ARCHITECTURE.md"
BEGIN, END = "<!-- rooms: written by docs/reference/rooms.py -->\n", "<!-- end of rooms -->"


def room(module: str) -> str:
    """The room of a module: ``steps``, or the part below the package; ``plugin`` for what lies at its root."""
    parts = module.split(".")
    if parts[0] == "steps":
        return "steps"
    return parts[1] if len(parts) > 2 or parts[-1] in ROOMS else "plugin"


ROOMS = frozenset(
    path.name for path in (PAGE.parent / "pytest_flexprice").iterdir() if (path / "__init__.py").is_file()
)


def arrows() -> set[tuple[str, str]]:
    """Which room imports which."""
    sys.path.insert(0, str(PAGE.parent))
    graph = grimp.build_graph("pytest_flexprice", "steps", cache_dir=None)
    return {
        (room(module), room(imported))
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
        if room(module) != room(imported)
    }


def mermaid() -> str:
    """The picture as a Mermaid flowchart."""
    rows = (f"    {one} --> {other}" for one, other in sorted(arrows()))
    return "```mermaid\nflowchart TD\n" + "\n".join(rows) + "\n```\n"


def written(page: str) -> str:
    """The page with the picture as the code is now."""
    return re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: f"{BEGIN}{mermaid()}{END}", page, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
