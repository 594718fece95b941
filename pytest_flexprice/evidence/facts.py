"""Facts that are compared from run to run: what a step saw, as paths with short values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date
from typing import Any

ENDS = "ends by itself"
"""The title of an observation whose facts are last days (ISO 8601) by what ends, as it is called in a sentence."""
MOST_FACTS = 20_000
LONGEST = 200


def flat(values: Mapping[str, Any]) -> dict[str, str]:
    """Nested mappings and lists as paths and texts; where there are too many, their number and digest instead."""
    found = dict(_paths(values, ""))
    if len(found) <= MOST_FACTS:
        return {path: _short(text) for path, text in found.items()}
    digest = hashlib.sha256("\n".join(f"{path}={found[path]}" for path in sorted(found)).encode("utf-8", "replace"))
    return {"how many": f"{len(found):,}", "digest": digest.hexdigest()[:16]}


def ending(facts: Mapping[str, Mapping[str, str]]) -> dict[str, date]:
    """What a run saw that ends by itself, and its last day."""
    found = {}
    for name, told in facts.get(ENDS, {}).items():
        with suppress(ValueError):
            found[name] = date.fromisoformat(told)
    return found


def _paths(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _paths(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)) and any(isinstance(item, (Mapping, list, tuple)) for item in value):
        for number, item in enumerate(value):
            yield from _paths(item, f"{path}.{number}")
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield path, ", ".join(sorted(map(str, value)))
    else:
        yield path, str(value)


def _short(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}… ({hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]})"
