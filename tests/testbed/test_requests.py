"""What the ladder and its clean-up ask for: nothing twice that was known, and nothing left unread."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from pytest_flexprice.api import Transport
from pytest_flexprice.testbed.cleanup import clean

from .price_lists import PRICE_LISTS
from .test_miscounting import ladder
from .test_price_lists import served

MOST = 50


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every request, as it is sent."""
    sent: list[str] = []
    send = Transport.send

    def noted(self: Transport, method: str, path: str, **more: Any) -> Any:
        sent.append(f"{method} {path} {more.get('query')} {more.get('body')}")
        return send(self, method, path, **more)

    monkeypatch.setattr(Transport, "send", noted)
    return sent


def test_a_ladder_with_two_customers_and_its_cleanup_stay_within_fifty_requests(
    asked: list[str], tmp_path: Path
) -> None:
    with served(PRICE_LISTS["seats"], tmp_path) as testbed:
        smoke = ladder(testbed)
        assert smoke.finalized().findings == []
        left = clean(testbed.flexprice, testbed.ledger)
        subscriptions = [*testbed.flexprice.search("/v1/subscriptions/search", {"subscription_status": ["active"]})]
        assert (left, subscriptions, testbed.ledger.open()) == ([], [], [])
    asked.pop()
    at_once = [request for request, _waits in groupby(asked)]  # what is waited for is asked for again and again
    assert len(at_once) <= MOST, "\n".join(at_once)


def test_what_the_run_did_not_make_itself_is_read_before_it_is_taken_away(asked: list[str], tmp_path: Path) -> None:
    with served(PRICE_LISTS["seats"], tmp_path) as testbed:
        customer = ladder(testbed).subscription().customer
        testbed.flexprice.post("/v1/wallets", {"customer_id": customer.id, "currency": "usd"})
        del asked[:]
        assert clean(testbed.flexprice, testbed.ledger) == []
    ended = next(number for number, each in enumerate(asked) if "/terminate" in each)
    read = [number for number, each in enumerate(asked) if each.startswith("GET /v1/wallets/")]
    assert read
    assert min(read) < ended < max(read)
