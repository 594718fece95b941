"""Steps for item 1.4: keys that must not work any more, and what is deployed with them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_bdd import given, then

from pytest_flexprice.api import Flexprice, Transport, WriteGuard
from pytest_flexprice.evidence.keeping import Observe
from pytest_flexprice.evidence.statements import attestation_for
from pytest_flexprice.model.checklist import BY_ID, Level
from pytest_flexprice.model.finding import Finding, Kind, require_none
from pytest_flexprice.model.golive_plan import GoLivePlan
from pytest_flexprice.model.profile import Profile
from pytest_flexprice.oracle import access, revoked


@given("the old keys that the plan names", target_fixture="old_keys")
def old_keys(profile: Profile, plan: GoLivePlan) -> dict[str, str | None]:
    attested = attestation_for(BY_ID["1.4"], plan, profile.name, datetime.now(UTC).date()) is not None
    own = profile.environment
    if own.production:
        require_none(revoked.undeclared_old_keys(own, profile.in_plan, attested))
    return {name: profile.variable(name) for name in profile.environment.old_keys}


@then("none of them authenticates any more")
def old_keys_are_dead(old_keys: dict[str, str | None], profile: Profile, observe: Observe) -> None:
    tried = [revoked.OldKey(name, _shown(value), _status(profile.base_url, value)) for name, value in old_keys.items()]
    findings = revoked.living_old_keys(tried)
    observe(
        "old keys",
        expected=dict.fromkeys(old_keys, 401),
        observed={key.variable: key.status for key in tried},
        findings=findings,
    )
    require_none(findings)


@then("none of them is listed in this environment")
def old_keys_are_not_listed(read_keys: Callable[[], list[Any]], profile: Profile, observe: Observe) -> None:
    declared = profile.environment.old_key_ids
    listed = read_keys() if declared else []
    findings = revoked.listed_old_keys(listed, declared)
    observe("keys declared revoked", expected=list(declared), observed=[key["id"] for key in listed], findings=findings)
    require_none(findings)


@then("no deployed configuration holds one of them, or the id of another environment")
def configuration_is_clean(
    old_keys: dict[str, str | None], profile: Profile, plan: GoLivePlan, observe: Observe
) -> None:
    foreign = {
        environment.environment_id: name
        for name, environment in plan.environments.items()
        if environment.environment_id and environment.environment_id != profile.environment_id
    }
    values = {name: value for name, value in old_keys.items() if value}
    findings, files = [], 0
    for path in _files(plan, profile.environment.scan):
        files += 1
        text = path.read_text(encoding="utf-8", errors="replace")
        findings += revoked.scan_text(path, text, values, profile.api_key, foreign)
    observe("deployed configuration", expected="no old key", observed=f"{files} files read", findings=findings)
    require_none(findings)


def _shown(value: str | None) -> str:
    return access.display_id(value) if value else ""


def _status(base_url: str, key: str | None) -> int | None:
    if key is None:
        return None
    client = Flexprice(Transport(base_url, {"x-api-key": key}), WriteGuard(Level.READ, production=True))
    try:
        return client.request("GET", "/v1/users/me").status
    finally:
        client.close()


def _files(plan: GoLivePlan, patterns: tuple[str, ...]) -> list[Path]:
    found: list[Path] = []
    for path in plan.files(*patterns):
        if path.is_dir():
            found += sorted(each for each in path.rglob("*") if each.is_file() and each.stat().st_size < 5_000_000)
        elif path.is_file():
            found.append(path)
        else:
            require_none(
                [
                    Finding(
                        "1.4",
                        str(path),
                        f"{path} is named in scan, but there is no such file or folder",
                        remedy="correct its name in the plan",
                        kind=Kind.NOT_VERIFIED,
                    )
                ]
            )
    return found
