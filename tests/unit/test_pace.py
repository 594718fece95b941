"""No more requests are sent a second than the plan allows, whoever sends them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from pytest_flexprice.api import Transport
from pytest_flexprice.api.pace import Pace
from pytest_flexprice.api.transport import ATTEMPTS


def _paced(per_second, calls):
    now, waits = [0.0], []

    def sleep(seconds):
        waits.append(round(seconds, 6))
        now[0] += seconds

    pace = Pace(per_second, lambda: now[0], sleep)
    for _ in range(calls):
        pace.wait()
    return waits


def test_requests_are_spread_over_the_second():
    assert _paced(4, 5) == [0.25] * 4
    assert _paced(None, 5) == []


def test_two_who_ask_at_once_do_not_go_together():
    waits = []
    pace = Pace(10, lambda: 0.0, waits.append)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: pace.wait(), range(8)))
    assert sorted(round(each, 6) for each in waits) == [round(n / 10, 6) for n in range(1, 8)]


def test_every_attempt_of_a_client_is_paced():
    waits = []
    transport = Transport("http://127.0.0.1:9", {}, pause=lambda _: None, pace=Pace(10, lambda: 0.0, waits.append))
    with pytest.raises(requests.ConnectionError):
        transport.send("GET", "/v1/x", idempotent=True)
    transport.close()
    assert len(waits) == ATTEMPTS - 1
