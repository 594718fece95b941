"""Instants as Flexprice writes them, as aware UTC datetimes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

_RFC3339 = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})")


class Window(NamedTuple):
    """A stretch of time with its start in it and its end outside (contract 3.9)."""

    start: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        """Whether a moment lies in it, in whole seconds: fractions do not count (contract 0.1, trap 12)."""
        return second(self.start) <= second(moment) < second(self.end)


def instant(text: str) -> datetime:
    """The instant an RFC 3339 text with zone stands for, to the microsecond.

    Raises:
        ValueError: it is not such a text.
    """
    match = _RFC3339.fullmatch(text.strip())
    if not match:
        raise ValueError(f"'{text}' is no RFC 3339 instant with a zone")
    day, clock, fraction, zone = match.groups()
    moment = datetime.fromisoformat(f"{day}T{clock}.{(fraction or '0')[:6].ljust(6, '0')}{zone.replace('Z', '+00:00')}")
    return moment.astimezone(UTC) if moment.year > 1 else moment.replace(tzinfo=UTC)


def instant_of(item: Mapping[str, Any], key: str) -> datetime | None:
    """The instant under a key of an API object; nothing and the year 1 are none (contract 4.3)."""
    text = item.get(key)
    moment = instant(text) if text else None
    return moment if moment and moment.year > 1 else None


def written(moment: datetime) -> str:
    """An instant as RFC 3339 text in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def second(moment: datetime) -> datetime:
    """The whole second that a moment lies in."""
    return moment.replace(microsecond=0)


def days(count: int) -> timedelta:
    """That many times 24 hours."""
    return timedelta(days=count)
