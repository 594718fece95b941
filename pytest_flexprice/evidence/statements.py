"""What people stated in the plan about an item, and whether it still counts: decisions, attestations, waivers.

The plan itself refuses placeholders; they are refused here too, so that no verdict rests on a name that is none.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pydantic import BaseModel

from pytest_flexprice.model.checklist import Item
from pytest_flexprice.model.statements import digest_in, is_placeholder, last_day, standing

if TYPE_CHECKING:
    from pytest_flexprice.model.golive_plan import GoLivePlan


class Statement(BaseModel):
    """Who said what and when; ``machine_part`` tells whether machines had something to look at beside it."""

    by: str
    on: date | None = None
    text: str = ""
    evidence: str = ""
    machine_part: bool = True

    @property
    def sentence(self) -> str:
        """The statement as it is shown."""
        day = f" on {self.on.isoformat()}" if self.on else ""
        return f"Stated by {self.by}{day}: {self.text.rstrip('.')}."


class AcceptedItem(BaseModel):
    """A waiver: who accepts that an item failed or could not be verified, why, and until which day."""

    reason: str
    owner: str
    approved_by: str
    until: date

    @property
    def sentence(self) -> str:
        """The waiver as it is shown."""
        people = f"owner {self.owner}, approved by {self.approved_by}"
        return f"Waived until {self.until.isoformat()}: {self.reason.rstrip('.')} ({people})."


def attestation_for(item: Item, plan: GoLivePlan | None, environment: str, today: date) -> Statement | None:
    """The newest attestation of the item that counts today in this environment."""
    if plan is None:
        return None
    mine = [one for one in plan.attestations if one.item == item.id]
    alone = plan.one_environment
    valid = [
        one
        for one in mine
        if standing(
            one,
            environment,
            today,
            lambda name: (plan.folder / name).exists(),
            alone=alone,
            digest=digest_in(plan.folder),
        ).counts
    ]
    if not valid:
        return None
    newest = max(valid, key=lambda one: one.on)
    who = f"{newest.by} ({newest.role})"
    return Statement(by=who, on=newest.on, text=newest.statement, evidence=newest.evidence, machine_part=False)


def statement_for(item: Item, plan: GoLivePlan, environment: str, today: date) -> Statement | None:
    """What the plan states about an item that is proved partly by a person; an attestation always counts."""
    if item.proof == "machine":
        return None
    attested = attestation_for(item, plan, environment, today)
    if attested is not None:
        attested.machine_part = item.proof == "partly" and _machines_had_a_part(item, plan, environment)
        return attested
    return _decided(item, plan, environment, today) if item.proof == "partly" else None


def waiver_for(item_id: str, plan: GoLivePlan | None, today: date) -> AcceptedItem | None:
    """The waiver of an item that still counts; its last day is ``until``."""
    valid = [one for one in _waivers(item_id, plan) if today <= one.until]
    return max(valid, key=lambda one: one.until) if valid else None


def ended_waiver(item_id: str, plan: GoLivePlan | None, today: date) -> date | None:
    """The last day of an item's newest waiver that counts no more."""
    return max((one.until for one in _waivers(item_id, plan) if one.until < today), default=None)


def _waivers(item_id: str, plan: GoLivePlan | None) -> list[AcceptedItem]:
    mine = [one for one in plan.waivers if one.item == item_id] if plan else []
    named = [one for one in mine if not any(map(is_placeholder, (one.reason, one.owner, one.approved_by)))]
    return [
        AcceptedItem(reason=one.reason, owner=one.owner, approved_by=one.approved_by, until=one.until) for one in named
    ]


def last_days(plan: GoLivePlan | None, environment: str) -> dict[str, date]:
    """The last day of each waiver and of each attestation that counts here, by what it is called in a sentence."""
    if plan is None:
        return {}
    waivers = {f"the waiver of {one.item}": one.until for one in plan.waivers}
    meant = {environment, ""} if plan.one_environment else {environment}
    own = [one for one in plan.attestations if one.environment in meant]
    spoken: dict[str, date] = {}
    for one in own:
        name, last = f"the statement about {one.item}", last_day(one)
        spoken[name] = max(last, spoken.get(name, last))
    return {**waivers, **spoken}


def _machines_had_a_part(item: Item, plan: GoLivePlan, environment: str) -> bool:
    own = plan.environments.get(environment)
    if item.id == "1.4":
        return bool(own and (own.old_keys or own.old_key_ids or own.scan))
    if item.id == "3.1":
        return any(event.samples for event in plan.events)
    return True


def _decided(item: Item, plan: GoLivePlan, environment: str, today: date) -> Statement | None:
    """The plan's own tables as a statement: what to look for (1.4, 3.1), or a decision with owner and date (5.1, 5.2)."""
    if item.id in ("1.4", "3.1"):
        return _named(item, plan, environment)
    invoicing = plan.for_environment(environment).invoicing
    if invoicing is None or not invoicing.decided_by or not invoicing.decided_on:
        return None
    if is_placeholder(invoicing.decided_by) or invoicing.decided_on > today:
        return None
    if invoicing.lacks_a_second_name:
        return None
    by = invoicing.decided_by + (f" and {invoicing.seconded_by}" if invoicing.seconded_by else "")
    text = "invoices are reviewed" if item.id == "5.1" else f"invoices are handled by {invoicing.collection}"
    return Statement(by=by, on=invoicing.decided_on, text=text)


def _named(item: Item, plan: GoLivePlan, environment: str) -> Statement | None:
    """What the plan names for machines to look for; of a development environment no old key has to be named."""
    own = plan.environments.get(environment)
    if _machines_had_a_part(item, plan, environment):
        text = f"the plan names {'its old keys' if item.id == '1.4' else 'the events it sends'}"
    elif item.id == "1.4" and own is not None and not own.production:
        text = "this is a development environment, where an old key bills nobody"
    else:
        return None
    return Statement(by=plan.company.name, text=text)
