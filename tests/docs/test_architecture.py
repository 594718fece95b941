"""The page about the house shows it as the code is."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def rooms() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rooms", PROJECT / "docs" / "reference" / "rooms.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_is_that_of_the_imports() -> None:
    assert rooms().written(PAGE) == PAGE, "run: python docs/reference/rooms.py"


def test_every_room_is_in_the_table_and_every_file_that_is_named_exists() -> None:
    assert not {name for name in rooms().ROOMS if f"`{name}/`" not in PAGE}
    named = set(re.findall(r"`((?:\w+/)+\w+\.py)`", PAGE))
    assert len(named) > 20
    places = [PROJECT, PROJECT / "pytest_flexprice", *(PROJECT / "pytest_flexprice").iterdir()]
    assert not {name for name in named if not any((place / name).is_file() for place in places)}


def test_who_calculates_never_looks_at_the_clock() -> None:
    """So that their tests say the same on any day; times are handed to them."""
    clock = re.compile(r"\b(?:now|utcnow|today|localtime|gmtime|monotonic|perf_counter|time)\(\)")
    package = PROJECT / "pytest_flexprice"
    files = [file for room in ("model", "oracle") for file in (package / room).rglob("*.py")]
    assert len(files) > 100
    assert {str(file) for file in files if clock.search(file.read_text(encoding="utf-8"))} == set()
