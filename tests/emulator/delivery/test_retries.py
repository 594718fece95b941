"""What each answer of a receiver leads to: the recorded table, played fifty times as fast."""

from __future__ import annotations

import random
from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.emulator.delivery.model import FAIL, SUCCESS
from pytest_flexprice.emulator.delivery.settings import RETRY_SCHEDULE, DeliverySettings
from pytest_flexprice.emulator.delivery.svix import wait_before_next
from pytest_flexprice.emulator.delivery.transport import Outcome

from .conftest import FAST, until
from .recorded import RECORDED_RECEIVER, conversation, facts

TABLE = {row["case"]: row for row in facts("07_retries", "table")["rows"]}
CREATED = {
    step["name"].removeprefix("endpoint "): step["request"]["json"]["url"]
    for step in conversation("07_retries")
    if step["name"].startswith("endpoint ") and step["request"]["method"] == "POST"
}
ELSEWHERE = {"timeout": "a case of its own", "blocked ip (not whitelisted loopback)": "127.0.0.2 is loopback here"}
REAL = DeliverySettings(retry_scale=1.0)
SHORT = DeliverySettings(retry_schedule=(1.0, 2.0, 3.0, 4.0), retry_scale=1.0)


def test_every_recorded_case(rig, receiver):
    one = rig(answer_wait_seconds=0)
    cases = {case: url for case, url in CREATED.items() if case not in ELSEWHERE}
    endpoints = {case: one.endpoint(url.replace(RECORDED_RECEIVER, receiver.url)) for case, url in cases.items()}
    message = one.send()
    assert until(lambda: all(message.destinations[e.id].next_attempt is None for e in endpoints.values()))
    assert one.service.wait_idle()
    for case, endpoint in endpoints.items():
        attempts = [a for a in message.attempts if a.endpoint_id == endpoint.id]
        row = TABLE[case]
        assert [a.status_code for a in attempts] == row["codes"], case
        assert [a.status for a in attempts] == row["status"], case
        assert attempts[-1].response[:80] == row["responses"][0], case
        assert message.destinations[endpoint.id].status == row["dest_status_nextAttempt"][0], case
        assert not endpoint.disabled, case
    assert len(endpoints) > 25
    assert receiver.got("/redirected") == [], "redirects are not followed"


def test_a_retry_keeps_the_id_and_is_signed_anew(rig, receiver):
    one = rig(retry_scale=0.6, retry_jitter=0.0, retry_schedule=(2.0,))
    one.endpoint(f"{receiver.url}/s/500")
    one.send()
    first, second = (request.lowered for request in receiver.wait(2))
    assert first["svix-id"] == second["svix-id"]
    assert int(second["svix-timestamp"]) > int(first["svix-timestamp"])
    assert first["svix-signature"] != second["svix-signature"]


def test_a_timeout_waits_its_minimum(rig, receiver):
    one = rig(timeout_seconds=0.1, timeout_wait_seconds=60.0, retry_scale=0.01, retry_jitter=0.0)
    endpoint = one.endpoint(f"{receiver.url}/hang")
    message = one.send()
    assert until(lambda: len(message.attempts) == 5)
    recorded = facts("07b_timeout_retries", "row")["row"]
    assert [a.status_code for a in message.attempts] == recorded["codes"]
    assert [a.response for a in message.attempts] == recorded["responses"]
    starts = [a.timestamp for a in message.attempts]
    gaps = [(after - before).total_seconds() for before, after in pairwise(starts)]
    assert all(gap >= 0.7 for gap in gaps), "0.1 s until the timeout and 0.6 s of waiting"
    assert message.destinations[endpoint.id].status == FAIL


@pytest.mark.parametrize("case", [case for case in TABLE if len(TABLE[case]["gaps_s"]) == 4])
def test_recorded_gaps_are_possible(case):
    status = TABLE[case]["codes"][0]
    after = case.partition("Retry-After:")[2]
    outcome = Outcome(status, "", retry_after=float(after) if after else None)
    for failures, gap in enumerate(TABLE[case]["gaps_s"], start=1):
        waits = [wait_before_next(SHORT, failures, outcome, random.Random(seed)) for seed in range(300)]
        assert min(waits) - 0.15 <= gap <= max(waits) + 0.6, (case, failures)


def test_recorded_gaps_after_timeouts_are_possible():
    outcome = Outcome(0, "", timed_out=True)
    row = facts("07b_timeout_retries", "row")["row"]
    for failures, gap in enumerate(row["gaps_s"], start=1):
        waits = [wait_before_next(SHORT, failures, outcome, random.Random(seed)) for seed in range(300)]
        assert min(waits) <= gap - 5 <= max(waits), "5 s of each gap are the timeout itself"


def test_the_default_schedule():
    for step, failures in (("nextAttempt", 1), ("second", 2)):
        recorded = facts("09_default_schedule_and_restart", "nextAttempt")
        assert recorded["attempts"] == 1
        bounds = RETRY_SCHEDULE[failures - 1] * 0.8, RETRY_SCHEDULE[failures - 1] * 1.2
        wait = wait_before_next(REAL, failures, Outcome(404, ""), random.Random(step))
        assert bounds[0] <= wait <= bounds[1]
    waits = [wait_before_next(REAL, n, Outcome(500, ""), random.Random(0)) for n in range(1, 10)]
    assert [wait is None for wait in waits] == [False] * 7 + [True] * 2, "8 attempts in all"


@given(
    failures=st.integers(1, 7),
    status=st.integers(300, 599) | st.just(0),
    after=st.none() | st.floats(0, 1e6),
    seed=st.integers(),
)
def test_every_wait_stays_between_once_and_twice_its_step(failures, status, after, seed):
    step = RETRY_SCHEDULE[failures - 1]
    wait = wait_before_next(REAL, failures, Outcome(status, "", retry_after=after), random.Random(seed))
    most = 2 * step if status in (429, 503) and after else step
    assert step * 0.8 <= wait <= most * 1.2


def test_what_happens_to_endpoints_in_mid_retry(rig, receiver):
    """Recording 08_extras: disabled, deleted, repaired, untouched, and made after the message."""
    one = rig(retry_scale=0.3, retry_schedule=(1.0, 1.0, 1.0, 1.0), retry_jitter=0.0)
    off, gone, mended, failing = (one.endpoint(f"{receiver.url}/s/500?{n}") for n in ("dis", "del", "fix", "rec"))
    message = one.send()
    receiver.wait(4)
    with one.world.lock:
        off.disabled = True
        del one.application().endpoints[gone.id]
        mended.url = f"{receiver.url}/s/200?fixed"
        one.endpoint(f"{receiver.url}/s/200?late")
    assert until(lambda: len(receiver.got("/s/500?rec")) == 5)
    with one.world.lock:
        off.disabled = False
    assert one.service.wait_idle()
    counts = facts("08_extras", "delivery counts: disabled / deleted / url fixed mid-retry / failing / created later")
    paths = {"mid_dis": "500?dis", "mid_del": "500?del", "mid_fix": "500?fix", "mid_fixed": "200?fixed"}
    paths |= {"rec": "500?rec", "late": "200?late"}
    assert {name: len(receiver.got(f"/s/{path}")) for name, path in paths.items()} == counts["counts"]
    assert message.destinations[mended.id].status == SUCCESS
    assert message.destinations[failing.id].status == FAIL


def test_resend_is_one_attempt_and_recover_mends(rig, receiver):
    one = rig(retry_schedule=(1.0,))
    endpoint = one.endpoint(f"{receiver.url}/s/500")
    message = one.send()
    assert until(lambda: message.attempts and message.destinations[endpoint.id].next_attempt is None)
    before: datetime = one.world.clock.now()
    with one.world.lock:
        one.svix.resend(one.application(), message, endpoint)
    assert until(lambda: len(message.attempts) == 3)
    assert message.attempts[-1].trigger == 1
    assert message.destinations[endpoint.id].next_attempt is None, "no retries of its own"
    with one.world.lock:
        endpoint.url = f"{receiver.url}/s/200"
        one.svix.recover(one.application(), endpoint, before, None)
        assert one.service.idle(), "the message is older than that"
        one.svix.recover(one.application(), endpoint, message.timestamp, None)
    assert until(lambda: len(message.attempts) == 4)
    assert message.destinations[endpoint.id].status == SUCCESS


def test_nothing_leaves_the_machine(rig):
    one = rig(retry_schedule=())
    hosts = ("http://192.0.2.1/x", "https://flexprice.invalid/", "http://[2001:db8::1]:80/", "http://10.0.0.1:1/")
    for url in hosts:
        one.endpoint(url)
    message = one.send()
    assert until(lambda: len(message.attempts) == len(hosts))
    blocked = TABLE["blocked ip (not whitelisted loopback)"]["responses"][0]
    assert {a.response for a in message.attempts} == {blocked}
    assert FAST.allowed_hosts == ()


def test_a_dripping_receiver_does_not_outlast_the_timeout(rig, receiver):
    one = rig(timeout_seconds=0.4, retry_schedule=())
    one.endpoint(f"{receiver.url}/drip")
    message = one.send()
    assert until(lambda: len(message.attempts) == 1, 5)
    assert message.attempts[0].response == "request timed out"
    assert 350 <= message.attempts[0].milliseconds < 2000


def test_a_url_is_kept_as_a_browser_would_write_it(rig, receiver):
    one = rig(retry_schedule=())
    with one.world.lock:
        made = one.api_endpoint(f"{receiver.url}/a b/ü?q=ä x&y=%20")
    one.send()
    assert receiver.wait()[0].path == "/a%20b/%C3%BC?q=%C3%A4%20x&y=%20"
    assert made["url"].startswith(f"{receiver.url}/a%20b/")
