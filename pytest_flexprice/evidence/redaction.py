"""Secrets are removed before anything reaches a disk or a terminal: by the name they stand under, and by value.

By name: headers, JSON keys, query parameters and their like in running text (see ``sensitive``). By value: every secret that
the run knows, in every form that ``secret_forms`` finds, and cut short by an ellipsis as pytest does in tracebacks. Every pattern here
has bounds, so that the time grows with the text and no faster.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_flexprice.evidence.secret_forms import SHORTEST, KnownSecrets
from pytest_flexprice.evidence.sensitive import is_sensitive, is_sensitive_in_url, joined
from pytest_flexprice.model.shown import shown

REDACTED = "[redacted]"
SHORTEST_WITH_TAIL = 16
SHORTEST_FRAGMENT = 8
REMEMBERED = (80, 50_000)  # the longest text, and how many of them
LONGEST_NAME = 64

_NAMED = re.compile(
    r"""(?<![A-Za-z0-9_])(?P<name>[A-Za-z][A-Za-z0-9_.-]{0,60})\\{0,8}["']?\s{0,8}(?P<sep>[:=]>?)\s{0,8}""",
)
_VALUE = re.compile(
    r"""b?\\{0,8}"[^"\n]*"|b?\\{0,8}'[^'\n]*'|(?:(?:Bearer|Basic)\s{1,8})?[^\s,;&'"}\])<>]+""", re.IGNORECASE
)
_SCHEME = re.compile(r"\b(?P<scheme>Bearer|Basic)(?P<gap>\s{1,8})(?P<value>[A-Za-z0-9._~+/=-]{8,})", re.IGNORECASE)
_USERINFO = re.compile(r"(?P<before>://[^/\s:@'\"]{0,200}:)(?P<value>[^/\s@'\"]{1,400})(?=@)")
_PARAMETER = re.compile(r"(?P<before>[?&#](?P<name>[A-Za-z][\w.-]{0,60})=)(?P<value>[^&#\s\"'<>\\]+)")
_SHAPED = re.compile(r"whsec_[A-Za-z0-9+/=_-]{8,}|eyJ[A-Za-z0-9_-]{8,400}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*")
_ELLIPSIS = re.compile(r"\.{3}|…")
# What the program reads again keeps its form: words of its own, and what other parts of the same document refer to.
WORDS_OF_OURS = frozenset(
    {"format", "item", "items", "kind", "level", "outcome", "severity", "state", "states", "status", "word"}
)
WORDS_OF_OURS |= {"started", "finished", "at", "until", "on", "without_waiver", "id"}
IDENTIFIERS = frozenset(
    {"node_id", "scenarios", "missing", "run_id", "since", "feature_file", "worker", "sha256", "file"}
)


def mask(value: str) -> str:
    """The one replacement for a secret: it keeps the last two characters of a long one, so that keys can be told apart."""
    tail = value.rstrip("=")[-2:]
    return f"[redacted …{tail}]" if len(value) >= SHORTEST_WITH_TAIL and tail.isalnum() else REDACTED


class Redactor:
    """Knows the secrets of a run and removes them from text and data.

    It is given to everything that writes: recorder, exchange log, Allure bridge, report and terminal.
    """

    def __init__(self, secrets: Iterable[str] = (), names: Iterable[str] = ()) -> None:
        self._known = KnownSecrets()
        self._secrets: list[str] = []
        self._fragments: dict[str, list[tuple[str, int]]] = {}
        self._names = frozenset(map(joined, names))
        # Short texts in which nothing was found: keys, ids and words stand in many documents.
        self._clean: set[str] = set()
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
        self._clean = set()
        bodies = [secret, *(line.strip() for line in secret.splitlines() if len(line.strip()) >= SHORTEST_WITH_TAIL)]
        if secret.startswith("whsec_") and len(secret) >= len("whsec_") + SHORTEST:
            bodies.append(secret.removeprefix("whsec_"))
        for body in bodies:
            self._known.add(body, mask(secret))
        for at in range(1 + len(secret) - SHORTEST_FRAGMENT):
            self._fragments.setdefault(secret[at : at + SHORTEST_FRAGMENT], []).append((secret, at))
        return True

    def name(self, names: Iterable[str]) -> None:
        """Take what stands under these names for secrets too; how a name is spelt (case, dashes, underscores) does not matter."""
        self._names |= frozenset(map(joined, names))
        self._clean = set()

    def text(self, text: str) -> str:
        """The text without secrets."""
        if len(text) < SHORTEST or text in self._clean:
            return text
        clean = self._clean
        done = self._text(text)
        if done == text and len(text) <= REMEMBERED[0] and len(clean) < REMEMBERED[1]:
            clean.add(text)
        return done

    def _text(self, text: str) -> str:
        text = self.values(text)
        # Most texts are short values: each pattern is tried only where its sign is there.
        if "whsec_" in text or "eyJ" in text:
            text = _SHAPED.sub(lambda match: mask(match[0]), text)
        if "://" in text:
            text = _USERINFO.sub(lambda match: match["before"] + REDACTED, text)
        if "=" in text:
            text = _PARAMETER.sub(self._parameter, text)
        if ":" in text or "=" in text:
            text = "".join(self._pairs(text))
        return _SCHEME.sub(_scheme, text) if " " in text else text

    def values(self, text: str) -> str:
        """The text without the secrets that are known, whatever names stand in it."""
        spans = self._known.spans(text)
        if spans:
            text = "".join(_replaced(text, spans))
        return self._without_fragments(text) if "..." in text or "…" in text else text

    def record(self, value: Any, name: str = "") -> Any:
        """A copy of one of our own documents without secrets; what the program reads again stays what it is."""
        if name in WORDS_OF_OURS:
            return value
        if isinstance(value, Mapping):
            return {shown(str(key)): self.record(one, str(key)) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.record(one, name) for one in value]
        if isinstance(value, str):
            return shown(self.values(value) if name in IDENTIFIERS else self.text(value))
        return value

    def data(self, value: Any, name: str = "") -> Any:
        """A copy of JSON-like data without secrets; what stands under a sensitive ``name`` is replaced as a whole."""
        if name and self._is_sensitive(name) and not _is_quantity(value, name):
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
        return sorted({mask for _, _, mask in self._known.spans(text)})

    def scan(self, folder: Path) -> list[Path]:
        """The files below ``folder`` that hold a known secret in some form, in their names or in their content."""
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return [path for path in files if self.leaks(f"{path.name}\n{path.read_text('utf-8', 'replace')}")]

    def _pairs(self, text: str) -> Iterator[str]:
        """The text in pieces; what stands after a sensitive name and a colon or an equals sign is masked."""
        done = 0
        for match in _NAMED.finditer(text):
            if match.start() < done or not self._is_sensitive(match["name"]):
                continue
            value = _VALUE.match(text, match.end())
            if value is not None:
                yield text[done : match.end()]
                yield _value(value[0], match["sep"])
                done = value.end()
        yield text[done:]

    def _is_name(self, value: Any) -> bool:
        """Whether a text is a sensitive name, and not the path or sentence of something else."""
        return (
            isinstance(value, str)
            and len(value) <= LONGEST_NAME
            and not set(value) & set("/:. ")
            and self._is_sensitive(value)
        )

    def _is_sensitive(self, name: str) -> bool:
        return is_sensitive(name) or (bool(self._names) and joined(name) in self._names)

    def _parameter(self, match: re.Match[str]) -> str:
        known = is_sensitive_in_url(match["name"]) or self._is_sensitive(match["name"])
        if not known or match["value"].startswith("[redacted"):
            return match[0]
        return str(match["before"]) + mask(match["value"])

    def _without_fragments(self, text: str) -> str:
        """Remove the beginning or the end of a secret where an ellipsis cut the rest away."""
        spans = []
        for dots in _ELLIPSIS.finditer(text):
            first, last = dots.start(), dots.end()
            for secret, at in self._fragments.get(text[max(first - SHORTEST_FRAGMENT, 0) : first], ()):
                size = at + SHORTEST_FRAGMENT
                if text.endswith(secret[:size], 0, first):
                    spans.append((first - size, first, REDACTED))
            for secret, at in self._fragments.get(text[last : last + SHORTEST_FRAGMENT], ()):
                if text.startswith(secret[at:], last):
                    spans.append((last, last + len(secret) - at, REDACTED))
        return "".join(_replaced(text, sorted(spans))) if spans else text

    def _mapping(self, value: Mapping[Any, Any]) -> dict[str, Any]:
        # {"name": "x-api-key", "value": "…"}: a pair written as two fields.
        named = next((str(value[key]) for key in ("name", "key", "header") if isinstance(value.get(key), str)), "")
        out = {}
        for key, one in value.items():
            under = named if key == "value" and named else str(key)
            out[self.text(str(key))] = self.data(one, under)
        return out

    def _sequence(self, value: list[Any] | tuple[Any, ...]) -> list[Any]:
        if len(value) == 2 and isinstance(value[1], str) and self._is_name(value[0]):
            return [value[0], mask(value[1])]
        return [self.data(one) for one in value]


def _replaced(text: str, spans: Iterable[tuple[int, int, str]]) -> Iterator[str]:
    done = 0
    for first, last, instead in spans:
        if first >= done:
            yield text[done:first]
            yield instead
            done = last
    yield text[done:]


def _masked(value: Any) -> Any:
    if value is None or isinstance(value, bool) or value in ("", [], {}):
        return value
    if isinstance(value, str) and (value.startswith("[redacted") or re.fullmatch(r"…\w{1,2}", value)):
        return value  # what is left of a secret that was removed before
    return mask(value) if isinstance(value, str) else REDACTED


def _is_quantity(value: Any, name: str) -> bool:
    return not isinstance(value, (str, bytes, Mapping, list, tuple, set, frozenset)) and "token" in name.lower()


def _value(value: str, separator: str) -> str:
    bare = value.lstrip("b\\").strip("\"'\\") if value[0] in "b\\\"'" else value
    quoted = bare != value
    prose = not quoted and separator == ":" and not re.search(r"[0-9]", bare)
    if len(bare) < 4 or prose or bare.startswith(("[redacted", "[", "{", "(")):
        return value
    return value.replace(bare, mask(bare))


def _scheme(match: re.Match[str]) -> str:
    value = match["value"]
    if not re.search(r"[0-9]", value) and len(value) < 20:
        return match[0]
    return match["scheme"] + match["gap"] + mask(value)
