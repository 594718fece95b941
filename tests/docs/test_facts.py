"""The facts that code cites stand in ``docs/flexprice``, and what shows them is in the tests."""

from __future__ import annotations

import json
import re
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PAGES = sorted((PROJECT / "docs" / "flexprice").glob("*.md"))
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
SECTION = re.compile(r"^## (\d+\.\d+) ", re.MULTILINE)
CITED = re.compile(r"\bcontract((?:[ ,]|and|to|–)+\d+\.\d+)+")
NUMBER = re.compile(r"\d+\.\d+")


def cited_sections() -> dict[str, str]:
    """Each section that code or tests cite, with one place that does."""
    found: dict[str, str] = {}
    for folder in ("pytest_flexprice", "steps", "tests", "features"):
        for path in (PROJECT / folder).rglob("*.py"):
            for match in CITED.finditer(path.read_text(encoding="utf-8")):
                for number in NUMBER.findall(match.group(0)):
                    found.setdefault(number, str(path.relative_to(PROJECT)))
    return found


def test_every_cited_section_is_written() -> None:
    written, cited = set(SECTION.findall(TEXT)), cited_sections()
    assert len(cited) > 40
    assert not {number: place for number, place in cited.items() if number not in written}


def test_no_section_is_written_twice() -> None:
    numbers = SECTION.findall(TEXT)
    assert sorted(set(numbers)) == sorted(numbers)


def test_the_recordings_and_vectors_that_are_named_exist() -> None:
    recordings = {path.stem for path in (PROJECT / "tests" / "recordings").glob("*.json")}
    ids = [
        vector["id"]
        for vector in json.loads((PROJECT / "tests" / "vectors" / "billing_vectors.json").read_text())["vectors"]
    ]
    shown = re.findall(r"\((recordings?|vectors?) ([^()]*)\)", TEXT)
    assert shown
    for clause in (part for _, text in shown for part in text.split(";")):
        kind = "vectors" if clause.strip().startswith("vectors") or "*" in clause else "recordings"
        for name in re.findall(r"[a-z][a-z0-9_-]*\*?", re.sub(r"^\s*(vectors|recordings?)\s", "", clause)):
            if kind == "recordings":
                assert name in recordings, name
            else:
                assert any(one == name or (name.endswith("*") and one.startswith(name[:-1])) for one in ids), name
