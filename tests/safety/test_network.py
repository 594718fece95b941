"""Whatever a connection does: a request ends, in time, in size and in attempts, and its sentence says which."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
import requests

from pytest_flexprice.api import Flexprice, Transport, WriteGuard
from pytest_flexprice.api.transport import ATTEMPTS, LARGEST_BODY, LONGEST_RETRY_AFTER, LONGEST_WAITING
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.webhooks.mint import Expect, Probe
from pytest_flexprice.webhooks.processed_url import get_page
from pytest_flexprice.webhooks.wire import ask
from tests.safety import attacks
from tests.safety.proxy import Exchange, HostileProxy, Reply, answer

LIMIT = 1 << 20
ME = {"id": "x", "roles": []}


@pytest.fixture(scope="module")
def proxy() -> Iterator[HostileProxy]:
    """A proxy with nothing behind it."""
    made = HostileProxy("http://127.0.0.1:9")
    yield made
    made.stop()


def reader(proxy: HostileProxy, pauses: list[float] | None = None, **bounds: Any) -> Flexprice:
    waited = [] if pauses is None else pauses
    transport = Transport(
        proxy.url,
        {"x-api-key": "sk_x"},
        pause=waited.append,
        **{"request_seconds": 1.0, "largest_body": LIMIT, **bounds},
    )
    return Flexprice(transport, WriteGuard(Level.READ, production=True))


SENTENCES = {
    "a body without end": "larger than any of Flexprice's|did not end",
    "a byte of the body at a time": "did not end within the time limit",
    "a byte of the header at a time": "within the time limit",
    "100 Continue without end": "within the time limit|no connection",
    "429 with Retry-After: 100000": "answered 429",
    "503 with Retry-After: 100000": "answered 503",
    "a JSON body that is cut off": "no connection",
}


@pytest.mark.parametrize("name", attacks.NETWORK)
def test_a_read_ends_and_nothing_is_concluded_from_it(name: str, proxy: HostileProxy) -> None:
    with proxy.attacking(lambda exchange: attacks.NETWORK[name]):
        flexprice = reader(proxy)
        with pytest.raises(NotVerified, match=SENTENCES.get(name, "no JSON that can be read")):
            flexprice.get("/v1/users/me")
        with pytest.raises(NotVerified):
            list(flexprice.list("/v1/customers"))
        flexprice.close()


@pytest.mark.parametrize("encoding", ["gzip, gzip", "gzip"])
def test_a_body_is_unpacked_up_to_a_limit(encoding: str, proxy: HostileProxy) -> None:
    packed = {"content-encoding": "gzip", "content-type": "application/json"}
    bomb = attacks.bomb() if "," in encoding else Reply(200, attacks.packed(64), packed)
    with proxy.attacking(lambda exchange: bomb):
        tracemalloc.start()
        try:
            with pytest.raises(NotVerified, match=r"larger than any of Flexprice's|compression"):
                reader(proxy, request_seconds=60).get("/v1/users/me")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 32 << 20


def test_a_body_as_large_as_flexprices_own_is_read(proxy: HostileProxy) -> None:
    rows = [{"id": f"x_{number}", "external_id": "x" * 900} for number in range(1000)]
    with proxy.attacking(lambda exchange: answer({"items": rows, "pagination": {"total": 1000, "limit": 1000}})):
        assert len(list(reader(proxy).list("/v1/customers"))) == 1000
    assert LARGEST_BODY > 1000 * 20_000  # a page of subscriptions, each with its plan, prices and lines


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("wait", ["100000", "inf", "nan", "-5", "Fri, 31 Dec 9999 23:59:59 GMT", "soon"])
def test_to_be_put_off_is_bounded_for_each_request_and_for_all(status: int, wait: str, proxy: HostileProxy) -> None:
    pauses: list[float] = []
    put_off = Reply(status, b"{}", {"content-type": "application/json", "retry-after": wait})
    with proxy.attacking(lambda exchange: put_off):
        flexprice = reader(proxy, pauses, request_seconds=10_000)
        for _ in range(85):
            with pytest.raises(NotVerified, match=f"answered {status}"):
                flexprice.get("/v1/users/me")
        assert proxy.requests <= 85 * ATTEMPTS
    assert max(pauses) <= LONGEST_RETRY_AFTER
    assert min(pauses) > 0
    assert sum(pauses) <= LONGEST_WAITING


def test_a_short_wait_that_is_asked_for_is_kept(proxy: HostileProxy) -> None:
    pauses: list[float] = []
    replies = [Reply(429, b"{}", {"retry-after": "7"}), answer(ME)]
    with proxy.attacking(lambda exchange: replies.pop(0)):
        assert reader(proxy, pauses, request_seconds=60).get("/v1/users/me") == ME
    assert pauses == [7.0]


@pytest.mark.parametrize("name", [*attacks.LOST, "429"])
def test_a_blind_post_is_sent_once(name: str, proxy: HostileProxy) -> None:
    lost = attacks.LOST.get(name, Reply(429, b"{}", {"retry-after": "1"}))
    transport = Transport(proxy.url, {}, pause=lambda seconds: None)
    with proxy.attacking(lambda exchange: lost):
        with suppress(requests.RequestException):
            assert transport.send("POST", "/v1/customers", body={"external_id": "x"}).retries == 0
        assert proxy.requests == 1


def test_a_cookie_is_not_sent_back(proxy: HostileProxy) -> None:
    told = Reply(
        200,
        json.dumps(ME).encode(),
        {"set-cookie": "environment=env_theirs; Path=/", "content-type": "application/json"},
    )
    seen: list[Exchange] = []
    with proxy.attacking(lambda exchange: seen.append(exchange) or told):  # type: ignore[func-returns-value]
        flexprice = reader(proxy)
        flexprice.get("/v1/users/me")
        flexprice.get("/v1/users/me")
    assert [name for each in seen for name in each.headers if name.lower() == "cookie"] == []
    assert len(seen) == 2


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[HostileProxy]:
    """Another host, which must never be asked."""
    made = HostileProxy("http://127.0.0.1:9")
    yield made
    assert made.requests == 0
    made.stop()


TARGETS = {
    "another host": ("{elsewhere}/v1/users/me?token=s3cret", r"to http://127\.0\.0\.1:\d+/v1/users/me, which"),
    "another host, with a password": ("http://u:s3cret@{host}/x", r"to http://127\.0\.0\.1:\d+/x, which"),
    "another host, of the same scheme": ("//{host}/x", r"to 127\.0\.0\.1:\d+/x, which"),
    "another path": ("/v1/customers", r"to /v1/customers, which"),
    "https": ("https://{host}/", r"to https://127\.0\.0\.1:\d+/, which"),
    "no URL": ("http://[s3cret", r"to something that is no URL, which"),
    "no port": ("http://h:99999999/", r"to http://h:99999999/, which"),
    "a host of 300 letters": (f"http://{'a' * 300}/", r"to http://a{50,100}, which"),
    "nowhere": ("", r"to no named place, which"),
}


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize("name", TARGETS)
def test_a_redirect_is_not_followed_and_the_key_stays(
    name: str, status: int, proxy: HostileProxy, elsewhere: HostileProxy
) -> None:
    location, says = TARGETS[name]
    location = location.format(elsewhere=elsewhere.url, host=elsewhere.url.removeprefix("http://"))
    with proxy.attacking(lambda exchange: Reply(status, b"", {"location": location})):
        with pytest.raises(NotVerified, match=says) as raised:
            reader(proxy).get("/v1/users/me")
        assert "s3cret" not in str(raised.value)
        transport = Transport(proxy.url, {"x-api-key": "sk_x"})
        assert transport.send("POST", "/v1/customers", body={}).status == status
        assert proxy.requests == 2


def test_the_body_of_a_redirect_is_bounded_as_any(proxy: HostileProxy) -> None:
    bomb = attacks.bomb()
    away = Reply(302, bomb.body, {**bomb.headers, "location": "/v1/users"})
    with proxy.attacking(lambda exchange: away), pytest.raises(NotVerified, match=r"larger than|compression"):
        reader(proxy, request_seconds=60).get("/v1/users/me")


def test_a_handler_that_redirects_to_no_url_is_answered_for(proxy: HostileProxy) -> None:
    probe = Probe("control", "control", "a message", Expect.ACCEPTED, {}, b"{}", "invoice.update", "inv_1", "")
    with proxy.attacking(lambda exchange: Reply(307, b"", {"location": "http://[x"})):
        assert ask(proxy.url, probe, "", 5.0).status == get_page(proxy.url).status == 307
        assert proxy.requests == 2


def test_half_a_surrogate_pair_can_be_written_down(proxy: HostileProxy) -> None:
    text = Reply(200, b'{"id": "x", "roles": [], "name": "\\ud83d", "whole": "\\ud83d\\ude00"}')
    with proxy.attacking(lambda exchange: text):
        row = reader(proxy).get("/v1/users/me")
    assert row["name"].encode()
    assert row["whole"] == "\U0001f600"


def test_a_slow_answer_in_time_is_an_answer(proxy: HostileProxy) -> None:
    def slow(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 24\r\n\r\n"
        )
        for byte in b'{"id": "x", "roles": []}':
            handler.wfile.write(bytes([byte]))

    def reply(exchange: Exchange) -> Reply:
        return attacks.raw(slow)

    with proxy.attacking(reply):
        assert reader(proxy, request_seconds=30).get("/v1/users/me") == ME
