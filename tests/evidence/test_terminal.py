"""The closing table: short where all holds, and what is red at its end."""

from __future__ import annotations

from types import SimpleNamespace

from pytest_flexprice.evidence.headline import spans
from pytest_flexprice.evidence.terminal import held_lines, print_verdict, unreached

from . import samples


class Reporter:
    """As much of pytest's terminal reporter as the table needs."""

    verbosity = 0

    def __init__(self) -> None:
        self.lines: list[str] = []

    def section(self, title: str) -> None:
        self.lines.append(title)

    def write_line(self, line: str, **_markup: bool) -> None:
        self.lines.append(line)


def printed(*special: object) -> list[str]:
    reporter = Reporter()
    document = samples.run(*special)
    print_verdict(reporter, document.verdict, SimpleNamespace(document=document, written=False))
    return reporter.lines


def test_neighbours_of_a_section_are_a_span() -> None:
    ids = ["1.1", "1.2", "1.3", "1.4", "2.1", "2.2", "3.1", "3.3"]
    assert spans(ids) == ["1.1–1.4", "2.1", "2.2", "3.1", "3.3"]


def test_what_holds_takes_a_line_a_section() -> None:
    items = samples.run().verdict.items
    assert len(list(held_lines(items, 80))) == 8
    assert max(map(len, held_lines(items, 40))) <= 40


def test_what_failed_stands_behind_all_else(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    later = [
        samples.scenario(number, outcome="not run", message="not reached, because 3.2 broke")
        for number in ("7.1", "7.2", "7.4")
    ]
    lines = printed(samples.scenario("1.2", outcome="failed", message="it may not write"), *later)
    rows = [line for line in lines if " not run " in line or " failed " in line]
    assert rows[0].startswith("7.1  not run       Not reached, because 3.2 broke (also 7.2, 7.4)")
    assert rows[1].startswith("1.2  failed")
    assert lines.index(rows[0]) > lines.index(next(line for line in lines if line.startswith("8.1–8.4")))


def test_each_reason_has_its_own_row() -> None:
    items = [item.model_copy(update={"state": "not run", "why": item.level}) for item in samples.run().verdict.items]
    assert len(list(unreached(items))) == len({item.level for item in items})
