"""Faults of keys, hosts and what stands in front of the API (checklist section 1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ..kernel.call import Reply
from ..kernel.render import gotime
from .registry import fault

_LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Corporate gateway: sign in</body></html>\n"
SOON = timedelta(days=9)


fault("F05", "the key in use expires in nine days", "key")(
    lambda body: body.update(expires_at=gotime(datetime.now(UTC) + SOON))
)
fault("F10", "the key belongs to the other region: it is unknown here", "front")(
    lambda path: Reply(401, {"error": "Unauthorized"}) if path.startswith("/v1/") else None
)


@fault("F19", "a gateway in front redirects to its own login page", "front")
def gateway(path: str) -> Reply | None:
    """A redirect to another host with a page of HTML."""
    if path.startswith("/_emulator/"):
        return None
    headers = {"location": "https://login.gateway.invalid/"}
    return Reply(302, text=_LOGIN_PAGE, headers=headers, content_type="text/html; charset=utf-8")
