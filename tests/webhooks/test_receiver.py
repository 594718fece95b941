"""The receiver keeps what arrives byte for byte, verifies it, and fails, delays or redirects as told."""

from __future__ import annotations

import http.client
from datetime import UTC, datetime

import pytest
import requests

from pytest_flexprice.webhooks import signatures
from pytest_flexprice.webhooks.receiver import WebhookReceiver

from .builders import OTHER_SECRET


@pytest.fixture
def receiver():
    with WebhookReceiver(keep=3) as running:
        yield running


def deliver(receiver, body=b'{"event_type": "invoice.update"}', secret="", name="msg_1", **settings):
    signed = signatures.sign(secret or receiver.secret, name, datetime.now(UTC), body)
    return requests.post(receiver.url, data=body, headers=signed, timeout=5, **settings)


def test_a_signed_message_is_kept_and_verified(receiver):
    odd = b'{ "event_type":"subscription.created",\n "n": 1.0, "u": "\xc3\xa9" }'
    assert deliver(receiver, odd).status_code == 200
    one = receiver.wait_for("subscription.created", deadline=2)
    assert one.verified
    assert one.request.body == odd
    assert one.message_id == "msg_1"
    assert one.payload["n"] == 1.0
    assert ("svix-id", "msg_1") in one.request.headers


def test_a_wrong_signature_is_kept_with_its_reason(receiver):
    deliver(receiver, secret=OTHER_SECRET)
    requests.post(receiver.url, data=b"no json", timeout=5)
    first, second = receiver.received
    assert "no signature matches" in first.problem
    assert "no svix-id" in second.problem
    assert second.payload is None
    assert second.event_type == ""


def test_failing_for_a_while_and_then_succeeding(receiver):
    receiver.answer(503, times=2)
    assert [deliver(receiver).status_code for _ in range(3)] == [503, 503, 200]
    assert [one.status for one in receiver.received] == [503, 503, 200]


def test_redirecting_and_delaying(receiver):
    receiver.answer(308, location="https://elsewhere.example/")
    answer = deliver(receiver, allow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (308, "https://elsewhere.example/")
    receiver.answer(delay=0.2)
    assert deliver(receiver).elapsed.total_seconds() >= 0.2


def test_memory_is_bounded(receiver):
    for number in range(5):
        deliver(receiver, name=f"msg_{number}")
    assert [one.message_id for one in receiver.received] == ["msg_2", "msg_3", "msg_4"]
    receiver.clear()
    assert receiver.received == []
    line = http.client.HTTPConnection(receiver.origin.removeprefix("http://"), timeout=5)
    line.request("POST", "/webhooks", headers={"content-length": str(10**9)})
    assert line.getresponse().status == 413
    line.close()


def test_the_bodies_kept_are_bounded_together():
    with WebhookReceiver(keep_bytes=250) as receiver:
        for number in range(4):
            deliver(receiver, b"x" * 100, name=f"msg_{number}")
        assert [one.message_id for one in receiver.received] == ["msg_2", "msg_3"]
        deliver(receiver, b"x" * 1000, name="msg_9")
        assert [one.message_id for one in receiver.received] == ["msg_9"]


def test_waiting_in_vain_says_what_did_arrive(receiver):
    deliver(receiver)
    with pytest.raises(AssertionError, match=r"within 0\.05 s; arrived: invoice\.update"):
        receiver.wait_for(lambda one: one.message_id == "msg_9", deadline=0.05)


def test_two_receivers_have_ports_and_secrets_of_their_own(receiver):
    with WebhookReceiver() as other:
        assert other.url != receiver.url
        assert other.secret != receiver.secret
    with pytest.raises(RuntimeError, match="not running"):
        assert other.url
