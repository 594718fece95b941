"""The recorded conversations with the delivery service, as far as the app-scoped token goes."""

from __future__ import annotations

from typing import Any

import pytest

from .recorded import Player, conversation

ORDER = ("01_setup", "06_idempotency", "04_errors", "05_pagination", "03_portal_access")
"""The order in which they were recorded, on one application."""

MAIN = "tenant_probe1795370174_env_1"

SKIPPED = {
    "event-type list": "the recorded server had other types registered than Flexprice's",
    "app token: event-type list": "the recorded server had other types registered than Flexprice's",
    "jwt secret used as token": "the emulator's signing secret is no text that could be sent",
    "root": "outside of the API",
    "unknown route outside api": "outside of the API",
    "CORS preflight": "answered by Flexprice's own rules, as for every path of the port",
}


def _path(step: dict[str, Any]) -> str:
    return step["request"]["path"].partition("?")[0].rstrip("/").removeprefix("/api/v1")


def _organisation(step: dict[str, Any]) -> bool:
    """Whether the organisation's token did it: creating messages, applications, event types, examples, tokens."""
    if step["request"]["headers"].get("Authorization") != "Bearer <admin-token>":
        return False
    creates = step["request"]["method"] == "POST" and _path(step).endswith(("/msg", "/app", "/event-type", "-example"))
    return creates or _path(step).startswith("/auth/")


def _by_service(player: Player, step: dict[str, Any]) -> None:
    wanted = step["response"]
    if wanted["status"] in (200, 202) and _path(step).endswith(("/msg", "-example")):
        player.message(step)
    if wanted["status"] in (200, 201) and _path(step) == "/app":
        player.known[wanted["json"]["id"]] = player.application(wanted["json"]["uid"]).id


def _play(player: Player, name: str, step: dict[str, Any]) -> list[str]:
    wanted = step["response"]
    parts = _path(step).split("/")
    own = parts[2] if len(parts) > 2 and parts[1] == "app" and "<admin" in str(step["request"]["headers"]) else MAIN
    known = own in player.applications or own.startswith("app_")
    status, got, headers = player.play(step, player.application(own if known else MAIN))
    if wanted["status"] in (200, 201):
        player.learn(step, got)
    where = f"{name}: {step['name']}: "
    if status != wanted["status"]:
        return [f"{where}recorded {wanted['status']}, got {status} {got}"]
    found = [where + line for line in player.compared(step, got)]
    if wanted["headers"].get("allow") != headers.get("allow"):
        found.append(f"{where}allow {wanted['headers'].get('allow')}, got {headers.get('allow')}")
    return found


@pytest.fixture
def player(rig, receiver) -> Player:
    return Player(rig(retry_scale=100.0), receiver.url)


def test_conversations(player):
    found: list[str] = []
    played = 0
    for name in ORDER:
        for step in conversation(name):
            if _organisation(step):
                _by_service(player, step)
            elif step["name"] not in SKIPPED:
                played += 1
                found += _play(player, name, step)
    assert not found, "\n".join(found)
    assert played > 120
