"""Every fault of a seed changes what can be read of the environment that goes live, and nothing else breaks."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer
from pytest_flexprice.emulator.faults.all import FAULTS
from pytest_flexprice.emulator.kernel.options import PRODUCTION, SANDBOX
from pytest_flexprice.emulator.seeding.seed import Seeder

MODULES = ("fault_access", "fault_catalog", "fault_customers", "fault_invoicing")
SEEDED = sorted(
    name
    for name, fault in FAULTS.items()
    if fault.seeded and all(rule.__module__.endswith(MODULES) for rule in fault.rules.values())
)
VOLATILE = ("_id", "_at", "_date", "_start", "_end", "_anchor", "_by")
VOLATILE_NAMES = ("id", "sequence", "synced_price_sequence")
STABLE_NAMES = ("external_id",)

USAGE = {"type": "USAGE", "invoice_cadence": "ARREAR", "currency": "usd", "billing_period": "MONTHLY"}
CATALOG: dict[str, Any] = {
    "features": {
        "calls": {"name": "Calls", "type": "metered", "meter": {"event_name": "api.call", "aggregation": "COUNT"}},
        "tokens": {
            "name": "Tokens",
            "type": "metered",
            "meter": {"event_name": "tokens", "aggregation": "SUM", "field": "tokens"},
        },
    },
    "plans": {
        "pro": {
            "name": "Pro",
            "prices": [
                {**USAGE, "feature": "calls", "billing_model": "FLAT_FEE", "amount": "0.05", "lookup_key": "calls"},
                {
                    **USAGE,
                    "feature": "tokens",
                    "billing_model": "TIERED",
                    "tier_mode": "SLAB",
                    "tiers": [{"up_to": "10", "unit_amount": "1"}, {"up_to": None, "unit_amount": "0.5"}],
                },
                {**USAGE, "type": "FIXED", "billing_model": "FLAT_FEE", "amount": "49"},
            ],
            "entitlements": {"tokens": {"feature_type": "metered", "usage_limit": "5", "is_soft_limit": True}},
        },
        "starter": {
            "name": "Starter",
            "prices": [{**USAGE, "feature": "calls", "billing_model": "FLAT_FEE", "amount": "0.10"}],
        },
    },
}
CUSTOMERS = [
    {"external_id": "acct_1", "name": "One", "plan": "pro", "collection_method": "send_invoice"},
    {"external_id": "acct_2", "name": "Two", "plan": "starter", "collection_method": "send_invoice"},
]
READS = ("/v1/features?expand=meters", "/v1/customers", "/v1/secrets/api/keys")
SEARCHES = (
    ("/v1/plans/search", {"expand": "prices,meters,entitlements,features"}),
    (
        "/v1/subscriptions/search",
        {"subscription_status": ["active", "draft", "paused", "trialing"], "with_line_items": True},
    ),
)
SETTINGS = ("/v1/settings/subscription_config", "/v1/settings/invoice_config")
ELSEWHERE = ("/v1/addons", "/v1/coupons", "/v1/taxes/rates", "/v1/settings/invoice_config")


def _stable(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _stable(item, key) for key, item in value.items() if key not in ("customer", "plan")}
    if isinstance(value, list):
        return sorted((_stable(item) for item in value), key=str)
    if name in ("start_date", "expires_at"):
        return str(value)[:10]
    if name in STABLE_NAMES:
        return value
    return "" if name in VOLATILE_NAMES or name.endswith(VOLATILE) else value


def _seeded(*faults: str) -> dict[str, Any]:
    server = FlexpriceServer(EmulatorOptions(faults=faults, jobs=False))
    seeder = Seeder(server, PRODUCTION)
    seeder.key("billing")
    seeder.catalog(CATALOG)
    seeder.setting("subscription_config", {"grace_period_days": 14, "auto_cancellation_enabled": False})
    seeder.customers([{**row} for row in CUSTOMERS])
    found = {path: seeder.call("GET", path) for path in (*READS, *SETTINGS)}
    found |= {path: seeder.call("POST", path, body) for path, body in SEARCHES}
    sandbox = Seeder(server, SANDBOX)
    found |= {f"sandbox {path}": sandbox.call("GET", path) for path in ELSEWHERE}
    stable: dict[str, Any] = _stable(found)
    return stable


@pytest.fixture(scope="module")
def healthy() -> dict[str, Any]:
    return _seeded()


def test_a_healthy_seed_is_the_same_every_time(healthy: dict[str, Any]) -> None:
    assert _seeded() == healthy
    assert len(healthy["/v1/subscriptions/search"]["items"]) == 2


@pytest.mark.parametrize("name", SEEDED)
def test_every_seeded_fault_can_be_seen(name: str, healthy: dict[str, Any]) -> None:
    assert _seeded(name) != healthy


def test_what_a_clone_leaves_behind_is_seeded_and_missing_with_its_fault() -> None:
    extras = {
        "addons": {
            "extra": {
                "name": "Extra",
                "prices": [{**USAGE, "type": "FIXED", "billing_model": "FLAT_FEE", "amount": "5"}],
            }
        },
        "coupons": {
            "launch": {
                "name": "Launch",
                "type": "percentage",
                "cadence": "once",
                "percentage_off": "10",
                "amount_off": "0",
            }
        },
        "tax_rates": {"vat": {"name": "VAT", "code": "vat", "tax_rate_type": "percentage", "percentage_value": "19"}},
        "settings": {
            "invoice_config": {
                "prefix": "ACME",
                "format": "YYYY",
                "start_sequence": 7,
                "timezone": "UTC",
                "separator": "-",
                "suffix_length": 6,
            }
        },
    }
    found = {}
    for faults in ((), ("F46", "F47")):
        seeder = Seeder(FlexpriceServer(EmulatorOptions(faults=faults, jobs=False)), PRODUCTION)
        seeder.catalog({**CATALOG, "extras": extras})
        lists = ("/v1/addons?expand=prices", "/v1/coupons", "/v1/taxes/rates")
        counts = [len(seeder.call("GET", path)["items"]) for path in lists]
        found[faults] = counts, seeder.call("GET", "/v1/settings/invoice_config")["value"]["prefix"]
    assert found == {(): ([1, 1, 1], "ACME"), ("F46", "F47"): ([0, 0, 0], "INV")}


def test_the_sandbox_is_always_as_it_should_be() -> None:
    server = FlexpriceServer(EmulatorOptions(faults=("F21", "F81"), jobs=False))
    sandbox = Seeder(server, SANDBOX)
    sandbox.catalog(CATALOG)
    sandbox.customers(CUSTOMERS)
    assert set(sandbox.seeded.plans) == {"pro", "starter"}
    assert set(sandbox.seeded.customers) == {"acct_1", "acct_2"}
