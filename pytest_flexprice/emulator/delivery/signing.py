"""Signatures of deliveries: HMAC-SHA256 over ``id.timestamp.body`` (contract 6.8)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from ..kernel.jwt import Signer

PREFIX = "whsec_"
_NEW_KEY_BYTES = 24
_KEY_BYTES = range(24, 76)


class SecretError(ValueError):
    """A text that is no endpoint secret; its message is the delivery service's own."""


def new_secret() -> str:
    """A fresh endpoint secret: ``whsec_`` and 24 random bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_NEW_KEY_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The signing key inside ``secret``; raises :class:`SecretError` (recording 04_errors)."""
    if not secret.startswith(PREFIX):
        raise SecretError("invalid prefix")
    try:
        key = base64.b64decode(secret[len(PREFIX) :], validate=True)
    except (binascii.Error, ValueError):
        raise SecretError("invalid base64") from None
    if len(key) not in _KEY_BYTES:
        raise SecretError("secret must be between 24 and 75 bytes")
    return key


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature, ``v1,<base64>``; ``timestamp`` in whole Unix seconds."""
    content = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(key_of(secret), content, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def signatures(secrets_: Iterable[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The value of the signature header: one signature for each secret, the newest secret first, space-separated."""
    return " ".join(sign(secret, message_id, timestamp, body) for secret in secrets_)


LIFETIME = timedelta(days=28)
_ORGANISATION = "org_23rb8YdGqMT0qIzpgGwdXfHirMu"


class Tokens:
    """Issues tokens and reads them back; the signing key lives as long as this object."""

    def __init__(self) -> None:
        self._signer = Signer()

    def issue(self, application_id: str, now: datetime) -> str:
        """A token for one application, good for 28 days."""
        at, until = int(now.timestamp()), int((now + LIFETIME).timestamp())
        return self._signer.issue(iat=at, exp=until, nbf=at, iss="svix-server", sub=application_id, org=_ORGANISATION)

    def application(self, token: str, now: datetime) -> str | None:
        """The application id that a token is for; ``None`` for a forged, foreign or expired one."""
        claims = self._signer.read(token, now)
        return claims["sub"] if claims else None
