"""A disk that is full: what stands there keeps standing, the run goes on to take away what it made, and one sentence says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_flexprice.evidence.exchanges import ExchangeLog
from pytest_flexprice.evidence.gathering import write_catalog
from pytest_flexprice.evidence.history import replace_file
from pytest_flexprice.evidence.redaction import Redactor

FULL = Path("/dev/full")
pytestmark = pytest.mark.skipif(not FULL.exists(), reason="this system has no disk that is always full")


def test_a_verdict_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    verdict = tmp_path / "golive.json"
    replace_file(verdict, "INCOMPLETE")
    (tmp_path / "golive.json.new").symlink_to(FULL)
    with pytest.raises(OSError, match="No space left"):
        replace_file(verdict, "READY")
    assert verdict.read_text() == "INCOMPLETE"
    assert [path.name for path in tmp_path.iterdir()] == ["golive.json"]


def test_what_was_asked_goes_unwritten_and_the_run_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    ExchangeLog(FULL, Redactor()).append({"method": "POST", "path": "/v1/customers"})
    assert "/dev/full is not whole (No space left on device)" in caplog.text


def test_what_was_collected_cannot_be_told(tmp_path: Path) -> None:
    (tmp_path / "collected-main.json").symlink_to(FULL)
    with pytest.raises(
        pytest.UsageError, match=r"could not be written below .* \(No space left on device\): make room there"
    ):
        write_catalog(tmp_path, "main", [])
