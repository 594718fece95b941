"""A server that listens keeps answering, whatever is sent to it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer
from pytest_flexprice.emulator.kernel.options import SANDBOX

TOO_LARGE = (32 << 20) + 1


@pytest.fixture(scope="module")
def server() -> Iterator[FlexpriceServer]:
    with FlexpriceServer(EmulatorOptions(jobs=False)) as running:
        yield running


@pytest.fixture
def headers(server: FlexpriceServer) -> dict[str, str]:
    return {"x-api-key": server.api_key, "x-environment-id": SANDBOX}


def lines(headers: dict[str, str]) -> bytes:
    return b"".join(f"{name}: {value}\r\n".encode() for name, value in headers.items())


def still_answers(server: FlexpriceServer) -> bool:
    return requests.get(f"{server.url}/health", timeout=10).json() == {"status": "ok"}


def connect(server: FlexpriceServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def test_bodies_that_end_too_early(server: FlexpriceServer, headers: dict[str, str]) -> None:
    for _ in range(50):
        with connect(server) as connection:
            head = b"POST /v1/customers HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n"
            connection.sendall(head + lines(headers) + b'\r\n{"external_id":')
    assert still_answers(server)


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\xff" * 500 + b"\r\n\r\n",
        b"GET /health HTTP/9.9\r\n\r\n",
        b"POST /v1/customers HTTP/1.1\r\ncontent-length: -5\r\n\r\n",
        b"POST /v1/customers HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n",
        b"GET /%ff%fe%00 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /v1/users/me HTTP/1.1\r\nx-api-key: \xff\xfe\r\nauthorization: Bearer \xff\r\n\r\n",
    ],
    ids=["binary", "version", "length", "chunks", "path", "key"],
)
def test_requests_that_are_none(server: FlexpriceServer, data: bytes) -> None:
    with connect(server) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(100)
    assert answer == b"" or int(answer.split(b" ")[1]) in (200, 400, 401, 404)
    assert still_answers(server)


def test_many_connections_held_open_and_dropped(server: FlexpriceServer) -> None:
    held = [connect(server) for _ in range(150)]
    for connection in held:
        connection.sendall(b"POST /v1/events HTTP/1.1\r\ncontent-length: 100\r\n\r\n{")
    assert still_answers(server)
    for connection in held:
        connection.close()
    assert still_answers(server)


@pytest.mark.parametrize("body", [b"[" * 2_000_000, b'{"a":' * 500_000, b'"' + b"a" * 5_000_000], ids=["[", "{", '"'])
@pytest.mark.parametrize("path", ["/v1/customers", "/v1/events", "/v1/plans/search"])
def test_deep_and_unclosed_bodies(server: FlexpriceServer, headers: dict[str, str], path: str, body: bytes) -> None:
    answer = requests.post(server.url + path, data=body, headers=headers, timeout=30)
    assert answer.status_code == 400
    assert answer.json()["code"] == "validation_error"


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/bulk"])
def test_event_bodies_above_the_limit(server: FlexpriceServer, headers: dict[str, str], path: str) -> None:
    answer = requests.post(server.url + path, data=b" " * TOO_LARGE, headers=headers, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
    assert "exceeds the maximum size" in answer.json()["message"]


def test_nothing_of_a_body_is_evaluated(server: FlexpriceServer, headers: dict[str, str]) -> None:
    texts = [
        "{{7*7}}",
        "${jndi:x}",
        "__import__('os')",
        "%s%n",
        "{0.__class__}",
        "<script>&",
        "'; DROP TABLE x",
        "\u2028",
    ]
    for text in texts:
        body = {"external_id": text, "name": text, "metadata": {text: text}}
        made = requests.post(f"{server.url}/v1/customers", json=body, headers=headers, timeout=10)
        assert made.status_code == 201
        assert {key: made.json()[key] for key in body} == body
        assert (
            json.dumps(text)[1:-1].replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026") in made.text
        )


def test_it_listens_on_the_loopback_only(server: FlexpriceServer) -> None:
    assert server.url.startswith("http://127.0.0.1:")


def test_a_taken_port_is_an_error_at_once(server: FlexpriceServer) -> None:
    with pytest.raises(OSError, match="in use"):
        FlexpriceServer(EmulatorOptions(port=server.port)).start()


def test_parallel_writes_are_one_after_the_other(server: FlexpriceServer, headers: dict[str, str]) -> None:
    body = {"external_id": "the-one", "name": "N"}

    def create(_attempt: int) -> int:
        return requests.post(f"{server.url}/v1/customers", json=body, headers=headers, timeout=30).status_code

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(create, range(64)))
    assert sorted(answers) == [201] + [409] * 63


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on this machine")
def test_it_can_be_started_again_and_on_another_loopback() -> None:
    server = FlexpriceServer(EmulatorOptions(host="::1", jobs=False))
    for _ in range(2):
        with server:
            assert server.url.startswith("http://[::1]:")
            assert still_answers(server)
    with pytest.raises(RuntimeError, match="not started"):
        assert server.url
