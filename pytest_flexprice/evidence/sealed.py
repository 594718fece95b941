"""What workers and controller tell each other of secrets travels sealed; the key travels by the environment, never beside it.

xdist prints what processes hand over when it is asked to (``--debug``), so a secret must not be readable there.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable

VARIABLE = "FLEXPRICE_SEAL"
_NONCE = 16
_MARK = 64


def begin() -> Callable[[], None]:
    """Make a key for this run and its workers, which inherit it; gives the function that forgets it."""
    os.environ[VARIABLE] = secrets.token_hex(32)
    return _forget


def _forget() -> None:
    os.environ.pop(VARIABLE, None)


def seal(text: str) -> str:
    """A text that only this run's processes can read; "" where there is no key."""
    key = os.environ.get(VARIABLE, "")
    if not key:
        return ""
    nonce, plain = secrets.token_bytes(_NONCE), text.encode()
    return (nonce + _mixed(plain, key, nonce)).hex()


def unseal(sealed: str) -> str:
    """The text that was sealed; "" where it was not, or there is no key."""
    key = os.environ.get(VARIABLE, "")
    if not key or not sealed:
        return ""
    raw = bytes.fromhex(sealed)
    return _mixed(raw[_NONCE:], key, raw[:_NONCE]).decode()


def signed(text: str) -> str:
    """A text with a mark in front that only this run's processes can make."""
    return _mark(text) + text


def original(marked: str) -> str:
    """The text that was signed.

    Raises:
        ValueError: it was changed since.
    """
    mark, text = marked[:_MARK], marked[_MARK:]
    if not hmac.compare_digest(mark.encode("utf-8", "replace"), _mark(text).encode()):
        raise ValueError("it was changed after it was signed")
    return text


def _mark(text: str) -> str:
    return hmac.new(
        os.environ.get(VARIABLE, "").encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256
    ).hexdigest()


def _mixed(data: bytes, key: str, nonce: bytes) -> bytes:
    stream = hashlib.shake_256(bytes.fromhex(key) + nonce).digest(len(data))
    return bytes(a ^ b for a, b in zip(data, stream, strict=True))
