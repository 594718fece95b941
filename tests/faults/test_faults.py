"""For each seeded fault, exactly the intended items turn red, and a message names the cause; everything else stays as it was."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.faults.table import COMPANIES, FAULTS, GREEN, Fault
from tests.suite import WITH_LOG, Outcome, rehearse

#: Only ``golive.json`` is read here: Allure's files and tracebacks are proved elsewhere, and cost a sixth of a run.
BARE = ("-p", "no:allure_pytest", "--tb=native")

LOG = "log-"
"""Begins the names of the faults of the company's own log."""
READS = "lint or read"
INVOICES = "item_4_2 or item_5_3 or item_7_1 or item_7_2 or item_7_3"
WEBHOOKS = "item_6_1 or item_6_2 or item_6_3 or item_6_4 or item_7_1 or item_7_3 or item_7_4"
#: The scenarios that read what a fault of one item spoils, by the beginning of the item; they take half the time of all.
READERS = {"4": READS, "5.1": READS, "5.2": READS, "5.3": INVOICES, "6": WEBHOOKS, "8": "lint"}


def readers(fault: Fault) -> tuple[str, ...]:
    """The arguments that leave out what cannot see a fault; of one that shows in several items nothing is left out, but of the log's."""
    found = [READERS[begin] for begin in READERS if len(fault.items) == 1 and fault.items[0].startswith(begin)]
    found += [READS] * fault.name.startswith(LOG)
    return ("-m", *found) if found else ()


def rehearsed(folder: Path, fault: str, *arguments: str, company: str = "") -> Outcome:
    """A rehearsal with a fault, with a log where the fault spoils one."""
    logged = WITH_LOG if fault.startswith(LOG) else {}
    faults = [f"--flexprice-fault={fault}"] if fault else []
    return rehearse(folder, *BARE, *faults, *of_company(company), *arguments, environ=logged)


def of_company(name: str) -> list[str]:
    """The arguments that rehearse another company: its deals, and what its invoices say of them."""
    plan = Path(__file__).parent / name / "golive.toml"
    return [f"--flexprice-plan={plan}", "--flexprice-fault=deals", "-m", INVOICES] if name else []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_exactly_the_intended_items_turn_red(fault: Fault, tmp_path: Path) -> None:
    outcome = rehearsed(tmp_path, fault.name, *readers(fault), company=fault.company)
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
    outcome = rehearsed(tmp_path, "", company=company)
    assert outcome.red == {}
    assert {item: outcome.items[item] for item in ("4.2", "5.3", "7.2", "7.3")} == dict.fromkeys(
        ("4.2", "5.3", "7.2", "7.3"), "passed"
    )
