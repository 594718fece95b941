"""Whatever is answered: nothing of the company's is written to, nothing is made twice, and what remains is told and swept."""

from __future__ import annotations

import errno
import os
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_flexprice.api import ApiError, path_of
from pytest_flexprice.model.finding import NotVerified, RequirementNotMet
from pytest_flexprice.testbed.cleanup import clean
from pytest_flexprice.testbed.customer import Testbed, TestSubscription
from pytest_flexprice.testbed.ledger import Ledger
from pytest_flexprice.testbed.naming import new_run_id
from pytest_flexprice.testbed.setting_up import adopt_invoices
from pytest_flexprice.testbed.sweep import Swept, sweep
from tests.safety.company import INVOICE_STATUSES, Company
from tests.safety.proxy import Attack, Exchange
from tests.safety.table import CASES, Case

PATIENCE = 0.01


@dataclass
class Played:
    """What came of an attack: what was said while making, what was left behind, which writes arrived, and the seconds it took."""

    said: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)
    writes: list[Exchange] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """Everything that was told."""
        return "\n".join([*self.said, *self.leftovers])


def play(company: Company, reports: Path, attack: Attack) -> Played:
    """Make a customer, its subscription and its draft, then take them away, under attack all the time."""
    played, run_id = Played(), new_run_id(datetime.now(UTC))
    ledger = Ledger(reports / run_id / "ledger-main.ndjson")
    client = company.client(ledger, request_seconds=1.0, largest_body=1 << 20, pause=lambda seconds: None)
    began = time.monotonic()
    with company.proxy.attacking(attack):
        try:
            _climb(Testbed(client, ledger, run_id), company, played)
        except (RequirementNotMet, NotVerified, ApiError) as error:
            played.said.append(str(error))
        played.leftovers = [each.sentence for each in clean(client, ledger, PATIENCE)]
        played.writes = company.proxy.writes
    client.close()
    played.seconds = time.monotonic() - began
    return played


def _climb(testbed: Testbed, company: Company, played: Played) -> None:
    now = datetime.now(UTC)
    customer = testbed.customer("test", now)
    subscription = testbed.subscription(customer, (company.plan_id, "usd", "MONTHLY"), now)
    played.said += [finding.sentence for finding in subscription.findings]
    testbed.ledger.intend("draft", subscription.id, customer=customer.external_id)
    testbed.flexprice.post(path_of("subscriptions", "temporal", subscription.id, "draft-and-compute"), {})
    _adopt(testbed, subscription)


def _adopt(testbed: Testbed, subscription: TestSubscription) -> None:
    body = {"subscription_id": subscription.id, "invoice_status": INVOICE_STATUSES}
    rows = testbed.flexprice.search("/v1/invoices/search", body)
    adopt_invoices(testbed, subscription, rows, "POST /v1/invoices/search")


def swept(company: Company, reports: Path) -> Swept:
    """One sweep behind an honest server."""
    own = Ledger(reports / "sweep" / "ledger-main.ndjson")
    return sweep(company.client, reports, own, datetime.now(UTC), PATIENCE)


@pytest.mark.parametrize("case", [case for cases in CASES.values() for case in cases], ids=lambda case: case.name)
def test_nothing_foreign_is_touched_and_one_sweep_leaves_nothing(case: Case, company: Company, tmp_path: Path) -> None:
    before = company.foreign()
    played = play(company, tmp_path, case.attack())
    assert company.foreign() == before
    assert re.search(case.says, played.text), played
    assert bool(played.leftovers) <= case.leaves, played.leftovers
    assert bool(played.leftovers) or company.left() == []
    made = Counter(write.path for write in played.writes if write.path in ("/v1/customers", "/v1/subscriptions"))
    assert set(made.values()) <= {1}
    assert played.seconds < 60
    result = swept(company, tmp_path)
    assert (result.leftovers, result.waiting, company.left()) == ([], [], [])
    assert company.foreign() == before


def test_a_healthy_server_is_left_as_it_was(company: Company, tmp_path: Path) -> None:
    before = company.foreign()
    played = play(company, tmp_path, lambda exchange: None)
    assert (played.said, played.leftovers, company.left()) == ([], [], [])
    assert company.foreign() == before
    assert {write.path.rsplit("/", 1)[-1] for write in played.writes} >= {
        "customers",
        "subscriptions",
        "draft-and-compute",
        "void",
        "cancel",
    }


@pytest.mark.parametrize("written", range(10))
def test_a_disk_that_is_full_from_some_line_on_loses_nothing(
    written: int, company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, lines, fsync = company.foreign(), iter(range(written)), os.fsync

    def until_full(descriptor: int) -> None:
        if next(lines, None) is None:
            raise OSError(errno.ENOSPC, "full")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", until_full)
    played = play(company, tmp_path, lambda exchange: None)
    assert (played.leftovers, company.left()) == ([], [])
    assert company.foreign() == before
    assert written > 5 or any("No space left on device" in sentence for sentence in played.said)
