"""What a plan declares is what a filled emulator holds, column by column of the customers file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer
from pytest_flexprice.emulator.kernel.options import PRODUCTION
from pytest_flexprice.emulator.kernel.settings import saved
from pytest_flexprice.emulator.seeding.planned import seed_plan, settings_of
from pytest_flexprice.emulator.seeding.seed import Seeder, SeedError
from pytest_flexprice.model.golive_plan import Invoicing
from pytest_flexprice.model.plan_file import parse

CATALOG = """{
 "flexprice_catalog": 1,
 "features": {"tokens": {"name": "Tokens", "type": "metered",
   "meter": {"aggregation": "SUM", "field": "value", "event_name": "tokens.used"}}},
 "plans": {"pro": {"name": "Pro", "prices": [
   {"type": "USAGE", "currency": "usd", "billing_period": "MONTHLY", "billing_model": "FLAT_FEE", "invoice_cadence": "ARREAR",
    "amount": "0.01", "feature": "tokens"},
   {"type": "FIXED", "currency": "usd", "billing_period": "MONTHLY", "billing_model": "FLAT_FEE", "invoice_cadence": "ADVANCE",
    "amount": "20"}]}}}"""
ENVIRONMENT = {"base_url": "https://us.api.flexprice.io", "type": "production"}


def _filled(folder: Path, *columns: str, rows: list[str], **invoicing: Any) -> FlexpriceServer:
    (folder / "catalog.json").write_text(CATALOG, encoding="utf-8")
    header = ",".join(("external_id", "plan", *columns))
    (folder / "customers.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    data = {
        "company": {"name": "Acme"},
        "environments": {"prod": ENVIRONMENT},
        "catalog": {"signed_off": "catalog.json"},
        "customers": {"file": "customers.csv"},
        "invoicing": invoicing,
    }
    server = FlexpriceServer(EmulatorOptions(jobs=False))
    seed_plan(server, parse(data, folder / "golive.toml"))
    return server


def _subscription(server: FlexpriceServer) -> dict[str, Any]:
    (row,) = server.world.table("subscriptions").all(PRODUCTION)
    return row.public()


@pytest.mark.parametrize(
    ("column", "value", "field", "shown"),
    [
        ("status", "draft", "subscription_status", "draft"),
        ("status", "Trialing", "subscription_status", "trialing"),
        ("status", "paused", "subscription_status", "paused"),
        ("status", "cancelled", "subscription_status", "cancelled"),
        ("status", "incomplete", "subscription_status", "incomplete"),
        ("status", "", "subscription_status", "active"),
        ("payment_terms", "30 NET", "payment_terms", "30 NET"),
        ("payment_terms", "NET_45", "payment_terms", "45 NET"),
        ("billing_period_count", "3", "billing_period_count", "3"),
        ("billing_period", "monthly", "billing_period", "MONTHLY"),
        ("billing_cycle", "calendar", "billing_cycle", "calendar"),
        ("currency", "USD", "currency", "usd"),
        ("end_date", "2999-06-15", "end_date", "2999-06-15 00:00:00+00:00"),
        ("billing_anchor", "2999-01-31T00:00:00+05:30", "billing_anchor", "2999-01-30 18:30:00+00:00"),
        ("start_date", "2026-02-10", "start_date", "2026-02-10 00:00:00+00:00"),
        ("trial_end", "2999-01-01", "trial_end", "2999-01-01 00:00:00+00:00"),
        ("trial_end", "2026-03-01", "trial_end", "2026-03-01 00:00:00+00:00"),
        ("timezone", "Asia/Kolkata", "timezone", "Asia/Kolkata"),
        ("collection_method", "charge_automatically", "collection_method", "charge_automatically"),
    ],
)
def test_a_column_is_made_as_it_says(tmp_path: Path, column: str, value: str, field: str, shown: str) -> None:
    server = _filled(tmp_path, column, rows=[f"org_1,pro,{value}"])
    assert str(_subscription(server)[field]) == shown


def test_a_past_trial_is_over_and_a_past_period_has_gone_by_and_was_paid(tmp_path: Path) -> None:
    server = _filled(
        tmp_path, "start_date", "trial_end", rows=["org_1,pro,2026-01-01,2026-01-15", "org_2,pro,2026-02-10,"]
    )
    now = server.world.clock.now()
    for row in server.world.table("subscriptions").all(PRODUCTION):
        assert row["subscription_status"] == "active"
        assert row["current_period_start"] <= now < row["current_period_end"]
    invoices = server.world.table("invoices").all(PRODUCTION)
    assert {row["invoice_status"] for row in invoices} == {"FINALIZED", "VOIDED"}
    overdue = [row for row in invoices if row["invoice_status"] == "FINALIZED" and row["due_date"] <= now]
    assert overdue
    assert all(row["amount_remaining"] == 0 for row in overdue)


def test_lines_are_as_old_as_their_subscription(tmp_path: Path) -> None:
    server = _filled(tmp_path, "start_date", rows=["org_1,pro,2020-02-10"])
    start = _subscription(server)["start_date"]
    lines = server.world.table("subscription_line_items").all(PRODUCTION)
    assert lines
    assert all(line["start_date"] == start for line in lines)


def test_how_money_is_collected_is_what_the_plan_decided_unless_a_row_says_otherwise(tmp_path: Path) -> None:
    rows = ["org_1,pro,", "org_2,pro,send_invoice"]
    server = _filled(tmp_path, "collection_method", rows=rows, collection="charge_automatically")
    found = [row["collection_method"] for row in server.world.table("subscriptions").all(PRODUCTION)]
    assert found == ["charge_automatically", "send_invoice"]


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("end_date", "02.11.2026", r"customers.csv:2: column end_date holds '02.11.2026', expected a day such as"),
        ("billing_period_count", "two", r"customers.csv:2: column billing_period_count holds 'two'"),
        ("billing_period", "ANNUAL", r"customers.csv:2: .*must have at least one price"),
    ],
)
def test_a_value_that_cannot_be_is_told_with_its_line(tmp_path: Path, column: str, value: str, sentence: str) -> None:
    with pytest.raises(SeedError, match=sentence):
        _filled(tmp_path, column, rows=[f"org_1,pro,{value}"])


def test_a_plan_that_is_not_in_the_catalog_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match=r"customers.csv:2: plan = 'gold' cannot be rehearsed"):
        _filled(tmp_path, rows=["org_1,gold"])


def test_settings_that_the_plan_is_silent_about_are_never_saved(tmp_path: Path) -> None:
    server = _filled(tmp_path, rows=["org_1,pro"], auto_cancel=True)
    for key in ("subscription_config", "invoice_config"):
        assert saved(server.world, key, PRODUCTION, "") is None


def test_settings_that_the_plan_decides_are_saved(tmp_path: Path) -> None:
    decided = {"grace_period_days": 14, "auto_cancel": True, "due_date_days": 0, "finalization_delay_seconds": 60}
    server = _filled(tmp_path, rows=["org_1,pro"], **decided)
    grace = saved(server.world, "subscription_config", PRODUCTION, "")
    dates = saved(server.world, "invoice_config", PRODUCTION, "")
    assert grace is not None
    assert dates is not None
    assert grace["value"] == {"grace_period_days": 14, "auto_cancellation_enabled": True}
    assert (dates["value"]["due_date_days"], dates["value"]["finalization_delay_seconds"]) == (0, 60)
    assert dates["value"]["prefix"] == "INV"


def test_no_decision_makes_no_setting() -> None:
    assert settings_of(None) == {}
    assert settings_of(Invoicing()) == {}


def _cataloged(**changes: Any) -> Seeder:
    seeder = Seeder(FlexpriceServer(EmulatorOptions(jobs=False)))
    known = json.loads(CATALOG)
    seeder.catalog({**known, "plans": {"pro": {**known["plans"]["pro"], **changes}}})
    return seeder


def test_what_a_catalog_has_on_archived_features_is_there_as_far_as_it_tells() -> None:
    sold = {**json.loads(CATALOG)["plans"]["pro"]["prices"][0], "feature": "", "event_name": "old.call"}
    seeder = _cataloged(prices=[sold, sold], entitlements={"retired": {"feature_type": "boolean"}})
    (plan,) = seeder.call("POST", "/v1/plans/search", {"expand": "prices,meters,entitlements,features"})["items"]
    assert {price["meter"]["event_name"] for price in plan["prices"]} == {"old.call"}
    (allowed,) = plan["entitlements"]
    assert (allowed["feature"]["lookup_key"], allowed["feature"]["status"]) == ("retired", "archived")


def test_an_entitlement_to_a_misspelt_feature_is_told() -> None:
    with pytest.raises(
        SeedError, match=r"plans.pro: an entitlement to 'Tokens', which is none of the features .*'tokens'"
    ):
        _cataloged(entitlements={"Tokens": {"feature_type": "metered"}})


def test_a_refusal_says_its_place_and_no_words_of_a_library() -> None:
    with pytest.raises(
        SeedError, match=r"extras.coupons.TEN: Flexprice refuses .* \(Name is required, Type is required, "
    ):
        Seeder(FlexpriceServer(EmulatorOptions(jobs=False))).catalog({"extras": {"coupons": {"TEN": {}}}})
