"""What must be decided, allowed and set before a handler is probed, and what is said where it is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytest_flexprice.model.finding import NotDecided, NotVerified, Severity
from pytest_flexprice.model.plan_file import parse
from pytest_flexprice.webhooks import signatures
from pytest_flexprice.webhooks.handler import secret_findings
from pytest_flexprice.webhooks.target import (
    address_findings,
    declared_webhooks,
    elsewhere,
    find_target,
    native_findings,
    other_secrets,
)
from steps.webhooks import reading

from .builders import OTHER_SECRET, SECRET, URL, webhooks

TABLE = {"endpoint": URL, "handler": {"url": URL, "secret": "ACME_SECRET"}}
OTHER = {
    "endpoint": "https://sand.acme.example/x",
    "handler": {"url": "https://sand.acme.example/x", "secret": "SAND_SECRET"},
}


def plan_with(table=None, **environments):
    data = {"company": {"name": "Acme"}, **({"webhooks": table} if table else {})}
    known = {"prod": {"type": "production"}, "sandbox": {"type": "development", "webhooks": OTHER}}
    for name, values in {**known, **environments}.items():
        data.setdefault("environments", {})[name] = {"base_url": "https://us.api.flexprice.io", **values}
    return parse(data, Path("golive.toml"))


@dataclass
class FakeProfile:
    environment: object
    production: bool = True
    name: str = "prod"
    in_plan: str = "prod"
    run_id: str = "run-1"
    svix_url: str = ""
    variables: dict = field(default_factory=lambda: {"ACME_SECRET": SECRET, "SAND_SECRET": OTHER_SECRET})
    secrets: list = field(default_factory=list)

    def variable(self, name):
        return self.variables.get(name)

    def add_secret(self, value):
        self.secrets.append(value)


def profile(plan, **values):
    return FakeProfile(plan.environments["prod"], **values)


ALLOWED = {"type": "production", "probe_handler": True}


def test_the_plans_handler_is_the_target():
    plan = plan_with(TABLE, prod=ALLOWED)
    target = find_target(plan, profile(plan))
    assert (target.url, target.variable) == (URL, "ACME_SECRET")
    assert target.mint.secret == SECRET
    assert SECRET not in repr(target)


def test_a_handler_elsewhere_is_told():
    plan = plan_with(
        {**TABLE, "handler": {"url": "https://inner.acme.example/x", "secret": "ACME_SECRET"}}, prod=ALLOWED
    )
    findings = address_findings(find_target(plan, profile(plan)))
    assert [one.severity for one in findings] == [Severity.WARNING]
    assert URL in findings[0].sentence
    plan = plan_with(TABLE, prod=ALLOWED)
    assert address_findings(find_target(plan, profile(plan))) == []


def test_a_secret_that_is_not_the_endpoints_is_found_by_fingerprint():
    ours, theirs = signatures.fingerprint(SECRET), signatures.fingerprint(OTHER_SECRET)
    assert secret_findings("ACME_SECRET", ours, {"ep_1": theirs, "ep_2": ours}) == []
    assert [one.severity for one in secret_findings("ACME_SECRET", ours, {})] == [Severity.INFO]
    findings = secret_findings("ACME_SECRET", ours, {"ep_1": theirs})
    assert [one.severity for one in findings] == [Severity.ERROR]
    for part in ("ACME_SECRET", ours, theirs):
        assert part in findings[0].sentence


def test_a_silent_plan_is_not_decided():
    with pytest.raises(NotDecided, match="does not say where webhooks go"):
        declared_webhooks(plan_with())
    plan = plan_with({"endpoint": URL}, prod=ALLOWED)
    with pytest.raises(NotDecided, match="does not name the webhook handler"):
        find_target(plan, profile(plan))
    plan = plan_with({"endpoint": URL, "handler": {"url": "acme", "secret": "ACME_SECRET"}}, prod=ALLOWED)
    with pytest.raises(NotDecided, match="'acme' is no URL"):
        find_target(plan, profile(plan))


def test_production_is_probed_with_the_plans_leave_only():
    plan = plan_with(TABLE)
    with pytest.raises(NotVerified, match="probe_handler = true"):
        find_target(plan, profile(plan))
    assert find_target(plan, profile(plan, production=False))


@pytest.mark.parametrize(("value", "reason"), [(None, "is not set"), ("", "is not set"), ("whsec_a", "cannot be used")])
def test_a_missing_or_broken_secret_is_named_by_its_variable(value, reason):
    plan = plan_with(TABLE, prod=ALLOWED)
    with pytest.raises(NotVerified, match=f"variable ACME_SECRET.*{reason}"):
        find_target(plan, profile(plan, variables={"ACME_SECRET": value}))


def test_native_deliveries_cannot_be_verified_and_say_why():
    plan = plan_with({**TABLE, "transport": "native"}, prod=ALLOWED)
    with pytest.raises(NotVerified, match=r"natively.*no signature"):
        find_target(plan, profile(plan))
    assert "although the plan says" in native_findings(webhooks())[0].sentence
    assert "although" not in native_findings(webhooks(transport="native"))[0].sentence


def test_a_server_without_delivery_service_is_not_verified():
    class Native:
        note = staticmethod(lambda row: None)

        def get(self, path, **query):
            return {"svix_enabled": False, "url": ""}

    plan = plan_with(TABLE)
    with pytest.raises(NotVerified, match="server configuration"), reading(Native(), profile(plan), webhooks()):
        pytest.fail("there is nothing to read")


def test_other_environments_are_known_by_endpoint_and_secret():
    plan = plan_with(TABLE, prod=ALLOWED)
    assert elsewhere(plan, "prod") == {"sandbox": OTHER["endpoint"]}
    assert elsewhere(plan, "sandbox") == {}
    assert other_secrets(plan, profile(plan), SECRET) == {"sandbox in SAND_SECRET": OTHER_SECRET}
    assert other_secrets(plan, profile(plan), OTHER_SECRET) == {}
    assert other_secrets(plan, profile(plan, variables={"SAND_SECRET": "nonsense!"}), SECRET) == {}
