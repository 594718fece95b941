"""The table of a price proof: price by part, billed exactly, billed wrongly or not reached (checklist 5.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

_BETWEEN = " · "
_CUT = "…"
_STATE = re.compile(r"(billed exactly|billed wrongly|not reached)(?:$| at (?P<at>.+)$| \((?P<why>.+?)\)?$)", re.DOTALL)


@dataclass(frozen=True)
class PricePart:
    """One part of one price: ``detail`` are the quantities it was billed at, or why it was not reached."""

    plan: str
    price: str
    part: str
    state: str
    detail: str


@dataclass(frozen=True)
class PriceTable:
    """All parts in the order of the proof; ``unshown`` says how many a long table leaves out."""

    parts: list[PricePart]
    unshown: str = ""
    layout: str = field(default="prices", init=False)

    @property
    def plans(self) -> list[tuple[str, list[tuple[str, list[PricePart]]]]]:
        """The parts by plan, and within it by price."""
        return [(plan, _by_price(list(own))) for plan, own in groupby(self.parts, lambda part: part.plan)]

    @property
    def counts(self) -> dict[str, int]:
        """How many parts are in each state, those that there are."""
        states = ("billed exactly", "billed wrongly", "not reached")
        counted = {state: sum(part.state == state for part in self.parts) for state in states}
        return {state: count for state, count in counted.items() if count}


def read(expected: Any, observed: Any) -> PriceTable | None:
    """The table that an observation holds; None where it holds something else."""
    if not isinstance(expected, dict) or not isinstance(observed, dict):
        return None
    parts = [_part(str(key), value) for key, value in observed.items() if key != _CUT]
    found = [part for part in parts if part is not None]
    return PriceTable(found, str(observed.get(_CUT, ""))) if found and len(found) == len(parts) else None


def _part(key: str, value: Any) -> PricePart | None:
    told = _STATE.match(value) if isinstance(value, str) else None
    rest, part = (key.rpartition(_BETWEEN))[::2]
    plan, between, price = rest.partition(_BETWEEN)
    if told is None or not between:
        return None
    return PricePart(plan, price, part, told[1], told["at"] or told["why"] or "")


def _by_price(parts: list[PricePart]) -> list[tuple[str, list[PricePart]]]:
    return [(price, list(own)) for price, own in groupby(parts, lambda part: part.price)]
