"""``/health``: alive, no key needed (recording access)."""

from __future__ import annotations

from ..kernel.call import Call
from ..kernel.routing import route


@route("GET", "/health", public=True)
@route("POST", "/health", public=True)
def health(_call: Call) -> dict[str, str]:
    """200 while the server runs."""
    return {"status": "ok"}
