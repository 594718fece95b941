"""The documentation shows the attacks that are really tried."""

from __future__ import annotations

from tests.safety.page import PAGE, text
from tests.safety.table import CASES


def test_the_page_is_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == text(), "write it anew: python -m tests.safety.page"


def test_every_case_has_a_name_of_its_own() -> None:
    names = [case.name for cases in CASES.values() for case in cases]
    assert len(names) == len(set(names))
