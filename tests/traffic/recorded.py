"""A recorded conversation as a company: what it sent is its log, and a server that answers as recorded holds what came of it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pytest_flexprice.api import Flexprice, WriteGuard
from pytest_flexprice.api.catalog import read_catalog
from pytest_flexprice.api.transport import Transport
from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.plan_file import parse
from pytest_flexprice.traffic.comparing import Comparison, compare
from pytest_flexprice.traffic.log import Log
from pytest_flexprice.traffic.source import opened
from tests.emulator.player import Names, Player

RECORDINGS = Path(__file__).parent.parent / "recordings"
_SENDING = ("/v1/events", "/v1/events/bulk")


@dataclass
class Told:
    """A conversation that was played up to some step: its variables, the events that were sent, the server's time, and a client."""

    names: Names
    sent: list[dict[str, Any]]
    now: datetime
    flexprice: Flexprice
    asked: list[dict[str, Any]]

    def name(self, text: str) -> str:
        """A text with the conversation's placeholders filled in."""
        return str(self.names.fill(text))

    def compared(self, folder: Path, events: list[dict[str, Any]] | None = None, **traffic: Any) -> Comparison:
        """What a run compares, with the events that were sent, or with others, as the company's log."""
        rows = self.sent if events is None else events
        (folder / "usage.ndjson").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        day = self.now.date()
        given = {
            "source": "usage.ndjson", "customers": "all", "settling_hours": 0,
            "first_day": day - timedelta(days=7), "last_day": day - timedelta(days=1), **traffic,
        }  # fmt: skip
        plan = parse({"company": {"name": "Acme"}, "traffic": given}, folder / "golive.toml")
        assert plan.traffic is not None
        with opened(plan.traffic, folder, lambda name: None) as log:
            catalog = read_catalog(self.flexprice, self.now)
            return compare(plan, Log(log), self.flexprice, catalog, self.now, lambda event: False)


class _Teller(Player):
    """A player that stops before a step and keeps what was sent."""

    def tell(self, path: Path, until: str) -> tuple[Names, list[dict[str, Any]], datetime]:
        conversation = json.loads(path.read_text(encoding="utf-8"))
        names = Names(self._morning(), fixed={"key": self._key, "environment": self._environment, "base": self._base})
        names.values["run"] = uuid.uuid4().hex[:10]
        for name, value in conversation.get("vars", {}).items():
            names.values[name] = names.fill(value)
        steps = [step["name"] for step in conversation["steps"]]
        last = steps.index(until) if until else len(steps)
        sent: list[dict[str, Any]] = []
        for step in conversation["steps"][:last]:
            differs = self._step(step, names)
            assert not differs, (step["name"], differs)
            if step["request"]["path"] in _SENDING:
                body = names.fill(step["request"].get("json")) or {}
                sent += [row for row in body.get("events", [body]) if "event_id" in row]
        return names, sent, self._now()


@contextmanager
def told(topic: str, until: str = "") -> Iterator[Told]:
    """A conversation, played until before the step of that name, or to its end."""
    with FlexpriceServer(EmulatorOptions(jobs=False, lag=0.0)) as server:
        teller = _Teller(server.url, server.api_key)
        try:
            names, sent, now = teller.tell(RECORDINGS / f"{topic}.json", until)
        finally:
            teller.close()
        headers = {
            "x-api-key": server.api_key,
            "x-environment-id": str(names.values.get("env", "00000000-0000-0000-0000-000000000000")),
        }
        asked: list[dict[str, Any]] = []
        client = Flexprice(Transport(server.url, headers), WriteGuard(Level.READ, production=True), asked.append)
        yield Told(names, sent, now, client, asked)
        client.close()
