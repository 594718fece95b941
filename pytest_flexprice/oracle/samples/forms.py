"""Events in another form than Flexprice's: recognised by a look at a file's beginning, and told with what to map (checklist 3.1).

People record what they have: CloudEvents, the events of another billing system, bodies wrapped by a queue, lines of a log. Counting
missing fields of such events says nothing; their form does.
"""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

from pytest_flexprice.model.finding import Finding
from pytest_flexprice.oracle.samples.lines import PRETTY, EventForm, array_form, line_form, parsed
from pytest_flexprice.oracle.samples.rules import file_kind

FIELDS = ("event_name", "external_customer_id", "event_id", "timestamp", "properties")
_LOOKED = 1000
_LONGEST_LINE = 1 << 20
_WHOLE = 20 << 20
_NAMED = 5
_DEEPEST = 8
_BARE = {re.sub(r"_", "", name): name for name in FIELDS}


_CLOUD_EVENTS = EventForm(
    "CloudEvents",
    "type to event_name, subject to external_customer_id, id to event_id, time to timestamp, data to properties",
)
_LAGO = EventForm(
    "Lago's events",
    "code to event_name, external_subscription_id to the customer's external_customer_id, transaction_id to event_id, "
    "timestamp from seconds to RFC 3339",
)
_METRONOME = EventForm(
    "Metronome's events",
    "event_type to event_name, customer_id to external_customer_id, transaction_id to event_id",
)
_STRIPE = EventForm(
    "Stripe's meter events",
    "payload.stripe_customer_id to external_customer_id, identifier to event_id, timestamp from seconds to RFC 3339, payload to properties",
)
_AMBERFLO = EventForm(
    "Amberflo's events",
    "meterApiName to event_name, customerId to external_customer_id, uniqueId to event_id, meterTimeInMillis from milliseconds to "
    "RFC 3339 as timestamp, meterValue and dimensions to properties",
)
_TRACK = EventForm(
    "track calls of an analytics tool",
    "event to event_name, userId to external_customer_id, messageId to event_id",
)


@dataclass
class Look:
    """What the beginning of a file shows: how often each other form, the first event that has it, which rules (see ``rules``) such
    events break because of it, and how keys are spelled."""

    seen: int = 0
    forms: Counter[EventForm] = field(default_factory=Counter)
    first: dict[EventForm, int] = field(default_factory=dict)
    breaks: Counter[str] = field(default_factory=Counter)
    spelled: dict[str, Counter[str]] = field(default_factory=dict)
    misplaced: dict[tuple[str, str], str] = field(default_factory=dict)
    """Where an event of a name has a key that is not one of its properties: in one of them, or beside all of them ("")."""

    def spelling(self, name: str) -> str:
        """How the file spells a field most of the time; Flexprice looks at no case there."""
        return self.spelled[name].most_common(1)[0][0] if self.spelled.get(name) else name

    def explains(self, rule: str, count: int) -> bool:
        """Whether that many events break a rule only because of their form, which is told once."""
        return self.breaks[rule] >= count or bool(self.foreign and self.breaks[rule])

    @property
    def foreign(self) -> bool:
        """Whether every event that was looked at has another form than Flexprice's."""
        return bool(self.seen) and sum(self.forms.values()) == self.seen

    def place(self, event: Mapping[str, Any]) -> None:
        """Remember how an event spells its keys, and what it has elsewhere than among its properties."""
        low = {key.lower(): value for key, value in event.items()}
        name, properties = str(low.get("event_name")).strip(), low.get("properties")
        for key in event:
            if key.lower() in FIELDS:
                self.spelled.setdefault(key.lower(), Counter())[key] += 1
            else:
                self.misplaced.setdefault((name, key), "")
        for outer, inner in properties.items() if isinstance(properties, dict) else ():
            for key in inner if isinstance(inner, dict) else ():
                self.misplaced.setdefault((name, key), outer)


def look(path: Path) -> Look:
    """Look at the first 1,000 events of a JSON file; other files have columns, which say what they are."""
    found = Look()
    if file_kind(path.name) not in ("ndjson", "json") or path.suffix == ".zst":
        return found
    for number, one in enumerate(_events(path), 1):
        found.seen = number
        within = number == 1 or any(form.name == PRETTY[0] for form in found.forms)
        form = (
            line_form(one, within=within)
            if isinstance(one, str)
            else _form(one)
            if isinstance(one, dict)
            else array_form(one)
        )
        if form is not None:
            found.forms[form] += 1
            found.first.setdefault(form, number)
            found.breaks.update(_breaks(one))
        elif isinstance(one, dict):
            found.place(one)
    return found


def _events(path: Path) -> Iterator[Any]:
    """Objects, and lines that are none as their text."""
    try:
        with _text(path) as file:
            if file_kind(path.name) == "json":
                yield from islice(_whole(file.read(_WHOLE)), _LOOKED)
                return
            for line in islice(iter(lambda: file.readline(_LONGEST_LINE), ""), _LOOKED):
                if line.strip():
                    yield from _unpacked(parsed(line))
    except (OSError, UnicodeDecodeError, EOFError):
        return  # told by who reads the whole file


def _text(path: Path) -> IO[str]:
    return gzip.open(path, "rt", encoding="utf-8-sig") if path.suffix == ".gz" else path.open(encoding="utf-8-sig")


def _whole(text: str) -> Iterator[Any]:
    found = parsed(text)
    if isinstance(found, str):
        return
    for one in found if isinstance(found, list) else [found]:
        yield from _unpacked(one)


def _unpacked(one: Any) -> list[Any]:
    """The events of a bulk request, else the event itself."""
    inner = one.get("events") if isinstance(one, dict) else None
    return inner if isinstance(inner, list) else [one]


def _form(one: Mapping[str, Any]) -> EventForm | None:
    keys = set(one)
    for form, needed in _KNOWN:
        if needed <= keys:
            return form
    event = one.get("event")
    if isinstance(event, dict) and {"code", "transaction_id"} <= set(event):
        return EventForm(_LAGO.name, f"event.… to the event itself, {_LAGO.mapping}")
    if {key.lower() for key in keys} & {"event_name"}:
        return None
    return _renamed(keys) or _wrapped(one) or _foreign(one)


def _foreign(one: Mapping[str, Any]) -> EventForm | None:
    """An object that has nothing of an event."""
    if not one or {key.lower() for key in one} & set(FIELDS):
        return None
    names = ", ".join(list(one)[:_NAMED])
    return EventForm(
        f"other objects, with {names}{', …' if len(one) > _NAMED else ''}", f"what they mean to {', '.join(FIELDS)}"
    )


def _breaks(one: Any) -> Iterator[str]:
    """The rules that an event of another form breaks."""
    present = {key.lower(): value for key, value in one.items()} if isinstance(one, dict) else {}
    if not present.keys() & set(FIELDS):
        yield "not an object"
        return
    for name in FIELDS[:-1]:
        value = present.get(name)
        if value in (None, ""):
            yield f"no {name}"
        elif not isinstance(value, str):
            yield "timestamp a number" if name == "timestamp" else f"{name} no text"
    yield from ("timestamp not RFC 3339", "timestamp without zone") if isinstance(present.get("timestamp"), str) else ()
    if not isinstance(present.get("properties"), dict | None):
        yield "properties no object"


_KNOWN = (
    (_AMBERFLO, {"meterApiName", "customerId"}),
    (_CLOUD_EVENTS, {"specversion"}),
    (_STRIPE, {"event_name", "payload"}),
    (_LAGO, {"code", "transaction_id"}),
    (_METRONOME, {"event_type", "transaction_id"}),
    (_TRACK, {"event", "messageId"}),
    (_TRACK, {"event", "userId"}),
)


def _renamed(keys: set[str]) -> EventForm | None:
    """Keys such as eventName, which Flexprice does not know."""
    pairs = {key: _BARE[bare] for key in sorted(keys) if (bare := re.sub(r"[\s_.-]", "", key).lower()) in _BARE}
    other = {key: name for key, name in pairs.items() if key.lower() != name}
    if "event_name" not in other.values():
        return None
    return EventForm(
        "events with keys spelled in another way", ", ".join(f"{key} to {name}" for key, name in other.items())
    )


def _wrapped(one: Mapping[str, Any]) -> EventForm | None:
    """The event inside something else: where it is, and of what other form it is there."""
    found = _way(one, 0)
    if found is None:
        return None
    keys, text, event = found
    inside = (
        None
        if "event_name" in {key.lower() for key in event}
        else next((form for form, needed in _KNOWN if needed <= set(event)), None)
    )
    kind, way = ("as a text " if text else ""), ".".join(keys)
    named, mapping = (f" and are {inside.name}", f", and there {inside.mapping}") if inside else ("", "")
    return EventForm(
        f"events wrapped in other objects, {kind}under '{way}'{named}", f"{way} to the event itself{mapping}"
    )


def _way(one: Mapping[str, Any], depth: int) -> tuple[list[str], bool, Mapping[str, Any]] | None:
    """The keys that lead to an event, whether one of them holds it as a text, and the event."""
    for key, inner in one.items() if depth < _DEEPEST else ():
        rows = inner if isinstance(inner, list) else [inner]
        text = isinstance(inner, str) and inner.lstrip().startswith("{")
        first = parsed(inner) if text else rows[0] if rows else None
        if not isinstance(first, dict):
            continue
        if (
            "event_name" in {name.lower() for name in first}
            or any(needed <= set(first) for _, needed in _KNOWN)
            or _renamed(set(first))
        ):
            return [key], text, first
        deeper = _way(first, depth + 1)
        if deeper is not None:
            return [key, *deeper[0]], text or deeper[1], deeper[2]
    return None


def told(file: str, found: Look) -> list[Finding]:
    """What forms a file's events have, with what to map; and keys whose case differs, which Flexprice takes as they are."""
    findings = []
    for form, count in found.forms.most_common():
        looked = f"{count:,} of the first {found.seen:,}" if found.seen >= _LOOKED else f"{count:,} of {found.seen:,}"
        findings.append(
            Finding(
                "3.1",
                f"samples.{file}:{found.first[form]}",
                f"{looked} events in {file} are {form.name} (first: event {found.first[form]}), not what Flexprice is sent",
                consequence="Flexprice refuses such an event with 400",
                remedy="record the bodies as they are sent to Flexprice, or " + (form.remedy or f"map {form.mapping}"),
            )
        )
    return findings
