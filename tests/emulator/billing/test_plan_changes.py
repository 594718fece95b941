"""Another plan for a running subscription: at once, at the period's end, and taken back."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from .conftest import LONG_AGO, Company


@pytest.fixture
def plans(company: Company) -> Company:
    """A plan of 30 and 1 a call, one of 60 and 2 a call (``bigger``)."""
    company.fee("30")
    company.price("1")
    small, company.plan = company.plan, company.api.make("/v1/plans", {"name": "Big", "lookup_key": "big"})["id"]
    company.fee("60")
    company.price("2")
    company.plan, company.bigger = small, company.plan  # type: ignore[attr-defined]
    return company


def _change(company: Company, subscription: dict[str, Any], what: str = "execute", **asked: Any) -> Any:
    body = {"target_plan_id": company.bigger, "proration_behavior": "create_prorations", **asked}  # type: ignore[attr-defined]
    return company.api.call("POST", f"/v1/subscriptions/{subscription['id']}/change/v2/{what}", body)


def _advance(company: Company, to: timedelta) -> None:
    company.api.call("POST", "/_emulator/clock", {"advance": to.total_seconds()})


def test_a_change_at_once_slices_the_lines_and_settles_the_fees(plans: Company) -> None:
    made = plans.subscribe()
    plans.use(made["external_id"], 5, plans.now + timedelta(seconds=2))
    _advance(plans, timedelta(days=10))
    shown = _change(plans, made, "preview").get_json()
    before = plans.api.get(f"/v1/subscriptions/{made['id']}")
    assert (shown["change_type"], before["plan_id"], len(before["line_items"])) == ("upgrade", plans.plan, 2)
    done = _change(plans, made).get_json()
    assert [one["change_action"] for one in done["changed_resources"]["line_items"]] == ["ended"] * 2 + ["created"] * 2
    kinds = {one["action"]: one for one in done["changed_resources"]["invoices"]}
    previewed = {one["action"]: one for one in shown["changed_resources"]["invoices"]}
    assert set(kinds) == set(previewed) == {"created", "wallet_credit"}
    billed, credited = (
        Decimal(kinds["created"]["invoice"]["total"]),
        Decimal(kinds["wallet_credit"]["wallet_transaction"]["amount"]),
    )
    assert Decimal(previewed["created"]["invoice"]["total"]) == billed
    assert abs(billed - 2 * credited) <= Decimal("0.02")
    after = done["subscription"]
    kept = ("id", "billing_anchor", "current_period_start", "current_period_end")
    assert [after[name] for name in kept] == [before[name] for name in kept]
    assert (after["plan_id"], done["from_plan"]["id"], done["to_plan"]["id"]) == (
        plans.bigger, plans.plan, plans.bigger)  # type: ignore[attr-defined]  # fmt: skip
    plans.use(made["external_id"], 5, plans.now + timedelta(seconds=2))
    _advance(plans, timedelta(days=1))
    preview = plans.api.make("/v1/invoices/preview", {"subscription_id": made["id"]})
    used = {line["amount"] for line in preview["line_items"] if line["price_type"] == "USAGE"}
    assert used == {"5", "10"}


def test_a_change_at_the_periods_end_waits_for_it(plans: Company) -> None:
    made = plans.subscribe()
    done = _change(plans, made, change_at="end_of_period").get_json()
    assert (done["is_scheduled"], done["scheduled_at"]) == (True, made["current_period_end"])
    assert _change(plans, made, change_at="end_of_period").status_code == 400
    (waiting,) = plans.api.get(f"/v1/subscriptions/{made['id']}/schedules")["schedules"]
    assert (waiting["id"], waiting["status"], waiting["can_be_cancelled"]) == (done["schedule_id"], "pending", True)
    _advance(plans, timedelta(days=20))
    assert plans.api.get(f"/v1/subscriptions/{made['id']}")["plan_id"] == plans.plan
    _advance(plans, timedelta(days=12))
    assert plans.api.get(f"/v1/subscriptions/{made['id']}")["plan_id"] == plans.bigger  # type: ignore[attr-defined]
    assert plans.api.get("/v1/subscription-schedules?pending_only=true")["count"] == 0
    assert plans.api.get(f"/v1/subscription-schedules/{waiting['id']}")["status"] == "executed"
    asked = {"subscription_id": made["id"], "invoice_status": ["DRAFT", "FINALIZED"]}
    cycle = [one for one in plans.api.make("/v1/invoices/search", asked)["items"] if one["billing_sequence"] == 2]
    assert [one["total"] for one in cycle] == ["60"]


def test_a_pending_change_is_taken_back(plans: Company) -> None:
    made = plans.subscribe()
    schedule = _change(plans, made, change_at="end_of_period").get_json()["schedule_id"]
    path = f"/v1/subscriptions/schedules/{schedule}/cancel"
    assert plans.api.make(path, {})["status"] == "cancelled"
    assert plans.api.call("POST", path, {}).status_code == 400
    _advance(plans, timedelta(days=40))
    assert plans.api.get(f"/v1/subscriptions/{made['id']}")["plan_id"] == plans.plan
    assert plans.api.call("GET", "/v1/subscription-schedules/x").status_code == 404


def test_an_addon_is_carried_or_dropped(plans: Company) -> None:
    addon = plans.api.make("/v1/addons", {"name": "Extra", "lookup_key": "extra"})["id"]
    plans.fee("5", entity_type="ADDON", entity_id=addon, start_date=LONG_AGO)
    for behaviour, left in (("carry", 1), ("drop", 0)):
        made = plans.subscribe(addons=[{"addon_id": addon}])
        policies = {"addons": {"default_behaviour": behaviour}}
        done = _change(plans, made, entity_policies=policies).get_json()
        assert [one["behaviour"] for one in done["entity_changes"]] == [behaviour]
        lines = plans.api.get(f"/v1/subscriptions/{made['id']}")["line_items"]
        opened = [one for one in lines if one["entity_type"] == "addon" and one["end_date"].startswith("0001")]
        assert len(opened) == left
    assert _change(plans, made, entity_policies={"addons": {"default_behaviour": "keep"}}).status_code == 400


def test_what_cannot_change_its_plan(plans: Company) -> None:
    made = plans.subscribe()
    assert _change(plans, made, target_plan_id="plan_x").status_code == 404
    assert _change(plans, made, target_plan_id=plans.plan).status_code == 400
    assert _change(plans, made, proration_behavior="some").status_code == 400
    assert _change(plans, made, change_at="tomorrow").status_code == 400
    empty = plans.api.make("/v1/plans", {"name": "Empty", "lookup_key": "empty"})["id"]
    assert _change(plans, made, target_plan_id=empty).status_code == 400
    plans.api.call("POST", f"/v1/subscriptions/{made['id']}/cancel", {"cancellation_type": "immediate"})
    assert _change(plans, made).status_code == 400
    unknown = {"target_plan_id": "x", "proration_behavior": "none"}
    assert plans.api.call("POST", "/v1/subscriptions/x/change/v2/preview", unknown).status_code == 404
