"""Every fault can be planted in any company: it breaks something of it, nothing, or says what the company lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer
from pytest_flexprice.emulator.faults.all import FAULTS
from pytest_flexprice.emulator.seeding.planned import customers_of, fill
from pytest_flexprice.model import plan_file
from pytest_flexprice.model.golive_plan import GoLivePlan
from pytest_flexprice.model.profile import ProfileError
from pytest_flexprice.rehearsal.client_faults import CLIENT_FAULTS, shown
from pytest_flexprice.rehearsal.sample_faults import SAMPLE_FAULTS
from tests import unlike_companies

SEEDED = sorted(name for name, fault in FAULTS.items() if fault.seeded)


def company(seed: int, folder: Path) -> GoLivePlan:
    unlike_companies.write(seed, folder)
    return plan_file.load(folder / "golive.toml")


@pytest.mark.parametrize("seed", [2])
def test_no_company_is_too_strange_to_be_seeded_with_a_fault(tmp_path: Path, seed: int) -> None:
    plan = company(seed, tmp_path)
    for name in SEEDED:
        server = FlexpriceServer(EmulatorOptions(lag=0, faults=(name,)))
        live, _sandbox = fill(server, plan, plan.environments["prod"])
        live.endpoint(
            "https://b.acme.example/f", ["invoice.update.finalized", "invoice.finalised"]
        )  # item 6.3 tells that one
        live.customers(customers_of(plan))


BARE = """
[company]
name = "Bare"

[environments.local]
base_url = "https://us.api.flexprice.io"
type = "production"
"""
LACKING = {
    "F16": "no old_keys in its environment",
    "F34": "no signed-off snapshot",
    **{one.name: "no samples with one event a line" for one in SAMPLE_FAULTS},
    "F99": r"no table \[invoicing\]",
    "F101": r"no table \[invoicing\]",
    "F103": r"no table \[invoicing\]",
    "F149": "no attestations",
    "F150": "no attestations",
    "F153": "no attestations",
}


def test_what_a_company_lacks_is_said(tmp_path: Path) -> None:
    (tmp_path / "golive.toml").write_text(BARE, encoding="utf-8")
    plan = plan_file.load(tmp_path / "golive.toml")
    values = {"old_keys": [], "deployed": "", "old_key_id": "secret_1", "variables": {}}
    for name, fault in CLIENT_FAULTS.items():
        with (
            pytest.raises(ProfileError, match=LACKING[name]) if name in LACKING else shown(name, plan),
            shown(name, plan),
        ):
            fault.prepare(None, None, values) if name == "F16" else fault.change(plan, values)
