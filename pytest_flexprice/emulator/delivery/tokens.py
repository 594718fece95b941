"""App-scoped tokens: JWTs signed with HS256 that name one application (recording 03_portal_access)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from datetime import datetime, timedelta
from typing import Any

LIFETIME = timedelta(days=28)
_ORGANISATION = "org_23rb8YdGqMT0qIzpgGwdXfHirMu"


class Tokens:
    """Issues tokens and reads them back; the signing key lives as long as this object."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def issue(self, application_id: str, now: datetime) -> str:
        """A token for one application, good for 28 days."""
        claims = {
            "iat": int(now.timestamp()),
            "exp": int((now + LIFETIME).timestamp()),
            "nbf": int(now.timestamp()),
            "iss": "svix-server",
            "sub": application_id,
            "org": _ORGANISATION,
        }
        signed = ".".join(_encode(json.dumps(part, separators=(",", ":")).encode()) for part in (_HEADER, claims))
        return f"{signed}.{_encode(self._signature(signed))}"

    def application(self, token: str, now: datetime) -> str | None:
        """The application id that a token is for; ``None`` for a forged, foreign or expired one."""
        signed, _, signature = token.rpartition(".")
        claims = _decode(signed.partition(".")[2])
        if not hmac.compare_digest(_encode(self._signature(signed)).encode(), signature.encode()) or claims is None:
            return None
        moment = int(now.timestamp())
        return claims["sub"] if claims["nbf"] <= moment < claims["exp"] else None

    def _signature(self, signed: str) -> bytes:
        return hmac.new(self._key, signed.encode(), hashlib.sha256).digest()


_HEADER = {"alg": "HS256", "typ": "JWT"}


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(part: str) -> dict[str, Any] | None:
    try:
        return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))
    except (binascii.Error, ValueError, TypeError):
        return None
