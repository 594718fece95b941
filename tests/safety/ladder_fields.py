"""Each field of each answer of the smoke test's ladder, one by one, against a whole climb and its clean-up, in one process.

``python -m tests.safety.ladder_fields ROWS.ndjson [PART/OF] [ONLY]`` writes a line for each mutation: what the ladder told, what it left
untold, whether anything foreign changed. The embedded Flexprice is asked without a port, and waiting costs no time, so that all of
them fit into an hour or two; ``PART/OF`` takes every so-manieth, ``ONLY`` is an expression for request and field.
"""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pytest_flexprice.api import ApiError, Flexprice, Transport, WriteGuard
from pytest_flexprice.api.json_text import encoded, parsed
from pytest_flexprice.api.transport import Answer
from pytest_flexprice.emulator.kernel import wsgi
from pytest_flexprice.emulator.kernel.world import World
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.finding import NotVerified, RequirementNotMet
from pytest_flexprice.model.golive_plan import Environment
from pytest_flexprice.model.profile import Profile
from pytest_flexprice.testbed import cleanup
from pytest_flexprice.testbed.bench import Bench
from pytest_flexprice.testbed.customer import Testbed
from pytest_flexprice.testbed.ladder import Climbed
from pytest_flexprice.testbed.ledger import Ledger
from pytest_flexprice.testbed.naming import new_run_id
from pytest_flexprice.testbed.proof import prove_environment
from pytest_flexprice.testbed.sending import send_through_api
from pytest_flexprice.testbed.smoke import NotReached, Smoke
from pytest_flexprice.testbed.sweep import sweep
from pytest_flexprice.testbed.waiting import Eventually
from tests.safety.company import Company
from tests.safety.fields import Steps, Tape, _walk, instead_of, other_values, route_of

RUNGS = "subscribed accepted landed mismatched metered repeated neighbour previewed drafted finalized"
UNPROVED = r"GET /v1/(?:invoices|subscriptions|events)|POST /v1/(?:invoices|subscriptions)/search"  # what the price proof never asks
CLIMBS = 40  # against one Flexprice: what earlier ones left in its lists makes later ones slow


@dataclass
class Climb:
    """What came of one climb: what was told (by rung), what was left, and what went wrong that nobody told."""

    told: dict[str, list[str]] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class Hurried(Transport):
    """Asks the embedded Flexprice without a port, and gives what the tape makes of its answers."""

    tape: Tape
    app: Callable[..., Any]

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Any = None,
        body: Any = None,
        headers: Any = None,
        idempotent: bool = False,
    ) -> Answer:
        """One request."""
        target = f"{path}?{urlencode(query)}" if query else path
        sent = None if body is None else json.loads(encoded(body))
        status, given = wsgi.ask(self.app, method, target, sent, {**self.headers})
        text = "" if given is None else json.dumps(given)
        answer = self.tape.played(route_of(method, path), parsed(text)) if status < 300 else parsed(text)
        kind = "application/pdf" if path.endswith("/pdf") else "application/json"
        return Answer(
            method, path, status, {"content-type": kind}, text or "x" * (kind != "application/json"), answer, 0.0
        )


class Clock:
    """Time that only waiting moves, here and in Flexprice."""

    def __init__(self, world: World) -> None:
        self.passed, self._clock = 0.0, world.clock

    def pause(self, seconds: float) -> None:
        """Wait."""
        self.passed += seconds
        self._clock.shift(timedelta(seconds=seconds))

    def eventually(self) -> Eventually:
        """Waiting by this clock."""
        return Eventually(clock=lambda: self.passed, pause=self.pause, now=self._clock.now)


class Field:
    """One company, climbed in again and again."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.company = Company(folder, lag=0.0)
        self.company.server.options.jobs = False  # what workflows do is done at once
        self.app = self.company.server.application()
        self.before = self.company.foreign()
        self.climbs = 0

    def client(self, ledger: Ledger, tape: Tape) -> Flexprice:
        """A client that has still to prove where it is."""
        transport = Hurried(self.company.proxy.url, {"x-api-key": self.company.key}, pause=lambda seconds: None)
        transport.tape, transport.app = tape, self.app
        return Flexprice(transport, WriteGuard(Level.SMOKE, True, ledger.owns))

    def climb(self, tape: Tape, proof: bool = True) -> Climb:
        """Up every rung, with the price proof if nothing was told before and it is wanted, and everything taken away again."""
        self.climbs += 1
        came, run_id, clock = Climb(), new_run_id(datetime.now(UTC)), Clock(self.company.server.world)
        folder = self.company.folder / "evidence" / run_id
        ledger = Ledger(folder / "ledger-main.ndjson")
        own = Environment(
            base_url="https://us.api.flexprice.io", environment_id=self.company.environment, type="production",
            test_plan="nimbus-pro", allow_duplicates=True,
        )  # fmt: skip
        client = self.client(ledger, tape)
        profile = Profile(
            "prod", own, Level.SMOKE, client.base_url, own.base_url, own.environment_id, "", "", False, run_id
        )
        send = partial(send_through_api, client)
        smoke = Smoke(Bench(profile, Testbed(client, ledger, run_id), send, clock.eventually()))
        _noted(came, "proof", partial(prove_environment, client, profile))
        for rung in () if came.told else RUNGS.split():
            _noted(came, rung, getattr(smoke, rung))
        if proof and not came.told:
            _noted(came, "proved", smoke.proved)
        try:
            came.left = [each.sentence for each in cleanup.clean(client, ledger, 0.0, clock.pause)]
        except Exception:
            came.wrong.append(f"crash in clean-up: {_tail()}")
        self._look(came, folder.parent)
        return came

    def _look(self, came: Climb, reports: Path) -> None:
        if self.company.foreign() != self.before:
            came.wrong.append("foreign objects were changed")
        left = self.company.left()
        if left and not came.left:
            came.wrong.append(f"untold: {left}")
        if left or came.left:
            own = Ledger(reports / "sweep" / "ledger-main.ndjson")
            swept = sweep(self.company.client, reports, own, datetime.now(UTC), 0.0)
            if swept.leftovers or self.company.left():
                came.wrong.append(f"not swept: {[each.sentence for each in swept.leftovers]} {self.company.left()}")


def _noted(came: Climb, rung: str, climb: Callable[[], Any]) -> None:
    try:
        climbed = climb()
    except NotReached:
        return
    except (RequirementNotMet, NotVerified, ApiError) as error:
        came.told[rung] = [str(error)]
    except Exception:
        came.wrong.append(f"crash at {rung}: {_tail()}")
    else:
        if isinstance(climbed, Climbed) and climbed.findings:
            came.told[rung] = [finding.sentence for finding in climbed.findings]


def _tail() -> str:
    return " | ".join(line.strip() for line in traceback.format_exc().splitlines()[-5:])


def mutations(tape: Tape) -> Iterator[tuple[str, Steps, str, Any, bool]]:
    """Every change of every field of every answer."""
    for route, bodies in sorted(tape.routes.items()):
        merged: dict[Steps, Any] = {}
        for body in bodies:
            _walk(body, (), merged)
        for steps, value in merged.items():
            kinds = instead_of(value) | {f"value {name}": other for name, other in other_values(value).items()}
            for name, other in kinds.items():
                yield route, steps, name, other, True
                if "[]" in steps and name == "missing":
                    yield route, steps, name, other, False


def is_read(tape: Tape, route: str, steps: Steps) -> bool:
    """Whether anything looked the field up, or something in it."""
    return any(read[: len(steps)] == steps for read in tape.read[route])


@contextmanager
def _hurry() -> Iterator[None]:
    kept, cleanup.SHORTEST_SETTLING = cleanup.SHORTEST_SETTLING, 0.0
    yield
    cleanup.SHORTEST_SETTLING = kept


def main(out: Path, part: str = "1/1", only: str = "") -> None:
    """Climb once in peace and once for each change."""
    number, of = map(int, part.split("/"))
    with tempfile.TemporaryDirectory() as place, _hurry(), out.open("a", encoding="utf-8") as rows:
        field_, peace = Field(Path(place) / "0"), Tape()
        came = field_.climb(peace)
        assert came == Climb(), came
        todo = [each for each in mutations(peace) if re.search(only, f"{each[0]} {'.'.join(each[1])}")]
        random.Random(7).shuffle(todo)
        todo.sort(key=lambda each: not is_read(peace, each[0], each[1]))
        for count, (route, steps, name, other, every) in enumerate(todo[number - 1 :: of]):
            if field_.climbs >= CLIMBS:
                field_.company.stop()
                field_ = Field(Path(place) / str(count + 1))
            tape = Tape(change=(route, steps, other, every))
            came = field_.climb(tape, is_read(peace, route, steps) and not re.match(UNPROVED, route))
            row = {"route": route, "field": ".".join(steps), "is": name, "every": every, "changed": tape.changed,
                   "read": is_read(peace, route, steps), "told": came.told, "left": came.left, "wrong": came.wrong}  # fmt: skip
            rows.write(json.dumps(row) + "\n")
            rows.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
