"""The price proof: test customers of its own use every price to its end, step by step, and each preview must be exact (checklist 5.3).

Previews are not stored, and the subscriptions end without a bill. Every plan, currency and billing period under proof goes at the same
pace, so that what one waits for all wait for together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar

from pytest_flexprice.api import ApiError, WriteRefused, path_of
from pytest_flexprice.model.budget import Budget
from pytest_flexprice.model.decimals import QUANTITY_TOLERANCE, ZERO, decimal, difference, total
from pytest_flexprice.model.finding import Finding, NotVerified, Severity
from pytest_flexprice.model.meters import Event
from pytest_flexprice.model.times import Window, second
from pytest_flexprice.oracle.invoicing.findings import compare_invoice
from pytest_flexprice.oracle.invoicing.invoice import ExpectedInvoice, expected_invoice, line_usages
from pytest_flexprice.oracle.invoicing.subscription import BilledLine
from pytest_flexprice.oracle.proving.coverage import Billed, ProofRow, Trial, billed_amounts, gaps, ruled, table, trials
from pytest_flexprice.oracle.proving.steps import Step, body_of, roomiest, steps
from pytest_flexprice.oracle.proving.targets import Aim, aim, needs_of
from pytest_flexprice.testbed.customer import HEAD_START, Testbed, rfc3339
from pytest_flexprice.testbed.sending import MOST_PER_BULK
from pytest_flexprice.testbed.setting_up import Setup, TestPlan, set_up
from pytest_flexprice.testbed.waiting import Eventually, Waited

SECOND = timedelta(seconds=1)
FIRST, QUIET = 60.0, 20.0
EARLIER = timedelta(hours=49)
"""How long before now a subscription under proof starts: at any hour a whole day lies in it, and a part of the day before that one."""
LONGEST_GUESS = 5.0
LONGEST = 400.0  # seconds in all
SHORTEST = 30.0  # seconds, also on a busy machine that rehearses
MOST_LANES = 16  # as many connections as a client keeps
Given = TypeVar("Given")
Made = TypeVar("Made")


@dataclass
class Proving:
    """One plan under proof: its customer's subscription, what is to be tried, and what came of it."""

    label: str
    setup: Setup
    aim: Aim
    steps: Sequence[Step] = ()
    sent: list[Event] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    billed: Billed = field(default_factory=dict)
    done: int = 0
    ended: bool = False

    def take(self, index: int) -> list[Event]:
        """The events of all steps up to this one that were not sent yet; from now on they count as sent."""
        events = [event for step in self.steps[self.done : index + 1] for event in step.events]
        self.done = min(index + 1, len(self.steps))
        self.sent += events
        return events

    @property
    def expected(self) -> ExpectedInvoice:
        """The preview that everything sent so far leads to."""
        billed = self.setup.billed
        return expected_invoice(billed, line_usages(billed, self.setup.meters, self.sent), self.setup.allowances)

    def rows(self) -> list[ProofRow]:
        """The table of what was proved."""
        return table(self.aim, self.setup.billed.lines, self.trials)


@dataclass(frozen=True)
class Proved:
    """What the price proof showed of every plan: its tables, and the findings."""

    tables: dict[str, list[ProofRow]]
    findings: list[Finding]

    @property
    def words(self) -> str:
        """How much was proved, as a person says it."""
        rows = [row for table in self.tables.values() for row in table]
        exact = sum(row.state == "billed exactly" for row in rows)
        prices = len({(label, row.price) for label, table in self.tables.items() for row in table})
        return f"{exact} of {len(rows)} parts of {prices} prices are billed exactly"


@dataclass
class UsagePace:
    """How long usage took to arrive lately: the first look at a preview is worth its request only then."""

    guess: float = 0.0

    def learn(self, waited: Waited[Any]) -> None:
        """Look later next time where the first look came too early, else a little sooner."""
        later = self.guess + waited.seconds if waited.attempts > 1 else self.guess * 0.9
        self.guess = min(later, LONGEST_GUESS)


@dataclass(frozen=True)
class Prover:
    """Proves the prices of plans.

    ``patience`` is the factor on every deadline, ``shortest`` the least of them in seconds; ``where`` is the environment's table in the
    plan; so many plans as there are ``lanes`` are asked for at once.
    """

    testbed: Testbed
    eventually: Eventually
    budget: Budget
    patience: float = 1.0
    unproved: dict[str, str] = field(default_factory=dict)
    where: str = "environments.NAME"
    shortest: float = SHORTEST
    lanes: int = 1
    pace: UsagePace = field(default_factory=UsagePace)

    def prove(self, plans: Iterable[TestPlan]) -> Proved:
        """Send and preview, step by step, and end the subscriptions again.

        Raises:
            RequirementNotMet, NotVerified, ApiError: as the testbed and the client.
        """
        provings = self._spread(lambda numbered: self._begin(numbered[1], numbered[0]), [*enumerate(plans)])
        try:
            self._design(provings)
            for each, preview in zip(provings, self._spread(self._preview, provings), strict=True):
                self._judge(each, each.expected, preview)  # before anything was used
            self._climb(provings)
        finally:
            for each in provings:
                self._end(each)
        return Proved({each.label: each.rows() for each in provings}, self._findings(provings))

    def _spread(self, work: Callable[[Given], Made], of: Sequence[Given]) -> list[Made]:
        """Work on each of these, in as many lanes as there are."""
        lanes = min(self.lanes, len(of), MOST_LANES)
        if lanes <= 1:
            return [work(each) for each in of]
        with ThreadPoolExecutor(lanes) as pool:
            return list(pool.map(work, of))

    def _begin(self, plan: TestPlan, number: int) -> Proving:
        now = self.eventually.now()
        customer = self.testbed.customer(f"prices-{number}", now)
        early = HEAD_START if plan.billing_period in ("DAILY", "WEEKLY") else EARLIER
        setup = set_up(self.testbed, customer, plan, now, early)
        return Proving(plan.label, setup, aim(setup.billed, setup.meters, setup.allowances))

    def _design(self, provings: Sequence[Proving]) -> None:
        begins = max((each.setup.begins for each in provings), default=self.eventually.now())
        self.eventually.until(second(begins) + 3 * SECOND, "what the subscriptions under proof bill")
        meters = {each.label: each.setup.meters for each in provings}
        reached = needs_of({each.label: each.aim for each in provings}, meters, self.budget)
        for each in provings:
            each.aim = each.aim.within(self.budget, reached[each.label], reached[each.label])
            window = Window(second(each.setup.begins) + 2 * SECOND, second(self.eventually.now()))
            sizes = [meter.aggregation.bucket_size for meter in each.setup.meters]
            parts = roomiest(window, sizes, each.setup.billed.anchor)
            customer = each.setup.subscription.customer.external_id
            each.steps = steps(each.aim, each.setup.meters, parts, customer)

    def _climb(self, provings: Sequence[Proving]) -> None:
        """Step after step; where the server is so slow that all of them would take too long, fewer and larger ones."""
        left = list(range(max((len(each.steps) for each in provings), default=0)))
        began, number = self.eventually.clock(), len(left)
        while left and not all(each.ended for each in provings):
            index, at = left.pop(0), self.eventually.clock()
            living = [each for each in provings if not each.ended and each.done < len(each.steps)]
            self._step(living, index, f"step {index + 1} of {number} of the price proof")
            now = self.eventually.clock()
            room = LONGEST * self.patience - (now - began)
            left = thinned(left, int(room / max(now - at, 0.001)))

    def _step(self, provings: Sequence[Proving], index: int, what: str) -> None:
        events = [event for each in provings for event in each.take(index)]
        self._send(events)
        expected = {each.label: each.expected for each in provings}
        self.eventually.pause(self.pace.guess)
        met, waited = self.eventually.follow(
            what,
            lambda: dict(zip(expected, self._spread(self._preview, provings), strict=True)),
            lambda seen: all(_arrived(expected[label], preview) for label, preview in seen.items()),
            lambda seen: float(sum(_used(preview) for preview in seen.values())),
            first=max((FIRST + 2 * len(events)) * self.patience, self.shortest),
            quiet=max(QUIET * self.patience, self.shortest),
        )
        if met:
            self.pace.learn(waited)
        for each in provings:
            self._judge(each, expected[each.label], waited.value[each.label])
            each.ended = not met and not _arrived(expected[each.label], waited.value[each.label])

    def _send(self, events: Sequence[Event]) -> None:
        for start in range(0, len(events), MOST_PER_BULK):
            bodies = [body_of(event) for event in events[start : start + MOST_PER_BULK]]
            written = [{**body, "timestamp": rfc3339(body["timestamp"])} for body in bodies]
            self.testbed.flexprice.post("/v1/events/bulk", {"events": written}, idempotent=True)

    def _preview(self, each: Proving) -> dict[str, Any]:
        body = {"subscription_id": each.setup.subscription.id}
        return dict(self.testbed.flexprice.post("/v1/invoices/preview", body))

    def _judge(self, each: Proving, expected: ExpectedInvoice, preview: dict[str, Any]) -> None:
        found = compare_invoice(expected, preview, "5.3")
        wrong = [finding for finding in found if finding.severity is Severity.ERROR]
        each.trials += trials(expected, preview)
        for path, amounts in billed_amounts(expected, preview).items():
            each.billed.setdefault(path, []).extend(amounts)
        told = {finding.path for finding in each.findings}
        each.findings += [finding for finding in wrong if finding.path not in told]

    def _end(self, each: Proving) -> None:
        """Cancel at once and bill nothing: that is what leaving the invoice policy out means (contract 4.4)."""
        path = path_of("subscriptions", each.setup.subscription.id, "cancel")
        with suppress(ApiError, NotVerified, WriteRefused):  # clean-up cancels it too, and reads back whether it is
            self.testbed.flexprice.post(path, {"cancellation_type": "immediate"})

    def _unproved(self, setup: Setup) -> dict[str, str]:
        """Why a price need not be proved, by the name of its line; the plan may name its event instead."""
        events = {meter.id: meter.event_name for meter in setup.meters}
        named = {_name(line): self.unproved.get(events.get(line.meter_id, ""), "") for line in setup.billed.lines}
        return {**named, **self.unproved}

    def _findings(self, provings: Sequence[Proving]) -> list[Finding]:
        found: list[Finding] = []
        for each in provings:
            lines = each.setup.billed.lines
            own = [*each.setup.findings, *(ruled(finding, each.billed) for finding in each.findings)]
            own += gaps(each.rows(), each.trials, lines, self._unproved(each.setup), self.where)
            found += [_of_plan(finding, each.label) for finding in own] if len(provings) > 1 else own
        return found


def thinned(steps: Sequence[int], most: int) -> list[int]:
    """At most so many of some steps, evenly spread, the last one always among them."""
    if len(steps) <= most:
        return list(steps)
    size = max(most, 1)
    return [steps[(number + 1) * len(steps) // size - 1] for number in range(size)] if steps else []


def _name(line: BilledLine) -> str:
    return line.display_name or line.price.display_name or line.price.id


def _of_plan(finding: Finding, label: str) -> Finding:
    return replace(finding, path=f"{label}: {finding.path}", problem=f"plan {label}: {finding.problem}")


def _used(preview: dict[str, Any]) -> Any:
    return total(
        total((decimal(line.get("quantity"), ZERO), decimal(line.get("adjusted_entitlement_quantity"), ZERO)))
        for line in preview.get("line_items") or ()
        if line.get("meter_id")
    )


def _arrived(expected: ExpectedInvoice, preview: dict[str, Any]) -> bool:
    """Whether the preview knows of all the usage; what it makes of it is judged apart."""
    used = {str(line.get("price_id")): _used({"line_items": [line]}) for line in preview.get("line_items") or ()}
    return all(
        abs(difference(total((line.quantity, line.allowed or ZERO)), used.get(line.price_id, ZERO)))
        <= QUANTITY_TOLERANCE
        for line in expected.lines
        if line.kind == "usage" and not line.unverified
    )
