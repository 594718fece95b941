"""Every event name the application sends against the meters that count it, byte for byte (checklist 2.2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import combinations
from typing import Any, Protocol

from pytest_flexprice.model.finding import Finding, Severity
from pytest_flexprice.model.meters import Meter
from pytest_flexprice.model.near_miss import NearMisses
from pytest_flexprice.model.prices import Price
from pytest_flexprice.model.values import trimmed
from pytest_flexprice.oracle.catalog.objects import Catalog

ITEM = "2.2"
_NAMED = 5
_IMMUTABLE = "an event name cannot be changed later: make a feature with a meter of exactly this name, or send the name that is there"


class Sent(Protocol):
    """One ``[[events]]`` of the plan; ``unbilled`` is the reason why it needs no meter."""

    @property
    def name(self) -> str:
        """The event name, exactly as sent."""

    @property
    def unbilled(self) -> str | None:
        """Why the event is not to be billed, or None."""


def metered(sent: Iterable[Sent], catalog: Catalog) -> list[Finding]:
    """Names that no published meter counts, that several count alike, and meters that nobody sends to."""
    names = list(sent)
    active = _active(catalog)
    near = NearMisses(active)
    retired = _retired(catalog)
    found: list[Finding] = []
    for one in names:
        name = trimmed(one.name)
        if name != one.name:
            found.append(_spaces(one.name))
        if one.unbilled:
            found += _unbilled(one, active.get(name, []))
        elif name not in active:
            found.append(_unmetered(name, retired, near))
        else:
            found += _counted_twice(name, active[name])
    wanted = {trimmed(one.name) for one in names}
    missing = {trimmed(one.name) for one in names if not one.unbilled} - active.keys()
    meant = {close[0] for name in missing if (close := near.of(name))}  # told already, as what the other name misses
    unsent = sorted(active.keys() - wanted - meant)
    return found + [_unsent(name, active[name], wanted) for name in unsent]


def priced(
    sent: Iterable[Sent], catalog: Catalog, now: datetime, signed_off: Callable[[], Catalog | None] = lambda: None
) -> list[Finding]:
    """Names that are counted, but that no price in force bills on any published plan.

    ``signed_off`` is asked only then: where the price is on a plan that is missing as a whole, item 2.1 tells the cause.
    """
    active = _active(catalog)
    prices: dict[str, list[Price]] = defaultdict(list)
    for _, plan in catalog.every_plan():
        for price in plan.prices:
            if price.usage and (price.meter is None or price.meter.published):
                prices[price.event_name].append(price)
    names = [trimmed(one.name) for one in sent if not one.unbilled]
    unpriced = [name for name in names if name in active and not any(price.in_force(now) for price in prices[name])]
    meant = signed_off() if unpriced else None
    lost = {key: plan for key, plan in meant.plans.items() if key not in catalog.plans} if meant else {}
    return [
        _lost(name, carried)
        if (carried := [key for key, plan in lost.items() if any(price.event_name == name for price in plan.prices)])
        and not prices[name]
        else _unpriced(name, prices[name], sorted(catalog.archived_plans))
        for name in unpriced
    ]


def _active(catalog: Catalog) -> dict[str, list[Meter]]:
    """Published meters by event name: those of published features, and those that have none (they count all the same)."""
    active: dict[str, dict[str, Meter]] = defaultdict(dict)
    for key, _, meter in catalog.metered():
        if meter.published:
            active[meter.event_name][meter.id or key] = meter
    for meter in catalog.loose_meters:
        if meter.published and (meter.event_name in active or _is_priced(meter, catalog)):
            active[meter.event_name][meter.id or meter.name] = meter
    return {name: list(meters.values()) for name, meters in active.items()}


def _is_priced(meter: Meter, catalog: Catalog) -> bool:
    return any(price.meter and price.meter.id == meter.id for _, plan in catalog.every_plan() for price in plan.prices)


def _retired(catalog: Catalog) -> dict[str, Meter]:
    meters = [feature.meter for feature in catalog.archived.values() if feature.meter]
    meters += [meter for _, _, meter in catalog.metered() if not meter.published]
    meters += [meter for meter in catalog.loose_meters if not meter.published]
    return {meter.event_name: meter for meter in meters}


def _unmetered(name: str, retired: dict[str, Meter], near: NearMisses) -> Finding:
    consequence = "such events are accepted with 202 and never billed"
    if name in retired:
        when = f" since {retired[name].changed}" if retired[name].changed else ""
        return _finding(
            f"events.{name}",
            f"event name '{name}' is sent, but its only meter is archived{when}",
            expected="published",
            observed=retired[name].status,
            consequence=consequence,
            remedy="make a feature with a new meter of this name",
        )
    close = near.of(name)
    if close is None:
        return _finding(
            f"events.{name}",
            f"event name '{name}' is sent, but no published meter has it",
            expected=name,
            consequence=consequence,
            remedy=_IMMUTABLE,
        )
    return _finding(
        f"events.{name}",
        f"event name '{name}' is sent, but the published meter is called '{close[0]}', which differs {close[1]}"
        f" (bytes {_bytes(name, close[0])})",
        expected=name,
        observed=close[0],
        consequence=consequence,
        remedy=_IMMUTABLE,
    )


def _bytes(left: str, right: str) -> str:
    """The bytes in which two names differ, from the first that does."""
    one, other = left.encode("utf-8", "surrogatepass"), right.encode("utf-8", "surrogatepass")
    same = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    shown = [part[same : same + 6].hex(" ") or "nothing" for part in (one, other)]
    return f"{shown[0]} against {shown[1]} at byte {same + 1}"


def _counted_twice(name: str, meters: Sequence[Meter]) -> list[Finding]:
    pairs = [(one, other) for one, other in combinations(meters, 2) if _overlap(one, other)]
    doubled = any(_kind(one) == _kind(other) for one, other in pairs)
    count = sum(any(one in pair for pair in pairs) for one in meters)
    return [
        _finding(
            f"events.{name}",
            f"event name '{name}' is counted by {count} published meters"
            + (" in the same way" if doubled else ", each in its own way"),
            expected=1,
            observed=count,
            consequence=f"one event may be billed {count} times",
            remedy="archive the meter that should not be there" if doubled else "check that each of them is meant",
            severity=Severity.ERROR if doubled else Severity.WARNING,
        )
        for _ in pairs[:1]
    ]


def _kind(meter: Meter) -> tuple[str, str, str]:
    return meter.aggregation.type, meter.aggregation.field, meter.aggregation.expression


def _overlap(one: Meter, other: Meter) -> bool:
    """Whether an event may pass the filters of both."""
    ours, theirs = one.allowed, other.allowed
    return all(set(ours[key]) & set(theirs[key]) for key in ours.keys() & theirs.keys())


def _unsent(name: str, meters: Sequence[Meter], wanted: set[str]) -> Finding:
    return _finding(
        f"meters.{name}",
        f"a published meter counts event name '{name}', which the application does not send{NearMisses(wanted).hint(name)}",
        observed=name,
        consequence="whatever is priced by it bills 0",
        remedy="list the event in the plan if the application sends it, or archive the meter",
        severity=Severity.WARNING,
    )


def _unbilled(one: Sent, meters: Sequence[Meter]) -> list[Finding]:
    if not meters:
        return []
    return [
        _finding(
            f"events.{one.name}",
            f"event name '{one.name}' is declared as not billed ({one.unbilled}), but a published meter counts it",
            consequence="it may be billed all the same",
            remedy="archive the meter or correct the plan",
            severity=Severity.WARNING,
        )
    ]


def _unpriced(name: str, prices: Sequence[Price], archived: Sequence[str]) -> Finding:
    starts = sorted(price.start for price in prices if price.start)
    later = f"; the first price starts on {starts[0]:%Y-%m-%d %H:%M} UTC" if starts and prices else ""
    if archived and not prices:
        later = f" (plans that are archived bill nothing: {', '.join(map(repr, archived[:_NAMED]))})"
    return _finding(
        f"events.{name}.price",
        f"event name '{name}' is counted, but no price in force on any plan bills it{later}",
        expected="a usage price in force",
        observed=None,
        consequence="its usage is free of charge for everybody",
        remedy="add a usage price on its meter to a plan",
    )


def _lost(name: str, plans: Sequence[str]) -> Finding:
    named = ", ".join(map(repr, plans[:_NAMED]))
    return _finding(
        f"events.{name}.price",
        f"event name '{name}' is counted and not billed, which follows from 2.1: {named} is missing or archived, and priced it",
        remedy="mend that first",
    )


def _spaces(name: str) -> Finding:
    return _finding(
        f"events.{name}",
        f"event name '{name}' has white space around it, which the server cuts off",
        consequence="it is counted all the same",
        remedy="send it without white space",
        severity=Severity.INFO,
    )


def _finding(path: str, problem: str, **details: Any) -> Finding:
    return Finding(ITEM, path, problem, **details)
