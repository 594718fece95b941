"""The first command of the README, and the same verdict by every other way of running it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_flexprice.model.checklist import ITEMS
from tests.suite import Outcome, rehearse


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return rehearse(tmp_path_factory.mktemp("plain"))


def test_the_healthy_rehearsal_is_green(plain: Outcome) -> None:
    assert plain.red == {}, plain.output
    assert plain.code == 0, plain.output
    assert set(plain.items) == {item.id for item in ITEMS}
    assert set(plain.items.values()) == {"passed", "attested"}


def test_a_rehearsal_says_so_everywhere(plain: Outcome) -> None:
    assert plain.document["verdict"]["word"] == "REHEARSAL"
    assert "rehearsal" in plain.output.lower()
    for name in ("golive.html", "golive.md", "golive.json"):
        assert "rehearsal" in (plain.folder / name).read_text(encoding="utf-8").lower(), name


def test_evidence_is_complete(plain: Outcome) -> None:
    names = {path.name for path in plain.folder.iterdir()}
    assert {
        "golive.html",
        "golive.md",
        "golive.json",
        "junit.xml",
        "exchanges.ndjson",
        "manifest.json",
        "SHA256SUMS",
    } <= names
    assert list((plain.folder / "allure-results").glob("*-result.json"))
    (bundle,) = plain.folder.glob("golive-evidence-*.zip")
    assert bundle.stat().st_size < 10_000_000


def test_no_key_reaches_the_evidence(plain: Outcome) -> None:
    shown = [path for path in plain.folder.rglob("*") if path.is_file() and b"whsec_" in path.read_bytes()]
    assert shown == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("-n", "2"),
        ("--flexprice-level=smoke",),
        ("-p", "no:allure_pytest"),
        ("-p", "randomly", "-p", "no:xdist"),
        ("-p", "no:randomly"),
    ],
    ids=" ".join,
)
def test_the_verdict_is_the_same_by_every_way(plain: Outcome, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    other = rehearse(tmp_path, *arguments)
    assert other.code == 0, other.output
    assert other.items == plain.items
    assert {s["name"] for s in other.document["scenarios"]} == {s["name"] for s in plain.document["scenarios"]}


def test_a_lower_level_says_what_it_leaves_open(tmp_path: Path) -> None:
    outcome = rehearse(tmp_path, "--flexprice-level=read")
    assert outcome.items["7.3"] == "not run"
    assert outcome.items["2.1"] == "passed"
    assert "leaves open" in outcome.document["verdict"]["coverage"]
    writes = [
        line for line in (outcome.folder / "exchanges.ndjson").read_text().splitlines() if '"/v1/events/bulk"' in line
    ]
    assert writes == []


def test_what_shares_a_test_customer_stays_on_one_worker(tmp_path: Path) -> None:
    outcome = rehearse(tmp_path, "-n", "2", "-p", "no:randomly")
    workers: dict[str, set[str]] = {"smoke": set(), "probe": set()}
    for scenario in outcome.document["scenarios"]:
        workers.get(scenario["level"], set()).add(scenario["worker"])
    assert [len(each) for each in workers.values()] == [1, 1]
    assert len(list(outcome.folder.glob("ledger-*.ndjson"))) == 1
