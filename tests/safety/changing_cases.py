"""Further attacks: JSON that is read in two ways, answers that change between two reads, and ids that steer whoever shows them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.safety import attacks as make
from tests.safety.attacks import SEARCHES, VICTIM
from tests.safety.case import Case
from tests.safety.proxy import Attack, Exchange, Reply
from tests.safety.wire_cases import Change, is_customer, is_invoice, is_search, to

SUBSCRIPTIONS, INVOICES = SEARCHES["subscriptions"], SEARCHES["invoices"]
FOREIGN = "cust_01ARZ3NDEKTSV4RRFFQ69G5FAV"


def _text(change: Callable[[Exchange, str], str]) -> Change:
    def reply(exchange: Exchange, true: Reply) -> Reply:
        if true.status >= 300:
            return true
        return replace(true, body=change(exchange, true.body.decode()).encode("utf-8", "surrogatepass"))

    return reply


def _first_key(key: str, value: str) -> Change:
    """A key a second time, in front: a reader that takes the first of two sees another object."""
    return _text(lambda exchange, text: text.replace("{", f'{{"{key}":{json.dumps(value)},', 1))


def _alternating(
    condition: Callable[[str], bool], change: Callable[[Any], Any], searches: bool = False
) -> Callable[[], Attack]:
    """Every second answer is another one; only of searches, or of whatever changes nothing."""

    def begun() -> Attack:
        count = iter(range(1_000_000))

        def reply(exchange: Exchange) -> Reply | None:
            if exchange.method == "POST" and not exchange.path.endswith("search"):
                return None
            if searches and exchange.method != "POST":
                return None
            if not condition(exchange.path) or next(count) % 2 == 0:
                return None
            return make.changed(change)(exchange)

        return reply

    return begun


def _rows(change: Callable[[dict[str, Any]], None]) -> Callable[[Any], Any]:
    def all_of(body: Any) -> Any:
        for row in body.get("items") or []:
            change(row)
        return body

    return all_of


def _to_rows(path: str, change: Callable[[dict[str, Any]], None]) -> Callable[[], Attack]:
    return lambda: make.on("POST", path, make.changed(_rows(change)))


def _swapped(exchange: Exchange, true: Reply) -> Reply:
    """Ours first, and with it the rows of everybody else."""
    if true.status >= 300:
        return true
    unasked = {key: value for key, value in (exchange.body or {}).items() if not key.endswith("_id")}
    others = replace(exchange, body=unasked).forward().json
    rows = [*true.json["items"], *others["items"]]
    return replace(true, body=json.dumps({"items": rows, "pagination": {"total": len(rows)}}).encode())


def _same_page(exchange: Exchange, true: Reply) -> Reply:
    if true.status >= 300:
        return true
    body = true.json
    body["pagination"]["total"] = len(body["items"]) + 1
    return replace(true, body=json.dumps(body).encode())


def _shifted(by: timedelta) -> Change:
    """Every time of making, by a clock that is wrong."""

    def later(match: re.Match[str]) -> str:
        moment = datetime.fromisoformat(match[2].replace("Z", "+00:00")) + by
        return f'{match[1]}"{moment.isoformat().replace("+00:00", "Z")}"'

    made = re.compile(r'("created_at": ?)"(20[0-9T:.-]{17,26}Z)"')
    return _text(lambda exchange, text: made.sub(later, text))


def _doubled(exchange: Exchange, true: Reply) -> Reply:
    if true.status >= 300:
        return true
    rows = [row for row in true.json["items"] for _ in range(2)]
    return replace(true, body=json.dumps({"items": rows, "pagination": {"total": len(rows)}}).encode())


HOSTILE_NAMES = {
    "escape sequences": "\x1b]0;x\x07\x1b[2J",
    "a change of direction": "\u202egnp.exe",
    "a script": "<script>alert(1)</script>",
    "a formula": "=HYPERLINK(0)",
    "half a character": "\ud83d",
    "line ends": "a\r\nset-cookie: x=y",
    "100,000 characters": "x" * 100_000,
}
TWICE = (
    Case(
        "a customer has its external id twice, the first another one",
        to("GET", is_customer, _first_key("external_id", VICTIM)),
        r"",
        True,
    ),
    Case(
        "a customer has its id twice, the first another one",
        to("GET", is_customer, _first_key("id", FOREIGN)),
        r"",
        True,
    ),
    Case(
        "making a customer answers an id twice, the first another one",
        to("POST", lambda path: path == "/v1/customers", _first_key("id", FOREIGN)),
        r"",
        True,
    ),
    Case(
        "an invoice's customer stands there in capitals, too",
        to("GET", is_invoice, _text(lambda exchange, text: text.replace("{", f'{{"Customer_ID":"{FOREIGN}",', 1))),
    ),
    Case(
        "a number that is none",
        to("POST", is_search, _text(lambda exchange, text: text.replace('"total":', '"total":NaN,"x":'))),
        r"",
        True,
    ),
    Case(
        "a total without end",
        to("POST", is_search, _text(lambda exchange, text: text.replace('"total":', '"total":Infinity,"x":'))),
        r"",
        True,
    ),
    Case(
        "a total of 1e999",
        to("POST", is_search, _text(lambda exchange, text: text.replace('"total":', '"total":1e999,"x":'))),
        r"",
        True,
    ),
    Case("a text behind the JSON", to("POST", is_search, _text(lambda exchange, text: text + " READY")), r"", True),
    Case(
        "a mark in front of the JSON", to("POST", is_search, _text(lambda exchange, text: "\ufeff" + text)), r"", True
    ),
    Case(
        "JSON in UTF-16",
        to("POST", is_search, lambda exchange, true: replace(true, body=true.body.decode().encode("utf-16"))),
        r"",
        True,
    ),
)
CHANGING = (
    Case(
        "every second answer about a customer is about somebody else",
        _alternating(is_customer, lambda body: {**body, "external_id": VICTIM, "id": FOREIGN}),
        r"",
        True,
    ),
    Case(
        "every second answer about an invoice is about somebody else's",
        _alternating(is_invoice, lambda body: {**body, "customer_id": FOREIGN}),
        r"",
        True,
    ),
    Case(
        "every second search answers somebody else's rows",
        _alternating(is_search, _rows(lambda row: row.update(customer_id=FOREIGN))),
        r"",
        True,
    ),
    Case(
        "searches answer ours and everybody else's",
        to("POST", lambda path: path in (SUBSCRIPTIONS, INVOICES), _swapped),
        r"does not honour its filter",
        True,
    ),
    Case("the same page again and again", to("POST", lambda path: path == INVOICES, _same_page), r"", True),
)
CLOCKS = (
    Case("the server's clock is five hours behind", to("GET POST", lambda path: True, _shifted(timedelta(hours=-5)))),
    Case("the server's clock is five hours ahead", to("GET POST", lambda path: True, _shifted(timedelta(hours=5)))),
)
HIDDEN = (
    Case("every row of a search comes twice", to("POST", is_search, _doubled), r"rows come twice", True),
    Case(
        "every second search finds nothing",
        _alternating(is_search, lambda body: {**body, "items": [], "pagination": {"total": 0}}, searches=True),
        r"",
        True,
    ),
    Case(
        "every second search says that there is one more",
        _alternating(is_search, lambda body: {**body, "pagination": {"total": len(body["items"]) + 1}}, searches=True),
        r"",
        True,
    ),
)
STEERING = tuple(
    Case(f"{what} for an id of an invoice", _to_rows(INVOICES, lambda row, text=text: row.update(id=text)), r"", True)  # type: ignore[misc]
    for what, text in HOSTILE_NAMES.items()
)
