"""Item 3.1: the application's own sample events."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from pytest_bdd import given, then

from pytest_flexprice.api import Flexprice
from pytest_flexprice.api.events import recent_events
from pytest_flexprice.api.observed import observing
from pytest_flexprice.evidence.keeping import Observe
from pytest_flexprice.model.catalog_snapshot import SnapshotError
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.finding import Finding, Kind, NotDecided, NotVerified, Severity, require_none
from pytest_flexprice.model.golive_plan import EventKind, GoLivePlan
from pytest_flexprice.model.meters import Meter
from pytest_flexprice.model.profile import Profile
from pytest_flexprice.oracle.catalog.canonical import load
from pytest_flexprice.oracle.catalog.objects import Catalog
from pytest_flexprice.oracle.customers import declared
from pytest_flexprice.oracle.customers.register import Register
from pytest_flexprice.oracle.samples import check as sample_check
from pytest_flexprice.oracle.samples.check import Checked, Unknown
from pytest_flexprice.oracle.samples.units import other_units
from pytest_flexprice.testbed.naming import is_test_event

MOST_RECENT = 10_000
Samples = Checked | NotDecided | NotVerified
"""What was found in the sample events, or why they cannot be read."""


@pytest.fixture(scope="session")
def unreadable_customers(plan: GoLivePlan) -> NotDecided | NotVerified | None:
    """Why the declared customers cannot be read, where the plan declares any."""
    try:
        for _ in declared.rows(plan.customers, plan.folder) if declared.known(plan.customers) else ():
            pass
    except (NotDecided, NotVerified) as reason:
        return reason
    return None


@pytest.fixture(scope="session")
def checked_samples(plan: GoLivePlan, unreadable_customers: Exception | None) -> Checked:
    """All sample events of the plan, read once per process; no network is used."""
    files = sample_check.sample_files(plan)
    known = declared.known(plan.customers) and unreadable_customers is None
    return sample_check.check(
        plan.events,
        files,
        plan.folder,
        datetime.now(UTC),
        meters=_signed_off_meters(plan),
        customers=(row.external_id for row in declared.rows(plan.customers, plan.folder)) if known else None,
        billed_since=declared.first_start(plan.customers, plan.folder) if known else None,
    )


def _signed_off_meters(plan: GoLivePlan) -> list[Meter]:
    """The meters of the signed-off snapshot, where the plan has one; what it may lack is told by item 2.1."""
    path = plan.folder / plan.catalog.signed_off if plan.catalog else Path()
    try:
        return [meter for _, _, meter in load(path).metered() if meter.published]
    except SnapshotError:
        return []


@pytest.fixture(scope="session")
def checked_recent(
    flexprice: Flexprice, plan: GoLivePlan, live_catalog: Catalog, customer_register: Register
) -> Checked:
    """The newest real events of the last seven days against meters and customers that exist; those of test customers do not count."""
    meters = [meter for _, _, meter in live_catalog.metered() if meter.published]
    known = {meter.event_name: EventKind(name=meter.event_name) for meter in meters}
    known.update({event.name: event for event in plan.events if event.unbilled})
    with TemporaryDirectory(prefix="flexprice-recent-") as folder:
        path = Path(folder) / "recent events.ndjson"
        with path.open("w", encoding="utf-8") as file, observing("3.1", "recent events"):
            for event in recent_events(flexprice, MOST_RECENT, datetime.now(UTC)):
                if not is_test_event(event):
                    file.write(json.dumps(event, default=str) + "\n")
        checked = sample_check.check(
            list(known.values()),
            [path],
            path.parent,
            datetime.now(UTC),
            meters=meters,
            customers=customer_register.external_ids(),
            unknown=Unknown("is counted by no published meter", "is no customer of this environment"),
        )
    return replace(checked, names=[finding for finding in checked.names if finding.kind is not Kind.NOT_VERIFIED])


@given("the sample events of the application", target_fixture="samples")
def sample_events(request: pytest.FixtureRequest) -> Samples:
    """What was found in them, or why they cannot be read, which one scenario tells and the others point to."""
    try:
        checked: Checked = request.getfixturevalue("checked_samples")
    except (NotDecided, NotVerified) as reason:
        return reason
    return checked


@given("the events that reached this environment in the last seven days", target_fixture="samples")
def events_of_the_last_days(checked_recent: Checked) -> Checked:
    return checked_recent


@then("each of them was counted for a customer who exists")
def recent_events_counted(samples: Checked, observe: Observe, request: pytest.FixtureRequest) -> None:
    doubtful = [
        replace(one, severity=Severity.WARNING)
        for one in (*samples.ahead, *samples.identity)
        if one.severity is not Severity.INFO
    ]
    with suppress(NotDecided, NotVerified):  # without samples, which others tell, there is no unit to compare with
        doubtful += other_units(request.getfixturevalue("checked_samples").spans, samples.spans)
    _tell("recent events", samples, [*samples.names, *samples.customers, *samples.quantities, *doubtful], observe)


@then("every event has its name, customer, time and id in a form that Flexprice takes")
def events_are_well_formed(samples: Samples, observe: Observe) -> None:
    if isinstance(samples, Exception):
        raise samples
    _tell("form of the events", samples, samples.form, observe)


@then("no id stands for two events")
def ids_are_unique(samples: Samples, observe: Observe) -> None:
    read = _read(samples)
    _tell("event ids", read, read.identity, observe)


@then("every event name is one that the plan lists")
def names_are_known(samples: Samples, observe: Observe) -> None:
    read = _read(samples)
    _tell("event names", read, read.names, observe)


@then("every event belongs to a customer that the plan declares")
def customers_are_known(
    samples: Samples, unreadable_customers: NotDecided | NotVerified | None, profile: Profile, observe: Observe
) -> None:
    read = _read(samples)
    if unreadable_customers is not None:
        if profile.level < Level.READ:  # item 4.1 is not asked then
            raise unreadable_customers
        pytest.skip("not run, because the declared customers cannot be read (4.1)")
    _tell("customers of the events", read, read.customers, observe)


@then("every event has the properties that its meter reads")
def properties_are_there(samples: Samples, observe: Observe) -> None:
    read = _read(samples)
    _tell("properties of the events", read, read.quantities, observe)


def _read(samples: Samples) -> Checked:
    if isinstance(samples, NotDecided):
        pytest.skip("not run, because the plan names no sample events (told by the scenario about their form)")
    if isinstance(samples, NotVerified):
        pytest.skip("not run, because the sample events cannot be read (told by the scenario about their form)")
    return samples


def _tell(title: str, samples: Checked, findings: list[Finding], observe: Observe) -> None:
    observe(title, observed={file: f"{count:,} events" for file, count in samples.totals.items()}, findings=findings)
    require_none(findings)
