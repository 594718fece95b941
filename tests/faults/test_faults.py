"""For each seeded fault, exactly the intended items turn red, and a message names the cause; everything else stays as it was."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.faults.table import COMPANIES, FAULTS, GREEN, Fault
from tests.suite import WITH_LOG, Outcome, rehearse

#: Only ``golive.json`` is read here: Allure's files and tracebacks are proved elsewhere, and cost a sixth of a run.
BARE = ("-p", "no:allure_pytest", "--tb=native")


def rehearsed(folder: Path, fault: str, company: str = "") -> Outcome:
    """A rehearsal with a fault, with a log where the fault spoils one."""
    logged = WITH_LOG if fault.startswith("log-") else {}
    return rehearse(folder, *BARE, *of_company(company, fault), environ=logged)


def of_company(name: str, fault: str) -> list[str]:
    """The arguments that rehearse another company: its deals, and what its invoices say of them."""
    faults = [f"--flexprice-fault={fault}"] if fault else []
    plan = Path(__file__).parent / name / "golive.toml"
    invoices = " or ".join(f"item_{item}" for item in ("4_2", "5_3", "7_1", "7_2", "7_3"))
    return [*faults, f"--flexprice-plan={plan}", "--flexprice-fault=deals", "-m", invoices] if name else faults


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_exactly_the_intended_items_turn_red(fault: Fault, tmp_path: Path) -> None:
    outcome = rehearsed(tmp_path, fault.name, fault.company)
    if fault.refused:
        assert outcome.code == 4, outcome.output
        assert re.search(fault.says, outcome.output), outcome.output
        return
    said = "\n".join(outcome.red.values())
    assert outcome.red_items == set(fault.items), f"{outcome.red}\n{outcome.output}"
    assert re.search(fault.says, said), said
    assert outcome.code == (7 if fault.leaves else 1 if fault.fails else 6), outcome.output


@pytest.mark.parametrize("name", GREEN)
def test_what_is_no_fault_stays_green(name: str, tmp_path: Path) -> None:
    outcome = rehearsed(tmp_path, name)
    assert outcome.red == {}
    assert outcome.code == 0, outcome.output


@pytest.mark.parametrize("company", COMPANIES)
def test_another_company_is_healthy_with_all_its_deals(company: str, tmp_path: Path) -> None:
    outcome = rehearsed(tmp_path, "", company)
    assert outcome.red == {}
    assert {item: outcome.items[item] for item in ("4.2", "5.3", "7.2", "7.3")} == dict.fromkeys(
        ("4.2", "5.3", "7.2", "7.3"), "passed"
    )
