"""A sweep takes away what is ours and nothing else, whatever ledgers and names say; and it says what it passed over."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pytest_flexprice.testbed.alive import alive, living
from pytest_flexprice.testbed.customer import Testbed
from pytest_flexprice.testbed.ledger import Ledger
from pytest_flexprice.testbed.naming import new_run_id
from pytest_flexprice.testbed.sweep import sweep
from tests.safety import attacks
from tests.safety.company import Company
from tests.safety.test_attacks import swept

OVER = "2026-01-01T00:00:00+00:00"


def marked(company: Company, external_id: str, expires_at: str = OVER) -> str:
    """A customer that a lost run made."""
    mark = {"managed_by": "pytest-flexprice", "run_id": "lost", "expires_at": expires_at}
    body = {"external_id": external_id, "name": "Lost", "metadata": mark}
    return str(company.seeder.call("POST", "/v1/customers", body)["id"])


@pytest.mark.parametrize(
    "name",
    [
        "golive-x/../acct_8450",
        "golive-/../../../plans",
        "golive-%2e%2e%2facct_8450",
        "golive-?external_id=acct_8450",
        "golive-#",
        "golive-\\..\\acct_8450",
        "golive-@127.0.0.1",
        "golive-ü 。。/",
    ],
)
def test_a_name_leads_nowhere_else(name: str, company: Company, tmp_path: Path) -> None:
    before = company.foreign()
    marked(company, name)
    result = swept(company, tmp_path)
    assert company.foreign() == before
    assert (result.found, result.leftovers, company.left()) == ([name], [], [])


def ledger_of(folder: Path, *rows: dict[str, Any] | bytes) -> Path:
    """The ledger of a run that is over."""
    path = folder / "run-1" / "ledger-main.ndjson"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [row if isinstance(row, bytes) else json.dumps({"at": OVER, **row}).encode() for row in rows]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def claims(company: Company, victim: str) -> list[dict[str, Any]]:
    """Lines that claim somebody else's objects, with and without a customer that would be ours."""
    objects = [row for row in company.foreign().values() if row.get("customer_id") == victim]
    rows: list[dict[str, Any]] = [
        {"kind": "customer", "key": "acct_8450", "state": "intended"},
        {"kind": "customer", "key": "golive-forged", "id": victim, "state": "created"},
    ]
    for row in objects:
        kind = "invoice" if row["id"].startswith("inv") else "subscription"
        for about in ({}, {"customer": "golive-forged"}, {"customer": "acct_8450"}):
            rows.append(
                {"kind": kind, "key": f"{row['id']}{len(about)}", "id": row["id"], "state": "created", "about": about}
            )
            rows.append({"kind": kind, "key": row["id"], "id": row["id"], "state": "created", "about": about})
    return rows


def test_a_line_in_a_ledger_makes_nothing_ours(company: Company, tmp_path: Path) -> None:
    before = company.foreign()
    victim = company.seeder.seeded.customers["acct_8450"]
    ledger_of(tmp_path, *claims(company, victim))
    with company.proxy.attacking(lambda exchange: None):
        result = swept(company, tmp_path)
        writes = list(company.proxy.writes)
    assert company.foreign() == before
    assert writes == []
    assert any("'acct_8450', which lacks the prefix 'golive-'" in note for note in result.notes)
    assert any("whose external id is 'acct_8450'" in each.sentence for each in result.leftovers)


def test_a_real_customer_with_our_prefix_and_no_mark_is_not_ours(company: Company, tmp_path: Path) -> None:
    before = company.foreign()
    ledger_of(tmp_path, {"kind": "customer", "key": "golive-party", "state": "intended"})
    result = swept(company, tmp_path)
    assert company.foreign() == before
    assert [each.key for each in result.leftovers] == ["golive-party"]
    assert "does not carry our mark" in result.leftovers[0].sentence


def test_damage_in_a_ledger_is_told_and_the_rest_is_swept(company: Company, tmp_path: Path) -> None:
    name = f"golive-{new_run_id(datetime.now(UTC))}-test-main".lower()
    body = {"managed_by": "pytest-flexprice", "run_id": name[7:32], "expires_at": "2999-01-01T00:00:00Z"}
    company.seeder.call("POST", "/v1/customers", {"external_id": name, "name": "Test", "metadata": body})
    line = {"kind": "customer", "key": name, "state": "intended"}
    path = ledger_of(
        tmp_path, b"\xff\xfe", b"{", line, b'{"kind": "customer", "key": "golive-2", "state": "intended", "about": "x"}'
    )
    result = swept(company, tmp_path)
    assert (result.found, result.leftovers, company.left()) == ([name], [], [])
    assert [note.partition(" ")[0] for note in result.notes] == [f"{path}:{number}" for number in (1, 2, 4)]


def test_marked_customers_of_lost_ledgers_are_counted_until_their_time(company: Company, tmp_path: Path) -> None:
    until = (datetime.now(UTC) + timedelta(hours=3)).replace(microsecond=0)
    identifier = marked(company, "golive-lost", until.isoformat())
    try:
        (sentence,) = swept(company, tmp_path).waiting
        assert identifier in sentence
        assert f"may be swept from {until:%Y-%m-%dT%H:%M:%SZ} on" in sentence
        assert company.left() == [identifier]
    finally:
        company.seeder.call("DELETE", f"/v1/customers/{identifier}")


@pytest.fixture
def running(company: Company, tmp_path: Path) -> Iterator[Path]:
    """A run that is alive and has made a customer; its folder."""
    run_id = new_run_id(datetime.now(UTC))
    folder = tmp_path / run_id
    ledger = Ledger(folder / "ledger-main.ndjson")
    testbed = Testbed(company.client(ledger), ledger, run_id)
    testbed.customer("test", datetime.now(UTC))
    return folder


def test_a_run_that_is_alive_is_never_swept(company: Company, running: Path, tmp_path: Path) -> None:
    with alive(running, "main"):
        result = swept(company, tmp_path)
        assert (result.found, result.leftovers, result.waiting) == ([], [], [])
        assert result.notes == [f"the run {running.name} is alive and was not swept"]
        assert len(company.left()) == 1
    result = swept(company, tmp_path)
    assert len(result.found) == 1
    assert company.left() == []


def test_a_killed_process_is_not_alive(tmp_path: Path) -> None:
    code = f"""
import os
from pathlib import Path
from pytest_flexprice.testbed.alive import alive
with alive(Path({str(tmp_path)!r}), "main"):
    os._exit(9)
"""
    subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert [path.name for path in tmp_path.glob("alive-*")] == ["alive-main.json"]
    assert living(tmp_path) == []


@pytest.mark.parametrize(("age", "lives"), [(0, True), (3600, False)])
def test_on_another_machine_the_last_touch_tells(tmp_path: Path, age: float, lives: bool) -> None:
    path = tmp_path / "alive-gw0.json"
    path.write_text(json.dumps({"host": "another", "pid": 1}))
    moment = datetime.now(UTC).timestamp() - age
    os.utime(path, (moment, moment))
    assert living(tmp_path) == ([path] if lives else [])


@pytest.mark.parametrize("case", ["acct_8450", "everybody"])
def test_marks_that_an_answer_invents_are_held_against_the_customer(
    case: str, company: Company, tmp_path: Path
) -> None:
    """The list says that real customers carry our mark; their own answers do not."""
    before = company.foreign()
    mark = {"managed_by": "pytest-flexprice", "run_id": "lost", "expires_at": OVER}
    lie = attacks.on(
        "GET",
        "/v1/customers",
        attacks.changed(
            lambda body: {
                **body,
                "items": [
                    {**row, "external_id": f"golive-{row['external_id']}", "metadata": mark}
                    for row in body["items"]
                    if case in ("everybody", row["external_id"])
                ],
                "pagination": {
                    **body["pagination"],
                    "total": 1 if case != "everybody" else body["pagination"]["total"],
                },
            }
        ),
    )
    with company.proxy.attacking(lie):
        result = swept(company, tmp_path)
        writes = list(company.proxy.writes)
    assert company.foreign() == before
    assert writes == []
    assert result.leftovers
    assert all(re.search(r"whose external id is", each.sentence) for each in result.leftovers)


def test_a_clock_that_is_ahead_sweeps_no_run_that_may_be_alive(company: Company, tmp_path: Path) -> None:
    until = (datetime.now(UTC) + timedelta(hours=6)).replace(microsecond=0)
    identifier = marked(company, "golive-elsewhere", until.isoformat())
    own = Ledger(tmp_path / "sweep" / "ledger-main.ndjson")
    try:
        result = sweep(company.client, tmp_path, own, datetime.now(UTC) + timedelta(hours=9), 0.01)
        assert (result.found, len(result.waiting), company.left()) == ([], 1, [identifier])
    finally:
        company.seeder.call("DELETE", f"/v1/customers/{identifier}")
