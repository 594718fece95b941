"""What steps and companies build on. A company overrides ``send_events`` or ``handler_has_processed`` in its ``conftest.py``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from pytest_flexprice.api import Flexprice
from pytest_flexprice.evidence.keeping import Observe
from pytest_flexprice.evidence.recorder import RECORDER
from pytest_flexprice.model.golive_plan import GoLivePlan
from pytest_flexprice.model.profile import Profile
from pytest_flexprice.run.run import RUN, Run
from pytest_flexprice.testbed.alive import alive
from pytest_flexprice.testbed.bench import Bench
from pytest_flexprice.testbed.cleanup import clean
from pytest_flexprice.testbed.customer import Testbed, TestCustomer, TestSubscription
from pytest_flexprice.testbed.delivered import await_known_endpoint
from pytest_flexprice.testbed.ledger import Ledger
from pytest_flexprice.testbed.proof import prove_environment
from pytest_flexprice.testbed.sending import SendEvents, Sent, send_through_api
from pytest_flexprice.testbed.smoke import Smoke
from pytest_flexprice.testbed.waiting import Eventually


@pytest.fixture(scope="session")
def flexprice_run(pytestconfig: pytest.Config) -> Run:
    """The run this process takes part in."""
    return pytestconfig.stash[RUN]


@pytest.fixture(scope="session")
def profile(flexprice_run: Run) -> Profile:
    """Which Flexprice, which key, which level."""
    return flexprice_run.profile


@pytest.fixture(scope="session")
def plan(flexprice_run: Run) -> GoLivePlan:
    """The plan as this environment sees it."""
    return flexprice_run.plan


@pytest.fixture(scope="session")
def ledger(flexprice_run: Run) -> Ledger:
    """What this process made; on disk before each request that makes something."""
    return flexprice_run.ledger()


@pytest.fixture(scope="session")
def flexprice(flexprice_run: Run, ledger: Ledger) -> Flexprice:
    """The client: it reads anything, and writes only to what the ledger holds once the environment is proved."""
    return flexprice_run.client(ledger)


@pytest.fixture
def observe(request: pytest.FixtureRequest) -> Observe:
    """Notes what a step saw: ``observe(title, expected=…, observed=…, findings=…)``."""
    return request.config.stash[RECORDER].observer(request.node)


@pytest.fixture(scope="session")
def eventually(pytestconfig: pytest.Config) -> Eventually:
    """Waits for a condition with a deadline, and shows a lasting wait on the terminal."""
    return Eventually(progress=pytestconfig.stash[RECORDER].waiting.progress)


@pytest.fixture(scope="session")
def testbed(flexprice: Flexprice, ledger: Ledger, flexprice_run: Run) -> Iterator[Testbed]:
    """Makes test objects once the environment is proved, and takes all of them away at the end."""
    profile = flexprice_run.profile
    prove_environment(flexprice, profile)
    with alive(flexprice_run.folder, flexprice_run.worker):
        yield Testbed(flexprice, ledger, profile.run_id, flexprice_run.worker)
        clean(flexprice, ledger, profile.patience)


@pytest.fixture(scope="session")
def test_customer(smoke: Smoke) -> TestCustomer:
    """The run's own customer, one per worker."""
    return smoke.subscription().customer


@pytest.fixture(scope="session")
def test_subscription(smoke: Smoke) -> TestSubscription:
    """The test customer's subscription to the plan's ``test_plan``."""
    return smoke.subscription()


@pytest.fixture(scope="session")
def send_events(flexprice: Flexprice) -> SendEvents:
    """Sends test events through Flexprice's API. Override it to send them through your own pipeline.

    It is called with a list of events (``event_name``, ``external_customer_id``, ``event_id``, ``timestamp``, ``properties``) and
    returns what was accepted, as ``Sent`` values, or None when your pipeline cannot tell.
    """

    def send(events: list[dict[str, Any]]) -> list[Sent] | None:
        return send_through_api(flexprice, events)

    return send


@pytest.fixture(scope="session")
def handler_has_processed() -> Callable[[str], bool] | None:
    """Tells whether your webhook handler has processed an invoice. Override it to look into your own system.

    None goes by the plan's ``webhooks.processed`` URL.
    """
    return None


@pytest.fixture(scope="session")
def smoke(flexprice_run: Run, testbed: Testbed, send_events: SendEvents, eventually: Eventually) -> Smoke:
    """One test customer's way along the ladder from accepted event to finalized invoice, each rung climbed once."""
    profile, webhooks = flexprice_run.profile, flexprice_run.plan.webhooks
    ready = partial(await_known_endpoint, testbed.flexprice, profile, webhooks, eventually)
    # The others are done before the prices of many plans are proved: this worker asks for as many at once as there are workers.
    lanes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return Smoke(Bench(profile, testbed, send_events, eventually, ready, lanes=lanes))
