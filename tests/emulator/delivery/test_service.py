"""From something that happened to a webhook: what is sent, when its body is read, and what leaves no trace."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest

from pytest_flexprice.emulator.delivery.publishing import BODIES
from pytest_flexprice.emulator.delivery.service import service_of
from pytest_flexprice.emulator.kernel import jobs
from pytest_flexprice.emulator.kernel.options import DEFAULT_TENANT, PRODUCTION, SANDBOX

from .conftest import until


def test_one_signed_delivery_with_sorted_keys(rig, receiver):
    one = rig()
    endpoint = one.endpoint(f"{receiver.url}/hook?x=1")
    one.things["t1"] = {"id": "t1", "b": "<&>", "a": 1.50}
    one.publish("subscription.created")
    (got,) = receiver.wait()
    assert got.path == "/hook?x=1"
    assert got.body == b'{"event_type":"subscription.created","thing":{"a":1.5,"b":"\\u003c\\u0026\\u003e","id":"t1"}}'
    assert [name for name, _ in got.headers][:3] == ["Host", "Accept", "content-type"]
    assert [name for name, _ in got.headers][-1] == "Content-Length"
    assert got.header("host") == receiver.url.removeprefix("http://")
    assert one.service.wait_idle()
    (message,) = one.application().messages.values()
    assert got.header("svix-id") == message.id
    assert message.event_id is None
    assert message.payload == json.loads(got.body)
    assert message.destinations[endpoint.id].status == 0


def test_the_body_is_read_at_delivery(rig, receiver):
    one = rig()
    one.endpoint(f"{receiver.url}/late")
    with one.world.lock:
        one.service.hold()
    one.publish("invoice.update.finalized")
    one.things["t1"] = {"id": "t1", "invoice_status": "VOIDED"}
    assert one.service.idle()
    assert receiver.got() == []
    with one.world.lock:
        one.service.release()
    assert json.loads(receiver.wait()[0].body)["thing"]["invoice_status"] == "VOIDED"


def test_the_stale_job_leaves_alone_what_waits(rig, receiver):
    one = rig()
    one.endpoint(f"{receiver.url}/x")
    with one.world.lock:
        one.service.hold()
    one.publish()
    one.world.advance(timedelta(hours=1))
    assert one.service.wait_idle()
    assert receiver.got() == []
    with one.world.lock:
        one.service.release()
    receiver.wait()
    one.world.advance(timedelta(hours=1))
    assert one.service.wait_idle()
    assert len(receiver.got()) == 1


def test_a_rate_spreads_events(rig, receiver):
    one = rig(per_second=20.0)
    one.endpoint(f"{receiver.url}/x")
    for _ in range(5):
        one.publish()
    times = [request.at for request in receiver.wait(5)]
    assert times[-1] - times[0] >= 0.15, "four gaps of 0.05 s"


def test_a_delay_runs_by_the_servers_clock(rig, receiver):
    one = rig(delay_seconds=3600.0)
    one.endpoint(f"{receiver.url}/x")
    one.publish()
    assert one.service.wait_idle()
    assert receiver.got() == []
    one.world.advance(timedelta(hours=1, seconds=1))
    assert len(receiver.wait()) == 1


@pytest.mark.parametrize("filter_types", [["subscription.cancelled"], None])
def test_what_nobody_wants_leaves_no_trace(rig, receiver, filter_types):
    one = rig()
    one.endpoint(f"{receiver.url}/x", filter_types=filter_types, disabled=filter_types is None)
    one.publish("subscription.created")
    assert one.service.wait_idle()
    assert not one.application().messages
    assert receiver.got() == []
    assert [event.done for event in one.service.events.values()] == [True]


def test_wanted_types_are_remembered_for_a_while(rig, receiver):
    one = rig(wanted_types_cache_seconds=60.0)
    one.publish()
    assert one.service.wait_idle()
    one.endpoint(f"{receiver.url}/x")
    for _ in range(10):
        one.publish()
    assert one.service.wait_idle()
    assert not one.application().messages, "events within the minute vanish"
    one.world.advance(timedelta(seconds=61))
    one.publish()
    assert len(receiver.wait()) == 1
    assert one.service.wait_idle()
    assert len(one.application().messages) == 1


def test_a_message_fans_out_to_those_that_want_it_now(rig, receiver):
    one = rig(wanted_types_cache_seconds=60.0)
    wanting = one.endpoint(f"{receiver.url}/all")
    one.endpoint(f"{receiver.url}/other", filter_types=["subscription.cancelled"])
    one.publish()
    receiver.wait(1, "/all")
    with one.world.lock:
        wanting.disabled = True
    one.publish()
    assert one.service.wait_idle()
    assert len(receiver.got()) == 1
    second = list(one.application().messages.values())[1]
    assert not second.destinations, "Flexprice still believed that somebody wants it"


def test_events_arrive_in_order_at_a_quick_receiver(rig, receiver):
    one = rig(answer_wait_seconds=5.0)
    one.endpoint(f"{receiver.url}/x")
    names = [f"subscription.{number}" for number in range(30)]
    for name in names:
        one.publish(name)
    got = receiver.wait(30)
    assert [json.loads(request.body)["event_type"] for request in got] == names
    assert len({request.header("svix-id") for request in got}) == 30


def test_a_hanging_receiver_does_not_hold_up_the_next_event(rig, receiver):
    one = rig(answer_wait_seconds=0.05, timeout_seconds=20.0)
    one.endpoint(f"{receiver.url}/hang", filter_types=["subscription.created"])
    one.endpoint(f"{receiver.url}/x", filter_types=["subscription.cancelled"])
    one.publish("subscription.created")
    one.publish("subscription.cancelled")
    assert len(receiver.wait(1, "/x", 5)) == 1


def test_tenants_share_one_queue_and_environments_have_applications_of_their_own(rig, receiver):
    one = rig()
    with one.world.lock:
        one.service.register(SANDBOX, f"{receiver.url}/sandbox")
        one.service.register(PRODUCTION, f"{receiver.url}/production")
        one.world.publish(PRODUCTION, "subscription.created", kind="thing", id="t1")
    receiver.wait(1, "/production")
    assert one.service.wait_idle()
    assert receiver.got("/sandbox") == []
    assert [app.uid for app in one.svix.applications.all()] == [f"{DEFAULT_TENANT}_{e}" for e in (SANDBOX, PRODUCTION)]


def test_an_invoice_that_is_not_there_yet_is_waited_for_once(rig, receiver, monkeypatch):
    one = rig(unseen_wait_seconds=0.05)
    asked = threading.Event()

    def body(world, environment, identifier):
        if asked.is_set():
            return {"id": identifier}
        asked.set()
        return None

    monkeypatch.setitem(BODIES, "invoice", body)
    one.endpoint(f"{receiver.url}/x")
    one.publish("invoice.update", kind="invoice", identifier="inv_1")
    one.publish("subscription.created")
    kinds = [json.loads(request.body)["event_type"] for request in receiver.wait(2)]
    assert kinds == ["invoice.update", "subscription.created"], "everything behind it waits too"


def test_what_is_not_there_comes_with_the_stale_job(rig, receiver):
    one = rig()
    one.endpoint(f"{receiver.url}/x")
    one.things.clear()
    for identifier in ("t1", "t2"):
        one.publish(identifier=identifier)
    assert one.service.wait_idle()
    one.things.update({key: {"id": key} for key in ("t1", "t2")})
    one.world.advance(timedelta(minutes=13))
    assert one.service.wait_idle()
    assert receiver.got() == [], "younger than 15 minutes"
    one.world.advance(timedelta(minutes=4))
    identifiers = [json.loads(request.body)["thing"]["id"] for request in receiver.wait(2)]
    assert identifiers == ["t2", "t1"], "newest first"
    one.world.advance(timedelta(minutes=30))
    assert one.service.wait_idle()
    assert len(receiver.got()) == 2
    assert "stale webhooks" in jobs.JOBS


def test_memory_is_bounded(rig):
    one = rig(message_limit=3, queue_limit=5)
    one.endpoint("http://127.0.0.1:1/x")
    messages = [one.send() for _ in range(5)]
    assert list(one.application().messages.values()) == messages[2:]
    with one.world.lock:
        for _ in range(50):
            one.publish()
    assert one.service.wait_idle()
    assert len(one.application().messages) == 3
    assert sum(not event.done for event in one.service.events.values()) >= 40, "beyond the limit of the queue"


def test_stopping_ends_the_threads_even_under_the_lock_and_resuming_goes_on(rig, receiver):
    one = rig(timeout_seconds=60.0)
    one.endpoint(f"{receiver.url}/hang")
    one.publish()
    receiver.wait()
    with one.world.lock:
        one.publish()
        one.service.stop()
    assert until(lambda: not one.service.threads())
    one.service.resume()
    with one.world.lock:
        one.service.register(SANDBOX, f"{receiver.url}/again")
    one.publish()
    assert len(receiver.wait(1, "/again")) == 1


def test_reset_forgets_everything(rig, receiver):
    one = rig()
    one.endpoint(f"{receiver.url}/x")
    one.world.reset()
    one.publish()
    fresh = service_of(one.world)
    assert fresh is not one.service
    assert fresh.wait_idle()
    assert fresh.svix.applications.all()[0].endpoints == {}
    fresh.stop()
    assert receiver.got() == []


class TestNative:
    def test_a_plain_post_in_the_servers_own_order(self, rig, receiver):
        one = rig(svix=False, native_url=f"{receiver.url}/native", native_headers={"x-api-key": "k"})
        one.things["t1"] = {"id": "t1", "b": "<", "a": "1.10"}
        one.publish("subscription.created")
        (got,) = receiver.wait()
        assert got.body == b'{"event_type":"subscription.created","thing":{"id":"t1","b":"\\u003c","a":"1.10"}}'
        names = ["Host", "User-Agent", "Content-Length", "Content-Type", "X-Api-Key", "Accept-Encoding"]
        assert [name for name, _ in got.headers] == names
        assert one.svix.applications.all() == []

    def test_both_environments_go_to_one_url_and_exclusions_hold(self, rig, receiver):
        one = rig(svix=False, native_url=f"{receiver.url}/n", native_excluded=frozenset({"invoice.update"}))
        with one.world.lock:
            for environment in (SANDBOX, PRODUCTION):
                one.world.publish(environment, "invoice.update", kind="thing", id="t1")
                one.world.publish(environment, "subscription.created", kind="thing", id="t1")
        assert one.service.wait_idle()
        assert [json.loads(r.body)["event_type"] for r in receiver.got()] == ["subscription.created"] * 2

    @pytest.mark.parametrize("path", ["/s/500", "/s/400", "/s/302", "/close"])
    def test_a_failure_is_tried_again_by_the_job_and_dead_after_five(self, rig, receiver, path):
        one = rig(svix=False, native_url=f"{receiver.url}{path}")
        one.publish()
        receiver.wait()
        assert one.service.wait_idle()
        for _ in range(20):
            one.world.advance(timedelta(minutes=2))
            assert one.service.wait_idle()
        assert len(receiver.got()) == 5
        (event,) = one.service.events.values()
        assert (event.done, event.failures) == (False, 5)

    def test_without_a_url_nothing_is_sent(self, rig):
        one = rig(svix=False)
        one.publish()
        assert one.service.wait_idle()
        assert [event.done for event in one.service.events.values()] == [True]
