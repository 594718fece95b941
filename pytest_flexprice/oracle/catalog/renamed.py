"""Plans that are there under another lookup key than the signed-off one: one mistake, not a plan that is missing and one too many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_flexprice.model.finding import Finding
from pytest_flexprice.model.near_miss import NearMisses, difference
from pytest_flexprice.oracle.catalog.differing import told
from pytest_flexprice.oracle.catalog.objects import Plan


def renamed(expected: Mapping[str, Plan], observed: Mapping[str, Plan]) -> dict[str, str]:
    """The lookup key under which each missing plan is there: one that is nearly the same, or of the only plan with its name.

    Only keys that nobody signed off stand for others, each for one.
    """
    extra = {key: plan for key, plan in observed.items() if key not in expected}
    near, found = NearMisses(extra), dict[str, str]()
    for key, plan in expected.items():
        if key in observed:
            continue
        close = near.of(key)
        other = close[0] if close else _only(name for name, one in extra.items() if one.name == plan.name)
        if other and other not in found.values():
            found[key] = other
    return found


def _only(names: Iterable[str]) -> str:
    found = list(names)
    return found[0] if len(found) == 1 else ""


def another_key(path: str, key: str, other: str, plan: Plan) -> Finding:
    """That a plan has another lookup key than it was signed off with."""
    how = difference(key, other)
    return told(
        f"{path}.lookup_key",
        f"plan '{plan.name}' has another lookup key than it was signed off with"
        + (f", differing {how}" if how else ""),
        expected=key,
        observed=other,
        consequence="whoever subscribes customers by its key does not find it",
        remedy="set the signed-off key on the plan, or sign the new one off with --flexprice-snapshot",
    )
