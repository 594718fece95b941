"""Each field of each answer, one by one: missing, null, of another type or value, while a scenario that reads it is carried out again.

``-p tests.safety.fields`` makes a plugin of it that answers pytest's loop over the scenarios: every scenario is carried out once in peace,
then once for each field of what it was answered, all in one process. What came of it is written to ``$FIELD_SWEEP``, one JSON line each.
``$FIELD_SWEEP_KINDS`` is ``few``, ``values`` (of the right type) or nothing, ``$FIELD_SWEEP_ONLY`` an expression for request and field;
``$FIELD_SWEEP_LIVE`` asks again whatever was asked before, for scenarios that wait for something.
"""

from __future__ import annotations

import copy
import dataclasses
import itertools
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from pytest_flexprice.api.transport import Answer, Transport
from pytest_flexprice.evidence.records import PROPERTY
from pytest_flexprice.evidence.sealed import original
from pytest_flexprice.model.decimals import if_number
from pytest_flexprice.run.run import RUN
from pytest_flexprice.webhooks import portal

Steps = tuple[str, ...]
GONE = object()
_WORKERS = itertools.count()
_ID = re.compile(r"(?<=/)([a-z]+_[0-9A-Za-z]{10,}|acct_\w+|golive-[^/]+|[0-9a-z-]{20,})(?=/|$)")


def route_of(method: str, path: str) -> str:
    """A request without the ids in its path."""
    return f"{method} {_ID.sub('{id}', path)}"


def fields_of(body: Any, steps: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Every field of an answer, with a value that is there; those of a list's objects as one."""
    found: dict[Steps, Any] = {}
    _walk(body, steps, found)
    yield from found.items()


def _walk(body: Any, steps: Steps, found: dict[Steps, Any]) -> None:
    if isinstance(body, dict):
        for name, value in body.items():
            here = (*steps, name)
            if found.get(here) in (None, "", [], {}):
                found[here] = value
            _walk(value, here, found)
    elif isinstance(body, list):
        for each in body[:40]:
            _walk(each, (*steps, "[]"), found)


def instead_of(value: Any) -> dict[str, Any]:
    """What a field may hold in place of its value, by a name."""
    if os.environ.get("FIELD_SWEEP_KINDS") == "values":
        return other_values(value)
    found: dict[str, Any] = {"missing": GONE, "null": None}
    if os.environ.get("FIELD_SWEEP_KINDS") == "few":
        return {**found, "other text": "x y"} if isinstance(value, str) else found
    if isinstance(value, bool):
        return {**found, "text": "perhaps", "object": {"a": 1}}
    if isinstance(value, str):
        return {**found, "number": 7, "object": {"a": 1}, "list": ["x"], "other text": "x y"}
    if isinstance(value, dict):
        return {**found, "text": "x y", "list": ["x"], "number": 7}
    if isinstance(value, list):
        return {**found, "object": {"a": 1}, "text": "x y", "list of texts": ["x y"], "list of nulls": [None]}
    return {**found, "text": "x y", "object": {"a": 1}}


def other_values(value: Any) -> dict[str, Any]:
    """Values of the right type that are not the true one, by a name."""
    if isinstance(value, bool):
        return {"the contrary": not value}
    if isinstance(value, list):
        foreign = {"id": "x_01ARZ3NDEKTSV4RRFFQ69G5FAV"}
        changed = {"empty": [], "first twice": value[:1] + value, "first gone": value[1:], "in reverse": value[::-1]}
        rows = value and isinstance(value[0], dict)
        return {**changed, "a foreign row": [*value, {**value[0], **foreign}]} if rows else changed
    if isinstance(value, (int, Decimal)) or (isinstance(value, str) and if_number(value) is not None):
        like = type(value)
        return {str(number): like(number) for number in (-1, 0, 10**30)} | {"NaN": "NaN", "1e999": "1e999"}
    if isinstance(value, str) and re.fullmatch(r"[a-z]+_[0-9A-Z]{26}", value):
        return {"another id": f"{value.partition('_')[0]}_01ARZ3NDEKTSV4RRFFQ69G5FAV"}
    if isinstance(value, str) and re.match(r"20\d\d-\d\d-\d\dT", value):
        return {f"in {year}": f"{year}{value[4:]}" for year in ("2001", "2099")}
    return {"other text": "x y", "in another case": value.swapcase()} if isinstance(value, str) else {}


def put(body: Any, steps: Steps, value: Any, every: bool) -> int:
    """Put a value into a field of an answer, in every row or the first; returns how often."""
    if not steps:
        return 0
    first, rest = steps[0], steps[1:]
    if first == "[]":
        done = 0
        for each in body if isinstance(body, list) else ():
            done += put(each, rest, value, every)
            if done and not every:
                break
        return done
    if not isinstance(body, dict) or first not in body:
        return 0
    if rest:
        return put(body[first], rest, value, every)
    if value is GONE:
        del body[first]
    else:
        body[first] = copy.deepcopy(value)
    return 1


class Watched(dict[str, Any]):
    """An object that notes which of its fields are looked up by name."""

    read: set[Steps]
    steps: Steps

    def __getitem__(self, name: str) -> Any:
        self.read.add((*self.steps, name))
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.read.add((*self.steps, name))
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self.read.add((*self.steps, str(name)))
        return super().__contains__(name)


def watched(body: Any, read: set[Steps], steps: Steps = ()) -> Any:
    """A copy of an answer that notes which of its fields are looked up."""
    if isinstance(body, list):
        return [watched(each, read, (*steps, "[]")) for each in body]
    if not isinstance(body, dict):
        return body
    made = Watched({name: watched(value, read, (*steps, name)) for name, value in body.items()})
    made.read, made.steps = read, steps
    return made


@dataclass
class Tape:
    """What was answered, and what is changed of it."""

    routes: dict[str, Any] = field(default_factory=dict)
    read: dict[str, set[Steps]] = field(default_factory=dict)
    known: dict[str, Any] = field(default_factory=dict)
    change: tuple[str, Steps, Any, bool] | None = None
    changed: int = 0

    def played(self, route: str, body: Any) -> Any:
        """An answer's body as the caller gets it."""
        if self.change is None:
            known = self.routes.setdefault(route, [])
            if len(known) < 12:
                known.append(copy.deepcopy(body))
            return watched(body, self.read.setdefault(route, set()))
        where, steps, value, every = self.change
        if where != route or body is None:
            return body
        body = copy.deepcopy(body)
        self.changed += put(body, steps, value, every)
        return body

    def install(self) -> Callable[[], None]:
        """Stand between every client and its answers."""
        send, checked, tape = Transport.send, portal.checked, self

        def sending(transport: Transport, method: str, path: str, **request: Any) -> Answer:
            key = repr(
                (transport.base_url, sorted(transport.headers.items()), method, path, sorted(request.items(), key=str))
            )
            key = re.sub(r"golive-[0-9a-f]{32}", "", key)
            answer = tape.known[key] if key in tape.known else send(transport, method, path, **request)
            if reads(method, path) and not os.environ.get("FIELD_SWEEP_LIVE"):
                tape.known[key] = answer
            if not answer.is_json:
                return answer
            return dataclasses.replace(answer, body=tape.played(route_of(method, path), answer.body))

        def reading(body: Any, where: str) -> Any:
            return checked(tape.played(route_of(*where.split(" ", 1)), body), where)

        Transport.send, portal.checked = sending, reading  # type: ignore[method-assign,attr-defined]

        def remove() -> None:
            Transport.send, portal.checked = send, checked  # type: ignore[method-assign,attr-defined]

        return remove


def reads(method: str, path: str) -> bool:
    """Whether a request changes nothing, so that its answer stays the same while nothing else is done."""
    return method == "GET" or path.endswith(("search", "/preview", "/query", "/usage", "/analytics"))


class Sweep:
    """The plugin."""

    def __init__(self) -> None:
        self.tape = Tape()
        self.only = re.compile(os.environ.get("FIELD_SWEEP_ONLY", ""))
        self.rows: list[dict[str, Any]] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Carry out every scenario, in peace and under each change."""
        remove = self.tape.install()
        try:
            with Path(os.environ["FIELD_SWEEP"]).open("a", encoding="utf-8") as out:
                for item in session.items:
                    for row in self._of(item):
                        out.write(json.dumps(row) + "\n")
                        out.flush()
        finally:
            remove()
        return True

    def _of(self, item: pytest.Item) -> Iterator[dict[str, Any]]:
        self.tape.routes.clear()
        self.tape.read.clear()
        self.tape.change = None
        peace = outcome(item)
        yield {"scenario": item.name, "outcome": peace[0], "message": peace[1]}
        for route, bodies in dict(self.tape.routes).items():
            merged: dict[Steps, Any] = {}
            for body in bodies:
                _walk(body, (), merged)
            for steps, value in merged.items():
                if not self.only.search(f"{route} {'.'.join(steps)}"):
                    continue
                if len(merged) > 25 and steps not in self.tape.read[route]:
                    continue
                for name, other in instead_of(value).items():
                    for every in (True, False) if "[]" in steps and name in ("missing", "null") else (True,):
                        self.tape.change, self.tape.changed = (route, steps, other, every), 0
                        came, message = outcome(item)
                        yield {
                            "scenario": item.name,
                            "route": route,
                            "field": ".".join(steps),
                            "is": name,
                            "every": every,
                            "changed": self.tape.changed,
                            "outcome": came,
                            "message": message,
                        }


def outcome(item: pytest.Item) -> tuple[str, str]:
    """Carry a scenario out, with everything it rests on, as a worker of its own; how it ended, in its record's words."""
    item.config.stash[
        RUN
    ].worker = f"w{next(_WORKERS)}"  # a test customer's external id is never used twice: its usage stays
    reports = runtestprotocol(item, log=False, nextitem=None)
    for report in reversed(reports):
        for name, text in report.user_properties:
            if name == PROPERTY:
                record = json.loads(original(text))
                crash = "crash: " if record["broken"] else ""
                said = "; ".join(each["sentence"] for each in record["findings"]) or record["message"]
                return record["outcome"], f"{crash}{record['message'] if crash else said}"
    return "no record", "; ".join(str(report.longrepr) for report in reports if report.longrepr)


def pytest_configure(config: pytest.Config) -> None:
    """Register the sweep."""
    if os.environ.get("FIELD_SWEEP"):
        config.pluginmanager.register(Sweep(), "field-sweep")
