"""Two runs at once against one environment, and a sweep while both live: nobody touches what another makes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from pytest_flexprice.api import path_of
from pytest_flexprice.testbed.alive import alive
from pytest_flexprice.testbed.cleanup import clean
from pytest_flexprice.testbed.customer import Testbed
from pytest_flexprice.testbed.ledger import Ledger
from pytest_flexprice.testbed.naming import new_run_id
from pytest_flexprice.testbed.sweep import sweep
from tests.safety.company import Company

PATIENCE, LONGEST = 0.01, 60


class Run:
    """One run: makes a customer, its subscription and its draft, waits for whom it meets, and takes its own away."""

    def __init__(self, company: Company, reports: Path) -> None:
        self.id = new_run_id(datetime.now(UTC))
        self.folder = reports / self.id
        self.ledger = Ledger(self.folder / "ledger-main.ndjson")
        self._client, self._plan = company.client(self.ledger), company.plan_id
        self.leftovers: list[str] = []

    def __call__(self, meeting: threading.Barrier) -> None:
        """Carry it out."""
        testbed, now = Testbed(self._client, self.ledger, self.id), datetime.now(UTC)
        with alive(self.folder, "main"):
            customer = testbed.customer("test", now)
            meeting.wait(LONGEST)
            subscription = testbed.subscription(customer, (self._plan, "usd", "MONTHLY"), now)
            self.ledger.intend("draft", subscription.id, customer=customer.external_id)
            self._client.post(path_of("subscriptions", "temporal", subscription.id, "draft-and-compute"), {})
            meeting.wait(LONGEST)  # a sweep comes by here
            meeting.wait(LONGEST)
            self.leftovers = [each.sentence for each in clean(self._client, self.ledger, PATIENCE)]


def test_two_runs_and_a_sweep_leave_each_other_alone(company: Company, tmp_path: Path) -> None:
    before, meeting, runs = company.foreign(), threading.Barrier(3), [Run(company, tmp_path) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        ending = [pool.submit(run, meeting) for run in runs]
        meeting.wait(LONGEST)
        meeting.wait(LONGEST)
        made, subscribed = company.left(), company.proxy.writes.copy()
        swept = sweep(company.client, tmp_path, Ledger(tmp_path / "own.ndjson"), datetime.now(UTC), PATIENCE)
        assert (company.proxy.writes, [each for each in made if each not in company.left()]) == (subscribed, [])
        meeting.wait(LONGEST)
        for run in ending:
            run.result(LONGEST)
    assert len([each for each in made if each.startswith(("cust_", "subs_"))]) == 4
    assert (swept.found, swept.leftovers, swept.waiting) == ([], [], [])
    assert sorted(swept.notes) == sorted(f"the run {run.id} is alive and was not swept" for run in runs)
    assert [(run.leftovers, run.ledger.open()) for run in runs] == [([], []), ([], [])]
    assert (company.left(), company.foreign()) == ([], before)
