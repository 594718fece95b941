"""Further attacks: refusals of what was done, states that are not so, statuses nobody knows, and answers that belong to other requests."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.safety import attacks as make
from tests.safety.attacks import SEARCHES
from tests.safety.case import Case
from tests.safety.proxy import Attack, Exchange, Reply, answer
from tests.safety.wire_cases import Change, is_customer, is_search, to

SUBSCRIPTIONS, INVOICES = SEARCHES["subscriptions"], SEARCHES["invoices"]


def _refusal(status: int, code: str) -> Reply:
    return answer({"code": code, "message": "no", "http_status_code": status}, status)


def _state(name: str, value: str) -> Callable[[], Attack]:
    """Whatever has a state says that it is this one, wherever it is shown."""

    def claimed(body: Any) -> Any:
        for row in [body, *(body.get("items") or [])] if isinstance(body, dict) else ():
            if name in row:
                row[name] = value
        return body

    return to("GET POST", lambda path: True, lambda exchange, true: make.changed(claimed)(_answered(exchange, true)))


def _answered(exchange: Exchange, true: Reply) -> Exchange:
    """The exchange with its answer at hand, so that it is executed once."""
    again = replace(exchange)
    again.forward = lambda: true  # type: ignore[method-assign]
    return again


def _body(change: Callable[[bytes], bytes]) -> Change:
    return lambda exchange, true: replace(true, body=change(true.body)) if true.status < 300 else true


def _one_late() -> Attack:
    """Each answer is that of the request before, as on a connection whose answers got out of step."""
    before: list[Reply] = []

    def attack(exchange: Exchange) -> Reply:
        before.append(exchange.forward())
        return before.pop(0) if len(before) > 1 else before[0]

    return attack


def _raw_status(line: bytes) -> Change:
    def write(true: Reply) -> Reply:
        head = line + b"\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(true.body)
        return make.raw(lambda handler: handler.wfile.write(head + true.body))

    return lambda exchange, true: write(true)


def _identified(value: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda body: {**body, "id": value(str(body.get("id")))} if "id" in body else body


IDS: dict[str, Callable[[str], Any]] = {
    "an id with a look-alike letter": lambda true: true.replace("0", "О", 1),
    "an id in wide letters": lambda true: "".join(chr(ord(each) + 0xFEE0) for each in true),
    "an id of 10,000 characters": lambda true: true + "0" * 10_000,
    "an id with an encoded part": lambda true: true.replace("_", "%5F"),
    "an id with a line end": lambda true: f"{true}\n",
    "an id in small letters": lambda true: true.lower(),
    "an id that is a number": lambda true: 10**40,
    "an id that is a list": lambda true: [true],
}
MADE = {"a customer": "/v1/customers", "a subscription": "/v1/subscriptions"}
DONE = {
    "409": _refusal(409, "already_exists"),
    "429": Reply(429, b"{}", {"content-type": "application/json", "retry-after": "-1"}),
}
STATES = {
    "every invoice says that it is void": ("invoice_status", "VOIDED"),
    "every customer says that it is deleted": ("status", "archived"),
}
SHAPED = {
    "JSON in a text": lambda body: json.dumps(body.decode()).encode(),
    "JSON in base64": base64.b64encode,
    "JSON behind a guard": lambda body: b")]}',\n" + body,
    "two objects, one behind the other": lambda body: body + b"\n" + body,
    "half of the JSON": lambda body: body[: len(body) // 2],
}
LINES = (
    b"HTTP/1.1 199 X",
    b"HTTP/1.1 304 X",
    b"HTTP/1.1 600 X",
    b"HTTP/1.1 -200 X",
    b"HTTP/2 200",
    b"\x1b]0;x\x07 200 X",
)
AFTER = ("nan", "1e308", "Wed, 21 Oct 2099 07:28:00 GMT", "x" * 10_000)
MOMENTS = ("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-11-28T23:59:60Z", "2026-11-28T00:00:00+24:00")


def _search(reply: Callable[[Exchange], Reply]) -> Callable[[], Attack]:
    return lambda: make.on("POST", SUBSCRIPTIONS, reply)


def _numbered(total: Any) -> Callable[[], Attack]:
    return lambda: make.on(
        "POST", INVOICES, make.changed(lambda body: {**body, "pagination": {**body["pagination"], "total": total}})
    )


def _made_at(moment: str) -> Callable[[], Attack]:
    return lambda: make.on("GET", is_customer, make.changed(lambda body: {**body, "created_at": moment}))


def _done(at: tuple[str, Any], reply: Reply) -> Callable[[], Attack]:
    return lambda: make.on(*at, make.executed(reply))


def _with_id(path: str, value: Callable[[str], Any]) -> Callable[[], Attack]:
    return lambda: make.on("POST", path, make.changed(_identified(value)))


ODD = (
    *(
        Case(f"{what} is done and answered with {status}", _done(at, reply))
        for what, at in make.WRITES.items()
        for status, reply in DONE.items()
    ),
    *(
        Case(f"making {what} answers {name}", _with_id(path, value), rf"{path}|/v1/customers/cust_")
        for what, path in MADE.items()
        for name, value in IDS.items()
    ),
    *(Case(name, _state(*state)) for name, state in STATES.items()),
    Case(
        "every subscription says that it is cancelled",
        _state("subscription_status", "cancelled"),
        r"customer cust_\w+ is still there",
        True,
    ),
    Case(
        "every invoice says that it is final",
        _state("invoice_status", "FINALIZED"),
        r"voiding was accepted, but its status is FINALIZED",
        True,
    ),
    Case("every answer is that of the request before", _one_late, r"nothing can be concluded|was asked for", True),
    *(
        Case(
            f"searches are answered with {name}",
            to("POST", is_search, _body(change)),
            r"nothing can be concluded",
            True,
        )
        for name, change in SHAPED.items()
    ),
    *(
        Case(
            f"searches are answered with the status line {line!r}",
            to("POST", is_search, _raw_status(line)),
            r"search",
            True,
        )
        for line in LINES
    ),
    *(
        Case(
            f"a search is put off with Retry-After: {after[:30]}",
            _search(make.constant(Reply(503, b"{}", {"retry-after": after}))),
            r"answered 503",
            True,
        )
        for after in AFTER
    ),
    *(
        Case(f"the list of invoices says that there are {total!r}", _numbered(total), r"invoices/search", True)
        for total in (10**30, True, 0.5)
    ),
    *(Case(f"a customer was made at {moment}", _made_at(moment), r"customer|filter", True) for moment in MOMENTS),
)
