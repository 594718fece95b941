"""Secrets are removed before anything reaches a disk or a terminal: by the name they stand under, and by value.

By name: headers, JSON keys, query parameters and their like in running text (see ``sensitive``). By value: every secret that
the run knows, as it is, URL-encoded, in base64 (also in the middle of a longer text, as in Basic authentication), in
hexadecimal, escaped for JSON, HTML and Python, and cut short by an ellipsis as pytest does in tracebacks.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from pytest_flexprice.evidence.sensitive import is_sensitive, is_sensitive_in_url

REDACTED = "[redacted]"
SHORTEST = 6  # a shorter value would be found in ordinary words
SHORTEST_WITH_TAIL = 16
SHORTEST_FRAGMENT = 8

_PAIR = re.compile(
    r"""(?P<before>(?P<q>\\*["']?)(?P<name>[A-Za-z][A-Za-z0-9_.-]{1,60})(?P=q)\s*(?P<sep>[:=]>?)\s*)"""
    r"""(?P<value>b?\\*"[^"\n]*"|b?\\*'[^'\n]*'|(?:(?:Bearer|Basic)\s+)?[^\s,;&'"}\])<>]+)""",
    re.IGNORECASE,
)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,60}")
_SCHEME = re.compile(r"\b(?P<scheme>Bearer|Basic)(?P<gap>\s+)(?P<value>[A-Za-z0-9._~+/=-]{8,})", re.IGNORECASE)
_USERINFO = re.compile(r"(?P<before>://[^/\s:@'\"]*:)(?P<value>[^/\s@'\"]+)(?=@)")
_PARAMETER = re.compile(r"(?P<before>[?&#](?P<name>[A-Za-z][\w.-]*)=)(?P<value>[^&#\s\"'<>\\]+)")
_PERCENT = re.compile(r"[^\s\"'<>&?=#/]*%[0-9A-Fa-f]{2}[^\s\"'<>&?=#/]*")
_SHAPED = re.compile(r"whsec_[A-Za-z0-9+/=_-]{8,}|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*")


def mask(value: str) -> str:
    """The one replacement for a secret: it keeps the last two characters of a long one, so that keys can be told apart."""
    tail = value.rstrip("=")[-2:]
    return f"[redacted …{tail}]" if len(value) >= SHORTEST_WITH_TAIL and tail.isalnum() else REDACTED


class Redactor:
    """Knows the secrets of a run and removes them from text and data.

    It is given to everything that writes: recorder, exchange log, Allure bridge, report and terminal.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._masks: dict[str, str] = {}
        self._secrets: list[str] = []
        self._known: re.Pattern[str] | None = None
        for secret in secrets:
            self.add(secret)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The known secrets; only for handing them to another process of the same run, in memory."""
        return tuple(self._secrets)

    def add(self, secret: str | None) -> bool:
        """Make a secret known. Values shorter than six characters are not searched for (False): they occur in ordinary words."""
        secret = (secret or "").strip()
        if len(secret) < SHORTEST or secret in self._secrets:
            return secret in self._secrets
        self._secrets.append(secret)
        bodies = [secret, *(line.strip() for line in secret.splitlines() if len(line.strip()) >= SHORTEST_WITH_TAIL)]
        if secret.startswith("whsec_"):
            bodies.append(secret.removeprefix("whsec_"))
        for body in bodies:
            for form in _forms(body):
                self._masks.setdefault(form, mask(secret))
        longest_first = sorted(self._masks, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first)))
        return True

    def text(self, text: str) -> str:
        """The text without secrets."""
        if len(text) < SHORTEST:
            return text
        text = self._by_value(text)
        # Most texts are short values: each pattern is tried only where its sign is there.
        if "whsec_" in text or "eyJ" in text:
            text = _SHAPED.sub(lambda match: mask(match[0]), text)
        if "://" in text:
            text = _USERINFO.sub(lambda match: match["before"] + REDACTED, text)
        if "=" in text:
            text = _PARAMETER.sub(_parameter, text)
        if ":" in text or "=" in text:
            text = _PAIR.sub(_pair, text)
        return _SCHEME.sub(_scheme, text) if " " in text else text

    def data(self, value: Any, name: str = "") -> Any:
        """A copy of JSON-like data without secrets; what stands under a sensitive ``name`` is replaced as a whole."""
        if name and is_sensitive(name) and not _is_quantity(value, name):
            return _masked(value)
        if isinstance(value, (bytes, bytearray)):
            value = bytes(value).decode("utf-8", "replace")
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return self._mapping(value)
        if isinstance(value, (list, tuple, set, frozenset)):
            return self._sequence(sorted(value, key=str) if isinstance(value, (set, frozenset)) else value)
        return value

    def leaks(self, text: str) -> list[str]:
        """The masks of the known secrets that the text still holds in some form."""
        if self._known is None:
            return []
        found = {self._masks[form] for form in self._known.findall(text)}
        return sorted(found | {REDACTED for match in _PERCENT.finditer(text) if self._is_encoded(match[0])})

    def scan(self, folder: Path) -> list[Path]:
        """The files below ``folder`` that hold a known secret in some form, in their names or in their content."""
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return [path for path in files if self.leaks(f"{path.name}\n{path.read_text('utf-8', 'replace')}")]

    def _by_value(self, text: str) -> str:
        if self._known is None:
            return text
        if any(form in text for form in self._masks):
            text = self._known.sub(lambda match: self._masks[match[0]], text)
        text = _PERCENT.sub(lambda match: REDACTED if self._is_encoded(match[0]) else match[0], text)
        if "..." in text or "…" in text:
            for secret in self._secrets:
                text = _without_fragments(text, secret)
        return text

    def _is_encoded(self, part: str) -> bool:
        """Whether a percent-encoded part is a secret, whichever of its characters somebody encoded, and how often."""
        once = unquote(part)
        return any(secret in form for form in (once, unquote_plus(part), unquote(once)) for secret in self._secrets)

    def _mapping(self, value: Mapping[Any, Any]) -> dict[str, Any]:
        # {"name": "x-api-key", "value": "…"}: a pair written as two fields.
        named = next((str(value[key]) for key in ("name", "key", "header") if isinstance(value.get(key), str)), "")
        out = {}
        for key, one in value.items():
            under = named if key == "value" and named else str(key)
            out[self.text(str(key))] = self.data(one, under)
        return out

    def _sequence(self, value: list[Any] | tuple[Any, ...]) -> list[Any]:
        if len(value) == 2 and _is_name(value[0]) and is_sensitive(value[0]) and isinstance(value[1], str):
            return [value[0], mask(value[1])]
        return [self.data(one) for one in value]


def _forms(secret: str) -> set[str]:
    raw = secret.encode()
    urls = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    urls |= {quote(url, safe="") for url in urls}
    forms = {secret, raw.hex(), raw.hex().upper(), json.dumps(secret)[1:-1], repr(secret)[1:-1], html.escape(secret)}
    forms |= urls | {json.dumps(secret, ensure_ascii=False)[1:-1]}
    for core in _base64_cores(raw):
        forms |= {core, core.replace("+", "-").replace("/", "_"), quote(core, safe="")}
    return {form for form in forms if len(form) >= SHORTEST}


def _base64_cores(raw: bytes) -> set[str]:
    """What base64 makes of these bytes wherever they begin in a text: the characters that no neighbour changes."""
    cores = set()
    for offset, changed in ((0, 0), (1, 2), (2, 3)):
        encoded = base64.b64encode(bytes(offset) + raw).decode().rstrip("=")
        mixed = 1 if (offset + len(raw)) % 3 else 0
        core = encoded[changed : len(encoded) - mixed]
        if len(core) >= SHORTEST:
            cores.add(core)
    return cores


def _without_fragments(text: str, secret: str) -> str:
    """Remove the beginning or the end of a secret where an ellipsis cut the rest away."""
    for size in range(len(secret) - 1, SHORTEST_FRAGMENT - 1, -1):
        for dots in ("...", "…"):
            text = text.replace(secret[:size] + dots, REDACTED + dots).replace(dots + secret[-size:], dots + REDACTED)
    return text


def _masked(value: Any) -> Any:
    if value is None or isinstance(value, bool) or value in ("", [], {}):
        return value
    if isinstance(value, str) and (value.startswith("[redacted") or re.fullmatch(r"…\w{1,2}", value)):
        return value  # what is left of a secret that was removed before
    return mask(value) if isinstance(value, str) else REDACTED


def _is_name(value: Any) -> bool:
    """Whether a text names a field, as in a pair of header and value; a path or a sentence with such a word in it does not."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _is_quantity(value: Any, name: str) -> bool:
    return not isinstance(value, (str, bytes, Mapping, list, tuple, set, frozenset)) and "token" in name.lower()


def _parameter(match: re.Match[str]) -> str:
    if not is_sensitive_in_url(match["name"]) or match["value"].startswith("[redacted"):
        return match[0]
    return match["before"] + mask(match["value"])


def _pair(match: re.Match[str]) -> str:
    value = match["value"]
    bare = value.lstrip("b\\").strip("\"'\\") if value[0] in "b\\\"'" else value
    quoted = bare != value
    prose = not quoted and match["sep"] == ":" and not re.search(r"[0-9]", bare)
    if not is_sensitive(match["name"]) or len(bare) < 4 or prose or bare.startswith(("[redacted", "[", "{", "(")):
        return match[0]
    return match["before"] + value.replace(bare, mask(bare))


def _scheme(match: re.Match[str]) -> str:
    value = match["value"]
    if not re.search(r"[0-9]", value) and len(value) < 20:
        return match[0]
    return match["scheme"] + match["gap"] + mask(value)
