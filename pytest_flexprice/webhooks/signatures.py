"""Signing and verifying webhook messages over their raw bytes (contract 6.8, delivery service: headers of a delivery).

The signed content is ``{id}.{timestamp}.{body}``, the key the base64 part of the secret after ``whsec_``. The delivery service sends
``svix-*`` headers (in an optional mode ``webhook-*``) with one signature, or several after a rotation of the secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

PREFIX = "whsec_"
TOLERANCE = timedelta(minutes=5)
HEADER_FAMILIES = ("svix", "webhook")


class SecretError(ValueError):
    """A signing secret cannot be used; the message never contains it."""


class SignatureError(Exception):
    """A message is not what the holder of the secret sent; the message says why."""


def sign(
    secret: str, message_id: str, sent_at: datetime, body: bytes, *, also: Iterable[str] = (), family: str = "svix"
) -> dict[str, str]:
    """The three headers of a signed message.

    Args:
        secret: the signing secret, ``whsec_`` and base64.
        sent_at: an aware time; whole seconds of it are signed.
        body: the exact bytes to be sent, UTF-8.
        also: further secrets whose signatures are appended, as the service does after a rotation.
        family: ``svix``, or ``webhook`` for the other header names.

    Raises:
        SecretError: a secret is no base64 secret.
        ValueError: ``sent_at`` has no zone.
    """
    signatures = [signature(each, message_id, sent_at, body) for each in (secret, *also)]
    return headers(message_id, timestamp(sent_at), " ".join(signatures), family)


def headers(message_id: str, stamp: str, signatures: str, family: str = "svix") -> dict[str, str]:
    """The three headers from their values."""
    return {f"{family}-id": message_id, f"{family}-timestamp": stamp, f"{family}-signature": signatures}


def signature(secret: str, message_id: str, sent_at: datetime, body: bytes) -> str:
    """One signature, ``v1,`` and base64.

    Raises:
        SecretError: the secret is no base64 secret.
        ValueError: ``sent_at`` has no zone, or the body is not UTF-8.
    """
    if sent_at.tzinfo is None:
        raise ValueError("the time of a message must have a zone")
    # The library relabels a time as UTC instead of converting it.
    return _webhook(secret).sign(message_id, sent_at.astimezone(UTC), body.decode())


def timestamp(moment: datetime) -> str:
    """The value of the timestamp header: whole seconds since 1970."""
    return str(int(moment.timestamp() // 1))


def verify(
    sent: Mapping[str, str],
    body: bytes,
    secrets: str | Iterable[str],
    *,
    now: datetime | None = None,
    tolerance: timedelta = TOLERANCE,
) -> str:
    """Check a message as received and return its id.

    Args:
        sent: the request's headers, names in any case, of either family.
        body: the raw bytes, before any parsing.
        secrets: the signing secret, or several while a rotation is under way.
        now: the time to judge the message's age by; the clock if None.

    Raises:
        SignatureError: a header is missing or malformed, the message is too old or too new, or no signature matches.
        SecretError: a secret is no base64 secret.
    """
    message_id, stamp, signatures = _headers_of(sent)
    sent_at = _moment(stamp)
    age = (now or datetime.now(UTC)) - sent_at
    if age > tolerance:
        raise SignatureError(f"the message was sent {int(age.total_seconds())} seconds ago, longer than the tolerance")
    if -age > tolerance:
        raise SignatureError(f"the message is dated {int(-age.total_seconds())} seconds ahead, more than the tolerance")
    for secret in [secrets] if isinstance(secrets, str) else secrets:
        if _matches(signatures, _expected(secret, message_id, sent_at, body)):
            return message_id
    raise SignatureError("no signature matches the body as received")


def fingerprint(secret: str) -> str:
    """Eight characters by which people compare two secrets without seeing them."""
    return hashlib.sha256(secret.strip().encode()).hexdigest()[:8]


def check_secret(secret: str) -> None:
    """Make sure that messages can be signed with a secret.

    Raises:
        SecretError: it is no base64 secret.
    """
    _webhook(secret)


def _webhook(secret: str) -> Webhook:
    if secret != secret.strip():
        raise SecretError("the signing secret has white space around it; remove the white space")
    key = secret.removeprefix(PREFIX).rstrip("=")
    try:
        # The library skips what is not base64, so a mistyped secret would be another one without a word.
        base64.b64decode(key + "=" * (-len(key) % 4), validate=True)
        return Webhook(secret)
    except (ValueError, EmptyWebhookSecretError):
        raise SecretError("the signing secret is not 'whsec_' followed by base64; copy it again") from None


def _headers_of(sent: Mapping[str, str]) -> tuple[str, str, str]:
    lower = {name.lower(): value for name, value in sent.items()}
    for family in HEADER_FAMILIES:
        values = [lower.get(f"{family}-{name}", "") for name in ("id", "timestamp", "signature")]
        if all(values):
            return values[0], values[1], values[2]
    named = [name for name in ("id", "timestamp", "signature") if not lower.get(f"svix-{name}")]
    raise SignatureError(f"the message has no {' and no '.join(f'svix-{name}' for name in named)} header")


def _moment(stamp: str) -> datetime:
    if not (stamp.isascii() and stamp.isdigit()):
        raise SignatureError("the timestamp header is not a number of seconds")
    try:
        return datetime.fromtimestamp(int(stamp), UTC)
    except (ValueError, OverflowError, OSError):
        raise SignatureError("the timestamp header is no possible time") from None


def _expected(secret: str, message_id: str, sent_at: datetime, body: bytes) -> str:
    try:
        return signature(secret, message_id, sent_at, body)
    except UnicodeDecodeError:
        raise SignatureError("the body is not UTF-8") from None


def _matches(signatures: str, expected: str) -> bool:
    return any(hmac.compare_digest(one.encode(), expected.encode()) for one in signatures.split())
