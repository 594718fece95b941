"""Section 1 as pure functions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pytest_flexprice.model.finding import Severity
from pytest_flexprice.model.golive_plan import Client, Environment
from pytest_flexprice.model.times import instant
from pytest_flexprice.oracle import access, revoked

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PROD = Environment(base_url="https://us.api.flexprice.io", environment_id="env_prod", type="production")
BASE = "https://us.api.flexprice.io"


def test_the_declared_environment_is_no_finding() -> None:
    assert access.wrong_environment(access.Belonging("env_prod", "plans", "production", "Production"), PROD) == []


def test_a_sandbox_key_is_named_and_the_headers_uselessness_with_it() -> None:
    seen = access.Belonging("env_sand", "plans", "development", "Sandbox")
    (finding,) = access.wrong_environment(seen, PROD, header="env_prod")
    assert "the key belongs to Sandbox 'env_sand' (development), expected 'env_prod' (production)" in finding.sentence
    assert "header has no effect for API keys" in finding.sentence


def test_the_type_counts_where_no_id_is_declared() -> None:
    declared = PROD.model_copy(update={"environment_id": ""})
    (finding,) = access.wrong_environment(access.Belonging("env_x", "plans", "development"), declared)
    assert "expected production" in finding.problem


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"{BASE}/v1/events", ""),
        (f"{BASE}/v1/events/bulk", ""),
        (f"{BASE}/v1/v1/events", "composes /v1 twice"),
        (f"{BASE}/events", "without /v1"),
        ("https://api.cloud.flexprice.io/v1/events", "that of region India"),
        ("http://us.api.flexprice.io/v1/events", "plain http"),
        ("https://proxy.acme.example/v1/events", "to another host"),
    ],
)
def test_how_the_application_composes_its_url(url: str, says: str) -> None:
    findings = access.client_problems(Client(events_url=url), BASE)
    assert [says in finding.problem for finding in findings] == ([True] if says else [])


def test_a_plan_that_is_silent_about_the_application_is_warned_of() -> None:
    (finding,) = access.unknown_client("prod")
    assert finding.severity is Severity.WARNING
    assert "write its events_url and header into [environments.prod.client]" in finding.sentence


def test_a_base_url_with_v1_is_shown_with_what_it_leads_to() -> None:
    (finding,) = access.base_url_problems(f"{BASE}/v1", BASE)
    assert f"{BASE}/v1/v1" in finding.problem
    assert access.base_url_problems(f"{BASE}/", BASE) == []


@pytest.mark.parametrize(("days", "severities"), [(-1, ["error"]), (9, ["warning"]), (31, [])])
def test_a_key_that_runs_out_is_told_before_and_after(days: int, severities: list[str]) -> None:
    key = "sk_01ARZ3NDEKTSV4RRFFQ69G5FAV"
    expires = (NOW + timedelta(days=days, hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    rows = [
        {"display_id": "sk_01***AV", "name": "billing", "expires_at": expires},
        {"display_id": "sk_02***ZZ", "expires_at": "2020-01-01T00:00:00Z"},
        {"display_id": "sk_01***AV"},
    ]
    findings = access.expiry(rows, key, NOW, instant)
    assert [finding.severity.value for finding in findings] == severities


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Sandbox key", True),
        ("billing_staging_2", True),
        ("acme-dev", True),
        ("billing service", False),
        ("Developer portal", False),
        ("go-live test", False),
        (None, False),
    ],
)
def test_a_key_of_production_that_is_named_for_another_environment_is_told(name: str | None, told: bool) -> None:
    findings = access.named_for_another([{"display_id": "sk_01***AV", "name": name}])
    assert [finding.severity.value for finding in findings] == ["warning"] * told


@pytest.mark.parametrize("rows", [[], [{"display_id": "sk_02***ZZ", "expires_at": "2020-01-01T00:00:00Z"}]], ids=len)
def test_a_key_that_is_not_listed_may_run_out_unseen(rows: list[dict[str, str]]) -> None:
    (finding,) = access.expiry(rows, "sk_01ARZ3NDEKTSV4RRFFQ69G5FAV", NOW, instant)
    assert finding.kind.value == "not verified"
    assert "lists no key that looks like the one in use (sk_01***AV)" in finding.problem


@pytest.mark.parametrize(("seconds", "wrong"), [(0, False), (30, False), (-30, False), (31, True), (-3600, True)])
def test_clocks_may_differ_by_half_a_minute(seconds: int, wrong: bool) -> None:
    findings = access.skew(NOW, NOW + timedelta(seconds=seconds))
    assert bool(findings) is wrong
    if wrong:
        assert ("ahead of" if seconds > 0 else "behind") in findings[0].problem


def test_old_keys_must_be_dead_and_tried() -> None:
    dead, living, unset = (
        revoked.OldKey(name, "sk_01***AV", status) for name, status in (("A", 401), ("B", 200), ("C", None))
    )
    findings = revoked.living_old_keys([dead, living, unset])
    assert [(finding.path, finding.kind.value) for finding in findings] == [
        ("old key B", "requirement not met"),
        ("old key C", "not verified"),
    ]


def test_deployed_configuration_is_searched_by_value() -> None:
    old, own = "sk_01ARZ3NDEKTSV4RRFFQ69G5FAV", "sk_01BRZ3NDEKTSV4RRFFQ69G5FAV"
    text = f"A=1\nexport FLEXPRICE_KEY={old}\nOWN={own}\nother: env_sand\nSTRAY=sk_01CRZ3NDEKTSV4RRFFQ69G5FAV\n"
    findings = revoked.scan_text(Path("prod.env"), text, {"SANDBOX_KEY": old}, own, {"env_sand": "sandbox"})
    assert [finding.path for finding in findings] == ["prod.env:2", "prod.env:4", "prod.env:5"]
    assert "(FLEXPRICE_KEY) holds the old key sk_01***AV from SANDBOX_KEY" in findings[0].problem
    assert old not in "".join(finding.sentence for finding in findings)


def test_a_live_environment_must_say_something_about_old_keys() -> None:
    assert revoked.undeclared_old_keys(PROD, "prod", attested=False)[0].kind.value == "not decided"
    assert revoked.undeclared_old_keys(PROD, "prod", attested=True) == []


def test_production_has_to_be_named_by_its_id() -> None:
    seen = access.Belonging("env_prod", "plans", "production")
    unnamed = PROD.model_copy(update={"environment_id": ""})
    (finding,) = access.undeclared_environment(unnamed, "prod", seen)
    assert finding.kind.value == "not decided"
    assert "environments.prod.environment_id" in finding.path
    assert access.undeclared_environment(PROD, "prod", seen) == []
    assert access.undeclared_environment(unnamed.model_copy(update={"type": "development"}), "dev", seen) == []
