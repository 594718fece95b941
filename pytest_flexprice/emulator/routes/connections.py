"""``/v1/connections``: payment gateways that are connected; none unless a rehearsal puts one there (recording connections)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..kernel import errors
from ..kernel.binding import Schema
from ..kernel.call import Call
from ..kernel.lists import SEARCH_FIELDS, Page, query_page, search
from ..kernel.routing import route

_SEARCH = Schema("ConnectionFilter", *SEARCH_FIELDS)


def _page(call: Call, page: Page) -> dict[str, Any]:
    rows: Iterable[Any] = call.world.table("connections").all(call.environment)
    found = [row.public() for row in rows]
    shown = found[page.offset : page.offset + page.limit]
    return {"connections": shown or None, "total": len(found), "limit": page.limit, "offset": page.offset}


@route("GET", "/v1/connections")
def list_connections(call: Call) -> dict[str, Any]:
    """The gateways; none is ``null``."""
    return _page(call, query_page(call, noun="connections"))


@route("POST", "/v1/connections/search")
def search_connections(call: Call) -> dict[str, Any]:
    """The gateways; none is ``null``."""
    return _page(call, search(call, _SEARCH)[1])


@route("GET", "/v1/connections/:id")
def get_connection(call: Call) -> dict[str, Any]:
    """One gateway."""
    identifier = call.params["id"]
    row = call.world.table("connections").get(identifier, call.environment)
    if row is None:
        raise errors.not_found(f"Connection with ID {identifier} was not found", {"connection_id": identifier})
    return row.public()
