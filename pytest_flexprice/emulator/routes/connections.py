"""``/v1/connections``: payment gateways that are connected; none unless a rehearsal puts one there (recording connections)."""

from __future__ import annotations

from typing import Any

from ..kernel.call import Call
from ..kernel.lists import Page
from ..kernel.resource import Resource, Values

CONNECTIONS = Resource("connections", ("name", "provider_type"))


def _page(call: Call, values: Values, page: Page) -> dict[str, Any]:
    """The gateways in the order in which they were connected; none is ``null``."""
    found = CONNECTIONS.selected(call, values, page)[::-1]
    shown = found[page.offset : page.offset + page.limit]
    return {"connections": shown or None, "total": len(found), "limit": page.limit, "offset": page.offset}


CONNECTIONS.serve("/v1/connections", one=True, answer=_page)
