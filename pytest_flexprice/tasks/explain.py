"""``--flexprice-explain 4.2``: what an item means, which scenarios prove it, what the plan says about it, what to do when it is red."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from gherkin.parser import Parser

from pytest_flexprice.model import golive_plan as plans
from pytest_flexprice.model.checklist import BY_ID, SECTIONS, Item, Level
from pytest_flexprice.model.finding import show
from pytest_flexprice.tasks.explanations import EXPLANATIONS
from pytest_flexprice.tasks.plan import plan_if_any

_PROOF = {
    "machine": "machines prove it",
    "partly": "machines prove a part of it, a person answers for the rest",
    "person": "a person answers for it",
}


@dataclass(frozen=True)
class Named:
    """A scenario as its feature file names it."""

    name: str
    tags: frozenset[str]
    steps: tuple[str, ...]

    @property
    def level(self) -> str:
        """The level it needs."""
        return next((level.word for level in Level if level.word in self.tags), Level.LINT.word)


def main(config: pytest.Config, item_id: str, features: Path) -> Iterator[str]:
    """The lines that explain an item.

    Raises:
        pytest.UsageError: there is no such item, or the plan that would be quoted cannot be read.
    """
    if item_id not in BY_ID:
        raise pytest.UsageError(
            f"--flexprice-explain {item_id}: there is no such item; expected one of {', '.join(BY_ID)}"
        )
    return explained(BY_ID[item_id], scenarios(features), plan_if_any(config))


def explained(item: Item, every: Iterable[Named], plan: plans.GoLivePlan | None) -> Iterator[str]:
    """The lines that explain an item."""
    words = EXPLANATIONS[item.id]
    yield f"{item.id} {item.title}  ({SECTIONS[item.section]})"
    yield f"  {words.meaning}"
    yield f"  Needs level {item.level.word}; {_PROOF[item.proof]}."
    yield f"  Reads:  {words.reads}"
    yield f"  Writes: {words.writes}"
    yield "  Scenarios:"
    for one in every:
        if item.tag in one.tags:
            yield f"    {one.name}  (@{one.level})"
            yield from (f"      {step}" for step in one.steps)
    if words.keys:
        yield f"  The plan{'' if plan else ' (there is none here)'}:"
        yield from (f"    {line}" for key in words.keys for line in said(plan, key, item))
    yield f"  When it is red: {words.red}"
    yield f'  To accept it as it is until a day: a table [[waivers]] with item = "{item.id}".'


def said(plan: plans.GoLivePlan | None, key: str, item: Item) -> Iterator[str]:
    """What the plan says under a key, for each environment where the key is an environment's."""
    if plan is None:
        yield key
        return
    if key == "attestations":
        own = [one for one in plan.attestations if one.item == item.id]
        yield from (f"attested by {one.by} ({one.role}) on {one.on}: {one.statement}" for one in own)
        if not own:
            yield f"attestations: none for {item.id}"
        return
    names = list(plan.environments) if key.startswith("environments.ENV") else [""]
    for name in names:
        path = key.replace("ENV", name)
        yield f"{path} = {_shown(_at(plan, path))}"


def _at(plan: plans.GoLivePlan, path: str) -> Any:
    value: Any = plan
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else getattr(value, part, None)
    return value


def _shown(value: Any) -> str:
    if value in (None, "", ()):
        return "not decided" if value is None else "nothing"
    if isinstance(value, tuple):
        names = [str(getattr(one, "name", None) or getattr(one, "path", None) or one) for one in value]
        return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    if isinstance(value, plans.PlanTable):
        return ", ".join(f"{name} {show(one)}" for name, one in value if one not in (None, ""))
    return show(value)


def scenarios(features: Path) -> list[Named]:
    """The packaged scenarios, in the order of their files."""
    found: list[Named] = []
    for file in sorted(features.glob("*.feature")):
        document: Any = Parser().parse(file.read_text(encoding="utf-8"))
        found += [_named(child["scenario"]) for child in document["feature"]["children"] if "scenario" in child]
    return found


def _named(scenario: Any) -> Named:
    steps = tuple(f"{step['keyword'].strip()} {step['text']}" for step in scenario["steps"])
    return Named(scenario["name"], frozenset(tag["name"].lstrip("@") for tag in scenario["tags"]), steps)
