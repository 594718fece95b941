"""The page about the emulator's fidelity says what the recordings say."""

from __future__ import annotations

from .fidelity import PAGE, page


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.emulator.fidelity"
