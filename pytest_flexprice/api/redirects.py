"""A redirect is an answer like any other: it is told, and nothing is sent where it points to."""

from __future__ import annotations

from urllib.parse import urlsplit

import requests

_LONGEST = 100  # characters of a target that are told


class Session(requests.Session):
    """A session that follows no redirect.

    With ``allow_redirects=False`` alone, requests prepares the next request all the same: it reads the whole body, however large, and
    breaks on a target that is no URL.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:
        """There is none."""


def target(location: str | None) -> str:
    """Where a redirect points to, for people to read: without user, password and query, which may be secret."""
    try:
        parts = urlsplit((location or "").strip())
    except ValueError:
        return "something that is no URL"
    if not parts.netloc:
        return (f"{parts.scheme}:" if parts.scheme else "") + parts.path[:_LONGEST] or "no named place"
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"[:_LONGEST].removeprefix("://")
