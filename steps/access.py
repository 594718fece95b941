"""Section 1: environment and API access."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import pytest
from pytest_bdd import given, then, when

from pytest_flexprice.api import ApiError, Flexprice
from pytest_flexprice.api.server_time import read_server_time
from pytest_flexprice.evidence.facts import ENDS
from pytest_flexprice.evidence.keeping import Observe
from pytest_flexprice.model.finding import Finding, Kind, NotVerified, require_none
from pytest_flexprice.model.profile import Profile
from pytest_flexprice.model.times import instant
from pytest_flexprice.oracle import access
from pytest_flexprice.run.profile import normalised
from pytest_flexprice.testbed.proof import belonging

READS = {
    "environments": "/v1/environments",
    "customers": "/v1/customers",
    "plans": "/v1/plans",
    "features": "/v1/features",
    "subscriptions": "/v1/subscriptions",
    "invoices": "/v1/invoices",
    "settings": "/v1/settings/subscription_config",
    "keys": "/v1/secrets/api/keys",
}
WRITES = {"customers": "/v1/customers", "events": "/v1/events"}
Keys = Callable[[], list[Any]]


@pytest.fixture(scope="session")
def read_keys(flexprice: Flexprice) -> Keys:
    """The API keys of this environment, read when the first scenario needs them; whoever may not read them is refused each time."""
    return lru_cache(maxsize=1)(lambda: list(flexprice.list(READS["keys"])))


@given("the environment that Flexprice shows for the key", target_fixture="seen")
def environment_of_the_key(flexprice: Flexprice) -> access.Belonging:
    return belonging(flexprice)


@then("it is the environment that the plan declares")
def is_the_declared_environment(seen: access.Belonging, read_keys: Keys, profile: Profile, observe: Observe) -> None:
    declared = profile.environment
    findings = access.wrong_environment(seen, declared, profile.environment_header)
    findings = findings or access.undeclared_environment(declared, profile.in_plan, seen)
    if declared.production and not findings:
        findings = access.named_for_another(_own_keys(read_keys, profile))
    observe(
        "environment of the key",
        expected={"environment_id": declared.environment_id or "(the plan names none)", "type": declared.type},
        observed={"environment_id": seen.environment_id, "type": seen.type, "read from": seen.source},
        findings=findings,
    )
    require_none(findings)


@when(
    "the key reads environments, customers, plans, features, subscriptions, invoices, settings and keys",
    target_fixture="refused",
)
def read_everything(flexprice: Flexprice) -> dict[str, str]:
    refused = {}
    for name, path in READS.items():
        try:
            flexprice.get(path)
        except ApiError as error:
            refused[name] = f"{error.status}: {error.message}"
    return refused


@then("none of them is refused")
def nothing_refused(refused: dict[str, str], observe: Observe) -> None:
    findings = access.missing_reads(refused)
    observe("what the key may read", expected=list(READS), observed=sorted(READS.keys() - refused), findings=findings)
    require_none(findings)


@when("write permission is tried without writing anything", target_fixture="write_statuses")
def try_writing(flexprice: Flexprice) -> dict[str, int]:
    return {name: flexprice.request("POST", path, body={}).status for name, path in WRITES.items()}


@then("the key may write customers and events")
def may_write(
    write_statuses: dict[str, int], flexprice: Flexprice, read_keys: Keys, profile: Profile, observe: Observe
) -> None:
    own = _own_keys(read_keys, profile)
    # The key's own roles where it may read the list of keys, else those of its account (contract 1.6, 1.7).
    roles = [*(own[0] if own else flexprice.get("/v1/users/me")).get("roles", ())]
    refused = [name for name, status in write_statuses.items() if status == 403]
    odd = {name: status for name, status in write_statuses.items() if status not in (400, 403)}
    findings = access.missing_writes(refused, roles) + [
        Finding(
            "1.2",
            WRITES[name],
            f"trying to write {name} without a body was answered {status}, from which nothing can be concluded",
            "400, or 403 where the key may not write",
            status,
            kind=Kind.NOT_VERIFIED,
        )
        for name, status in odd.items()
    ]
    observe(
        "write permission, tried with an empty body",
        expected=dict.fromkeys(WRITES, 400),
        observed=write_statuses,
        findings=findings,
    )
    require_none(findings)


@given("the keys that Flexprice lists for this environment", target_fixture="keys")
def listed_keys(read_keys: Keys) -> list[Any]:
    try:
        return read_keys()
    except ApiError as error:
        pytest.skip(
            f"the key may not read the list of keys ({error.status}), which is told by another scenario of item 1.2"
        )


@then("the key in use has not expired")
def not_expired(keys: list[Any], profile: Profile, observe: Observe) -> None:
    shown = access.display_id(profile.api_key)
    findings = access.expiry(keys, profile.api_key, datetime.now(UTC), instant)
    facts = {
        f"{key.get('name')} {key.get('display_id')}": f"expires {key.get('expires_at') or 'never'}" for key in keys
    }
    ends = [key.get("expires_at") or "never" for key in keys if key.get("display_id") == shown]
    observe(
        "when the key expires",
        expected="not within 30 days",
        observed=ends or "not in the list",
        findings=findings,
        facts=facts,
    )
    last_days = {f"the key of {name}": told[8:18] for name, told in facts.items() if told != "expires never"}
    if last_days:
        observe(ENDS, observed=last_days, facts=last_days)
    require_none(findings)


@given("how the plan says the application calls Flexprice", target_fixture="client_configuration")
def client_configuration(profile: Profile) -> Any:
    return profile.environment.client


@then("it sends the key as Flexprice expects, encrypted, to the declared address")
def client_is_right(client_configuration: Any, profile: Profile, observe: Observe) -> None:
    # The application goes by the plan, whatever this run was pointed at.
    declared = normalised(profile.environment.base_url)
    findings = access.base_url_problems(profile.declared_base_url, profile.base_url)
    if client_configuration is not None:
        findings += access.client_problems(client_configuration, declared)
    else:
        findings += access.unknown_client(profile.in_plan)
    observe(
        "how the application calls Flexprice",
        expected={"events_url": f"{declared}/v1/events", "header": "x-api-key", "verify_tls": True},
        observed=client_configuration.model_dump() if client_configuration else "the plan does not say",
        findings=findings,
    )
    require_none(findings)


@when("a request carries the key in its header, none at all, and as a bearer token", target_fixture="statuses")
def three_ways(flexprice: Flexprice, profile: Profile) -> dict[str, int]:
    ways: dict[str, dict[str, str | None]] = {
        "key in x-api-key": {},
        "no key": {"x-api-key": None},
        "key as bearer token": {"x-api-key": None, "authorization": f"Bearer {profile.api_key}"},
    }
    return {way: flexprice.request("GET", "/v1/users/me", headers=headers).status for way, headers in ways.items()}


@then("only the first is answered")
def only_the_header(statuses: dict[str, int], profile: Profile, observe: Observe) -> None:
    expected = {"key in x-api-key": 200, "no key": 401, "key as bearer token": 401}
    findings = [
        Finding(
            "1.3", way, f"a request with {way} is answered {statuses[way]} at {profile.base_url}", status, statuses[way]
        )
        for way, status in expected.items()
        if statuses[way] != status
    ]
    observe("answers by how the key is carried", expected=expected, observed=statuses, findings=findings)
    require_none(findings)


@when("Flexprice is asked for its time", target_fixture="server_time")
def server_time(flexprice: Flexprice) -> datetime:
    moment = read_server_time(flexprice)
    if moment is None:
        raise NotVerified([Finding("1.3", "clock", "the server tells no time", kind=Kind.NOT_VERIFIED)])
    return moment


@then("this machine's clock agrees with it")
def clocks_agree(server_time: datetime, observe: Observe) -> None:
    now = datetime.now(UTC)
    findings = access.skew(server_time, now)
    observe("clocks", expected=server_time, observed=now.replace(microsecond=0), findings=findings)
    require_none(findings)


def _own_keys(read_keys: Keys, profile: Profile) -> list[Any]:
    """The listed keys that are shown like the one in use; none where it may not read the list."""
    try:
        return [key for key in read_keys() if key.get("display_id") == access.display_id(profile.api_key)]
    except (ApiError, NotVerified):
        return []
