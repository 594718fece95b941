"""``--flexprice-missing``: what only people can say and nobody said, what ends soon, and who is to be asked; no network."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from pytest_flexprice.evidence.statements import statement_for
from pytest_flexprice.model.checklist import ITEMS, Item
from pytest_flexprice.model.golive_plan import Attestation, GoLivePlan
from pytest_flexprice.model.statements import SOON, last_day

_HOW = 'add [[attestations]] with item = "{item}", statement, by, role and on'


def missing(plan: GoLivePlan, environment: str, today: date) -> list[str]:
    """A line for each thing that a person has to say or say again, in the order of the checklist."""
    lines = [line for item in ITEMS if item.proof != "machine" for line in _of_item(item, plan, environment, today)]
    return [*lines, *_waivers(plan, today)]


def _of_item(item: Item, plan: GoLivePlan, environment: str, today: date) -> Iterator[str]:
    meant = {environment, ""} if plan.one_environment else {environment}
    own = [one for one in plan.attestations if one.item == item.id and one.environment in meant]
    newest = max(own, key=lambda one: one.on, default=None)
    stated = statement_for(item, plan, environment, today)
    unnamed = [one for one in plan.attestations if one.item == item.id and not one.environment]
    if stated is None and unnamed and not own:
        named = f'with environment = "{environment}", as the plan has several'
        yield f"{item.id} {item.title}: ask {unnamed[0].by} ({unnamed[0].role}) to state it {named}"
    elif stated is None:
        yield f"{item.id} {item.title}: nobody's statement counts today{_last(newest)}; {_HOW.format(item=item.id)}"
    elif newest is not None and last_day(newest) - today <= SOON:
        yield f"{item.id} {item.title}: {newest.by} ({newest.role}) is to be asked again before {last_day(newest)}"


def _last(newest: Attestation | None) -> str:
    if newest is None:
        return ""
    return f" (the last one is of {newest.by}, {newest.role}, of {newest.on}, good until {last_day(newest)})"


def _waivers(plan: GoLivePlan, today: date) -> Iterator[str]:
    for waiver in sorted(plan.waivers, key=lambda one: one.until):
        asked = f"ask {waiver.owner}, approved by {waiver.approved_by}"
        if waiver.until < today:
            yield f"{waiver.item}: its waiver ended on {waiver.until}; {asked}, or take it out"
        elif waiver.until - today <= SOON:
            yield f"{waiver.item}: its waiver ends on {waiver.until}; {asked}"
