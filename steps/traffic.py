"""Items 3.1 and 5.3: the company's own log against what Flexprice counted and will bill."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_bdd import given, then, when

from pytest_flexprice.api import Flexprice
from pytest_flexprice.api.observed import observing
from pytest_flexprice.evidence.keeping import Observe
from pytest_flexprice.evidence.recorder import RECORDER
from pytest_flexprice.model.finding import Finding, Severity, not_verified, require_none
from pytest_flexprice.model.golive_plan import GoLivePlan
from pytest_flexprice.oracle.catalog.objects import Catalog
from pytest_flexprice.run.run import Run
from pytest_flexprice.testbed.naming import is_test_event

RESERVE = timedelta(seconds=20)
"""What a comparison leaves of a run's time to everything after it, and at least a tenth."""
_NO_DRIVER = "pip install 'pytest-flexprice[traffic]'"


@pytest.fixture(scope="session")
def traffic_log(plan: GoLivePlan, flexprice_run: Run) -> Iterator[Any]:
    """The company's log, opened once per process; None where the plan names none."""
    if plan.traffic is None or plan.traffic.left_out:
        yield None
        return
    try:
        from pytest_flexprice.traffic.log import Log  # noqa: PLC0415 - an extra that only logs need
        from pytest_flexprice.traffic.source import opened  # noqa: PLC0415 - as above
    except ImportError as error:
        reason = f"the company's log cannot be read because {error.name} is not installed"
        raise not_verified("3.1", "traffic", reason, remedy=_NO_DRIVER) from None
    with opened(plan.traffic, plan.folder, flexprice_run.profile.variable) as log:
        yield Log(log)


@pytest.fixture(scope="session")
def log_comparison(
    plan: GoLivePlan,
    flexprice: Flexprice,
    flexprice_run: Run,
    traffic_log: Any,
    live_catalog: Catalog,
    pytestconfig: pytest.Config,
) -> Any:
    """The whole comparison, made once per process; None where the plan names no log. The full list lies beside the evidence."""
    if traffic_log is None:
        return None
    from pytest_flexprice.traffic import comparing, listing  # noqa: PLC0415 - an extra that only logs need
    from pytest_flexprice.traffic.failing import reading  # noqa: PLC0415 - as above

    now, board = datetime.now(UTC), pytestconfig.stash[RECORDER].waiting
    ends = flexprice_run.ends - max(RESERVE, (flexprice_run.ends - now) / 10)

    def progress(what: str) -> None:
        board.working(what, (datetime.now(UTC) - now).total_seconds())

    assert plan.traffic is not None
    with observing("3.1", "what Flexprice counted"), reading(plan.traffic, flexprice_run.profile.variable):
        found = comparing.compare(
            plan,
            traffic_log,
            flexprice,
            live_catalog,
            now,
            is_test_event,
            progress,
            lambda: datetime.now(UTC) >= ends,
            _state(plan, flexprice_run, now),
        )
    board.done()
    if found.result.differences:
        listing.write(found.result, flexprice_run.folder)
    return found


def _state(plan: GoLivePlan, run: Run, now: datetime) -> Any:
    """What an interrupted run left of the same comparison; a rehearsal begins anew each time."""
    from pytest_flexprice.traffic.state import NAME, ResumeState, digest  # noqa: PLC0415 - as above

    profile = run.profile
    if profile.rehearsal or plan.traffic is None:
        return None
    about = {"plan": digest(plan.traffic), "environment": digest((profile.base_url, profile.environment_id))}
    return ResumeState(run.folder.parent / NAME, profile.api_key, about, profile.run_id, now)


@given("the company's own log", target_fixture="own_log")
def the_own_log(traffic_log: Any) -> Any:
    return traffic_log


@when("it is compared with what Flexprice holds, counted and will bill", target_fixture="compared")
def it_is_compared(log_comparison: Any) -> Any:
    return log_comparison


@then("every event of the log arrived once, unchanged and for its customer")
def every_event_arrived(compared: Any, plan: GoLivePlan, observe: Observe) -> None:
    if compared is None:
        observe("the company's own log", observed="not compared", findings=[_not_compared("3.1", plan)])
        return
    from pytest_flexprice.traffic import telling  # noqa: PLC0415 - as above

    findings = telling.findings(compared.result, compared.known)
    observe("the company's own log by day", observed=telling.shown(compared.result, compared.known), findings=findings)
    require_none(findings)


@then("the next invoice of each customer looked at bills what the log says")
def invoices_bill_the_log(compared: Any, plan: GoLivePlan, observe: Observe) -> None:
    if compared is None:
        observe("the company's own log", observed="not compared")  # item 3.1 says why
        return
    for one in compared.billed:
        title = f"next invoice of '{one.customer}' by the company's log"
        observe(title, expected=one.expected, observed=one.skipped or one.observed, findings=one.findings)
    if compared.uncompared:
        observe("next invoices that were not compared", observed="not compared", findings=compared.uncompared)
    require_none(compared.invoices)


def _not_compared(item: str, plan: GoLivePlan) -> Finding:
    left_out = plan.traffic.left_out if plan.traffic else ""
    reason = f"in this rehearsal: {left_out}" if left_out else "as the plan has no table [traffic]"
    return Finding(
        item,
        "golive.toml: traffic",
        f"the company's own log was not compared with what Flexprice counted, {reason}",
        consequence="events that its pipeline loses, doubles or renames stay unseen",
        remedy="" if left_out else "name the log in [traffic]",
        severity=Severity.WARNING,
    )
