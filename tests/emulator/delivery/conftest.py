from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from werkzeug.datastructures import MultiDict

from pytest_flexprice.emulator.delivery import service as delivery
from pytest_flexprice.emulator.delivery.api import Api
from pytest_flexprice.emulator.delivery.publishing import BODIES
from pytest_flexprice.emulator.delivery.settings import DeliverySettings
from pytest_flexprice.emulator.kernel.options import DEFAULT_TENANT, SANDBOX, EmulatorOptions
from pytest_flexprice.emulator.kernel.world import World

from .receiver import Receiver

FAST = DeliverySettings(
    retry_schedule=(1.0, 2.0, 3.0, 4.0), retry_scale=0.02, timeout_wait_seconds=5.0, timeout_seconds=2.0
)
"""The schedule of recording 07_retries, fifty times as fast."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.close()


class Rig:
    """A world with a delivery service and objects of a kind of its own, ``thing``."""

    def __init__(self, settings: DeliverySettings, svix: bool = True) -> None:
        self.world = World(EmulatorOptions(svix=svix, delivery=settings))
        self.service = delivery.service_of(self.world)
        self.things: dict[str, dict[str, object]] = {"t1": {"id": "t1", "amount": "1.50", "a": 1}}

    @property
    def svix(self) -> delivery.Svix:
        return self.service.svix

    def application(self):
        with self.world.lock:
            return self.svix.application(DEFAULT_TENANT, SANDBOX)[0]

    def endpoint(self, url: str, **fields):
        with self.world.lock:
            return self.service.register(SANDBOX, url, **fields)

    def api_endpoint(self, url: str):
        token = f"Bearer {self.svix.tokens.issue(self.application().id, self.world.clock.now())}"
        path, body = f"/app/{self.application().uid}/endpoint", json.dumps({"url": url}).encode()
        return Api(self.svix).answer("POST", path, MultiDict(), {"authorization": token}, body).json

    def send(self, event_type: str = "invoice.update.finalized", body: bytes = b'{"retry": 1}'):
        application = self.application()
        with self.world.lock:
            return self.svix.send(application, event_type, body)

    def publish(self, name: str = "subscription.created", kind: str = "thing", identifier: str = "t1") -> None:
        with self.world.lock:
            self.world.publish(SANDBOX, name, kind=kind, id=identifier)


@pytest.fixture
def rig(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Rig]]:
    made: list[Rig] = []

    def make(svix: bool = True, **changes) -> Rig:
        one = Rig(replace(FAST, **changes), svix)
        monkeypatch.setitem(BODIES, "thing", lambda world, environment, identifier: one.things.get(identifier))
        made.append(one)
        return one

    yield make
    for one in made:
        one.service.stop()


def until(met: Callable[[], object], seconds: float = 10.0) -> bool:
    """Wait for a condition, at most ``seconds``; returns whether it was met."""
    waiting, end = threading.Event(), time.monotonic() + seconds
    while not met():
        if time.monotonic() > end:
            return False
        waiting.wait(0.005)
    return True
