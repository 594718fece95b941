"""Further attacks, on the wire: announcements, chunks, lengths, headers, cookies, packing and redirects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler

from tests.safety import attacks as make
from tests.safety.attacks import SEARCHES
from tests.safety.case import Case
from tests.safety.proxy import Attack, Exchange, Reply

SUBSCRIPTIONS, INVOICES = SEARCHES["subscriptions"], SEARCHES["invoices"]
FOREIGN = "cust_01ARZ3NDEKTSV4RRFFQ69G5FAV"
Change = Callable[[Exchange, Reply], Reply]


def to(methods: str, condition: Callable[[str], bool], change: Change) -> Callable[[], Attack]:
    """The true answer to some requests, changed with the request in view."""

    def attack(exchange: Exchange) -> Reply | None:
        if exchange.method not in methods.split() or not condition(exchange.path) or exchange.probes:
            return None
        return change(exchange, exchange.forward())

    return lambda: attack


def _every(change: Change) -> Callable[[], Attack]:
    return to("GET POST PUT DELETE", lambda path: True, change)


def _headed(**headers: str) -> Change:
    return lambda exchange, true: replace(
        true, headers={**true.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
    )


def _written(write: Callable[[BaseHTTPRequestHandler, Reply], None]) -> Change:
    return lambda exchange, true: make.raw(lambda handler: write(handler, true))


def _status_line(handler: BaseHTTPRequestHandler, true: Reply, *before: str, after: tuple[str, ...] = ()) -> None:
    lines = [*before, f"HTTP/1.1 {true.status} X", "content-type: application/json", *after]
    handler.wfile.write("".join(f"{line}\r\n" for line in lines).encode() + b"\r\n")


def _hinted(handler: BaseHTTPRequestHandler, true: Reply) -> None:
    _status_line(
        handler, true, "HTTP/1.1 103 Early Hints", "link: </x>", "", after=(f"content-length: {len(true.body)}",)
    )
    handler.wfile.write(true.body)


def _chunked(handler: BaseHTTPRequestHandler, true: Reply) -> None:
    _status_line(handler, true, after=("transfer-encoding: chunked",))
    for byte in true.body:
        handler.wfile.write(b"1;x=y\r\n" + bytes([byte]) + b"\r\n")
    handler.wfile.write(b"0\r\nx-api-key: other\r\n\r\n")


def _chunk_without_end(handler: BaseHTTPRequestHandler, true: Reply) -> None:
    _status_line(handler, true, after=("transfer-encoding: chunked",))
    handler.wfile.write(b"%x\r\n" % (len(true.body) + 50) + true.body)


def _shorter_than_said(handler: BaseHTTPRequestHandler, true: Reply) -> None:
    _status_line(handler, true, after=(f"content-length: {len(true.body) + 9}",))
    handler.wfile.write(true.body)


def _twice_as_long(handler: BaseHTTPRequestHandler, true: Reply) -> None:
    """A second answer right behind the first, for whoever asks next on this connection."""
    _status_line(handler, true, after=(f"content-length: {len(true.body)}",))
    handler.wfile.write(true.body)
    _status_line(handler, true, after=("content-length: 2",))
    handler.wfile.write(b"{}")


def _many_headers(handler: BaseHTTPRequestHandler, true: Reply) -> None:
    _status_line(handler, true, after=tuple(f"x-{number}: y" for number in range(5000)))


def _long_header(handler: BaseHTTPRequestHandler, true: Reply) -> None:
    _status_line(handler, true, after=(f"x: {'y' * 1_000_000}",))


def _doubled(handler: BaseHTTPRequestHandler, true: Reply) -> None:
    """Two lengths, of which two readers take either."""
    _status_line(handler, true, after=(f"content-length: {len(true.body)}", "content-length: 2"))
    handler.wfile.write(true.body)


def _redirected(status: int, executed: bool) -> Callable[[], Attack]:
    """Every write is answered with a redirect to another object of the same host, without or after its execution."""

    def attack(exchange: Exchange) -> Reply | None:
        if not exchange.writes:
            return None
        if executed:
            exchange.forward()
        return Reply(status, b"", {"location": f"/v1/customers/{FOREIGN}"})

    return lambda: attack


def is_customer(path: str) -> bool:
    return path.startswith("/v1/customers/")


def is_invoice(path: str) -> bool:
    return path.startswith("/v1/invoices/") and not path.endswith("search")


def is_search(path: str) -> bool:
    return path.endswith("search")


WIRE = (
    Case("a hint is sent before each answer", _every(_written(_hinted)), r"", True),
    Case("answers come in chunks of a byte, with a trailer", to("GET", is_customer, _written(_chunked)), r"", True),
    Case("a chunk is shorter than it says", to("POST", is_search, _written(_chunk_without_end)), r"", True),
    Case("bodies are shorter than they say", to("POST", is_search, _written(_shorter_than_said)), r"", True),
    Case("a second answer follows on the same connection", _every(_written(_twice_as_long)), r"", True),
    Case("5,000 headers", to("POST", is_search, _written(_many_headers)), r"", True),
    Case("a header of a million characters", to("POST", is_search, _written(_long_header)), r"", True),
    Case("two lengths", to("POST", is_search, _written(_doubled)), r"", True),
    Case("every answer sets a cookie", _every(_headed(set_cookie="environment_id=other; Path=/; Domain=127.0.0.1"))),
    Case(
        "every answer asks for another protocol", _every(_headed(upgrade="h2c", alt_svc='h2=":1"', refresh="0; url=/x"))
    ),
    Case("every answer says that it is packed", _every(_headed(content_encoding="gzip")), r"compression", True),
    Case("every answer is said to be packed by nobody's method", _every(_headed(content_encoding="x-none"))),
    Case(
        "reading is redirected to a file",
        lambda: make.on("GET", is_customer, make.constant(Reply(302, b"", {"location": "file:///etc/passwd"}))),
        r"not followed",
        True,
    ),
    Case(
        "reading is redirected to itself",
        lambda: make.on("GET", is_customer, lambda exchange: Reply(307, b"", {"location": exchange.path})),
        r"not followed",
        True,
    ),
    Case(
        "reading is redirected to another scheme",
        lambda: make.on("GET", is_customer, make.constant(Reply(301, b"", {"location": "https://127.0.0.1:9/"}))),
        r"not followed",
        True,
    ),
    *(
        Case(
            f"every write is answered with {status}{', once it is executed' * executed}",
            _redirected(status, executed),
            r"was redirected to /v1/customers/cust_\w+, which is not followed",
        )
        for status in (301, 302, 303, 307, 308)
        for executed in (False, True)
    ),
    Case(
        "reading asks for a password",
        lambda: make.on("GET", is_customer, make.constant(Reply(401, b"{}", {"www-authenticate": "Basic realm=x"}))),
        r"",
        True,
    ),
)
