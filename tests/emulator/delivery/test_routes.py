"""Webhooks over HTTP: the portal call, triggering, sending again, and what faults make of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests
import svix.webhooks

from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer
from pytest_flexprice.emulator.delivery.event_types import REGISTERED
from pytest_flexprice.emulator.delivery.service import service_of
from pytest_flexprice.emulator.kernel.options import DEFAULT_TENANT, PRODUCTION
from pytest_flexprice.emulator.seeding.seed import Seeder

from .conftest import FAST, until
from .recorded import facts

FOUR = ["invoice.update.finalized", "invoice.update.payment", "subscription.created", "subscription.cancelled"]


class Client:
    """A caller of one server, in Production, and with the app-scoped token."""

    def __init__(self, server: FlexpriceServer) -> None:
        self.server = server
        self.service = service_of(server.world)
        self.token, self.app = "", ""

    def call(self, method: str, path: str, status: int | None = None, **request: Any) -> Any:
        headers = {"x-api-key": self.server.api_key, "x-environment-id": PRODUCTION}
        answer = requests.request(method, self.server.url + path, headers=headers, timeout=10, **request)
        assert status is None or answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def portal(self, method: str, path: str = "", **request: Any) -> requests.Response:
        if not self.token:
            door = self.call("GET", "/v1/webhooks/dashboard", 200)
            self.token, self.app = door["token"], door["app_id"]
        url = f"{self.server.url}/api/v1/app/{self.app}{path}"
        return requests.request(method, url, headers={"authorization": f"Bearer {self.token}"}, timeout=10, **request)

    def endpoint(self, url: str, **fields: Any) -> dict[str, Any]:
        return self.portal("POST", "/endpoint", json={"url": url, **fields}).json()

    def invoice(self) -> str:
        customer = self.call("POST", "/v1/customers", 201, json={"external_id": "c", "name": "<C>"})["id"]
        line = {"display_name": "Setup", "amount": "30.10", "quantity": "1"}
        amounts = dict.fromkeys(("subtotal", "total", "amount_due"), "30.10")
        body = {"customer_id": customer, "invoice_type": "ONE_OFF", "currency": "usd", "line_items": [line], **amounts}
        return str(self.call("POST", "/v1/invoices", 201, json=body)["id"])


@pytest.fixture
def serve() -> Iterator[Callable[..., Client]]:
    running: list[FlexpriceServer] = []

    def start(**options: Any) -> Client:
        delivery = replace(FAST, **options.pop("delivery", {}))
        server = FlexpriceServer(EmulatorOptions(jobs=False, delivery=delivery, **options)).start()
        running.append(server)
        return Client(server)

    yield start
    for server in running:
        server.stop()


def test_an_invoice_is_told_signed_and_shown_by_the_portal(serve, receiver):
    client = serve()
    endpoint = client.endpoint(f"{receiver.url}/hook", filterTypes=FOUR)
    secret = client.portal("GET", f"/endpoint/{endpoint['id']}/secret").json()["key"]
    invoice = client.invoice()
    client.call("PUT", f"/v1/invoices/{invoice}/payment", 200, json={"payment_status": "SUCCEEDED"})
    client.call("POST", f"/v1/invoices/{invoice}/void", 200, json={})
    got = receiver.wait(2)
    assert client.service.wait_idle()
    assert [json.loads(one.body)["event_type"] for one in got] == FOUR[:2]
    assert len(receiver.got()) == 2, "invoice.update and invoice.update.voided are wanted by nobody"
    for one in got:
        svix.webhooks.Webhook(secret).verify(one.body, one.lowered)
        assert json.loads(one.body)["invoice"]["id"] == invoice
        assert b'"name":"\\u003cC\\u003e"' in one.body
    attempts = client.portal("GET", f"/attempt/endpoint/{endpoint['id']}").json()["data"]
    assert [attempt["msgId"] for attempt in attempts] == [one.header("svix-id") for one in reversed(got)]


def test_a_trigger_sends_the_same_event_under_a_new_id(serve, receiver):
    client = serve()
    client.endpoint(f"{receiver.url}/hook", filterTypes=["invoice.update.finalized"])
    invoice = client.invoice()
    path = f"/v1/invoices/{invoice}/webhook/trigger"
    client.call("POST", path, 200, params={"event_name": "invoice.update.finalized"})
    first, second = receiver.wait(2)
    assert first.body == second.body
    assert first.header("svix-id") != second.header("svix-id")


def test_the_first_portal_call_names_the_application_by_its_id(serve):
    client = serve()
    first = client.call("GET", "/v1/webhooks/dashboard", 200)["app_id"]
    second = client.call("GET", "/v1/webhooks/dashboard", 200)["app_id"]
    assert first.startswith("app_")
    assert second == f"{DEFAULT_TENANT}_{PRODUCTION}"


def test_an_earlier_event_has_created_the_application(serve):
    client = serve()
    client.invoice()
    assert client.service.wait_idle()
    assert client.call("GET", "/v1/webhooks/dashboard", 200)["app_id"] == f"{DEFAULT_TENANT}_{PRODUCTION}"


def test_the_token_is_for_one_application_and_ends(serve):
    client = serve()
    assert client.portal("GET").status_code == 200
    token = client.token
    for spoiled in ("", "x", token[:-2], token.replace(".", "", 1), token.swapcase(), f"{token}\N{SNOWMAN}".encode()):
        client.token = spoiled.decode("utf-8") if isinstance(spoiled, bytes) else spoiled
        headers = {"authorization": f"Bearer {client.token}".encode()}
        answer = requests.get(f"{client.server.url}/api/v1/app/{client.app}", headers=headers, timeout=10)
        assert answer.status_code == 401, spoiled
    other = requests.get(
        f"{client.server.url}/api/v1/app/other", headers={"authorization": f"Bearer {token}"}, timeout=9
    )
    assert (other.status_code, other.json()) == (404, {"code": "not_found", "detail": "Entity not found"})
    days = {"advance": 28 * 86400 + 1}
    client.call("POST", "/_emulator/clock", 200, json=days)
    client.token = token
    assert client.portal("GET").status_code == 401


def test_every_recorded_right_of_the_token(serve):
    client = serve()
    endpoint = client.endpoint("http://127.0.0.1:1/x", disabled=True)["id"]
    message = client.service.svix.send(client.service.svix.applications.all()[0], "x", b"{}").id
    keep = [row for row in facts("03_portal_access", "matrix")["rows"] if "atmpt_" not in row["path"]]
    checked = 0
    for row in keep:
        if not row["path"].startswith("/api/v1/app/{app}"):
            continue
        path = row["path"].replace("{ep}", endpoint).replace("{msg}", message)
        path = "/".join(endpoint if part.startswith("ep_") else part for part in path.split("/")).partition("{app}")[2]
        bodies = {"recover": {"since": "2026-01-01T00:00:00Z"}, "headers": {"headers": {}}}
        body = bodies.get(path.rstrip("/").rpartition("/")[2], {"url": "http://127.0.0.1:1/x"})
        if row["op"] in ("endpoint delete", "endpoint get after delete"):
            continue
        if "recover" in path:
            body = {"since": client.server.world.clock.now().isoformat()}
        status = client.portal(row["method"], path, json={} if "rotate" in path else body).status_code
        assert status == row["status_with_app_token"], row["op"]
        checked += 1
    assert checked > 30


def test_types_that_are_registered(serve):
    client = serve()
    client.portal("GET")
    headers = {"authorization": f"Bearer {client.token}"}
    got = requests.get(f"{client.server.url}/api/v1/event-type/?limit=250", headers=headers, timeout=10).json()
    assert [one["name"] for one in got["data"]] == list(REGISTERED)
    assert {name for name, _ in facts("12_flexprice_seed", "all")["list"]} == set(REGISTERED)
    for name in ("event.rejected", "subscription.plan_changed", "subscription.draft.created"):
        assert (
            client.portal("POST", "/endpoint", json={"url": "http://127.0.0.1:1", "filterTypes": [name]}).status_code
            == 422
        )


def test_hostile_requests_end_in_a_refusal(serve):
    client = serve()
    client.portal("GET")
    deep = b'{"metadata": ' + b"[" * 100_000
    for body in (
        deep,
        b"\xff\xfe",
        b"[]",
        b"null",
        b'"x"',
        b'{"url": 1}',
        b'{"url": "http://["}',
        b'{"url":"http://a:x"}',
    ):
        assert client.portal("POST", "/endpoint", data=body).status_code == 422, body[:40]
    odd = [
        {"uid": 1},
        {"filterTypes": [1]},
        {"filterTypes": [None]},
        {"metadata": 1},
        {"disabled": "x"},
        {"version": True},
    ]
    for fields in odd:
        body = {"url": "http://127.0.0.1:1", **fields}
        assert client.portal("POST", "/endpoint", json=body).status_code == 422, fields
    assert client.portal("POST", "/endpoint", data=b"x" * (3 << 20)).status_code == 413
    for query in ("limit=-1", "limit=99999999999999999999999", "limit=x"):
        assert client.portal("GET", f"/endpoint?{query}").status_code == 400
    assert client.portal("GET", "/msg?before=yesterday").status_code == 400
    assert client.portal("GET", "/" + "/".join("x" * 30)).status_code == 404


def test_without_svix_there_is_no_such_path_and_retrying_is_at_once(serve, receiver):
    client = serve(svix=False, delivery={"native_url": f"{receiver.url}/seq/500-200"})
    answer = requests.get(f"{client.server.url}/api/v1/health/", timeout=10)
    assert (answer.status_code, answer.text) == (404, "404 page not found")
    client.call("POST", "/_emulator/webhooks", 200, json={"hold": True})
    client.invoice()
    shown = client.call("GET", "/_emulator/webhooks", 200)
    assert shown["held"]
    assert receiver.got() == []
    event = next(one for one in shown["events"] if one["name"] == "invoice.update.finalized")["id"]
    assert client.call("POST", "/v1/webhooks/retry", json={"system_event_id": event}) == {"success": False}
    assert client.call("POST", "/v1/webhooks/retry", json={"system_event_id": event}) == {"success": True}
    assert len(receiver.got()) == 2
    client.call("POST", "/v1/webhooks/retry", 404, json={"system_event_id": "sys_event_none"})


class TestFaults:
    @pytest.mark.parametrize(
        ("fault", "urls", "disabled", "types"),
        [
            (None, ["127.0.0.1"], [False], [4]),
            ("F113", [], [], []),
            ("F114", ["hooks.staging.example.com"], [False], [4]),
            ("F115", ["127.0.0.1"], [True], [4]),
            ("F116", ["127.0.0.1"], [False], [3]),
        ],
    )
    def test_how_the_endpoint_is_registered(self, serve, receiver, fault, urls, disabled, types):
        client = serve(faults=(fault,) if fault else ())
        seeder = Seeder(client.server)
        seeder.endpoint(f"{receiver.url}/flexprice", FOUR)
        seeder.customers([])
        endpoints = client.portal("GET", "/endpoint").json()["data"]
        assert [requests.utils.urlparse(one["url"]).hostname for one in endpoints] == urls
        assert [one["disabled"] for one in endpoints] == disabled
        assert [len(one["filterTypes"]) for one in endpoints] == types

    def test_a_webhook_never_arrives(self, serve, receiver):
        client = serve(faults=("F139",))
        client.endpoint(f"{receiver.url}/x")
        client.invoice()
        assert client.service.wait_idle()
        assert receiver.got() == []
        assert client.portal("GET", "/msg").json()["data"] == []

    def test_a_webhook_of_another_invoice(self, serve, receiver):
        client = serve(faults=("F140",))
        client.endpoint(f"{receiver.url}/x", filterTypes=["invoice.update.finalized"])
        invoice = client.invoice()
        (got,) = receiver.wait()
        told = json.loads(got.body)["invoice"]
        assert told["id"].startswith("inv_")
        assert told["id"] != invoice
        assert client.call("GET", f"/v1/invoices/{invoice}", 200)["id"] == invoice
        assert until(client.service.idle)
