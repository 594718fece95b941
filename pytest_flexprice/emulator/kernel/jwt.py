"""Signed tokens (HS256), good as long as the object that issued them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from datetime import datetime
from typing import Any


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(part: str) -> dict[str, Any] | None:
    try:
        return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))
    except (binascii.Error, ValueError, TypeError):
        return None


_HEADER = _encode(b'{"alg":"HS256","typ":"JWT"}')


class Signer:
    """Issues tokens and reads them back."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def issue(self, **claims: Any) -> str:
        """A token with these claims."""
        signed = f"{_HEADER}.{_encode(json.dumps(claims, separators=(',', ':')).encode())}"
        return f"{signed}.{self._signature(signed)}"

    def read(self, token: str, now: datetime) -> dict[str, Any] | None:
        """The claims of a token; ``None`` for one that is forged, foreign, altered or expired."""
        signed, _, signature = token.rpartition(".")
        claims = _decode(signed.partition(".")[2])
        genuine = hmac.compare_digest(self._signature(signed).encode(), signature.encode("utf-8", "replace"))
        if not genuine or claims is None or now.timestamp() >= claims["exp"]:
            return None
        return claims if claims.get("nbf", 0) <= now.timestamp() else None

    def _signature(self, signed: str) -> str:
        return _encode(hmac.new(self._key, signed.encode("utf-8", "replace"), hashlib.sha256).digest())
