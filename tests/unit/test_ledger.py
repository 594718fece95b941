"""The ledger survives whatever kills a run."""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.testbed.ledger import Ledger


def test_what_is_intended_is_on_disk_before_anything_else(tmp_path: Path) -> None:
    Ledger(tmp_path / "ledger-main.ndjson").intend("customer", "golive-1", role="test")
    (line,) = (tmp_path / "ledger-main.ndjson").read_text().splitlines()
    row = json.loads(line)
    assert (row["kind"], row["key"], row["state"], row["about"]) == (
        "customer",
        "golive-1",
        "intended",
        {"role": "test"},
    )
    assert row["at"].endswith("+00:00")


def test_it_is_read_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "ledger-main.ndjson"
    first = Ledger(path)
    first.intend("customer", "golive-1")
    first.created("customer", "golive-1", "cust_1")
    first.intend("invoice", "inv_1")
    first.gone("invoice", "inv_1")
    again = Ledger(path)
    assert again.open() == first.open()
    assert [entry.id for entry in again.open()] == ["cust_1"]


def test_it_owns_ids_and_external_ids_but_not_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger-main.ndjson")
    ledger.intend("subscription", "golive-1/plan")
    assert not ledger.owns("")
    ledger.created("subscription", "golive-1/plan", "subs_1")
    assert ledger.owns("subs_1")
    assert ledger.owns("golive-1/plan")
    assert not ledger.owns("subs_2")


def test_what_is_open_comes_in_the_order_of_removal(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger-main.ndjson")
    for kind in ("customer", "wallet", "subscription", "invoice"):
        ledger.intend(kind, kind)
    assert [entry.kind for entry in ledger.open()] == ["invoice", "subscription", "wallet", "customer"]


def test_a_line_that_a_killed_run_cut_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "ledger-main.ndjson"
    Ledger(path).intend("customer", "golive-1")
    with path.open("a") as file:
        file.write('{"kind": "customer", "key": "gol')
    assert [entry.key for entry in Ledger(path).open()] == ["golive-1"]


def test_what_a_file_claims_is_owned_by_nobody_before_it_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "ledger-main.ndjson"
    first = Ledger(path)
    first.intend("customer", "golive-1")
    first.created("customer", "golive-1", "cust_1")
    again = Ledger(path)
    assert first.owns("cust_1")
    assert not again.owns("cust_1")
    again.created("customer", "golive-1", "cust_1")
    assert again.owns("cust_1")


DAMAGED = [
    b"\xff\xfe not UTF-8",
    b"{",
    b"null",
    b"[]",
    b"7",
    b'"customer"',
    b'{"kind": "customer"}',
    b'{"kind": "customer", "key": 7, "state": "intended"}',
    b'{"kind": "customer", "key": "", "state": "intended"}',
    b'{"kind": "customer", "key": "golive-2", "state": "lost"}',
    b'{"kind": "customer", "key": "golive-2", "state": "created", "id": {}}',
    b'{"kind": "customer", "key": "golive-2", "state": "intended", "about": "x"}',
    b'{"kind": "customer", "key": "golive-2", "state": "intended", "about": {"a": []}}',
    b'{"kind": "plan", "key": "golive-2", "state": "created"}',
    b'{"kind": ["customer"], "key": "golive-2", "state": "created"}',
    b'{"kind": "customer", "key": "acct_8450", "state": "intended"}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("line", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_or_foreign_line_is_told_and_the_rest_counts(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ledger-main.ndjson"
    Ledger(path).intend("customer", "golive-1")
    path.write_bytes(line + b"\n" + path.read_bytes() + line + b"\n")
    ledger = Ledger(path)
    assert [entry.key for entry in ledger.open()] == ["golive-1"]
    assert len(ledger.problems) == 2
    assert all("passed over" in problem for problem in ledger.problems)


def test_the_line_after_a_cut_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "ledger-main.ndjson"
    path.write_bytes(b'{"kind": "customer", "key": "gol')
    Ledger(path).intend("customer", "golive-1")
    assert [entry.key for entry in Ledger(path).open()] == ["golive-1"]


def test_a_full_disk_makes_nothing_and_forgets_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger-main.ndjson"
    ledger = Ledger(path)
    ledger.intend("customer", "golive-1")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotVerified, match=r"No space left on device.*--flexprice-sweep"):
        ledger.created("customer", "golive-1", "cust_1")
    with pytest.raises(NotVerified):
        ledger.intend("customer", "golive-2")
    assert [(entry.key, entry.id) for entry in ledger.open()] == [("golive-1", "cust_1")]
    assert ledger.owns("cust_1")


def test_what_one_answer_named_is_ours_and_on_disk_when_a_second_question_is_answered_alike(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger-main.ndjson")
    ledger.intend("invoice", "inv_1", customer="golive-1")
    for question, owned in (
        ("POST /v1/subscriptions", False),
        ("POST /v1/subscriptions", False),
        ("POST /search", True),
    ):
        ledger.told("invoice", "inv_1", "inv_1", question)
        assert ledger.owns("inv_1") == owned
        assert ("created" in ledger.path.read_text()) == owned
    ledger.told("invoice", "inv_1", "inv_2", "POST /search")
    assert not ledger.owns("inv_2")


@pytest.mark.parametrize(("hours", "most"), [(5, 60.0), (-5, 18_060.0)], ids=["set back since", "as it is"])
def test_the_age_of_an_entry_is_never_below_zero(hours: int, most: float, tmp_path: Path) -> None:
    """Whoever waits until it is old enough would else wait as long as the clock was set back."""
    at = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
    path = tmp_path / "ledger-main.ndjson"
    path.write_text(json.dumps({"at": at, "kind": "draft", "key": "subs_1", "state": "intended"}) + "\n")
    (entry,) = Ledger(path).open("draft")
    assert most - 60 <= entry.age < most
