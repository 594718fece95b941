"""Further attacks: caches that give old answers, pages that shift while they are read, another environment's answers in the middle."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.safety import attacks as make
from tests.safety.attacks import SEARCHES
from tests.safety.case import Case
from tests.safety.proxy import Attack, Exchange, Reply
from tests.safety.wire_cases import is_search

SUBSCRIPTIONS, INVOICES = SEARCHES["subscriptions"], SEARCHES["invoices"]


def _reads(exchange: Exchange) -> bool:
    return exchange.method == "GET" or is_search(exchange.path)


def _cached(key: Callable[[Exchange], Any], kept: Callable[[Reply], bool] = lambda reply: True) -> Callable[[], Attack]:
    """Whatever was answered first to a read with that key is answered ever after."""

    def begun() -> Attack:
        known: dict[str, Reply] = {}

        def attack(exchange: Exchange) -> Reply | None:
            if not _reads(exchange):
                return None
            name = json.dumps(key(exchange), default=str)
            if name not in known:
                reply = exchange.forward()
                if not kept(reply):
                    return reply
                known[name] = reply
            return known[name]

        return attack

    return begun


def _whole(exchange: Exchange) -> Any:
    return exchange.method, exchange.path, exchange.query, exchange.body


def _paged(change: Callable[[list[Any], random.Random], list[Any]], most: int = 1) -> Callable[[], Attack]:
    """Pages of so many rows, each read from a list that was changed since the last one."""

    def begun() -> Attack:
        chance = random.Random(7)

        def attack(exchange: Exchange) -> Reply | None:
            if exchange.path not in (SUBSCRIPTIONS, INVOICES) or not isinstance(exchange.body, dict):
                return None
            offset = exchange.body.get("offset", 0)
            true = replace(exchange, body={**exchange.body, "offset": 0}).forward()
            if true.status >= 300:
                return true
            every = change(true.json["items"], chance)
            page = {"items": every[offset : offset + most], "pagination": {"total": len(every), "limit": most}}
            return replace(true, body=json.dumps(page).encode())

        return attack

    return begun


def _shifting(rows: list[Any], chance: random.Random) -> list[Any]:
    """One row fewer or more at the front, as it comes."""
    return [rows[0]] * chance.randrange(3) + rows if rows else rows


def _elsewhere(after: int) -> Callable[[], Attack]:
    """After so many answers every object says that it is of another environment."""

    def moved(exchange: Exchange) -> Reply:
        true = exchange.forward()
        if true.status >= 300 or not true.body:
            return true
        body = true.json
        for row in [body, *(body.get("items") or ())] if isinstance(body, dict) else []:
            if "environment_id" in row:
                row["environment_id"] = "env_01ARZ3NDEKTSV4RRFFQ69G5FAV"
        return replace(true, body=json.dumps(body).encode())

    return lambda: make.after(after, lambda exchange: None if exchange.probes else moved(exchange))


def _shown_late(times: int) -> Callable[[], Attack]:
    """A replica that is behind: what was just made is not known to the first so many reads of it."""

    def begun() -> Attack:
        asked: dict[str, int] = {}

        def attack(exchange: Exchange) -> Reply | None:
            if exchange.method != "GET" or exchange.path.count("/") < 3:
                return None
            asked[exchange.path] = asked.get(exchange.path, 0) + 1
            gone = {"code": "not_found", "message": "not here yet", "http_status_code": 404}
            return make.answer(gone, 404) if asked[exchange.path] <= times else None

        return attack

    return begun


CACHES = (
    Case("every read is answered as it was the first time", _cached(_whole), r"", True),
    Case("a cache does not look at the body of a search", _cached(lambda one: (one.method, one.path)), r"", True),
    Case(
        "a cache keeps what was not found",
        _cached(_whole, lambda reply: reply.status == 404 or b'"items":[]' in reply.body.replace(b" ", b"")),
        r"",
        True,
    ),
    Case("what was just made is not known to the first read of it", _shown_late(1), r"", True),
    *(
        Case(f"after {number} answers all is of another environment", _elsewhere(number), r"another environment", True)
        for number in (1, 4)
    ),
    Case(
        "pages come in another order each time", _paged(lambda rows, chance: chance.sample(rows, len(rows))), r"", True
    ),
    Case(
        "a row stands on two pages, and another on none", _paged(lambda rows, chance: rows[:1] + rows[:-1]), r"", True
    ),
    Case("the total changes while pages are read", _paged(_shifting), r"", True),
)
