"""What a server, or whatever stands in front of it, may answer: the single attacks of the table."""

from __future__ import annotations

import gzip
import json
import select
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.safety.proxy import Attack, Exchange, Reply, answer

SEARCHES = {
    "customers": "/v1/customers",
    "subscriptions": "/v1/subscriptions/search",
    "invoices": "/v1/invoices/search",
}
DRAFTING = "/draft-and-compute"
VICTIM = "acct_8450"


def without(path: str, *filters: str) -> Attack:
    """A search that does not honour some of its filters."""

    def attack(exchange: Exchange) -> Reply | None:
        if exchange.path != path:
            return None
        for place in (exchange.query, exchange.body or {}):
            for name in filters:
                place.pop(name, None)
        return exchange.forward()

    return attack


def both(*attacks: Attack) -> Attack:
    """Several attacks, the first that answers."""
    return lambda exchange: next((reply for one in attacks if (reply := one(exchange))), None)


def on(method: str, path: str | Callable[[str], bool], reply: Callable[[Exchange], Reply | None]) -> Attack:
    """An attack on one kind of request: ``path`` is its whole, its end (with a leading ``*``), or a condition."""

    def fits(there: str) -> bool:
        if callable(path):
            return path(there)
        return there.endswith(path[1:]) if path.startswith("*") else there == path

    return lambda exchange: (
        reply(exchange) if exchange.method == method and fits(exchange.path) and not exchange.probes else None
    )


def changed(change: Callable[[Any], Any]) -> Callable[[Exchange], Reply]:
    """The true answer, changed."""

    def reply(exchange: Exchange) -> Reply:
        true = exchange.forward()
        if true.status >= 300 or not true.body:
            return true
        return replace(true, body=json.dumps(change(true.json)).encode())

    return reply


def rows(**values: Any) -> Callable[[Any], Any]:
    """Every row of a list with these values; None takes the key away."""

    def change(body: Any) -> Any:
        for row in body.get("items") or []:
            for key, value in values.items():
                row.pop(key, None)
                if value is not None:
                    row[key] = value
        return body

    return change


def victims(path: str) -> Callable[[Exchange], Reply]:
    """The answer to the same question about somebody else."""

    def reply(exchange: Exchange) -> Reply:
        return replace(exchange, method="GET", path=path, query={}, body=None).forward()

    return reply


def executed(reply: Reply) -> Callable[[Exchange], Reply]:
    """Flexprice does it, and its answer is lost on the way back."""

    def lost(exchange: Exchange) -> Reply:
        exchange.forward()
        return reply

    return lost


def constant(reply: Reply) -> Callable[[Exchange], Reply]:
    """The same answer whatever is asked, and nothing is executed."""
    return lambda exchange: reply


def after(number: int, attack: Attack) -> Attack:
    """An attack that lets the first so many requests that it is about pass."""
    passed = iter(range(number))

    def later(exchange: Exchange) -> Reply | None:
        reply = attack(exchange)
        return None if reply is not None and next(passed, None) is not None else reply

    return later


def once(attack: Attack) -> Attack:
    """An attack that happens once."""
    left = [attack]
    return lambda exchange: (reply if (reply := left[0](exchange)) is None else left.pop() and reply) if left else None


def _head(handler: BaseHTTPRequestHandler, *lines: str) -> None:
    handler.wfile.write(
        (
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n" + "".join(f"{one}\r\n" for one in lines) + "\r\n"
        ).encode()
    )


def _truncated(handler: BaseHTTPRequestHandler) -> None:
    _head(handler, "content-length: 500")
    handler.wfile.write(b'{"id": "')


def _reset(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(2)


def _endless(handler: BaseHTTPRequestHandler) -> None:
    _head(handler)
    while True:
        handler.wfile.write(b" " * 65536)


def _hung_up(handler: BaseHTTPRequestHandler, seconds: float) -> bool:
    """Whether the caller closes its side within that time: until then the next byte waits."""
    return bool(select.select([handler.connection], [], [], seconds)[0])


def _dripping_body(handler: BaseHTTPRequestHandler) -> None:
    _head(handler, "content-length: 100000")
    while not _hung_up(handler, 0.05):
        handler.wfile.write(b" ")


def _dripping_head(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
    while not _hung_up(handler, 0.05):
        handler.wfile.write(b"x")


def _continuing(handler: BaseHTTPRequestHandler) -> None:
    while not _hung_up(handler, 0.01):
        handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def packed(megabytes: int) -> bytes:
    """So many blanks, packed."""
    return gzip.compress(b" " * (megabytes << 20), 9)


def raw(write: Callable[[BaseHTTPRequestHandler], None]) -> Reply:
    """An answer written by hand."""
    return Reply(0, b"", {}, write)


HTML = Reply(200, b"<html>Welcome</html>", {"content-type": "text/html"})
GATEWAY = Reply(502, b"Bad Gateway", {"content-type": "text/plain"})
LOST = {"cut off": raw(_truncated), "reset": raw(_reset), "a web page": HTML, "a 502": GATEWAY}
SHAPES: dict[str, Any] = {
    "{}": {},
    "null": None,
    "[]": [],
    '"hi"': "hi",
    "items without numbers": {"items": []},
    "rows that are no objects": {"items": [None, "x"], "pagination": {"total": 2}},
    "a refusal with 200": {"error": "Unauthorized"},
}
NETWORK: dict[str, Reply] = {
    "a body without end": raw(_endless),
    "a byte of the body at a time": raw(_dripping_body),
    "a byte of the header at a time": raw(_dripping_head),
    "100 Continue without end": raw(_continuing),
    "429 with Retry-After: 100000": Reply(429, b"{}", {"content-type": "application/json", "retry-after": "100000"}),
    "503 with Retry-After: 100000": Reply(503, b"{}", {"content-type": "application/json", "retry-after": "100000"}),
    "lists in lists, 100,000 deep": Reply(200, b"[" * 100_000 + b"]" * 100_000),
    "a number of 100,000 digits": Reply(200, b'{"id": ' + b"9" * 100_000 + b"}"),
    "the number 1e999999999": Reply(200, b'{"id": 1.5e999999999}'),
    "a JSON body that is cut off": raw(_truncated),
    "bytes that are no text": Reply(200, b"\xff\xfe\x00{"),
}
BOMB = {"content-type": "application/json", "content-encoding": "gzip, gzip"}


def bomb() -> Reply:
    """200 MB of blanks in some hundred bytes."""
    return Reply(200, gzip.compress(packed(200), 9), dict(BOMB))


def endless_pages(path: str) -> Attack:
    """A list with always one page more, each row another one."""

    def attack(exchange: Exchange) -> Reply | None:
        if exchange.path != path:
            return None
        asked = exchange.query or exchange.body or {}
        offset = int(asked.get("offset") or 0)
        made = [{"id": f"x_{offset + number}"} for number in range(10)]
        return answer({"items": made, "pagination": {"total": offset + 11, "limit": 10, "offset": offset}})

    return attack


def capped(most: int) -> Attack:
    """A gateway that gives at most so many rows a page."""

    def attack(exchange: Exchange) -> Reply | None:
        if exchange.query.get("limit") == "1000":
            exchange.query["limit"] = str(most)
        elif isinstance(exchange.body, dict) and exchange.body.get("limit") == 1000:
            exchange.body["limit"] = most
        return None

    return attack


#: What a run writes: how it is called, and where it goes to as ``on`` knows it.
WRITES: dict[str, tuple[str, str | Callable[[str], bool]]] = {
    "making a customer": ("POST", "/v1/customers"),
    "making a subscription": ("POST", "/v1/subscriptions"),
    "asking for a draft": ("POST", f"*{DRAFTING}"),
    "voiding": ("POST", "*/void"),
    "cancelling": ("POST", "*/cancel"),
    "deleting": ("DELETE", lambda path: path.startswith("/v1/customers/")),
}
