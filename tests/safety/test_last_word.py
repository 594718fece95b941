"""Only who asks for a listing or a task gets a 0 without a checklist."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_flexprice.run.last_word import asks_for_no_run
from tests.suite import run


@pytest.mark.parametrize(
    "argument",
    [
        "--co",
        "--collect-only",
        "-VV",
        "--fixtures-per-test",
        "--cache-show=*",
        "--flexprice-init=update",
        "--flexprice-explain",
    ],
)
def test_a_listing_or_a_task_is_no_run(argument: str) -> None:
    assert asks_for_no_run(["--flexprice-env=local", argument, "4.2"])


@pytest.mark.parametrize(
    "argument", ["--color=yes", "--confcutdir=.", "--html", "-v", "--flexprice-env=--co", "--markers-of-ours"]
)
def test_what_begins_like_one_is_a_run(argument: str) -> None:
    assert not asks_for_no_run(["--flexprice-env=local", argument])


@pytest.mark.parametrize("listing", ["--fixtures", "--cache-show", "--help"])
def test_a_listing_begins_no_run(listing: str, tmp_path: Path) -> None:
    """Without a plan every run is refused; what is only listed needs none, and does no task either."""
    outcome = run(tmp_path, "--flexprice-env=prod", "--flexprice-sweep", "-p", "cacheprovider", listing)
    assert outcome.code == 0, outcome.output
    assert not outcome.reports.exists()
