"""Phases of a subscription: one after the other, each with prices of its own (contract 11.2; recording deals_phases).

The first phase's overrides are ignored: the subscription's own hold for it, and for it only; so are its coupons unless it
has lines of its own. The lines of all phases exist from the start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from ..kernel import errors
from ..kernel.tables import Row
from . import line_changes, line_items, overrides, promises
from .line_items import Origin
from .scope import Scope

Phase = Mapping[str, Any]


def check(phases: Sequence[Phase], start: datetime | None, end: datetime | None) -> None:
    """Refuse phases that do not follow each other from the subscription's start to its end."""
    for index, phase in enumerate(phases):
        if phase["end_date"] is not None and phase["end_date"] < phase["start_date"]:
            raise errors.validation("Ensure the phase end date is on or after the start date", {"phase_index": index})
    for index, (phase, following) in enumerate(pairwise(phases)):
        _check_joint(index, phase, following)
    first, last = phases[0]["start_date"], phases[-1]["end_date"]
    if start is not None and start != first:
        details = {"first_phase_start_date": first, "subscription_start_date": start}
        raise errors.validation("Ensure subscription start_date equals the first phase start_date", details)
    if end is not None and last is not None and end != last:
        details = {"subscription_end_date": end, "last_phase_end_date": last}
        raise errors.validation("Ensure subscription end_date equals the last phase end_date", details)


def _check_joint(index: int, phase: Phase, following: Phase) -> None:
    if phase["end_date"] is None:
        details = {"phase_index": index, "phase_start": phase["start_date"]}
        raise errors.validation(f"Phase at index {index} must have an end_date set", details)
    if phase["end_date"] != following["start_date"]:
        details = {
            "phase_index": index,
            "current_phase_end": phase["end_date"],
            "next_phase_index": index + 1,
            "next_phase_start": following["start_date"],
        }
        message = f"Phase {index} end_date must equal phase {index + 1} start_date for continuous phases"
        raise errors.validation(message, details)


def store(scope: Scope, row: Row, phase: Phase) -> Row:
    """Store a phase of a subscription."""
    return scope.insert(
        "subscription_phases",
        "phase",
        subscription_id=row["id"],
        start_date=phase["start_date"],
        end_date=phase["end_date"],
        metadata=phase["metadata"] or None,
    )


def open_later(scope: Scope, row: Row, plan: Row, prices: Sequence[Row], phases: Sequence[Phase]) -> None:
    """Store the phases after the first with their lines, overrides and coupons."""
    for given in phases[1:]:
        phase = store(scope, row, given)
        items = {}
        for price in prices:
            when = line_items.span(row, price, phase["start_date"], phase["end_date"])
            items[price["id"]] = line_items.add(
                scope, row, Origin.plan(plan), price, when, subscription_phase_id=phase["id"], _later_phase=True
            )
        overrides.apply(scope, row, given["override_line_items"] or [], items)
        items |= _own_lines(scope, row, phase, given)
        promises.attach_coupons(scope, row, given, items, phase=phase)


def complete_first(scope: Scope, row: Row, given: Phase) -> None:
    """Give the first phase its own lines, with its coupons if there are any."""
    phase = scope.find("subscription_phases", subscription_id=row["id"])[0]
    items = _own_lines(scope, row, phase, given)
    if items:
        promises.attach_coupons(scope, row, given, items, phase=phase)


def _own_lines(scope: Scope, row: Row, phase: Row, given: Phase) -> dict[str, Row]:
    """Lines that only a phase asks for, by price; one without a date begins with the phase."""
    items = [_own_line(scope, row, phase, line) for line in given["line_items"] or []]
    return {item["price_id"]: item for item in items}


def _own_line(scope: Scope, row: Row, phase: Row, line: Mapping[str, Any]) -> Row:
    start, end = line["start_date"] or phase["start_date"], phase["end_date"]
    if start < phase["start_date"]:
        details = {"start_date": start, "phase_start": phase["start_date"]}
        raise errors.validation("start_date must be on or after the phase's start date.", details)
    if end is not None and start > end:
        message = "start_date must be on or before the phase's end date when the phase has an end date."
        raise errors.validation(message, {"start_date": start, "phase_end": end})
    return line_changes.add(scope, row, {**line, "start_date": start, "subscription_phase_id": phase["id"]})
