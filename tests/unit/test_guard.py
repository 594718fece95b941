"""The write guard: what may leave, decided before it leaves."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_flexprice.api import WriteGuard, WriteRefused
from pytest_flexprice.model.checklist import Level

OURS = {"cust_ours", "golive-run-test", "subs_ours", "inv_ours"}


def guard(level: Level = Level.SMOKE, production: bool = True, proved: bool = True) -> WriteGuard:
    return WriteGuard(level, production, owns=OURS.__contains__, proved=proved)


READS: list[tuple[str, str]] = [
    ("GET", "/v1/customers"),
    ("POST", "/v1/customers/search"),
    ("POST", "/v1/subscriptions/lineitems/search"),
    ("POST", "/v1/meter-usage/query"),
    ("POST", "/v1/events/usage/meter"),
    ("POST", "/v1/invoices/preview"),
    ("POST", "/v1/subscriptions/usage"),
]
ALLOWED: list[tuple[str, str, Any]] = [
    ("POST", "/v1/customers", {"external_id": "golive-run-test"}),
    ("POST", "/v1/subscriptions", {"customer_id": "cust_ours", "collection_method": "send_invoice"}),
    ("POST", "/v1/events", {"external_customer_id": "golive-run-test"}),
    ("POST", "/v1/events/bulk", {"events": [{"external_customer_id": "golive-run-test"}]}),
    ("POST", "/v1/subscriptions/subs_ours/cancel", {}),
    ("POST", "/v1/subscriptions/temporal/subs_ours/draft-and-compute", {}),
    ("POST", "/v1/invoices/inv_ours/finalize", {}),
    ("DELETE", "/v1/customers/cust_ours", None),
]
FORBIDDEN: list[tuple[str, str, Any]] = [
    ("POST", "/v1/customers", {"external_id": "acct_1"}),
    ("POST", "/v1/subscriptions", {"customer_id": "cust_other", "collection_method": "send_invoice"}),
    ("POST", "/v1/subscriptions", {"customer_id": "cust_ours", "collection_method": "charge_automatically"}),
    ("POST", "/v1/subscriptions", {"customer_id": "cust_ours"}),
    ("POST", "/v1/events", {"external_customer_id": "acct_1"}),
    (
        "POST",
        "/v1/events/bulk",
        {"events": [{"external_customer_id": "golive-run-test"}, {"external_customer_id": "a"}]},
    ),
    ("POST", "/v1/subscriptions/subs_other/cancel", {}),
    ("POST", "/v1/invoices/inv_other/finalize", {}),
    ("DELETE", "/v1/customers/cust_other", None),
    ("PUT", "/v1/settings/subscription_config", {}),
    ("POST", "/v1/prices", {}),
    ("POST", "/v1/payments", {}),
    ("POST", "/v1/wallets/wallet_1/top-up", {}),
    ("POST", "/v1/plans/plan_1/sync/subscriptions", {}),
    ("POST", "/v1/environments/env_1/clone", {}),
    ("POST", "/v1/subscriptions/temporal/schedule-billing", {}),
    ("POST", "/v1/invoices/inv_ours/webhook/trigger", {}),
]


@pytest.mark.parametrize(("method", "path"), READS)
@pytest.mark.parametrize("level", [Level.LINT, Level.READ, Level.SMOKE])
def test_reading_always_passes(method: str, path: str, level: Level) -> None:
    guard(level, proved=False).check(method, path, {})


@pytest.mark.parametrize("path", ["/v1/customers", "/v1/events"])
def test_probing_for_permission_passes_without_effect(path: str) -> None:
    guard(Level.READ, proved=False).check("POST", path, {})


@pytest.mark.parametrize(("method", "path", "body"), ALLOWED)
def test_smoke_writes_to_what_the_run_made(method: str, path: str, body: Any) -> None:
    guard().check(method, path, body)


@pytest.mark.parametrize(("method", "path", "body"), FORBIDDEN)
def test_smoke_writes_to_nothing_else(method: str, path: str, body: Any) -> None:
    watch = guard()
    with pytest.raises(WriteRefused):
        watch.check(method, path, body)
    assert watch.refused == [f"{method} {path}"]


@pytest.mark.parametrize(("method", "path", "body"), ALLOWED)
def test_nothing_is_written_before_the_environment_is_proved(method: str, path: str, body: Any) -> None:
    with pytest.raises(WriteRefused, match="not been proved"):
        guard(proved=False).check(method, path, body)


@pytest.mark.parametrize(("method", "path", "body"), ALLOWED)
def test_a_lower_level_writes_nothing(method: str, path: str, body: Any) -> None:
    with pytest.raises(WriteRefused, match="level read does not write"):
        guard(Level.READ).check(method, path, body)


def test_a_failed_proof_is_the_reason() -> None:
    watch = guard(proved=False)
    watch.blocked = "the key belongs to Sandbox"
    with pytest.raises(WriteRefused, match="the key belongs to Sandbox"):
        watch.check(*ALLOWED[0])


def test_a_drill_may_do_anything_but_in_production() -> None:
    guard(Level.DRILL, production=False).check("PUT", "/v1/settings/subscription_config", {"value": {}})
    with pytest.raises(WriteRefused):
        guard(Level.DRILL, production=True).check("PUT", "/v1/settings/subscription_config", {"value": {}})
