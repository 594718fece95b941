"""The ladder of the smoke test: one customer's way from an accepted event to a finalized invoice.

Each rung is climbed once, by the first scenario that needs it; the first broken rung is the message, and what lies above it is
*not reached* (checklist sections 3, 5 and 7; the order is that of contract 8.1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from pytest_flexprice.api import ApiError
from pytest_flexprice.model.finding import Finding, NotVerified, RequirementNotMet, Severity
from pytest_flexprice.run.profile import Profile
from pytest_flexprice.testbed import billing_rungs, usage_rungs
from pytest_flexprice.testbed.customer import Testbed, TestCustomer, TestSubscription
from pytest_flexprice.testbed.ladder import Climbed, Rung
from pytest_flexprice.testbed.price_proof import Prover
from pytest_flexprice.testbed.sending import SendEvents
from pytest_flexprice.testbed.setting_up import (
    Setup,
    TestPlan,
    find_test_plan,
    names_of_meters,
    plans_to_prove,
    set_up,
    vendor_findings,
)
from pytest_flexprice.testbed.waiting import Eventually


class NotReached(Exception):
    """A rung was not tried, because a lower one broke: neither met nor not met."""


class Smoke:
    """The ladder of one test customer. ``climb`` is all that steps use."""

    def __init__(
        self,
        profile: Profile,
        testbed: Testbed,
        send_events: SendEvents,
        eventually: Eventually,
        before_finalizing: Callable[[], None] = lambda: None,
    ) -> None:
        self.profile = profile
        self.testbed = testbed
        self.send_events = send_events
        self.eventually = eventually
        self.before_finalizing = before_finalizing
        self._climbed: dict[Rung, Climbed] = {}

    def climb(self, rung: Rung) -> Climbed:
        """What a rung shows, climbing all below it first.

        Raises:
            NotReached: a lower rung broke; the message says which and how.
        """
        for each in rung.needs:
            climbed = self._once(each)
            if climbed.broken:
                first = next(one for one in climbed.findings if one.severity is Severity.ERROR)
                raise NotReached(f"not reached, because {each.words} broke first: {first.sentence}")
            if each is Rung.SUBSCRIBED and self.setup.archived:
                names = ", ".join(f"'{name}'" for name in self.setup.archived)
                raise NotReached(f"not reached, because the meter of {names} is archived (2.2)")
        return self._once(rung)

    def _once(self, rung: Rung) -> Climbed:
        if rung not in self._climbed:
            self._climbed[rung] = self._try(rung)
        return self._climbed[rung]

    def subscription(self) -> TestSubscription:
        """The test customer's subscription.

        Raises:
            RequirementNotMet, NotVerified: it could not be made.
        """
        climbed = self.climb(Rung.SUBSCRIBED)
        if climbed.broken:
            raise RequirementNotMet(climbed.findings)
        return self.setup.subscription

    @property
    def customer(self) -> TestCustomer:
        """The test customer."""
        return self.setup.subscription.customer

    @property
    def setup(self) -> Setup:
        """The subscription with everything that meters and prices it."""
        setup = self._climbed[Rung.SUBSCRIBED].data
        assert isinstance(setup, Setup)
        return setup

    @cached_property
    def test_plan(self) -> TestPlan:
        """The plan that test customers subscribe to, read once."""
        return find_test_plan(self.testbed.flexprice, self.profile)

    @cached_property
    def meter_names(self) -> Sequence[str]:
        """The event names that meters listen to, read once."""
        return names_of_meters(self.testbed.flexprice)

    def of(self, rung: Rung) -> Any:
        """What a rung that was climbed left for those above it."""
        return self._climbed[rung].data

    @property
    def patience(self) -> float:
        """The factor on every deadline: an embedded Flexprice is quick, so a rehearsal need not wait as long."""
        return self.profile.patience

    def now(self) -> datetime:
        """The time, aware, UTC."""
        return datetime.now(UTC)

    def wait_until(self, moment: datetime) -> None:
        """Let the clock reach a moment."""
        while (left := (moment - self.now()).total_seconds()) > 0:
            self.eventually.pause(min(left, 1.0))

    def next_second(self) -> datetime:
        """Wait for the next whole second: usage stamped in the second of a cancel is not billed (contract 4.4)."""
        moment = self.now().replace(microsecond=0) + timedelta(seconds=1)
        self.wait_until(moment)
        return moment

    def _try(self, rung: Rung) -> Climbed:
        try:
            return _CLIMBERS[rung](self)
        except (RequirementNotMet, NotVerified) as error:
            return Climbed(findings=list(error.findings))
        except ApiError as error:
            path = f"{error.method} {error.path}"
            return Climbed(findings=[Finding("", path, f"{rung.words} failed: {str(error).rstrip('.')}")])


def _subscribe(smoke: Smoke) -> Climbed:
    unaccepted = vendor_findings(smoke.testbed.flexprice, smoke.profile)
    if unaccepted:
        return Climbed("no connected vendor that the plan does not accept", "vendors are connected", unaccepted)
    customer = smoke.testbed.customer("test", smoke.now())
    setup = set_up(smoke.testbed, customer, smoke.test_plan, smoke.now())
    lines = [f"{line.display_name or line.price.id} from {line.start}" for line in setup.billed.lines]
    return Climbed(expected=f"lines of plan {setup.plan_key}", observed=lines, findings=setup.findings, data=setup)


def _prove(smoke: Smoke) -> Climbed:
    own, name = smoke.profile.environment, smoke.profile.name
    prover = Prover(
        smoke.testbed, smoke.eventually, smoke.profile.budget, smoke.patience, own.unproved, f"environments.{name}"
    )
    proved = prover.prove(plans_to_prove(smoke.testbed.flexprice, smoke.profile, smoke.test_plan))
    parts = {f"{label} · {row.price} · {row.part}": row.words for label, rows in proved.tables.items() for row in rows}
    return Climbed(dict.fromkeys(parts, "billed exactly"), parts, proved.findings, proved)


_CLIMBERS: dict[Rung, Callable[[Smoke], Climbed]] = {
    Rung.SUBSCRIBED: _subscribe,
    Rung.ACCEPTED: usage_rungs.accept,
    Rung.LANDED: usage_rungs.land,
    Rung.MISMATCHED: usage_rungs.mismatch,
    Rung.METERED: usage_rungs.meter,
    Rung.REPEATED: usage_rungs.repeat,
    Rung.NEIGHBOUR: usage_rungs.neighbour,
    Rung.PREVIEWED: billing_rungs.preview,
    Rung.DRAFTED: billing_rungs.draft,
    Rung.FINALIZED: billing_rungs.finalize,
    Rung.PROVED: _prove,
}
