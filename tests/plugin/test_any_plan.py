"""The rehearsal takes a plan at its word: whatever a truthful plan declares, nothing of it is told as a fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import truthful_plans, unlike_companies
from tests.suite import rehearse


@pytest.mark.parametrize("seed", [3, 11])
def test_a_truthful_plan_is_green(tmp_path: Path, seed: int) -> None:
    truthful_plans.write(seed, tmp_path)
    outcome = rehearse(tmp_path)
    assert outcome.red == {}, outcome.output
    assert outcome.code == 0, outcome.output


@pytest.mark.parametrize("seed", [5, 7])
def test_a_company_unlike_the_others_is_green(tmp_path: Path, seed: int) -> None:
    unlike_companies.write(seed, tmp_path)
    outcome = rehearse(tmp_path)
    assert outcome.red == {}, outcome.output
    assert outcome.code == 0, outcome.output


def test_a_plan_without_webhooks_is_rehearsed_with_a_handler_that_is_said(tmp_path: Path) -> None:
    truthful_plans.write(34, tmp_path)
    assert "[webhooks]" not in (tmp_path / "golive.toml").read_text(encoding="utf-8")
    outcome = rehearse(tmp_path)
    assert outcome.red == {}, outcome.output
    assert outcome.code == 0, outcome.output
    assert (
        "webhooks: a handler of the rehearsal's own (from the rehearsal, as the plan is silent about webhooks"
        in outcome.output
    )


SANDBOX = """
[environments.sandbox]
base_url = "https://us.api.flexprice.io"
type = "development"
"""


def test_a_plan_that_declares_nothing_is_told_so_once(tmp_path: Path) -> None:
    (tmp_path / "golive.toml").write_text('[company]\nname = "Bare"\n' + SANDBOX, encoding="utf-8")
    items = ("2_1", "2_2", "3_1", "4_1", "4_2", "5_3", "8_1")
    outcome = rehearse(tmp_path, "-m", " or ".join(f"item_{item}" for item in items))
    for words in ("declares no customers", "lists no events", "which catalog was signed off", "names no sample events"):
        assert sum(words in told for told in outcome.red.values()) == 1, words
    assert (outcome.items["4.1"], outcome.items["4.2"]) == ("not decided", "not run")
    assert "Not run, because the plan declares no customers (4.1)" in outcome.output
    assert "the test customer's subscription (7.1) is not decided" in outcome.output
    assert "environment 'local'" not in outcome.output


def test_a_live_catalog_is_made_up_and_said(tmp_path: Path) -> None:
    truthful_plans.write(5, tmp_path)
    plan = tmp_path / "golive.toml"
    text = plan.read_text(encoding="utf-8").replace('signed_off = "catalog.json"', 'signed_off = "sandbox"')
    plan.write_text(text + SANDBOX, encoding="utf-8")
    outcome = rehearse(tmp_path, "--flexprice-level=read")
    assert "catalog: made up from the plan's events and customers" in outcome.output
    assert outcome.red == {}, outcome.output


def test_a_development_environment_is_rehearsed_as_one(tmp_path: Path) -> None:
    truthful_plans.write(3, tmp_path)
    plan = tmp_path / "golive.toml"
    text = plan.read_text(encoding="utf-8").replace('old_keys = ["OLD_KEY"]\n', "")
    plan.write_text(text.replace('type = "production"', 'type = "development"'), encoding="utf-8")
    outcome = rehearse(tmp_path, "--flexprice-level=read")
    assert outcome.red == {}, outcome.output
    assert outcome.items["1.4"] == "passed"


def test_what_people_write_wrong_is_told_before_anything_is_rehearsed(tmp_path: Path) -> None:
    truthful_plans.write(3, tmp_path)
    (tmp_path / "customers.csv").write_text(
        "External ID;plan;start_date\norg_1;plan-0;02.11.2026\norg_2;plan-0;46327\n", encoding="utf-8"
    )
    outcome = rehearse(tmp_path)
    assert outcome.code == 4, outcome.output
    assert "customers.csv:2: column start_date holds '02.11.2026'" in outcome.output
    assert "customers.csv:3: column start_date holds '46327'" in outcome.output
    assert "Traceback" not in outcome.output


EVERY_DAMAGE = {
    "plan": [("golive.toml", b"[company]", b"[company\n")],
    "plan bytes": [("golive.toml", b"Acme", b"\xff\xfe")],
    "catalog and customers": [
        ("catalog.json", b'"flexprice_catalog": 1', b'"flexprice_catalog": [[['),
        ("customers.csv", b"\norg_0", b'\n"org_0'),
    ],
    "plans of customers": [("customers.csv", b"plan-", b"plam-")],
    "catalog feature": [("catalog.json", b'"feature": "f0"', b'"feature": "g0"')],
    "samples": [("ev.0.ndjson", b'{"event_name"', b'INFO {"event_name"')],
}


@pytest.mark.parametrize("damage", EVERY_DAMAGE)
def test_no_file_of_a_person_ends_in_a_traceback(tmp_path: Path, damage: str) -> None:
    truthful_plans.write(3, tmp_path)
    for name, before, after in EVERY_DAMAGE[damage]:
        path = tmp_path / name
        assert before in path.read_bytes()
        path.write_bytes(path.read_bytes().replace(before, after))
    outcome = rehearse(tmp_path, "--flexprice-level=lint")
    assert outcome.code in (1, 4, 6), outcome.output
    assert "Traceback" not in outcome.output
    assert "INTERNALERROR" not in outcome.output
    assert all(name.removesuffix(".ndjson") in outcome.output for name, _, _ in EVERY_DAMAGE[damage])


def test_a_waived_item_is_no_failure_of_pytest_and_names_its_scenarios(tmp_path: Path) -> None:
    truthful_plans.write(3, tmp_path)
    plan = tmp_path / "golive.toml"
    waiver = (
        '[[waivers]]\nitem = "1.4"\nreason = "No other key."\nowner = "A B"\napproved_by = "C D"\nuntil = 2999-01-01\n'
    )
    plan.write_text(plan.read_text(encoding="utf-8").replace('old_keys = ["OLD_KEY"]\n', "") + waiver, encoding="utf-8")
    outcome = rehearse(tmp_path, "-v", "--flexprice-level=read", "-k", "old_keys")
    assert outcome.items["1.4"] == "waived"
    assert "FAILED" not in outcome.output
    assert "1 waived" in outcome.output.splitlines()[-1]
    assert "     not decided  Old keys are dead  (@read)" in outcome.output
