"""Bodies of webhooks as the emulator sends them, against deliveries of the real server: same fields, same forms."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer
from pytest_flexprice.emulator.delivery.service import service_of
from pytest_flexprice.emulator.delivery.settings import DeliverySettings
from pytest_flexprice.emulator.kernel.options import SANDBOX

from .conftest import until
from .receiver import Received, Receiver

DELIVERIES = Path(__file__).parents[2] / "deliveries"
DUE = "2026-12-01T18:29:55.969Z"
_ID = re.compile(r"^([a-z]+(?:_[a-z]+)*)_[0-9A-HJKMNP-TV-Z]{26}$")
_SHAPES = (
    (re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$"), "<time>"),
    (re.compile(r"^INV-\d{6}-\d{5}$"), "<invoice number>"),
    (re.compile(r"^[a-z_]+-[0-9a-f]{16}$"), "<idempotency key>"),
    (re.compile(r"^vec-[0-9a-f]{8}-\w+?(?P<rest>-cust| m0| m0 \(Usage Charge\)|\.use|-\w+)?$"), "<name>"),
)


def _recorded(name: str) -> Any:
    request = json.loads((DELIVERIES / f"{name}.json").read_text())["request"]
    return json.loads(base64.b64decode(request["body_base64"]))


def _shape(value: Any, key: str = "") -> Any:
    """A body without what differs from run to run."""
    if isinstance(value, dict):
        return {name: _shape(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_shape(item) for item in value]
    if key in ("sequence", "synced_price_sequence") and isinstance(value, int):
        return "<sequence>"
    if not isinstance(value, str):
        return value
    if match := _ID.match(value):
        return f"<{match[1]}>"
    found = next((text for pattern, text in _SHAPES if pattern.match(value)), value)
    return re.sub(r"subs_\w{26}", "<subs>", found)


def _differences(wanted: Any, got: Any, path: str = "") -> Iterator[str]:
    if isinstance(wanted, dict) and isinstance(got, dict):
        for key in sorted(wanted.keys() | got.keys()):
            yield from _differences(wanted.get(key, "(absent)"), got.get(key, "(absent)"), f"{path}.{key}")
    elif isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        for index, pair in enumerate(zip(wanted, got, strict=True)):
            yield from _differences(*pair, f"{path}[{index}]")
    elif wanted != got:
        yield f"{path}: recorded {wanted!r}, got {got!r}"


def _order(value: Any) -> Any:
    """The keys of a body in their order, without values."""
    if isinstance(value, dict):
        return {key: _order(item) for key, item in value.items()}
    return [_order(item) for item in value] if isinstance(value, list) else None


class Story:
    """What the recorded deliveries tell about, done again on one server."""

    def __init__(self, server: FlexpriceServer, receiver: Receiver) -> None:
        self.service = service_of(server.world)
        self.server, self.receiver = server, receiver
        self.name = "vec-0123abcd-story"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"x-api-key": self.server.api_key, "x-environment-id": SANDBOX}
        answer = requests.request(method, self.server.url + path, json=body, headers=headers, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def customer(self) -> str:
        return str(self.call("POST", "/v1/customers", {"external_id": f"{self.name}-cust", "name": self.name})["id"])

    def one_off(self, customer: str, **fields: Any) -> str:
        line = {"display_name": "Setup", "amount": "30", "quantity": "1"}
        amounts = dict.fromkeys(("subtotal", "total", "amount_due"), "30")
        body = {"customer_id": customer, "invoice_type": "ONE_OFF", "currency": "usd", "line_items": [line], **amounts}
        body |= {"billing_reason": "MANUAL", **fields}
        return str(self.call("POST", "/v1/invoices", body)["id"])

    def subscription(self, customer: str, **fields: Any) -> str:
        meter = self.call(
            "POST",
            "/v1/meters",
            {
                "name": f"{self.name} m0",
                "event_name": f"{self.name}.use",
                "aggregation": {"type": "SUM", "field": "n"},
                "reset_usage": "BILLING_PERIOD",
            },
        )["id"]
        self.call("POST", "/v1/features", {"name": f"{self.name} m0", "type": "metered", "meter_id": meter})
        plan = self.call("POST", "/v1/plans", {"name": self.name, "lookup_key": self.name})["id"]
        price = {"type": "USAGE", "amount": "0.25", "meter_id": meter, "entity_type": "PLAN", "entity_id": plan}
        price |= {"currency": "usd", "billing_period": "MONTHLY", "billing_period_count": 1}
        price |= {"billing_model": "FLAT_FEE", "invoice_cadence": "ARREAR", "start_date": "2026-11-12T00:00:00Z"}
        price |= {"billing_cadence": "RECURRING"}
        self.call("POST", "/v1/prices", price)
        start = f"{self.server.world.clock.now() - timedelta(days=3):%Y-%m-%d}T00:00:00Z"
        body = {"customer_id": customer, "plan_id": plan, "currency": "usd", "billing_period": "MONTHLY"}
        body |= {"billing_period_count": 1, "billing_cadence": "RECURRING", "start_date": start, **fields}
        return str(self.call("POST", "/v1/subscriptions", body)["id"])

    def told(self, event_type: str) -> Any:
        """The newest body of that type."""
        assert self.service.wait_idle()
        found = [body for body in map(_body, self.receiver.got()) if body["event_type"] == event_type]
        assert found, f"no {event_type}"
        return found[-1]


def _body(received: Received) -> Any:
    return json.loads(received.body)


@pytest.fixture
def story(receiver) -> Iterator[Callable[..., Story]]:
    running: list[FlexpriceServer] = []

    def tell(svix: bool = True) -> Story:
        delivery = DeliverySettings(native_url=None if svix else f"{receiver.url}/native")
        server = FlexpriceServer(EmulatorOptions(svix=svix, jobs=False, delivery=delivery)).start()
        running.append(server)
        one = Story(server, receiver)
        if svix:
            with server.world.lock:
                one.service.register(SANDBOX, f"{receiver.url}/svix")
        return one

    yield tell
    for server in running:
        server.stop()


def _assert_same(name: str, got: Any, *, order: bool = False) -> None:
    wanted = _recorded(name)
    assert not list(_differences(_shape(wanted), _shape(got)))
    if order:
        assert json.dumps(_order(got)) == json.dumps(_order(wanted)), "the order of keys"


def test_a_one_off_invoice(story):
    one = story()
    invoice = one.one_off(one.customer(), due_date=DUE)
    _assert_same("invoice.update.finalized", one.told("invoice.update.finalized"))
    one.call("PUT", f"/v1/invoices/{invoice}/payment", {"payment_status": "SUCCEEDED"})
    _assert_same("invoice.update.payment", one.told("invoice.update.payment"))


def test_a_voided_invoice_also_when_an_older_event_comes_late(story):
    one = story()
    customer = one.customer()
    with one.server.world.lock:
        one.service.hold()
    invoice = one.one_off(customer, due_date=DUE)
    one.call("POST", f"/v1/invoices/{invoice}/void", {})
    with one.server.world.lock:
        one.service.release()
    _assert_same("invoice.update.voided", one.told("invoice.update.voided"))
    _assert_same("late.invoice.update.finalized", one.told("invoice.update.finalized"))


def test_a_subscription(story):
    one = story()
    subscription = one.subscription(one.customer())
    _assert_same("subscription.created", one.told("subscription.created"))
    one.call("POST", f"/v1/subscriptions/{subscription}/cancel", {"cancellation_type": "immediate"})
    _assert_same("subscription.updated", one.told("subscription.updated"))
    _assert_same("subscription.cancelled", one.told("subscription.cancelled"))


def test_natively_in_the_servers_own_order_with_the_state_at_delivery(story):
    one = story(svix=False)
    with one.server.world.lock:
        one.service.hold()
    customer = one.customer()
    subscription = one.subscription(customer)
    invoice = one.one_off(customer)
    one.call("PUT", f"/v1/invoices/{invoice}/payment", {"payment_status": "SUCCEEDED"})
    one.call("POST", f"/v1/subscriptions/{subscription}/cancel", {"cancellation_type": "immediate"})
    with one.server.world.lock:
        one.service.release()
    for name in ("invoice.update", "invoice.update.finalized", "invoice.update.payment"):
        _assert_same(f"native.{name}", one.told(name), order=True)
    for name in ("subscription.created", "subscription.updated", "subscription.cancelled"):
        _assert_same(f"native.{name}", one.told(name), order=True)


def test_an_invoice_with_a_usage_line(story):
    one = story()
    subscription = one.subscription(one.customer())
    used = one.server.world.clock.now() - timedelta(minutes=1)
    body = {"event_name": f"{one.name}.use", "external_customer_id": f"{one.name}-cust", "properties": {"n": 9}}
    body |= {"timestamp": f"{used:%Y-%m-%dT%H:%M:%S}Z"}
    one.call("POST", "/v1/events", body)
    meter = one.call("GET", "/v1/meters")["items"][0]["id"]
    query = {"external_customer_id": f"{one.name}-cust", "meter_id": meter, "aggregation_type": "SUM"}
    query |= {"start_time": f"{used:%Y-%m-%d}T00:00:00Z", "end_time": f"{used + timedelta(days=1):%Y-%m-%d}T00:00:00Z"}
    assert until(lambda: one.call("POST", "/v1/meter-usage/query", query)["total_value"] == "9")
    cancel = {"cancellation_type": "immediate", "cancel_immediately_inovice_policy": "generate_invoice"}
    one.call("POST", f"/v1/subscriptions/{subscription}/cancel", cancel)
    _assert_same("usage.invoice.update.finalized", one.told("invoice.update.finalized"))
