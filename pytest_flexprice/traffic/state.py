"""What an interrupted comparison read, on disk, so that the next run goes on instead of starting again (checklist 3.1).

Of a stretch only the events that differ are kept; those that agree follow from the log, which is read again. All of it is used only with
the same plan, environment, window, log and key, a stretch only where both sides still count the same in its days.
"""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from pytest_flexprice.model.bounded import Unreadable, opened
from pytest_flexprice.model.meters import Event
from pytest_flexprice.model.times import Window, instant

LONGEST = timedelta(hours=24)
LARGEST = 256 << 20
"""Bytes of a state that is read; a larger one was not written here."""
_DECIMAL = "\0decimal"
NAME = "traffic-state.json"


class _Unusable(Exception):
    """Why a state is not used."""


@dataclass
class ResumeState:
    """The state of one environment's comparison in the file ``path``, sealed with ``secret``.

    ``about`` says what it follows from, in words (the plan, the window …) and as a digest of each; ``run`` is who writes it, and when.
    """

    path: Path
    secret: str
    about: dict[str, str]
    run: str
    now: datetime
    carried: int = 0
    _origin: str = ""
    _earlier: dict[str, Any] = field(default_factory=dict)
    _stretches: dict[str, Any] = field(default_factory=dict)

    def begin(self, **more: object) -> list[str]:
        """Take over what an earlier run left, once everything that it follows from is known; what is to be told of that."""
        self.about.update({word.replace("_", " "): digest(value) for word, value in more.items()})
        try:
            held = self._read()
        except FileNotFoundError:
            return []
        except _Unusable as reason:
            return [f"what an interrupted comparison had left was not used, and this one started anew: {reason}"]
        self._origin = f"run {held['run']} of {held['at'][:16].replace('T', ' ')} UTC"
        self._earlier = held["stretches"]
        self._stretches = dict(self._earlier)
        return []

    def _read(self) -> dict[str, Any]:
        try:
            with opened(self.path, "the state of a comparison", LARGEST) as file:
                seal, _, text = file.read().partition(b"\n")
        except Unreadable as reason:
            raise _Unusable(str(reason)) from None
        if not hmac.compare_digest(seal, self._seal(text)):
            raise _Unusable(f"'{self.path.name}' was changed, cut short, or written with another key")
        held: dict[str, Any] = json.loads(text, object_hook=_decimals)
        other = [word for word, value in self.about.items() if held["about"].get(word) != value]
        if other:
            raise _Unusable(f"it is of another {' and another '.join(other)}")
        age = self.now - instant(held["at"])
        if not timedelta(0) <= age <= LONGEST:
            raise _Unusable("it is older than a day" if age > LONGEST else "its time lies in the future")
        return held

    def kept(self, window: Window, counts: object) -> tuple[set[str], list[Event]] | None:
        """The ids that differ in a stretch and what Flexprice holds of them, where that is known; ``counts`` are those of its days."""
        held = self._earlier.get(_key(window, counts))
        if held is None:
            return None
        self.carried += 1
        return set(held["odd"]), [Event.from_api(row) for row in held["arrived"]]

    def keep(self, window: Window, counts: object, odd: Sequence[str], arrived: Sequence[Event]) -> None:
        """Write down what differs in a stretch, at once."""
        self._stretches[_key(window, counts)] = {"odd": list(odd), "arrived": [_row(one) for one in arrived]}
        body = {
            "run": self.run,
            "at": self.now.astimezone(UTC).isoformat(),
            "about": self.about,
            "stretches": self._stretches,
        }
        text = json.dumps(body, default=_tagged).encode()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        other = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        handle = os.open(other, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # it holds customers' events
        with os.fdopen(handle, "wb") as file:
            file.write(self._seal(text) + b"\n" + text)
        other.replace(self.path)

    def end(self, *, finished: bool) -> list[str]:
        """What was carried over, in words; a finished comparison leaves nothing to the next."""
        if finished:
            self.path.unlink(missing_ok=True)
        stretches = "stretch" if self.carried == 1 else "stretches"
        own = [
            f"what was read of {self.carried:,} {stretches} was carried over from {self._origin}, which was interrupted"
        ]
        return own if self.carried else []

    def _seal(self, text: bytes) -> bytes:
        return hmac.new(self.secret.encode(), text, sha256).hexdigest().encode()


def digest(value: object) -> str:
    """What tells values apart, by their texts."""
    return sha256(repr(value).encode("utf-8", "backslashreplace")).hexdigest()


def _tagged(value: Decimal) -> dict[str, str]:
    """A number with a fraction, which is not to become a text or a double."""
    return {_DECIMAL: str(value)}


def _decimals(held: dict[str, Any]) -> Any:
    return Decimal(held[_DECIMAL]) if held.keys() == {_DECIMAL} else held


def _key(window: Window, counts: object) -> str:
    return f"{window.start.isoformat()} {window.end.isoformat()} {digest(counts)}"


def _row(event: Event) -> Mapping[str, Any]:
    return {
        "event_id": event.id,
        "event_name": event.name,
        "timestamp": event.timestamp.isoformat(),
        "properties": event.properties,
        "external_customer_id": event.external_customer_id,
    }
