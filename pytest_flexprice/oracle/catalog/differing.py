"""Findings about single fields that differ from what was signed off (checklist 2.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from pytest_flexprice.model.finding import Finding, compared
from pytest_flexprice.oracle.catalog import words
from pytest_flexprice.oracle.catalog.words import FieldWords

ITEM = "2.1"


def field_findings(path: str, of: str, left: Any, right: Any, meanings: Mapping[str, FieldWords]) -> Iterator[Finding]:
    """A finding for each field in which two canonical rows differ; ``of`` names the object, ``meanings`` what a field costs."""
    default = meanings.get("", words.OTHER)
    for name in sorted({*left, *right}):
        ours, theirs = left.get(name), right.get(name)
        if ours == theirs or (name == "display_name" and not (ours and theirs)):  # a name that is not given is made up
            continue
        if name == "tiers":
            yield from _tiers(f"{path}.tiers", of, ours or [], theirs or [])
        else:
            yield differs(
                f"{path}.{name}", of, meanings.get(name, replace(default, noun=name.replace("_", " "))), ours, theirs
            )


def _tiers(path: str, of: str, left: list[dict[str, Any]], right: list[dict[str, Any]]) -> Iterator[Finding]:
    if len(left) != len(right):
        yield differs(path, of, words.PRICE["tiers"], _tier_words(left), _tier_words(right))
        return
    for index, (ours, theirs) in enumerate(zip(left, right, strict=True)):
        for name in ("up_to", "unit_amount", "flat_amount"):
            if ours.get(name) != theirs.get(name):
                values = [
                    "no bound" if name == "up_to" and one is None else one for one in (ours.get(name), theirs.get(name))
                ]
                yield differs(f"{path}[{index}].{name}", f"{index + 1} {of}", words.PRICE[name], *values)


def _tier_words(tiers: list[dict[str, Any]]) -> str:
    return f"{len(tiers)} tiers up to " + ", ".join(
        "the rest" if one["up_to"] is None else format(one["up_to"], "f") for one in tiers
    )


def differs(path: str, of: str, meaning: FieldWords, ours: Any, theirs: Any) -> Finding:
    """One field that differs from what was signed off."""
    return Finding(
        ITEM,
        path,
        f"{meaning.noun} {of} differs from what was signed off{_as_if_cents(path, ours, theirs)}",
        expected=compared(ours),
        observed=compared(theirs),
        consequence=meaning.consequence,
        remedy=meaning.remedy,
        severity=meaning.severity,
    )


def _as_if_cents(path: str, ours: Any, theirs: Any) -> str:
    """What an amount that is a hundred times another one, or a hundredth of it, was probably taken for."""
    if not path.endswith("amount") or not (
        isinstance(ours, Decimal) and isinstance(theirs, Decimal) and ours and theirs
    ):
        return ""
    if theirs == 100 * ours:
        return ", a hundred times as much, as if it were in cents"
    return ", a hundredth of it, as if cents had been meant" if ours == 100 * theirs else ""


def told(path: str, problem: str, **details: Any) -> Finding:
    """One finding of item 2.1."""
    return Finding(ITEM, path, problem, **details)


def unsigned(path: str, problem: str) -> Finding:
    """Something that is there although nobody signed it off."""
    return told(
        path,
        problem,
        consequence="customers may be billed, or let in, by what nobody reviewed",
        remedy="archive it, or sign it off with --flexprice-snapshot",
    )
