"""The live line: shown only for lasting waits, only on terminals, from workers through the controller."""

import io
import re

import pytest

from pytest_flexprice.evidence.records import WaitRecord
from pytest_flexprice.evidence.waiting import LiveLines, WaitingBoard, sentence, waiting_texts


class Terminal:
    """As much of pytest's terminal reporter as a live line needs."""

    _width_of_current_line = 12

    def __init__(self, *, isatty: bool) -> None:
        self.isatty = isatty


@pytest.fixture
def screen(monkeypatch):
    """What is written to the terminal itself, 80 columns wide."""
    text = io.StringIO()
    monkeypatch.setattr("sys.__stdout__", text)
    monkeypatch.setenv("COLUMNS", "80")
    return text


class Config:
    """As much of pytest's config as a waiting board needs."""

    def __init__(self, terminal: Terminal) -> None:
        self.pluginmanager = self
        self._terminal = terminal

    def get_plugin(self, name: str) -> object | None:
        return self._terminal if name == "terminalreporter" else None


@pytest.mark.parametrize(("isatty", "elapsed", "shown"), [(True, 5.0, True), (True, 0.5, False), (False, 5.0, False)])
def test_only_lasting_waits_on_a_terminal_have_a_line(tmp_path, screen, isatty, elapsed, shown):
    terminal = Terminal(isatty=isatty)
    board = WaitingBoard(Config(terminal), tmp_path, "main")
    board.progress("the webhook", elapsed, 120)
    assert ("waiting for the webhook: 5 of at most 120 s" in screen.getvalue()) is shown
    board.take(met=True)
    assert screen.getvalue().endswith("\x1b8\x1b[K" if shown else "")


def test_the_line_fits_behind_pytests_own_and_leaves_the_cursor_there(tmp_path, screen):
    board = WaitingBoard(Config(Terminal(isatty=True)), tmp_path, "main")
    board.progress("something with a very long name " * 5, 5.0, 120)
    shown = re.fullmatch(r"\x1b\[K\x1b7(.*)\x1b8", screen.getvalue())[1]
    assert len(shown) == 80 - 12 - 1


def test_waits_are_told_apart_and_counted(tmp_path):
    board = WaitingBoard(Config(Terminal(isatty=False)), tmp_path, "main")
    for what, elapsed in (("a", 0.1), ("a", 0.4), ("b", 0.2), ("b", 0.9), ("b", 0.1)):
        board.progress(what, elapsed, 10)
    waits = board.take(met=False)
    assert [(wait.what, wait.attempts, wait.seconds, wait.met) for wait in waits] == [
        ("a", 2, 0.4, True),
        ("b", 2, 0.9, True),
        ("b", 1, 0.1, False),
    ]
    assert board.take(met=True) == []


def test_who_ends_a_wait_knows_best(tmp_path, screen):
    board = WaitingBoard(Config(Terminal(isatty=True)), tmp_path, "main")
    board.progress("a", 5.0, 10)
    board.ended(WaitRecord(what="a", seconds=5.2, deadline=10, attempts=9, met=True))
    assert screen.getvalue().endswith("\x1b8\x1b[K")
    board.progress("a", 6.0, 10)
    waits = board.take(met=False)
    assert [(wait.seconds, wait.attempts, wait.met) for wait in waits] == [(5.2, 9, True), (6.0, 1, False)]


def test_a_worker_tells_the_controller_through_a_file(tmp_path):
    boards = [WaitingBoard(Config(Terminal(isatty=True)), tmp_path, worker) for worker in ("gw0", "gw1")]
    for board in boards:
        board.progress("the invoice", 3.0, 60)
    assert waiting_texts(tmp_path) == [sentence("the invoice", 3.0, 60)] * 2
    boards[0].take(met=True)
    assert len(waiting_texts(tmp_path)) == 1
    (tmp_path / "waiting-gw9.json").write_text("{half")
    assert len(waiting_texts(tmp_path)) == 1


def test_the_controller_shows_and_wipes_the_line(tmp_path, screen, monkeypatch):
    monkeypatch.setattr("pytest_flexprice.evidence.waiting.REFRESH_SECONDS", 0.01)
    terminal = Terminal(isatty=True)
    WaitingBoard(Config(terminal), tmp_path, "gw0").progress("the invoice", 3.0, 60)
    live = LiveLines(terminal, tmp_path)
    live.start()
    while "waiting for the invoice" not in screen.getvalue():
        live.join(timeout=0.01)
        assert live.is_alive()
    live.stop()
    assert not live.is_alive()
    assert screen.getvalue().endswith("\x1b8\x1b[K")
