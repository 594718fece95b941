"""Names that are nearly right, and what tells them apart (checklist 2.2, 4.1): Flexprice compares names byte for byte."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable

from pytest_flexprice.model.shown import shown
from pytest_flexprice.model.values import SPACES

_INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_SEPARATORS = re.compile(r"[-_.:/\s]+")
_LOOK_ALIKES = str.maketrans(
    "аеорсухіјѕһԁԛԝвкмнтАВЕКМНОРСТХІЈЅЗΑΒΕΖΗΙΚΜΝΟΡΤΥΧαινορτυχ‐‑‒–—−․‧∙·⁄∕",
    "aeopcyxijshdqwbkmhtABEKMHOPCTXIJS3ABEZHIKMNOPTYXaivoptux------....//",
)
_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")
_DIGITS = re.compile(r"[0-9]")
_PREFIX = 3
_POOL = 2000


def folded(name: str) -> str:
    """What is left of a name when everything that people mistake for the same is made the same."""
    plain = unicodedata.normalize("NFKC", _INVISIBLE.sub("", name)).translate(_LOOK_ALIKES)
    return _ZEROS.sub("", _SEPARATORS.sub("", plain.strip(SPACES).casefold()))


def difference(sent: str, known: str) -> str:
    """What tells two names apart, such as "only in upper and lower case"; empty when they are equal or far apart."""
    if sent == known:
        return ""
    for words, same in _KINDS:
        if same(sent) == same(known):
            return words.format(odd=_odd(sent, known))
    edits = distance(sent.casefold(), known.casefold(), _allowed(sent, known))
    return f"in {edits} {'character' if edits == 1 else 'characters'}" if edits else ""


_KINDS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("only in white space around it", lambda name: name.strip(SPACES)),
    ("only in invisible characters ({odd})", lambda name: _INVISIBLE.sub("", name)),
    (
        "only in the Unicode form of its letters (composed or decomposed)",
        lambda name: unicodedata.normalize("NFC", name),
    ),
    ("only in upper and lower case", str.casefold),
    ("only in the Unicode form of its letters ({odd})", lambda name: unicodedata.normalize("NFKC", name)),
    ("only in letters that look alike ({odd})", lambda name: name.translate(_LOOK_ALIKES)),
    ("only in its separators", lambda name: _SEPARATORS.sub("", name)),
    ("only in leading zeros, which spreadsheets take away", lambda name: _ZEROS.sub("", name)),
    ("only in case, separators, leading zeros or look-alike letters", folded),
)


def _allowed(left: str, right: str) -> int:
    return 1 if min(len(left), len(right)) < 6 else 2


def _odd(sent: str, known: str) -> str:
    for name in (sent, known):
        for character in name:
            if ord(character) > 127:
                return f"{unicodedata.name(character, 'an unnamed character')}, U+{ord(character):04X}"
    return "not visible"


def distance(left: str, right: str, limit: int) -> int:
    """How many characters must be inserted, removed, replaced or swapped with their neighbour; 0 when more than ``limit``."""
    if abs(len(left) - len(right)) > limit:
        return 0
    before: list[int] = []
    last = list(range(len(right) + 1))
    for i, one in enumerate(left, 1):
        row = [i]
        for j, other in enumerate(right, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (one != other))
            if i > 1 and j > 1 and one == right[j - 2] and left[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return 0
        before, last = last, row
    return last[-1] if last[-1] <= limit else 0


class NearMisses:
    """The names that are known, ready to be asked which of them a wrong name may have meant.

    Look-ups by folded form are exact however many names there are; edit distance looks only at names that share a beginning or an
    end, and at no more than 2,000 of them.
    """

    def __init__(self, known: Iterable[str]) -> None:
        self._folded: dict[str, list[str]] = defaultdict(list)
        self._ends: dict[str, list[str]] = defaultdict(list)
        for name in known:
            form = folded(name)
            self._folded[form].append(name)
            self._ends["<" + form[:_PREFIX]].append(name)
            self._ends[">" + form[-_PREFIX:]].append(name)

    def of(self, name: str, *, edits: bool = True) -> tuple[str, str] | None:
        """The nearest known name with what tells them apart, or None; without ``edits`` by folded form only, which is quick."""
        form = folded(name)
        alike = [one for one in self._folded.get(form, ()) if one != name]
        if alike:
            return alike[0], difference(name, alike[0])
        if not edits:
            return None
        pool = (*self._ends.get("<" + form[:_PREFIX], ()), *self._ends.get(">" + form[-_PREFIX:], ()))
        best: tuple[int, str] | None = None
        shape = _DIGITS.sub("0", name)
        for candidate in pool[:_POOL]:
            if _DIGITS.sub("0", candidate) == shape:  # acct_17 and acct_18 are two customers, not a typing mistake
                continue
            steps = distance(name.casefold(), candidate.casefold(), _allowed(name, candidate))
            if steps and (best is None or (steps, candidate) < best):
                best = (steps, candidate)
        return (best[1], difference(name, best[1])) if best else None

    def hint(self, name: str) -> str:
        """The nearest name as a clause to put behind a problem, or nothing."""
        near = self.of(name)
        return f", but '{shown(near[0])}' is there and differs {near[1]}" if near else ""
