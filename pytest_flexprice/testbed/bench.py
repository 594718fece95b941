"""What every rung of the ladder works with: the testbed, the profile, the clock, and what is read once and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from pytest_flexprice.api import Flexprice
from pytest_flexprice.model.profile import Profile
from pytest_flexprice.testbed.customer import Testbed
from pytest_flexprice.testbed.sending import SendEvents
from pytest_flexprice.testbed.setting_up import TestPlan, find_test_plan, names_of_meters
from pytest_flexprice.testbed.waiting import Eventually
from pytest_flexprice.webhooks.processed import Processed

LONGEST_PACE = 5.0  # seconds


@dataclass
class Bench:
    """The tools of one ladder.

    Attributes:
        before_finalizing: is called right before an invoice is finalized.
        asked_early: says what the company's side knows of an invoice then, if it can be asked.
        lanes: how many plans are proved at once.
        landing: how many seconds events took to land lately.
    """

    profile: Profile
    testbed: Testbed
    send_events: SendEvents
    eventually: Eventually
    before_finalizing: Callable[[], None] = lambda: None
    asked_early: Callable[[str], Processed | None] = lambda invoice_id: None
    lanes: int = 1
    landing: float = 0.0

    @property
    def flexprice(self) -> Flexprice:
        """The client."""
        return self.testbed.flexprice

    @property
    def patience(self) -> float:
        """The factor on every deadline: an embedded Flexprice is quick, so a rehearsal need not wait as long."""
        return self.profile.patience

    @cached_property
    def test_plan(self) -> TestPlan:
        """The plan that test customers subscribe to, read once."""
        return find_test_plan(self.flexprice, self.profile)

    @cached_property
    def meter_names(self) -> Sequence[str]:
        """The event names that meters listen to, read once."""
        return names_of_meters(self.flexprice)

    def let_land(self) -> None:
        """Pause about as long as events take to land; a look before that is not worth its request."""
        self.eventually.pause(min(self.landing, LONGEST_PACE))

    def now(self) -> datetime:
        """The time, aware, UTC."""
        return self.eventually.now()

    def next_second(self) -> datetime:
        """Wait for the next whole second: usage stamped in the second of a cancel is not billed (contract 4.4)."""
        moment = self.now().replace(microsecond=0) + timedelta(seconds=1)
        self.eventually.until(moment)
        return moment
