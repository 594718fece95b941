"""However a run is ended: what it made is taken away, or told by its id with the command that takes it away."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_flexprice.run.interruption import SAME_SIGNAL
from pytest_flexprice.testbed.waiting import Eventually
from tests.safety.attacks import on
from tests.safety.company import Company
from tests.safety.proxy import Exchange, Reply

SMOKE = ("-m", "smoke", "-k", "not webhook", "-p", "no:randomly", "-p", "no:cacheprovider")


class Hanging:
    """A run that hangs in the middle of the ladder, in a process of its own."""

    def __init__(self, company: Company) -> None:
        self._reports = company.folder / "evidence"
        self.running = company.begin(*SMOKE, environ={"COLUMNS": "300"})

    def made(self, pattern: str) -> bool:
        """Whether a ledger has such a line."""
        return any(re.search(pattern, path.read_text()) for path in self._reports.glob("prod/*/ledger-*.ndjson"))


@pytest.fixture
def own_company(tmp_path: Path) -> Iterator[Company]:
    """A company of one's own, whose events never land: a run waits in the middle."""
    company = Company(tmp_path, lag=None)
    yield company
    company.stop()


def until(condition: object, seconds: float = 90) -> None:
    met, _ = Eventually().poll("the condition", condition, bool, seconds)  # type: ignore[arg-type] # a callable
    assert met


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_the_first_signal_ends_in_order(name: str, own_company: Company) -> None:
    before = own_company.foreign()
    hanging = Hanging(own_company)
    until(lambda: hanging.made(r'"id": "subs_'))
    hanging.running.send(getattr(signal, name))
    code, output = hanging.running.ended(120)
    assert code == 2, output
    assert own_company.left() == []
    assert own_company.foreign() == before


def test_the_second_one_tells_what_remains(own_company: Company) -> None:
    """Clean-up hangs, and somebody has had enough."""
    hanging = Hanging(own_company)
    until(lambda: hanging.made(r'"id": "subs_'))
    reached: list[float] = []

    def slow(exchange: Exchange) -> Reply | None:
        reached.append(time.monotonic())
        time.sleep(60)
        return None

    own_company.proxy.attack = on("POST", "*/cancel", slow)
    hanging.running.send(signal.SIGINT)
    until(lambda: bool(reached) and time.monotonic() - reached[0] > SAME_SIGNAL)
    hanging.running.send(signal.SIGTERM)
    code, output = hanging.running.ended(120)
    assert code == 7, output
    for kind in ("customer cust_", "subscription subs_"):
        assert f"left behind: {kind}" in output, output
    command = re.search(r"pytest --flexprice-env=prod --flexprice-level=smoke --flexprice-sweep.*", output)
    assert command, output
    assert "Traceback" not in output
    own_company.proxy.attack = lambda exchange: None
    swept = own_company.run(*command.group().split()[3:])
    assert swept.code == 0, swept.output
    assert own_company.left() == []
