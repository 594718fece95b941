"""The ladder of the smoke test: one customer's way from an accepted event to a finalized invoice.

Each rung is climbed once, by the first scenario that needs it; the first broken rung is the message, and what lies above it is
*not reached* (checklist sections 3, 5 and 7; the order is that of contract 8.1).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

from pytest_flexprice.api import ApiError
from pytest_flexprice.model.finding import Finding, Kind, NotVerified, RequirementNotMet
from pytest_flexprice.model.meters import Event
from pytest_flexprice.oracle.metering.attribution import Attribution
from pytest_flexprice.testbed import billing_rungs, event_rungs, usage_rungs
from pytest_flexprice.testbed.bench import Bench
from pytest_flexprice.testbed.billing_rungs import Draft, Finalized, Invoice
from pytest_flexprice.testbed.customer import TestSubscription
from pytest_flexprice.testbed.ladder import Climbed, Rung, Times
from pytest_flexprice.testbed.price_proof import Proved, Prover
from pytest_flexprice.testbed.setting_up import Setup, plans_to_prove, set_up, vendor_findings

Found = TypeVar("Found")


class NotReached(Exception):
    """A rung was not tried, because a lower one broke: neither met nor not met."""


class Smoke:
    """The ladder of one test customer: a method for each rung, which climbs all below it first; ``times`` of those that were tried.

    Each of them raises ``NotReached`` where a lower rung broke; the message says which, and that rung's own scenario how.
    """

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.times: dict[Rung, Times] = {}
        self._climbed: dict[Rung, Climbed[Any]] = {}

    def subscribed(self) -> Climbed[Setup]:
        """The test customer's subscription."""
        return self._once(Rung.SUBSCRIBED, partial(subscribe, self.bench))

    def accepted(self) -> Climbed[list[Event]]:
        """The events that were sent."""
        self._reach(self.subscribed(), Rung.SUBSCRIBED)
        if self._setup.archived:
            names = ", ".join(f"'{name}'" for name in self._setup.archived)
            raise NotReached(f"not reached, because the meter of {names} is archived (2.2)")
        return self._once(Rung.ACCEPTED, lambda: event_rungs.accept(self.bench, self._setup))

    def landed(self) -> Climbed[list[Attribution]]:
        """How far each event got."""
        self._reach(self.accepted(), Rung.ACCEPTED)
        return self._once(Rung.LANDED, lambda: event_rungs.land(self.bench, self._setup, self._sent))

    def mismatched(self) -> Climbed[Event]:
        """The mistyped control event."""
        self._reach(self.landed(), Rung.LANDED)
        return self._once(Rung.MISMATCHED, lambda: event_rungs.mismatch(self.bench, self._setup, self._sent))

    def metered(self) -> Climbed[None]:
        """The usage that three readers say."""
        self._reach(self.mismatched(), Rung.MISMATCHED)
        looks = self.landed().found
        return self._once(Rung.METERED, lambda: usage_rungs.meter(self.bench, self._setup, self._sent, looks))

    def repeated(self) -> Climbed[None]:
        """The usage after one event was sent again; only where that is allowed."""
        self._reach(self.metered(), Rung.METERED)
        looks = self.landed().found
        return self._once(Rung.REPEATED, lambda: usage_rungs.repeat(self.bench, self._setup, self._sent, looks))

    def neighbour(self) -> Climbed[list[Event]]:
        """What a second customer sent, of the same ids."""
        if usage_rungs.may_repeat(self.bench.profile):
            self._reach(self.repeated(), Rung.REPEATED)
        else:
            self._reach(self.metered(), Rung.METERED)
        return self._once(Rung.NEIGHBOUR, lambda: usage_rungs.neighbour(self.bench, self._setup, self._sent))

    def previewed(self) -> Climbed[Invoice]:
        """The preview of the invoice."""
        self._reach(self.neighbour(), Rung.NEIGHBOUR)
        others = self.neighbour().found
        return self._once(Rung.PREVIEWED, lambda: billing_rungs.preview(self.bench, self._setup, self._sent, others))

    def drafted(self) -> Climbed[Draft]:
        """The computed draft."""
        self._reach(self.previewed(), Rung.PREVIEWED)
        return self._once(Rung.DRAFTED, lambda: billing_rungs.draft(self.bench, self._setup, self._sent))

    def finalized(self) -> Climbed[Finalized]:
        """The finalized invoice."""
        self._reach(self.drafted(), Rung.DRAFTED)
        draft = self.drafted().found
        preview = self.previewed().found
        return self._once(
            Rung.FINALIZED, lambda: billing_rungs.finalize(self.bench, self._setup, self._sent, draft, preview)
        )

    def proved(self) -> Climbed[Proved]:
        """The price proof: beside the invoice, not above it."""
        self._reach(self.previewed(), Rung.PREVIEWED)
        return self._once(Rung.PROVED, partial(prove, self.bench))

    def subscription(self) -> TestSubscription:
        """The test customer's subscription.

        Raises:
            RequirementNotMet, NotVerified: it could not be made.
        """
        climbed = self.subscribed()
        if climbed.broken:
            raise RequirementNotMet(climbed.findings)
        return climbed.found.subscription

    @property
    def _setup(self) -> Setup:
        return self.subscribed().found

    @property
    def _sent(self) -> list[Event]:
        return self.accepted().found

    @staticmethod
    def _reach(climbed: Climbed[Any], rung: Rung) -> None:
        if climbed.broken:
            undecided = {each.kind for each in climbed.findings} == {Kind.NOT_DECIDED}
            raise NotReached(f"not reached, because {rung.words} {'is not decided' if undecided else 'broke first'}")

    def _once(self, rung: Rung, climb: Callable[[], Climbed[Found]]) -> Climbed[Found]:
        if rung not in self._climbed:
            began = self.bench.now()
            self._climbed[rung] = _tried(rung, climb)
            self.times[rung] = Times(began, self.bench.now(), self._climbed[rung].broken)
        return cast(Climbed[Found], self._climbed[rung])


def _tried(rung: Rung, climb: Callable[[], Climbed[Found]]) -> Climbed[Found]:
    try:
        return climb()
    except (RequirementNotMet, NotVerified) as error:
        return Climbed(findings=list(error.findings))
    except ApiError as error:
        path = f"{error.method} {error.path}"
        return Climbed(findings=[Finding("", path, f"{rung.words} failed: {str(error).rstrip('.')}")])


def subscribe(bench: Bench) -> Climbed[Setup]:
    """The test customer, subscribed to the test plan as every customer will be (checklist 7.1)."""
    unaccepted = vendor_findings(bench.flexprice, bench.profile)
    if unaccepted:
        return Climbed("no connected vendor that the plan does not accept", "vendors are connected", unaccepted)
    customer = bench.testbed.customer("test", bench.now())
    setup = set_up(bench.testbed, customer, bench.test_plan, bench.now())
    lines = [f"{line.display_name or line.price.id} from {line.start}" for line in setup.billed.lines]
    return Climbed(expected=f"lines of plan {setup.plan_key}", observed=lines, findings=setup.findings, data=setup)


def prove(bench: Bench) -> Climbed[Proved]:
    """Every part of every price under proof, billed exactly (checklist 5.3)."""
    own, name = bench.profile.environment, bench.profile.in_plan
    prover = Prover(
        bench.testbed,
        bench.eventually,
        bench.profile.budget,
        bench.patience,
        own.unproved,
        f"environments.{name}",
        lanes=bench.lanes,
    )
    proved = prover.prove(plans_to_prove(bench.flexprice, bench.profile, bench.test_plan))
    parts = {f"{label} · {row.price} · {row.part}": row.words for label, rows in proved.tables.items() for row in rows}
    return Climbed(dict.fromkeys(parts, "billed exactly"), parts, proved.findings, proved)
