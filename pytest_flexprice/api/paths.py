"""Paths of requests: built from quoted segments, and refused before they are sent when they could mean another place.

A path is added to the base URL. ``@host/x`` would make a host of it, ``/v1/customers/a/../b`` another customer; what a server or a
proxy makes of ``//``, a backslash or an encoded dot is anybody's guess.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from pytest_flexprice.api.errors import WriteRefused

HEALTH = "/health"  # the only route outside /v1 (contract 1.1)
_SUSPECT = re.compile(
    r"\.\.|//|[@\\?#;\s\x00-\x1f\x7f]|[^\x00-\x7f]|/\.(?:/|$)|%(?:2[eEfF]|5[cC]|25|[01][0-9a-fA-F]|7[fF])"
)
_OBJECT = re.compile(r"/v1/(?:[a-z_-]+/)+(?P<id>[a-z]+(?:_[a-z]+)*_[0-9A-HJKMNP-TV-Z]{26})")


def path_of(*segments: Any) -> str:
    """The path of ``/v1`` and these segments, each of them quoted: ``path_of("invoices", id, "void")``.

    Raises:
        WriteRefused: a segment is empty, or means another place whichever way it is written.
    """
    quoted = [quote(str(segment), safe="") for segment in segments]
    if not all(quoted):
        raise WriteRefused(f"A path of {', '.join(map(repr, segments))} was not made: one of its parts is empty.")
    path = "/".join(["/v1", *quoted])
    refuse_suspect(path)
    return path


def refuse_suspect(path: str) -> None:
    """Let a path pass that can mean one place only.

    Raises:
        WriteRefused: it does not begin with ``/v1/``, or holds something that leads elsewhere; the key would go there.
    """
    if path == HEALTH:
        return
    if not path.startswith("/v1/"):
        raise WriteRefused(
            f"The path {path!r} was not sent: it does not begin with '/v1/', so the key could go elsewhere."
        )
    match = _SUSPECT.search(path)
    if match:
        raise WriteRefused(f"The path {path!r} was not sent: {match.group()!r} in it could lead to another object.")


def object_id(path: str) -> str:
    """The id of the one object that a path names, or "" where it names none."""
    match = _OBJECT.fullmatch(path)
    return match["id"] if match else ""
