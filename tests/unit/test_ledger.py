"""The ledger survives whatever kills a run."""

from __future__ import annotations

import json
from pathlib import Path

from pytest_flexprice.testbed.ledger import Ledger, ledgers


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


def test_all_runs_of_an_environment_are_found(tmp_path: Path) -> None:
    for run, worker in (("run-1", "main"), ("run-2", "gw0"), ("run-2", "gw1")):
        Ledger(tmp_path / run / f"ledger-{worker}.ndjson").intend("customer", f"{run}-{worker}")
    assert [entry.key for ledger in ledgers(tmp_path) for entry in ledger.open()] == [
        "run-1-main",
        "run-2-gw0",
        "run-2-gw1",
    ]
