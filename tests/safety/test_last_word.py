"""Only who asks for a listing or a task gets a 0 without a checklist."""

from __future__ import annotations

import pytest

from pytest_flexprice.run.last_word import asks_for_no_run


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
