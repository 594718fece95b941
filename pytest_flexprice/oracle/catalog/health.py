"""What is wrong with a catalog by itself, whatever was signed off (checklist 2.1, 2.2; contract 2.1, 2.4, 2.6).

A clone carries such mistakes faithfully, so a comparison cannot see them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

from pytest_flexprice.model.decimals import words
from pytest_flexprice.model.finding import Finding, Severity
from pytest_flexprice.model.meters import Meter
from pytest_flexprice.model.near_miss import NearMisses
from pytest_flexprice.model.prices import Price
from pytest_flexprice.model.values import names_in, trimmed
from pytest_flexprice.oracle.catalog.matching import pair
from pytest_flexprice.oracle.catalog.objects import Catalog, Extras, Plan

TOP_LEVEL = ("source", "event_name", "event_id", "external_customer_id", "customer_id", "timestamp", "id")
"""Fields of an event beside its properties: a meter never sees them (contract 2.1, 3.5)."""
_IN_FORCE = "ACTIVE"
_NAMED = 5


class Declared(Protocol):
    """One ``[[events]]`` of the plan."""

    @property
    def name(self) -> str:
        """The event name."""

    @property
    def properties(self) -> Mapping[str, str]:
        """The type of each property."""


def prices_that_bill(catalog: Catalog, now: datetime) -> list[Finding]:
    """Prices in force that bill nothing, or not what they seem to."""
    return [
        finding
        for path, plan in catalog.every_plan()
        for one in pair(plan.prices, plan.prices, {})
        if one.observed is not None
        for finding in _price(
            f"{path}.prices.{one.label}", f"price '{one.label}' of plan '{plan.name}'", one.observed, now
        )
    ] + [finding for path, plan in catalog.every_plan() for finding in _allowances(path, plan)]


def _price(path: str, noun: str, price: Price, now: datetime) -> Iterator[Finding]:
    if price.billing_model == "TIERED" and not price.tier_mode:
        yield _finding(
            "2.1",
            f"{path}.tier_mode",
            f"{noun} is tiered and has no tier mode",
            expected="VOLUME or SLAB",
            consequence="it bills zero, whatever the tiers say",
            remedy="set the tier mode on the price",
        )
    if price.usage and price.meter is not None and not price.meter.published:
        yield _finding(
            "2.1",
            f"{path}.meter.status",
            f"{noun} bills event name '{price.event_name}', whose meter is {price.meter.status}"
            + (f" since {price.meter.changed}" if price.meter.changed else ""),
            expected="published",
            observed=price.meter.status,
            consequence="its events are accepted and soon no longer counted",
            remedy="make a price on a published meter, or end this price",
        )
    if price.usage and price.id and not price.feature:
        yield _warning(
            f"{path}.feature",
            f"{noun} hangs on a meter that no published feature has",
            "a clone of the environment loses the whole plan without a sign",
            "make a feature for the meter",
        )
    if price.start is not None and price.start > now:
        yield _warning(
            f"{path}.start_date",
            f"{noun} starts only on {price.start:%Y-%m-%d %H:%M} UTC",
            "what is used before that moment is not billed",
            "check that this is meant",
        )
    bounds = [tier.up_to for tier in price.tiers]
    for bound in sorted({one for one in bounds if bounds.count(one) > 1}, key=str):
        ends = "have no bound" if bound is None else f"end at {words(bound)}"
        yield _warning(
            f"{path}.tiers",
            f"{bounds.count(bound)} tiers of {noun} {ends}",
            "only one of them is ever used, and which one is left to chance",
            "give each tier a bound of its own, and leave the last one open",
        )
    if price.tier_mode == "SLAB" and price.tiers and price.tiers[-1].up_to is not None:
        yield _warning(
            f"{path}.tiers[{len(price.tiers) - 1}].up_to",
            f"the last tier of {noun} ends at {words(price.tiers[-1].up_to)}",
            "everything above it is free of charge",
            "leave the bound of the last tier open",
        )


def _allowances(path: str, plan: Plan) -> Iterator[Finding]:
    priced = {price.feature for price in plan.prices if price.usage}
    for key, one in plan.entitlements.items():
        if one.feature_type == "metered" and one.usage_limit is None and key in priced:
            yield _warning(
                f"{path}.entitlements.{key}.usage_limit",
                f"the entitlement to feature '{key}' of plan '{plan.name}' has no limit",
                "everything is free of charge although the plan has a price for it",
                "set a limit, or remove the entitlement",
            )


def meters_that_match(catalog: Catalog, events: Iterable[Declared]) -> list[Finding]:
    """Published meters that read or filter by properties which the application's events do not have."""
    declared = {trimmed(event.name): dict(event.properties) for event in events}
    return [
        finding
        for key, _, meter in catalog.metered()
        if meter.published
        for finding in _meter(f"features.{key}.meter", key, meter, declared.get(meter.event_name))
    ]


def _meter(path: str, key: str, meter: Meter, properties: Mapping[str, str] | None) -> Iterator[Finding]:
    for filtered in sorted(meter.allowed):
        if filtered in TOP_LEVEL and filtered not in (properties or {}):
            yield _finding(
                "2.2",
                f"{path}.filters.{filtered}",
                f"the meter of feature '{key}' filters by '{filtered}', which is a field of the event and none of its properties",
                consequence="a meter compares properties only, so no event ever matches and nothing is billed",
                remedy=f"send '{filtered}' as a property too, or make a meter without this filter",
            )
        elif properties and filtered not in properties:
            yield _absent(f"{path}.filters.{filtered}", key, meter, filtered, properties)
    reads = [*meter.properties, *names_in(meter.aggregation.expression)]
    for name in sorted(set(reads)):
        if properties and name not in properties:
            yield _absent(f"{path}.field", key, meter, name, properties)
        elif (
            properties
            and meter.aggregation.type != "COUNT_UNIQUE"
            and properties[name] in ("boolean", "object", "array")
        ):
            yield _finding(
                "2.2",
                f"{path}.field",
                f"the meter of feature '{key}' adds up property '{name}', which the plan declares as {properties[name]}",
                expected="number",
                observed=properties[name],
                consequence="every such event counts 0",
                remedy="send a number",
            )


def _absent(path: str, key: str, meter: Meter, name: str, properties: Mapping[str, str]) -> Finding:
    near = NearMisses(properties).hint(name)
    return _finding(
        "2.2",
        path,
        f"the meter of feature '{key}' reads property '{name}', which event '{meter.event_name}' does not have{near}",
        expected=name,
        observed=sorted(properties),
        consequence="such events read processed and count 0",
        remedy="send the property under exactly this name, or make a meter that reads what is sent",
    )


def unkeyed_plans(catalog: Catalog) -> list[Finding]:
    """Plans without a lookup key: they are there, but nothing can be compared or declared by key."""
    return [
        _warning(
            f"plans without key.{name}",
            f"plan '{name}' has no lookup key",
            "it cannot be declared by key, and every clone of the environment doubles it",
            "give it a lookup key",
        )
        for name in sorted(catalog.unkeyed_plans)
    ]


def taxes_of_nobody(extras: Extras) -> list[Finding]:
    """What it means that none of the tax rates is attached to anybody: a clone carries attachments no more than rates."""
    every = sorted((extras.tax_rates or {}).items())
    rates = [code for code, one in every if one.get("tax_rate_status", _IN_FORCE) == _IN_FORCE]
    return [
        _warning(
            "tax_rates",
            f"no tax rate is attached to a customer or subscription, although there are some ({', '.join(rates[:_NAMED])})",
            "invoices are sent without tax",
            "attach each to the customers who pay it, or archive the rates if tax is added elsewhere",
        )
        for _ in rates[:1]
    ]


def _finding(item: str, path: str, problem: str, **details: Any) -> Finding:
    return Finding(item, path, problem, **details)


def _warning(path: str, problem: str, consequence: str, remedy: str) -> Finding:
    return Finding("2.1", path, problem, consequence=consequence, remedy=remedy, severity=Severity.WARNING)
