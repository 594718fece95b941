"""Plays recorded conversations with the delivery service against the emulator's, with the app-scoped token.

What only the organisation's token may do (create applications, messages, event types) is done through the service.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from werkzeug.datastructures import MultiDict

from pytest_flexprice.emulator.delivery.api import Api
from pytest_flexprice.emulator.delivery.model import Application

FOLDER = Path(__file__).parents[2] / "svix"
RECORDED_RECEIVER = "http://127.0.0.1:8199"
_ID = re.compile(r"^-?(app|ep|msg|atmpt|qtask)_[0-9A-Za-z]{27}$")
_TIME = re.compile(r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?Z$")
_SECRET = re.compile(r"^whsec_[A-Za-z0-9+/=]{32}$")
_NUMBERS = ("responseDurationMs",)


def conversation(name: str) -> list[dict[str, Any]]:
    return [step for step in json.loads((FOLDER / f"{name}.json").read_text()) if "request" in step]


def facts(name: str, step: str) -> dict[str, Any]:
    return next(one for one in json.loads((FOLDER / f"{name}.json").read_text()) if one["name"] == step)


def normal(value: Any, key: str = "") -> Any:
    """Ids, times and secrets by their shape, durations by their type; event types and attempts in any order."""
    if isinstance(value, dict):
        return {name: normal(item, name) for name, item in value.items()}
    if isinstance(value, list):
        items = [normal(item) for item in value]
        chance = key in ("eventTypes", "filterTypes") or any(
            isinstance(item, dict) and "responseStatusCode" in item for item in items
        )
        return sorted(items, key=json.dumps) if chance else items
    if key in _NUMBERS and isinstance(value, int):
        return "<number>"
    if not isinstance(value, str):
        return value
    if match := _ID.match(value):
        return f"<{match[1]}>"
    if _TIME.match(value):
        return "<time>"
    return "<secret>" if _SECRET.match(value) else value


class Player:
    """One emulated service that recorded requests are put to, one after the other."""

    def __init__(self, rig: Any, receiver_url: str) -> None:
        self.rig = rig
        self.receiver = receiver_url
        self.api = Api(rig.svix)
        self.known: dict[str, str] = {}
        self.applications: dict[str, Application] = {}

    def application(self, recorded: str) -> Application:
        """The emulator's application for a recorded uid or id."""
        given = self.known.get(recorded, recorded)
        uid = next((uid for uid, app in self.applications.items() if app.id == given), recorded)
        if uid not in self.applications:
            with self.rig.world.lock:
                self.applications[uid] = self.rig.svix.applications.ensure(uid, self.rig.world.clock.now())[0]
        return self.applications[uid]

    def play(self, step: dict[str, Any], application: Application | None = None) -> tuple[int, Any, dict[str, str]]:
        """Put one recorded request; returns status, JSON and headers."""
        request, wanted = step["request"], step["response"]
        path, query = self.translate(request["path"])
        parts = path.strip("/").split("/")
        scope = application or (self.application(parts[1]) if parts[0] == "app" and len(parts) > 1 else None)
        headers = {name.lower(): value for name, value in request["headers"].items()}
        if headers.get("authorization") in ("Bearer <admin-token>", "Bearer <app-token>"):
            assert scope is not None, f"{step['name']}: whose token?"
            headers["authorization"] = f"Bearer {self.rig.svix.tokens.issue(scope.id, self.rig.world.clock.now())}"
        body = self.body(request, keep=wanted["status"] >= 400)
        self.rig.service.wait_idle()
        with self.rig.world.lock:
            answer = self.api.answer(request["method"], path, query, headers, body)
        return answer.status, answer.json, answer.headers

    def translate(self, path: str) -> tuple[str, MultiDict[str, str]]:
        split = urlsplit(path)
        parts = [self.known.get(part, part) for part in split.path.removeprefix("/api/v1").split("/")]
        query = MultiDict((key, self.translated(value)) for key, value in parse_qsl(split.query, True))
        return "/".join(parts), query

    def translated(self, value: str) -> str:
        sign = "-" if value.startswith("-") else ""
        return sign + self.known.get(value.removeprefix("-"), value.removeprefix("-"))

    def body(self, request: dict[str, Any], keep: bool) -> bytes:
        raw = request.get("raw")
        text = raw if raw is not None else "" if request.get("json") is None else json.dumps(request["json"])
        return (text if keep else text.replace(RECORDED_RECEIVER, self.receiver)).encode()

    def learn(self, step: dict[str, Any], got: Any) -> None:
        """Remember which of the emulator's ids stands for a recorded one."""
        wanted = step["response"].get("json")
        if isinstance(wanted, dict) and isinstance(got, dict) and "id" in wanted and "id" in got:
            self.known[wanted["id"]] = got["id"]
        for one in wanted["data"] if isinstance(wanted, dict) and "data" in wanted else ():
            same = [a["id"] for a in got["data"] if a.get("endpointId") == self.known.get(one.get("endpointId"))]
            if str(one.get("id")).startswith("atmpt_") and len(same) == 1:
                self.known[one["id"]] = same[0]

    def message(self, step: dict[str, Any]) -> None:
        """Do what a recorded, accepted creation of a message did."""
        recorded = step["response"]["json"]
        if recorded["id"] in self.known:
            return
        application = self.application(step["request"]["path"].split("/")[4])
        raw = step["request"].get("raw") or ""
        found = re.search(r'"payload":\s*(\{.*\})\}$', raw, re.DOTALL)
        payload = found[1] if found else json.dumps(recorded["payload"])
        with self.rig.world.lock:
            made = self.rig.svix.send(application, recorded["eventType"], payload.encode(), recorded["eventId"])
        self.known[recorded["id"]] = made.id

    def compared(self, step: dict[str, Any], got: Any) -> Iterator[str]:
        """Every difference between the recorded and the given JSON."""
        wanted = json.loads(json.dumps(step["response"].get("json")).replace(RECORDED_RECEIVER, self.receiver))
        yield from differences(normal(wanted), normal(got))


def differences(wanted: Any, got: Any, path: str = "") -> Iterator[str]:
    if isinstance(wanted, dict) and isinstance(got, dict):
        for key in sorted(wanted.keys() | got.keys()):
            yield from differences(wanted.get(key, "(absent)"), got.get(key, "(absent)"), f"{path}.{key}")
    elif isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        for index, pair in enumerate(zip(wanted, got, strict=True)):
            yield from differences(*pair, f"{path}[{index}]")
    elif type(wanted) is not type(got) or wanted != got:
        yield f"{path}: recorded {wanted!r}, got {got!r}"
