"""``/v1/connections``: there is never a gateway here (recording connections)."""

from __future__ import annotations

from typing import Any

from ..kernel import errors
from ..kernel.binding import Schema
from ..kernel.call import Call
from ..kernel.lists import SEARCH_FIELDS, Page, query_page, search
from ..kernel.routing import route

_SEARCH = Schema("ConnectionFilter", *SEARCH_FIELDS)


def _nothing(page: Page) -> dict[str, Any]:
    return {"connections": None, "total": 0, "limit": page.limit, "offset": page.offset}


@route("GET", "/v1/connections")
def list_connections(call: Call) -> dict[str, Any]:
    """An empty list, as ``null``."""
    return _nothing(query_page(call, noun="connections"))


@route("POST", "/v1/connections/search")
def search_connections(call: Call) -> dict[str, Any]:
    """An empty list, as ``null``."""
    return _nothing(search(call, _SEARCH)[1])


@route("GET", "/v1/connections/:id")
def get_connection(call: Call) -> dict[str, Any]:
    """Always unknown."""
    identifier = call.params["id"]
    raise errors.not_found(f"Connection with ID {identifier} was not found", {"connection_id": identifier})
