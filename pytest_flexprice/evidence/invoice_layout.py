"""An invoice beside its calculation, line by line, as an invoice reads (checklist 5.3 and 7.3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pytest_flexprice.model.decimals import if_number

_LINE = re.compile(r"(?P<quantity>\S+) → (?P<amount>\S+)(?: = (?P<formula>.+?))?(?: \(not verified: (?P<why>.+)\))?$")
_NAMES = ("line", "event", "meter_display_name", "display_name", "price_id")
_CUT = "…"


@dataclass(frozen=True)
class LayoutLine:
    """One line as one side has it; ``unverified`` says why its amount was not calculated."""

    name: str
    quantity: str
    amount: str
    formula: str = ""
    unverified: str = ""


@dataclass(frozen=True)
class LinePair:
    """A line as calculated and as billed; one of the two may be missing."""

    calculated: LayoutLine | None
    billed: LayoutLine | None

    @property
    def name(self) -> str:
        """What the calculation calls it."""
        return next(side.name for side in (self.calculated, self.billed) if side is not None)

    @property
    def also(self) -> str:
        """What the invoice calls it, where that is something else."""
        return self.billed.name if self.billed is not None and self.billed.name != self.name else ""

    @property
    def same_quantity(self) -> bool:
        """Whether both sides have the same quantity."""
        return _both(self, lambda line: line.quantity)

    @property
    def same(self) -> bool:
        """Whether both sides have the same quantity and amount."""
        return self.same_quantity and _both(self, lambda line: line.amount)

    @property
    def alone(self) -> bool:
        """Whether one side is missing."""
        return self.calculated is None or self.billed is None

    @property
    def differs(self) -> bool:
        """Whether both sides are there, were to be the same, and are not."""
        own, its = self.calculated, self.billed
        return own is not None and its is not None and not own.unverified and not self.same


@dataclass(frozen=True)
class InvoiceLayout:
    """An invoice: its lines, its sums on both sides, and what else is told of it."""

    pairs: list[LinePair]
    subtotal: tuple[str, str] = ("", "")
    total: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    unshown: str = ""
    layout: str = field(default="invoice", init=False)

    @property
    def same_subtotal(self) -> bool:
        """Whether both sides have the same subtotal, in the same currency."""
        (one, _, own), (other, _, its) = (each.partition(" ") for each in self.subtotal)
        return _equal(one, other) and own == its


def read(expected: Any, observed: Any) -> InvoiceLayout | None:
    """The invoice that an observation holds; None where it holds something else."""
    if isinstance(expected, list) and isinstance(observed, list):
        return _of_lists(expected, observed)
    if not (isinstance(expected, dict) and isinstance(observed, dict)) or "subtotal" not in expected:
        return None
    left, right = _told(expected.get("lines")), _told(observed.get("lines"))
    if left is None or right is None:
        return None
    facts = tuple((key, str(value)) for key, value in observed.items() if _is_fact(key, value))
    sums = (str(expected["subtotal"]), str(observed.get("subtotal") or ""))
    cut = _unshown(list(expected["lines"]), list(observed["lines"]))
    return InvoiceLayout(_paired(left, right), sums, str(observed.get("total") or ""), facts, cut)


def _of_lists(expected: list[Any], observed: list[Any]) -> InvoiceLayout | None:
    left, right = _listed(expected), _listed(observed)
    return InvoiceLayout(_paired(left, right), unshown=_unshown(expected, observed)) if left and right else None


def _is_fact(key: str, value: Any) -> bool:
    return key not in ("lines", "subtotal", "total") and isinstance(value, str) and value != ""


def _told(lines: Any) -> list[LayoutLine] | None:
    """Lines by name, each as ``quantity → amount = formula``; None where one is not."""
    if not isinstance(lines, dict):
        return None
    told = [(name, _LINE.match(text)) for name, text in lines.items() if name != _CUT and isinstance(text, str)]
    found = [
        LayoutLine(str(name), line["quantity"], line["amount"], line["formula"] or "", line["why"] or "")
        for name, line in told
        if line is not None
    ]
    return found if len(found) == len([name for name in lines if name != _CUT]) else None


def _listed(entries: list[Any]) -> list[LayoutLine]:
    """Lines that are objects with a name, a quantity and an amount; none at all where one is not."""
    found = [_entry(entry) for entry in entries if not _is_note(entry)]
    lines = [line for line in found if line is not None]
    return lines if len(lines) == len(found) else []


def _entry(entry: Any) -> LayoutLine | None:
    if not isinstance(entry, dict) or not {"quantity", "amount"} <= entry.keys():
        return None
    name = next((str(entry[key]) for key in _NAMES if entry.get(key)), "")
    formula, unverified = str(entry.get("formula") or ""), str(entry.get("not verified") or "")
    return LayoutLine(name, str(entry["quantity"]), str(entry["amount"]), formula, unverified) if name else None


def _is_note(entry: Any) -> bool:
    return isinstance(entry, str) and entry.startswith(_CUT)


def _unshown(*sides: list[Any]) -> str:
    return "Some lines are not shown." if any(_is_note(entry) for side in sides for entry in side) else ""


def _paired(left: list[LayoutLine], right: list[LayoutLine]) -> list[LinePair]:
    """The lines side by side: by name, else by what they say, else the last that are left on either side.

    A calculation names a line by its event, an invoice by its meter or by its price.
    """
    rest, found = list(right), dict[int, LayoutLine]()
    for alike in (_same_name, _same_figures):
        for number, line in enumerate(left):
            match = next((other for other in rest if number not in found and alike(line, other)), None)
            if match is not None:
                rest.remove(match)
                found[number] = match
    alone = [number for number in range(len(left)) if number not in found]
    if len(alone) == len(rest) == 1:
        found[alone[0]] = rest.pop()
    return [
        *(LinePair(line, found.get(number)) for number, line in enumerate(left)),
        *(LinePair(None, line) for line in rest),
    ]


def _same_name(one: LayoutLine, other: LayoutLine) -> bool:
    return one.name == other.name


def _same_figures(one: LayoutLine, other: LayoutLine) -> bool:
    return _equal(one.quantity, other.quantity) and _equal(one.amount, other.amount)


def _both(pair: LinePair, figure: Callable[[LayoutLine], str]) -> bool:
    return pair.calculated is not None and pair.billed is not None and _equal(*map(figure, _sides(pair)))


def _sides(pair: LinePair) -> Iterator[LayoutLine]:
    return (side for side in (pair.calculated, pair.billed) if side is not None)


def _equal(one: str, other: str) -> bool:
    """Whether two texts are the same figure, however many zeros it is written with."""
    number = if_number(one)
    return one == other or (number is not None and number == if_number(other))
