"""Finds known secrets in a text in whatever form they stand there, in time that grows with the text and no faster.

Three views of a text are searched: the text as it is; the text as it would be read: escapes of URLs, JSON, HTML, Python, Markdown and
mail undone, line breaks with their indentation, NULs and invisible characters left out; and its letters and digits alone, whatever stands
between them. Letters count alike in upper and lower case.
"""

from __future__ import annotations

import base64
import codecs
import html
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

from pytest_flexprice.evidence.packed import packed

SHORTEST = 6  # a shorter value would be found in ordinary words
GRAM = 6
WINDOW = 12
MOST_WINDOWS = 128
SHORTEST_APART = 16
# A text is looked at in steps: wherever LETTERS of a form stand, a step hits a GRAM of them. The engine of regular expressions cuts
# faster than slices do.
LETTERS = WINDOW - 2
STRIDE = LETTERS - GRAM + 1
_STEPS = re.compile(rb"(?s)(?=(.{%d})).{%d}" % (GRAM, STRIDE))

Span = tuple[int, int, str]
BEYOND = "[redacted]"

_ANY = "surrogatepass"
_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
_WIDE = {sign + 0xFEE0: sign for sign in range(33, 127)}  # the full width letters of East Asian texts
_SIGNS = re.compile(r"[%\\&=\r\n\x00\u00ad\u200b-\u200d\u2060\ufeff]|\x1b\[|<w?br")
_SIGN = re.compile(r"[%\\&=<\r\n\x00\x1b\u00ad\u200b-\u200d\u2060\ufeff]")
_BETWEEN = bytes(set(range(128)) - set(b"abcdefghijklmnopqrstuvwxyz0123456789"))
_KEPT = re.compile("[a-z0-9]")
_ESCAPED = re.compile(
    r"%(?:25){0,5}(?:u00)?(?P<percent>[0-9A-Fa-f]{2})"
    r"|\\{1,8}(?:u00|x|U000000|u\{0{0,4}|0000)(?P<backslash>[0-9A-Fa-f]{2})\}?"
    r"|\\{1,8}(?P<octal>[01][0-7]{2})"
    r"|&(?:amp;){0,5}(?:#[xX]0{0,6}(?P<hexadecimal>[0-9A-Fa-f]{2})|#0{0,6}(?P<number>[0-9]{2,3})|(?P<entity>[a-z]{2,6}));"
    r"|=(?P<mail>[0-9A-F]{2})"
    r"|(?P<gap>(?:=?(?:\r\n|\r|\n)|\\{1,8}[rn]|<w?br\s?/?>)[ \t]{0,200}(?:[E>|#*+][ \t]{1,8})?"
    r"|[\x00\u00ad\u200b-\u200d\u2060\ufeff]+|\x1b\[[0-9;]{0,12}m"
    r"|\\{1,8}u(?:20[0-6]|03[0-6]|fe0|fef)[0-9a-f])"
    r"|\\{1,8}(?P<plain>[!-/:-@\[-`{-~])"
)


@dataclass
class KnownSecrets:
    """The forms of the secrets that a run knows; ``masks`` gives for each form what stands in its place.

    ``anyway`` are forms in which upper and lower case do not matter (kept in lower case), ``exact`` those in which they do,
    ``windows`` parts of secrets that tell too much of them, ``apart`` the letters and digits of such parts.

    A form stands in a text only where its letters and digits stand among the text's. So a text's letters and digits are looked at in
    steps first: ``_with`` has the grams of each form's last LETTERS of them, ``_short`` the forms that have fewer.
    """

    anyway: dict[str, str] = field(default_factory=dict)
    exact: dict[str, str] = field(default_factory=dict)
    windows: dict[str, str] = field(default_factory=dict)
    apart: dict[bytes, str] = field(default_factory=dict)
    _with: dict[bytes, set[str | bytes]] = field(default_factory=dict)
    _short: set[str] = field(default_factory=set)

    def add(self, secret: str, mask: str) -> None:
        """Make a secret known."""
        anyway, windows = [_lower(form) for form in _anyway(secret)], list(_windows(_lower(secret)))
        for forms, known in ((anyway, self.anyway), (list(_exact(secret)), self.exact), (windows, self.windows)):
            for form in forms:
                known.setdefault(form, mask)
                letters = _alone(_lower(form))
                if len(letters) < LETTERS:
                    self._short.add(form)
                self._expect(form, letters)
        for part in _apart(secret):
            self.apart.setdefault(part, mask)
            self._expect(part, part)

    def _expect(self, form: str | bytes, letters: bytes) -> None:
        for at in range(max(len(letters) - LETTERS, 0), len(letters) - GRAM + 1):
            self._with.setdefault(letters[at : at + GRAM], set()).add(form)

    def spans(self, text: str) -> list[Span]:
        """Where secrets stand in a text, in order and without overlaps, each with its mask."""
        if not self.anyway or len(text) < SHORTEST:
            return []
        text = text if text.isascii() else text.translate(_WIDE)
        return _merged([*self._shown(text), *self._packed(text)])

    def _shown(self, text: str) -> Iterator[Span]:
        yield from self._standing(text)
        if _SIGNS.search(text):
            plain, places = _as_read(text)
            standing = (*self._standing(plain), *self._packed(plain))
            yield from ((places.start(first), places.end(last), mask) for first, last, mask in standing)

    def _packed(self, text: str) -> Iterator[Span]:
        """What is packed, as a whole, where a secret is in it or could be."""
        for first, last, inner in packed(text):
            found = BEYOND if inner is None else next((mask for _, _, mask in self._shown(inner)), "")
            if found:
                yield first, last, found

    def _standing(self, text: str) -> Iterator[Span]:
        low = _lower(text)
        kept = _alone(low)
        likely = self._likely(kept)
        if not likely:
            return
        for forms, where in ((self.anyway, low), (self.exact, text), (self.windows, low)):
            for form, mask in forms.items():
                at = where.find(form) if form in likely else -1
                while at >= 0:
                    yield at, at + len(form), mask
                    at = where.find(form, at + len(form) if forms is not self.windows else at + 1)
        if len(kept) < len(low) and not likely.isdisjoint(self.apart):
            yield from self._taken_apart(low, kept, likely)

    def _taken_apart(self, low: str, kept: bytes, likely: set[str | bytes]) -> Iterator[Span]:
        found = []
        for part, mask in self.apart.items():
            at = kept.find(part) if part in likely else -1
            while at >= 0:
                found.append((at, at + len(part) - 1, mask))
                at = kept.find(part, at + 1)
        if found:
            places = [match.start() for match in _KEPT.finditer(low)]
            yield from ((places[first], places[last] + 1, mask) for first, last, mask in found)

    def _likely(self, kept: bytes) -> set[str | bytes]:
        """The forms of which a part stands in a text; no other can stand in it as a whole."""
        seen = self._with.keys() & _STEPS.findall(kept)
        return set().union(self._short, *(self._with[gram] for gram in seen))


def _lower(text: str) -> str:
    """Lower case of a to z only, so that every character stays in its place: of bytes no other letters have one."""
    return text.lower() if text.isascii() else text.encode("utf-8", _ANY).lower().decode("utf-8", _ANY)


def _anyway(secret: str) -> Iterator[str]:
    raw = secret.encode()
    yield from (secret, secret[::-1], codecs.encode(secret, "rot13"), raw.decode("latin-1"), raw.hex(":"), raw.hex(" "))
    yield from (secret.encode(each, _ANY).hex() for each in _ENCODINGS)
    yield from (comma.join(map(each, raw)) for comma in (", ", ",") for each in (str, "0x{:02x}".format))
    yield from (
        quote_plus(secret),
        quote(quote_plus(secret)),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        html.escape(secret),
    )
    for offset in range(5):
        yield from _core(lambda data: base64.b32encode(data).decode(), raw, offset, bits=5)


def _exact(secret: str) -> Iterator[str]:
    raw = secret.encode()
    yield from (base64.b85encode(raw).decode(), base64.a85encode(raw).decode())
    for each in _ENCODINGS:
        yield from _base64(secret.encode(each, _ANY))
    for once in set(_base64(raw)):
        yield from _base64(once.encode())


def _base64(raw: bytes) -> Iterator[str]:
    for offset in range(3):
        for core in _core(lambda data: base64.b64encode(data).decode(), raw, offset, bits=6):
            yield core
            yield core.replace("+", "-").replace("/", "_")


def _core(encode: Callable[[bytes], str], raw: bytes, offset: int, bits: int) -> Iterator[str]:
    """What an encoding makes of these bytes wherever they begin in a text: the characters that no neighbour changes."""
    first = -(-offset * 8 // bits)
    last = (offset + len(raw)) * 8 // bits
    core = encode(bytes(offset) + raw)[first:last]
    if len(core) >= SHORTEST:
        yield core


def _windows(secret: str) -> Iterable[str]:
    """Parts of a secret that look like nothing else: long enough, of letters and digits, of many different characters."""
    parts = [secret[at : at + WINDOW] for at in range(len(secret) - WINDOW + 1)]
    parts = parts if len(parts) <= MOST_WINDOWS else parts[: MOST_WINDOWS // 2] + parts[-MOST_WINDOWS // 2 :]
    return [part for part in parts if _looks_random(part)]


def _alone(low: str) -> bytes:
    """The letters and digits of a text in lower case."""
    return low.encode("ascii", "ignore").translate(None, _BETWEEN)


def _apart(secret: str) -> Iterator[bytes]:
    """What is left of a long secret where something stands between its characters, or between the bytes of a dump."""
    letters = _alone(_lower(secret))
    if len(letters) >= SHORTEST_APART:
        yield letters
        yield from (part.encode() for part in _windows(letters.decode()))
        dump = secret.encode(errors=_ANY).hex().encode()
        last = min(len(dump), 4 * MOST_WINDOWS) - 2 * WINDOW
        yield from (dump[at : at + 2 * WINDOW] for at in range(0, last + 1, 2))


def _looks_random(part: str) -> bool:
    digits = sum(character.isdigit() for character in part)
    return digits >= 2 and digits < len(part) and len(set(part)) >= 8


@dataclass
class _Places:
    """From the places of a text as it is read to those of the text itself: each piece's beginning in both, and its lengths."""

    plain: list[int] = field(default_factory=list)
    raw: list[int] = field(default_factory=list)
    escaped: list[int] = field(default_factory=list)

    def add(self, plain: int, raw: int, escaped: int) -> None:
        """A piece begins; ``escaped`` is the raw length of what is one character as it is read, 0 for a piece that is read as it is."""
        self.plain.append(plain)
        self.raw.append(raw)
        self.escaped.append(escaped)

    def start(self, at: int) -> int:
        """Where the character at a place begins in the raw text."""
        piece = bisect_right(self.plain, at) - 1
        return self.raw[piece] + (0 if self.escaped[piece] else at - self.plain[piece])

    def end(self, at: int) -> int:
        """Where what ends before a place ends in the raw text."""
        piece = bisect_right(self.plain, at - 1) - 1
        return self.raw[piece] + (self.escaped[piece] or at - self.plain[piece])


def _as_read(text: str) -> tuple[str, _Places]:
    places, pieces, length, done = _Places(), [], 0, 0
    for match in _escaped(text):
        if match.start() > done:
            places.add(length, done, 0)
            pieces.append(text[done : match.start()])
            length += match.start() - done
        character = _character(match)
        if character:
            places.add(length, match.start(), match.end() - match.start())
            pieces.append(character)
            length += len(character)
        done = match.end()
    places.add(length, done, 0)
    pieces.append(text[done:])
    return "".join(pieces), places


def _escaped(text: str) -> Iterator[re.Match[str]]:
    """The escapes, one after the other; tried only where one can begin."""
    done = 0
    while sign := _SIGN.search(text, done):
        match = _ESCAPED.match(text, sign.start())
        done = sign.end() if match is None else match.end()
        if match is not None:
            yield match


def _character(match: re.Match[str]) -> str:
    kind, text = match.lastgroup, match[match.lastgroup or 0]
    if kind == "gap":
        return ""
    if kind == "plain":
        return text
    if kind == "entity":
        return html.unescape(f"&{text};")[:1]
    base = 8 if kind == "octal" else 10 if kind == "number" else 16
    return chr(int(text, base))


def _merged(found: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for first, last, mask in sorted(found, key=lambda span: (span[0], -span[1])):
        if merged and first < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]), merged[-1][2])
        else:
            merged.append((first, last, mask))
    return merged
