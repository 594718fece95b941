"""Plays a recorded conversation with a real Flexprice against the emulator and lists every difference.

A conversation is ``{"topic", "about", "vars"?, "steps"}``. A step is a request with what the real server answered, where all
that changes from play to play (ids, times, the values of variables) was replaced by a placeholder; the answer of the emulator
is put through the same replacements and must then be equal. Where the recording waits, the emulator's clock is moved instead.
"""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

Json = Any
BAD_KEY = "sk_01ARZ3NDEKTSV4RRFFQ69G5FAV"
ZERO_UUID = "00000000-0000-0000-0000-000000000000"
COUNTERS = ("sequence", "synced_price_sequence")
WAIT_STEP, PATIENCE = 0.02, 20
LONGEST = timedelta(minutes=10)  # more than any conversation takes, its waits included

_PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_.]*)(?:([+-]\d+)(ms|[smhd]))?\}")
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)\Z")
_ULID = "[0-9A-HJKMNP-TV-Z]{26}"
_WORD = "[a-z]+(?:_[a-z]+)*"
_WHOLE_VALUES = (
    (re.compile(r"INV-\d{6}-\d+\Z"), "<invoice-number>"),
    (re.compile(r"sk_[0-9A-Z]{26}\Z"), "<api-key>"),
    (re.compile(r"sk_\w{2}\*\*\*\w\w\Z"), "<display-id>"),
    (re.compile(rf"{_ULID}\Z"), "<ulid>"),
    (re.compile(rf"{_WORD}-[0-9a-f]{{16}}\Z"), "<idempotency-key>"),
)
_PREFIXED = (re.compile(rf"({_WORD})_{_ULID}\Z"), re.compile(r"(app|ep|msg|atmpt|msgep)_[0-9A-Za-z]{27}\Z"))
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
_ID_IN_TEXT = re.compile(rf"\b({_WORD})_{_ULID}\b")
_DATE_IN_TEXT = re.compile(r"\b20\d\d-\d\d-\d\d\b")
_MOMENT_IN_TEXT = re.compile(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")


def _moment(text: str) -> tuple[datetime, str] | None:
    """An RFC 3339 time as its UTC second and nanoseconds, so that equal moments are equal; ``None`` for other text."""
    match = _INSTANT.match(text)
    if match is None:
        return None
    second, fraction, zone = match.groups()
    parsed = datetime.fromisoformat(second + ("+00:00" if zone == "Z" else zone))
    return parsed.astimezone(UTC), (fraction or "").ljust(9, "0")


def _reached(path: str, patterns: Sequence[str]) -> bool:
    """Whether a dotted path lies at or below one of the patterns, in which ``*`` stands for any part."""
    parts = path.split(".") if path else []
    for pattern in patterns:
        wanted = pattern.split(".")
        if len(wanted) <= len(parts) and all(w in ("*", p) for w, p in zip(wanted, parts, strict=False)):
            return True
    return False


def without_ids(value: Json) -> Json:
    """A value in which ids and dates inside of texts are placeholders."""
    if isinstance(value, dict):
        return {key: without_ids(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_ids(item) for item in value]
    if not isinstance(value, str):
        return value
    return _DATE_IN_TEXT.sub("<date>", _ID_IN_TEXT.sub(r"<\1>", value))


@dataclass
class Names:
    """The variables of one play and the moments it sent, in both directions."""

    now: datetime
    values: dict[str, Any] = field(default_factory=dict)
    fixed: dict[str, str] = field(default_factory=dict)
    sent: dict[tuple[datetime, str], str] = field(default_factory=dict)

    def fill(self, value: Json) -> Json:
        """A request part with its placeholders replaced."""
        if isinstance(value, dict):
            return {self.fill(key): self.fill(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        return _PLACEHOLDER.sub(self._filled, value) if isinstance(value, str) else value

    def _filled(self, match: re.Match[str]) -> str:
        name, amount, unit = match.groups()
        if name in ("now", "day"):
            moment = self.now if name == "now" else self.now.replace(hour=0, minute=0, second=0, microsecond=0)
            if amount:
                moment += timedelta(**{_UNITS[unit]: int(amount)})
            text = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
            known = _moment(text)
            assert known is not None
            self.sent.setdefault(known, match.group(0))
            return text
        if name in self.values:
            return str(self.values[name])
        return self.fixed.get(name, match.group(0))

    def restore(self, value: Json, exact: Sequence[str] = (), path: str = "") -> Json:
        """An answer with its values replaced by placeholders, as they stand in the recording."""
        if _reached(path, exact):
            return value
        if isinstance(value, dict):
            return {self.restore(key): self._member(key, item, exact, path) for key, item in value.items()}
        if isinstance(value, list):
            return [self.restore(item, exact, f"{path}.{index}".lstrip(".")) for index, item in enumerate(value)]
        return self._restored(value) if isinstance(value, str) else value

    def _member(self, key: str, item: Json, exact: Sequence[str], path: str) -> Json:
        if key in COUNTERS and isinstance(item, int):
            return "<sequence>"
        return self.restore(item, exact, f"{path}.{key}".lstrip("."))

    def _restored(self, value: str) -> str:
        for name, known in self.values.items():
            if value == known:
                return f"{{{name}}}"
        moment = _moment(value)
        if moment is not None and moment[0].year > 1:
            return self.sent.get(moment, "<time>")
        for pattern, placeholder in _WHOLE_VALUES:
            if pattern.match(value):
                return placeholder
        for pattern in _PREFIXED:
            match = pattern.match(value)
            if match:
                return f"<{match.group(1)}>"
        if _UUID.match(value) and value != ZERO_UUID:
            return "<uuid>"
        longest_first = sorted(self.values.items(), key=lambda item: -len(str(item[1])))
        for name, known in longest_first:
            if isinstance(known, str) and len(known) >= 6:
                value = value.replace(known, f"{{{name}}}")
        return str(without_ids(_MOMENT_IN_TEXT.sub(self._moment_restored, value)))

    def _moment_restored(self, match: re.Match[str]) -> str:
        moment = _moment(match.group(0))
        return "<time>" if moment is None else self.sent.get(moment, "<time>")


def differences(
    want: Json, got: Json, ignore: Sequence[str] = (), unordered: Sequence[str] = (), path: str = ""
) -> Iterator[str]:
    """Every place in which two answers differ, as text; arrays named in ``unordered`` are compared as multisets."""
    if _reached(path, ignore):
        return
    if isinstance(want, dict) and isinstance(got, dict):
        for key in sorted(want.keys() | got.keys()):
            below = f"{path}.{key}".lstrip(".")
            if _reached(below, ignore):
                continue
            if key in want and key in got:
                yield from differences(want[key], got[key], ignore, unordered, below)
            else:
                yield f"{below}: recorded {want.get(key, '(absent)')!r}, got {got.get(key, '(absent)')!r}"
    elif isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        if _reached(path, unordered):
            want, got = (sorted(side, key=lambda item: json.dumps(item, sort_keys=True)) for side in (want, got))
        for index, (one, other) in enumerate(zip(want, got, strict=True)):
            yield from differences(one, other, ignore, unordered, f"{path}.{index}".lstrip("."))
    elif type(want) is not type(got) or want != got:
        yield f"{path}: recorded {want!r}, got {got!r}"


def _covers(actual: Json, wanted: Json) -> bool:
    if isinstance(wanted, dict):
        return isinstance(actual, dict) and all(
            key in actual and _covers(actual[key], item) for key, item in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(actual, list)
            and len(actual) == len(wanted)
            and all(_covers(one, other) for one, other in zip(actual, wanted, strict=True))
        )
    return bool(actual == wanted)


def _dug(body: Json, path: str) -> Json:
    for part in path.split("."):
        if isinstance(body, dict):
            body = body.get(part)
        elif isinstance(body, list):
            body = body[int(part)] if int(part) < len(body) else None
        else:
            return None
    return body


class Player:
    """Plays conversations against one server. ``advance(seconds)`` moves the server's clock in place of waiting."""

    def __init__(self, base: str, key: str, environment: str = ZERO_UUID) -> None:
        self._base, self._key, self._environment = base, key, environment
        self._session = requests.Session()
        self._pause = threading.Event()

    def play(self, path: Path, given: Mapping[str, str] | None = None) -> dict[str, list[str]]:
        """The differences of every step that is not as recorded, by the step's name."""
        conversation = json.loads(path.read_text(encoding="utf-8"))
        fixed = {"key": self._key, "environment": self._environment, "base": self._base}
        names = Names(self._morning(), fixed=fixed)
        names.values["run"] = uuid.uuid4().hex[:10]
        for name, value in {**conversation.get("vars", {}), **(given or {})}.items():
            names.values[name] = names.fill(value)
        failed: dict[str, list[str]] = {}
        for step in conversation["steps"]:
            found = self._step(step, names)
            if found:
                failed[step["name"]] = found
        return failed

    def _morning(self) -> datetime:
        """The server's time, moved beyond midnight where a conversation would otherwise begin on one day and end on the next:
        what was recorded of "today" and "the last 7 days" was recorded within one day."""
        now = self._now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        if midnight - now < LONGEST:
            self.advance((midnight - now).total_seconds() + 1)
            now = self._now()
        return now

    def _now(self) -> datetime:
        answer = self._session.get(f"{self._base}/_emulator/clock", timeout=60)
        answer.raise_for_status()
        return datetime.fromisoformat(answer.json()["now"])

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def advance(self, seconds: float) -> None:
        """Move the server's clock."""
        answer = self._session.post(f"{self._base}/_emulator/clock", json={"advance": seconds}, timeout=60)
        answer.raise_for_status()

    def _step(self, step: dict[str, Any], names: Names) -> list[str]:
        if step.get("sleep"):
            self.advance(step["sleep"])
        answer, kind, body = self._answer(step, names)
        for name, path in step.get("save", {}).items():
            names.values[name] = _dug(body, path)
        response: dict[str, Any] = {
            "status": answer.status_code,
            "content_type": answer.headers.get("content-type", "").split(";")[0],
            kind: body,
        }
        if step.get("keep_headers"):
            response["headers"] = {name: answer.headers.get(name) for name in step["keep_headers"]}
        restored = names.restore(response, step.get("exact", ()))
        recorded = without_ids(step["response"])
        return list(differences(recorded, restored, step.get("ignore", ()), step.get("unordered", ())))

    def _answer(self, step: dict[str, Any], names: Names) -> tuple[requests.Response, str, Json]:
        """The answer of a step; one that is polled for is asked again, first soon, then with the clock moved."""
        deadline = step.get("within", 60)
        waited = tries = 0.0
        while True:
            answer = self._send(step["request"], names)
            try:
                kind, body = "json", answer.json() if answer.content else None
            except ValueError:
                kind, body = "text", answer.text
            if "until" not in step or waited > deadline or self._met(answer, body, names.fill(step["until"])):
                return answer, kind, body
            tries += 1
            if tries < PATIENCE:
                self._pause.wait(WAIT_STEP)  # the server works in threads of its own
            else:
                waited += step.get("every", 0.5)
                self.advance(step.get("every", 0.5))

    @staticmethod
    def _met(answer: requests.Response, body: Json, wanted: dict[str, Any]) -> bool:
        status = wanted.pop("$status", None)
        return status in (None, answer.status_code) and _covers(body, wanted)

    def _send(self, request: dict[str, Any], names: Names) -> requests.Response:
        path = names.fill(request["path"])
        data = request.get("body")
        headers = {"accept": "application/json", **self._credentials(request.get("key"), names)}
        headers.update(names.fill(request.get("headers", {})))
        if data is not None:
            headers.setdefault("content-type", "application/json")
            data = names.fill(data).encode()
        return self._session.request(
            request["method"],
            path if path.startswith("http") else self._base + path,
            params=names.fill(request.get("query")),
            headers=headers,
            data=data,
            json=names.fill(request.get("json")),
            timeout=60,
            allow_redirects=False,
        )

    def _credentials(self, key: str | None, names: Names) -> dict[str, str]:
        if key == "none":
            return {}
        if key is not None:
            return {"x-api-key": BAD_KEY if key == "bad" else str(names.values[key])}
        return {"x-api-key": self._key, "x-environment-id": self._environment}
