"""The rungs of single events: accepted, landed with their exact quantity, and a mistyped one that never counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from pytest_flexprice.model.finding import Finding, Kind
from pytest_flexprice.model.grouping import Told, first_of_each
from pytest_flexprice.model.meters import Event
from pytest_flexprice.model.times import Window, second
from pytest_flexprice.oracle.metering.designing import design, near_miss_name, stamper
from pytest_flexprice.oracle.metering.probing import controls, edges
from pytest_flexprice.oracle.proving.steps import body_of
from pytest_flexprice.testbed.bench import Bench
from pytest_flexprice.testbed.customer import rfc3339
from pytest_flexprice.testbed.ladder import Climbed
from pytest_flexprice.testbed.landing import LANDING, SECOND, SHORTEST_LANDING, land, look_up, looked_up
from pytest_flexprice.testbed.setting_up import Setup

__all__ = ["accept", "land", "looked_up", "mismatch"]


def accept(bench: Bench, setup: Setup) -> Climbed[list[Event]]:
    """Send the designed events, a whole second after every line's start and not in the future (contract 3.8)."""
    first = second(setup.begins) + 2 * SECOND
    bench.eventually.until(first + SECOND, "what the test subscription bills")
    stamp = stamper(first, second(bench.now()))
    bodies = design(
        setup.billed,
        setup.meters,
        setup.allowances,
        external_id=setup.subscription.customer.external_id,
        prefix=f"{bench.testbed.run_id}-{bench.testbed.worker}",
        stamp=stamp,
        most=bench.profile.budget.events // 2,
    )
    answered = bench.send_events(bodies)
    events = [_event(body) for body in bodies]
    findings = []
    if answered is not None:
        known = {each.event_id for each in answered}
        findings = first_of_each(
            Told("", event.id, Finding("7.1", f"events.{event.id}", f"event '{event.id}' was sent, but not accepted"))
            for event in events
            if event.id not in known
        )
    observed = (
        [f"{each.event_id} ({each.path})" for each in answered]
        if answered is not None
        else "sent by the company's own pipeline"
    )
    shown = looked_up(events)
    expected = [f"{event.id}: {event.name} at {rfc3339(event.timestamp)} {dict(event.properties)}" for event in shown]
    return Climbed(expected, observed, findings, events)


def _event(body: dict[str, Any]) -> Event:
    return Event.from_api({**body, "timestamp": rfc3339(body["timestamp"])})


def _zoned(moment: datetime) -> str:
    """A time as its own clock shows it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def mismatch(bench: Bench, setup: Setup, sent: list[Event]) -> Climbed[Event]:
    """A control event with a near-miss name: accepted, not metered, and the team can see why (checklist 3.3).

    Events that do not pass the filters of meters, and some at the bounds of what is billed, go before it and are added to ``sent``;
    whether they count as they must the readers of usage tell (checklist 7.2).
    """
    model, prefix = sent[0], f"{bench.testbed.run_id}-{bench.testbed.worker}"
    name = near_miss_name(model.name, bench.meter_names)
    control = replace(model, id=f"{prefix}-mistyped", name=name)
    billed = Window(setup.billed.start, setup.billed.period.end)
    probes = [*controls(setup.meters, model, prefix), *edges(setup.meters, sent, billed, setup.begins, prefix)]
    bodies = [{**body_of(event), "timestamp": _zoned(event.timestamp)} for event in (*probes, control)]
    bench.flexprice.post("/v1/events/bulk", {"events": bodies}, idempotent=True)
    sent.extend(probes)
    bench.let_land()
    _, waited = bench.eventually.poll(
        "the mistyped control event to show up",
        lambda: look_up(bench, setup, control)[0],
        lambda look: look.settled,
        max(LANDING * bench.patience, SHORTEST_LANDING),
    )
    look = waited.value
    path, findings = f"events.{control.id}", []
    if look.settled and look.finding is None:
        findings = [
            Finding(
                "3.3",
                path,
                f"an event called '{name}' is billed, although the application sends '{model.name}'",
                consequence="usage is counted that nobody declared",
                remedy=f"find the meter that listens to '{name}'",
            )
        ]
    elif not look.settled:
        findings = [Finding("3.3", path, f"not verified: {look.sentence}", kind=Kind.NOT_VERIFIED)]
    return Climbed(f"'{name}' is accepted with 202 and never billed", look.sentence, findings, control)
