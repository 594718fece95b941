"""What stands beside billing: alerts, ids elsewhere, what is nowhere here, own costs (by the API's description)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pytest_flexprice.emulator.kernel.render import gotime

from .conftest import Company

LIMITS = {"alert_enabled": True, "critical": {"threshold": "100", "condition": "above"}}


def test_alert_settings_of_a_subscription(company: Company) -> None:
    company.fee("10")
    made = company.subscribe()
    body = {"entity_type": "subscription", "entity_id": made["id"], "config": LIMITS}
    setting = company.api.make("/v1/alerts/setting", body)
    assert (setting["enabled"], setting["config"]["critical"]["threshold"]) == (True, "100")
    assert company.api.call("POST", "/v1/alerts/setting", body).status_code == 409
    path = f"/v1/alerts/setting/{setting['id']}"
    changed = company.api.call("PUT", path, {"config": {"alert_enabled": False, "info": LIMITS["critical"]}}).get_json()
    assert (changed["enabled"], changed["config"]["critical"]) == (False, None)
    found = company.api.make("/v1/alerts/setting/search", {"entity_ids": [made["id"]], "enabled": False})["items"]
    assert [row["id"] for row in found] == [setting["id"]]
    assert company.api.call("DELETE", path).status_code == 204
    assert company.api.call("PUT", path, {"config": LIMITS}).status_code == 404
    assert company.api.make("/v1/alerts/search", {"entity_type": "subscription"})["items"] == []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"entity_type": "wallet"}, 400),
        ({"entity_id": "subs_x"}, 404),
        ({"entity_type": "group", "entity_id": "group_x"}, 400),
        ({"config": None}, 400),
        ({"config": {"critical": {"threshold": "1", "condition": "beside"}}}, 400),
        ({"config": {"critical": {"threshold": "1", "condition": "below"}}}, 400),
        ({"entity_type": "subscription_line_item", "entity_id": "subs_line_x", "parent_entity_id": "subs_x"}, 404),
    ],
)
def test_alert_settings_that_could_not_hold_are_refused(company: Company, change: dict[str, Any], status: int) -> None:
    company.fee("10")
    body = {"entity_type": "subscription", "entity_id": company.subscribe()["id"], "config": LIMITS}
    assert company.api.call("POST", "/v1/alerts/setting", {**body, **change}).status_code == status


def test_an_object_is_linked_to_one_id_of_each_provider(company: Company) -> None:
    known = {"entity_type": "customer", "entity_id": "cust_x", "provider_type": "stripe"}
    for identifier in ("cus_1", "cus_2"):
        company.api.make("/v1/integrations/link", {**known, "provider_entity_id": identifier})
    path = "/v1/integrations/mappings?entity_type=customer&entity_id=cust_x"
    assert [row["provider_entity_id"] for row in company.api.get(path)["items"]] == ["cus_2"]
    assert company.api.call("DELETE", "/v1/integrations/link", known).status_code == 200
    assert company.api.call("DELETE", "/v1/integrations/link", known).status_code == 404
    assert company.api.get(path)["items"] == []
    assert company.api.call("GET", "/v1/integrations/mappings?entity_type=customer").status_code == 400
    assert company.api.call("GET", "/v1/integrations/mappings?entity_type=x&entity_id=y").status_code == 400
    assert company.api.get("/v1/integrations/config") == {"integrations": []}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/tasks/task_x", None, 404),
        ("GET", "/v1/tasks/task_x/download", None, 404),
        ("GET", "/v1/tasks/result", None, 400),
        ("GET", "/v1/tasks/result?workflow_id=x", None, 404),
        ("PUT", "/v1/tasks/task_x/status", {"task_status": "DONE"}, 400),
        ("PUT", "/v1/tasks/task_x/status", {"task_status": "FAILED"}, 404),
        ("GET", "/v1/tasks/scheduled?enabled=true", None, 200),
        ("GET", "/v1/tasks/scheduled/sched_x", None, 404),
        ("PUT", "/v1/tasks/scheduled/sched_x", {"enabled": True}, 404),
        ("DELETE", "/v1/tasks/scheduled/sched_x", None, 404),
        ("POST", "/v1/tasks/scheduled/sched_x/run", {}, 404),
        ("POST", "/v1/tasks/scheduled", {}, 400),
        ("POST", "/v1/tasks/scheduled/schedule-draft-finalization", None, 200),
        ("GET", "/v1/checkout/sessions/cs_x", None, 404),
        ("POST", "/v1/workflows/search", {"workflow_type": "x"}, 200),
    ],
)
def test_what_is_nowhere_here(company: Company, method: str, path: str, body: Any, status: int) -> None:
    assert company.api.call(method, path, body).status_code == status


def test_own_costs_beside_what_is_earned(company: Company) -> None:
    company.price("2")
    made = [company.subscribe(company.now - timedelta(days=2)) for _ in range(2)]
    for one in made:
        company.use(one["external_id"], 10, company.now - timedelta(hours=1))
    window = {"start_time": gotime(company.now - timedelta(days=1)), "end_time": gotime(company.now)}
    assert company.api.call("POST", "/v1/costs/analytics", window).status_code == 404  # no sheet
    sheet = company.api.make("/v1/costs", {"name": "Providers"})["costsheet"]["id"]
    company.price("0.5", entity_type="COSTSHEET", entity_id=sheet)
    found = company.api.make("/v1/costs/analytics", window)
    names = ("total_cost", "total_revenue", "margin", "margin_percent", "roi", "roi_percent")
    assert [found[name] for name in names] == ["10", "40", "30", "75", "3", "300"]
    asked = {**window, "external_customer_id": made[0]["external_id"], "expand": ["meter", "price"]}
    (item,) = company.api.make("/v1/costs/analytics", asked)["cost_analytics"]
    assert (item["total_quantity"], item["total_events"], item["price"]["amount"]) == ("10", 1, "0.5")
    assert company.api.make("/v1/costs/analytics", {**window, "feature_ids": ["feat_x"]})["cost_analytics"] == []
