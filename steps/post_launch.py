"""Section 8: what people state."""

from __future__ import annotations

from datetime import UTC, datetime

from pytest_bdd import given, parsers, then

from pytest_flexprice.evidence.keeping import Observe
from pytest_flexprice.model.finding import require_none
from pytest_flexprice.model.golive_plan import Attestation, GoLivePlan
from pytest_flexprice.model.profile import Profile
from pytest_flexprice.oracle import attestations


@given(parsers.re(r"what the plan states about item (?P<item>8\.\d)"), target_fixture="stated")
def stated_about(item: str, plan: GoLivePlan) -> tuple[str, list[Attestation]]:
    return item, [statement for statement in plan.attestations if statement.item == item]


@then("the statement is signed, recent and made for this environment")
def statement_counts(
    stated: tuple[str, list[Attestation]], profile: Profile, plan: GoLivePlan, observe: Observe
) -> None:
    item, statements = stated
    own = {profile.name: profile.in_plan}  # a rehearsal stands for an environment of the plan, and speaks of that
    made = [one.model_copy(update={"environment": own.get(one.environment, one.environment)}) for one in statements]
    today, alone = datetime.now(UTC).date(), plan.one_environment
    findings = attestations.check(item, made, profile.in_plan, today, plan.folder, alone=alone)
    observe(
        "statements in the plan",
        expected="one that counts today",
        observed=[f"{each.by}, {each.role}, on {each.on}: {each.statement}" for each in statements] or "none",
        findings=findings,
    )
    require_none(findings)
