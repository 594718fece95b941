"""Which names promise a secret: header names, JSON keys and query parameters.

A name is split into its words (``x-api-key``, ``clientSecret`` and ``client_secret`` alike), so that ``tokens``, a quantity that
is billed, is not taken for ``token``, a secret.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

EXACT = frozenset(
    {
        "apikey",
        "auth",
        "authorization",
        "cookie",
        "cookies",
        "credential",
        "credentials",
        "jwt",
        "passphrase",
        "passwd",
        "password",
        "proxyauthorization",
        "pwd",
        "secret",
        "secrets",
        "setcookie",
        "sig",
        "signature",
        "token",
        "xapikey",
    }
)
MARKERS = frozenset(
    {
        "authorization",
        "cookie",
        "credential",
        "credentials",
        "passphrase",
        "passwd",
        "password",
        "secret",
        "signature",
        "token",
    }
)
KEY_KINDS = frozenset({"access", "api", "encryption", "master", "old", "private", "signing"})
# What a name is about when it ends so: the token's count is no token.
HARMLESS_ENDINGS = frozenset(
    {"at", "cost", "count", "digest", "expires", "expiry", "id", "ids", "limit", "name", "names", "price", "present"}
    | {"source", "status", "tail", "type", "usage", "valid", "variable", "verified"}
)
URL_ONLY = frozenset({"key", "code", "state"})

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@lru_cache(maxsize=4096)
def is_sensitive(name: str) -> bool:
    """Whether a value under this name is taken for a secret."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words or (len(words) > 1 and words[-1] in HARMLESS_ENDINGS):
        return False
    joined = "".join(words)
    if " " in name.strip():
        return joined in EXACT  # words of a sentence are no name of a field
    if joined in EXACT or joined.endswith("apikey"):
        return True
    return any(word in MARKERS for word in words) or any(
        a in KEY_KINDS and b in {"key", "keys"} for a, b in pairwise(words)
    )


def joined(name: str) -> str:
    """A name without its spelling: ``x-api-key``, ``X_API_KEY`` and ``xApiKey`` are one."""
    return "".join(word.lower() for word in _WORDS.findall(name))


def is_sensitive_in_url(name: str) -> bool:
    """Whether a query or fragment parameter of this name is taken for a secret."""
    return name.lower() in URL_ONLY or is_sensitive(name)
