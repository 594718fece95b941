"""Sample events against the meters that read them: filters that nothing passes, and properties of another type (checklist 3.1)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from pytest_flexprice.model.finding import Finding
from pytest_flexprice.model.golive_plan import EventKind
from pytest_flexprice.model.near_miss import NearMisses
from pytest_flexprice.model.values import printed, trimmed
from pytest_flexprice.oracle.samples.counts import NameCount
from pytest_flexprice.oracle.samples.rules import Reading

ITEM = "3.1"


def unmatched_filters(reading: Reading, key: str, values: Iterable[NameCount]) -> list[Finding]:
    """A meter's filter that no sample event passes, and values that do not pass only because of how the server prints them."""
    allowed = set((reading.filters or {}).get(key, ()))
    counts: dict[str, int] = defaultdict(int)
    odd: list[Finding] = []
    for one in values:
        value = json.loads(one.value)
        shown = "" if value is None else printed(value)
        counts[shown] += one.count
        if shown not in allowed and str(value) in allowed:
            odd.append(_misprinted(reading, key, one, shown))
    if set(counts) & allowed:
        return odd + [_nearly(reading, key, value, count, counts) for value, count in _near_misses(counts, allowed)]
    if not counts or odd:
        return odd
    seen = (
        ", ".join(f"'{value}'" for value in sorted(counts, key=lambda value: -counts[value])[:5] if value) or "nothing"
    )
    return [
        Finding(
            ITEM,
            f"samples.{reading.event}.{key}",
            f"no sample event '{reading.event}' passes the filter of its meter by '{key}'",
            expected=sorted(allowed),
            observed=seen,
            consequence="nothing is counted: values are compared letter by letter",
            remedy="send one of the values that the meter lists, or add yours to the meter",
        )
    ]


def _near_misses(counts: Mapping[str, int], allowed: set[str]) -> list[tuple[str, int]]:
    """Values that a meter does not list, and that are one of those it lists but for case, white space or the like."""
    near = NearMisses(allowed)
    missed = ((value, count) for value, count in sorted(counts.items()) if value and value not in allowed)
    return [(value, count) for value, count in missed if near.of(value, edits=False)]


def _nearly(reading: Reading, key: str, value: str, count: int, counts: Mapping[str, int]) -> Finding:
    allowed = (reading.filters or {}).get(key, ())
    return Finding(
        ITEM,
        f"samples.{reading.event}.{key}",
        f"{count:,} of {sum(counts.values()):,} events '{reading.event}' have '{value}' as '{key}', which the filter of the meter "
        f"does not let through{NearMisses(allowed).hint(value)}",
        expected=sorted(allowed),
        observed=value,
        consequence="they are not counted: values are compared letter by letter",
        remedy="send one of the values that the meter lists, or add yours to the meter",
    )


def unread(readings: Iterable[Reading], properties: Mapping[str, Sequence[str]]) -> set[str]:
    """Event names of whose samples no expression finds anything that it reads; ``properties`` are those of events that lack one."""
    some = {one.event for one in readings if set(one.fields) & set(properties.get(one.event, one.fields))}
    return {one.event for one in readings if one.expression and one.fields} - some


def declared_types(events: Iterable[EventKind], readings: Iterable[Reading]) -> list[Finding]:
    """Properties that the plan declares as something else than a number, and that a meter adds up or compares."""
    declared = {trimmed(event.name): event.properties for event in events}
    found = []
    for one in readings:
        for name in one.fields:
            kind = declared.get(one.event, {}).get(name, "number")
            if kind != "number" and one.aggregation != "COUNT_UNIQUE" and not one.expression:
                found.append(
                    Finding(
                        ITEM,
                        f"golive.toml: events.{one.event}.properties.{name}",
                        f"the plan declares property '{name}' of event '{one.event}' as {kind}, and its meter takes the "
                        f"{one.aggregation} of it",
                        expected="number",
                        observed=kind,
                        consequence="what is no number counts 0",
                        remedy="declare it as number, or let the meter read another property",
                    )
                )
    return list({finding.path: finding for finding in found}.values())


def _misprinted(reading: Reading, key: str, one: NameCount, shown: str) -> Finding:
    return Finding(
        ITEM,
        f"samples.{one.file}.{key}",
        f"'{key}' of {one.count:,} events '{reading.event}' in {one.file} is the JSON value {one.value}, "
        f"which the server prints as '{shown}'",
        expected=sorted((reading.filters or {}).get(key, ())),
        observed=shown,
        consequence="the meter's filter does not match, so such events are not counted",
        remedy="send it as text",
    )
