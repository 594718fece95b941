"""Lists that are always empty here: price units and tasks cannot be made (contract 1.10)."""

from __future__ import annotations

from typing import Any

from ..kernel.binding import Schema
from ..kernel.call import Call
from ..kernel.lists import OWN, SEARCH_FIELDS, listing, query_page, search
from ..kernel.routing import route

_SEARCH = Schema("Filter", *SEARCH_FIELDS)


@route("GET", "/v1/tasks")
@route("GET", "/v1/prices/units")
def empty_list(call: Call) -> dict[str, Any]:
    """No items; the returned offset is the request's own."""
    return listing([], query_page(call, sort="ignored"), offset=OWN)


@route("POST", "/v1/prices/units/search")
def empty_unit_search(call: Call) -> dict[str, Any]:
    """No price units; the returned offset is the request's own."""
    return listing([], search(call, _SEARCH)[1], offset=OWN)
