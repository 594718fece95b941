"""What of a plan's prices is to be reached, and what a budget of events and money allows of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pytest_flexprice.model.budget import Budget
from pytest_flexprice.model.decimals import places, words
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.model.meters import Meter
from pytest_flexprice.oracle.invoicing.subscription import BilledLine, BilledSubscription
from pytest_flexprice.oracle.metering.reaching import counts
from pytest_flexprice.oracle.pricing.allowances import Allowance
from pytest_flexprice.oracle.pricing.points import FINE, WHOLE, Point, Subject, points


@dataclass(frozen=True)
class ProofTarget:
    """A point of one line's price; ``reason`` says why it is not tried, and is empty where it is."""

    line_id: str
    meter_id: str
    point: Point
    reason: str = ""


@dataclass(frozen=True)
class Aim:
    """All that one subscription's price list says: the subject of each usage line, the targets, and what cannot be told."""

    subjects: Mapping[str, Subject]
    targets: tuple[ProofTarget, ...]
    unknown: Mapping[str, str]

    def within(self, budget: Budget, counting: Iterable[str], quantities: Mapping[str, Sequence[Decimal]]) -> Aim:
        """The same with the reason why a target is beyond the budget; ``quantities`` are what the budget's events reach, by meter."""
        counted = set(counting)
        targets = tuple(_judged(self, each, budget, counted, quantities) for each in self.targets)
        return Aim(self.subjects, targets, self.unknown)


def aim(subscription: BilledSubscription, meters: Iterable[Meter], allowances: Mapping[str, Allowance]) -> Aim:
    """What a subscription's price list wants to be tried."""
    known = {meter.id: meter for meter in meters}
    subjects: dict[str, Subject] = {}
    targets: list[ProofTarget] = []
    unknown: dict[str, str] = {}
    for line in subscription.lines:
        if not line.is_usage:
            continue
        try:
            subject = _subject(subscription, line, known[line.meter_id], allowances.get(line.meter_id))
            targets += [ProofTarget(line.id, line.meter_id, point) for point in points(subject)]
        except NotVerified as reason:
            unknown[line.id] = reason.findings[0].problem.removeprefix("not verified: ")
        else:
            subjects[line.id] = subject
    return Aim(subjects, tuple(targets), unknown)


def _subject(subscription: BilledSubscription, line: BilledLine, meter: Meter, allowance: Allowance | None) -> Subject:
    # A mean of doubles and an expression's value hit a bound exactly only by whole numbers.
    rough = counts(meter) or meter.aggregation.type == "AVG" or bool(meter.aggregation.expression)
    return Subject(
        line.price,
        allowance.limit if allowance else None,
        allowance is not None and allowance.limit is None,
        subscription.currency,
        WHOLE if rough else FINE,
    )


def _judged(
    aim: Aim, target: ProofTarget, budget: Budget, counted: set[str], reached: Mapping[str, Sequence[Decimal]]
) -> ProofTarget:
    used, subject = target.point.used, aim.subjects[target.line_id]
    amount = Decimal(0) if subject.unlimited else subject.line(used).amount
    if amount > budget.amount.scaleb(2 - min(places(subject.currency), 2)):
        return ProofTarget(
            target.line_id, target.meter_id, target.point, f"would bill {words(amount)} {subject.currency}"
        )
    if target.meter_id in counted and used not in reached.get(target.meter_id, ()):
        return ProofTarget(target.line_id, target.meter_id, target.point, f"needs {used:,.0f} events")
    return target


def shared_events(needs: Mapping[str, Iterable[Decimal]], events: int) -> dict[str, list[Decimal]]:
    """What counting meters can reach of the quantities they need with so many events in all, the smallest first."""
    level = dict.fromkeys(needs, Decimal(0))
    found: dict[str, list[Decimal]] = {key: [] for key in needs}
    left = Decimal(events)
    for quantity, key in sorted((quantity, key) for key, wanted in needs.items() for quantity in set(wanted)):
        if quantity - level[key] <= left:
            left -= quantity - level[key]
            level[key] = quantity
            found[key].append(quantity)
    return found


def needs_of(
    aims: Mapping[str, Aim], meters: Mapping[str, Iterable[Meter]], budget: Budget
) -> dict[str, dict[str, list[Decimal]]]:
    """What the counting meters of several proofs can reach together, by proof and meter."""
    wanted = {f"{key} {meter_id}": found for key, meter_id, found in _wanted(aims, meters, budget)}
    shared = shared_events(wanted, budget.events)
    return {key: {one.id: shared.get(f"{key} {one.id}", []) for one in meters[key] if counts(one)} for key in aims}


def _wanted(
    aims: Mapping[str, Aim], meters: Mapping[str, Iterable[Meter]], budget: Budget
) -> Iterator[tuple[str, str, list[Decimal]]]:
    for key, one in aims.items():
        for meter in meters[key]:
            if counts(meter):
                yield (
                    key,
                    meter.id,
                    [
                        target.point.used
                        for target in one.targets
                        if target.meter_id == meter.id and not _judged(one, target, budget, set(), {}).reason
                    ],
                )
