"""The service behind one world: a queue of events for all tenants, and the two ways in which they leave."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from ..kernel import hooks
from ..kernel.access import access_of
from ..kernel.jobs import job
from ..kernel.scheduler import Guard, Scheduler
from ..kernel.world import World
from . import (
    bodies,  # noqa: F401 -- registers the builders of the simple kinds
    transport,
)
from .encoding import sorted_again
from .model import Endpoint
from .publishing import Event, body_of
from .svix import Svix
from .transport import Transport

_LOG = logging.getLogger(__name__)
_EVENTS_KEPT = 10_000
_POLL = 0.005

Interceptor = Callable[["World", Event, "bytes | None"], "bytes | None"]
"""May change the body of an event that is about to be sent, or return ``None`` to lose it."""

INTERCEPTORS: dict[str, Interceptor] = {}
"""By the name of the fault that has to be on."""


class DeliveryService:
    """Sends what is published. Made on first use; its threads start with the first event."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.settings = world.options.delivery
        self._guard = Guard(world.lock)
        now = world.clock.now
        self._transport = Transport(
            self.settings.timeout_seconds, self.settings.allowed_hosts, self.settings.response_limit
        )
        self._queue = Scheduler(now, 1, "webhook-queue")
        self._attempts = Scheduler(now, self.settings.workers, "webhook-delivery")
        self.svix = Svix(self.settings, now, self._guard, self._attempts, self._transport)
        self.events: OrderedDict[str, Event] = OrderedDict()
        self._held: list[Event] | None = None

    def publish(self, environment: str, name: str, kind: str, object_id: str) -> Event:
        """Queue one event; its body is read when its turn comes."""
        event = Event(
            id=self.world.new_id("sys_event"),
            tenant=self._tenant(environment),
            environment=environment,
            name=name,
            kind=kind,
            object_id=object_id,
            at=self.world.clock.now(),
        )
        self.events[event.id] = event
        while len(self.events) > _EVENTS_KEPT:
            self.events.popitem(last=False)
        if self._held is None:
            self._enqueue(event)
        elif len(self._held) < self.settings.queue_limit:
            event.queued = True
            self._held.append(event)
        return event

    def register(self, environment: str, url: str, **fields: Any) -> Endpoint:
        """Register an endpoint as a person does in the portal; ``fields`` are those of :class:`model.Endpoint`.

        To be called under the world's lock.
        """
        application, _ = self.svix.application(self._tenant(environment), environment)
        return self.svix.add_endpoint(application, url, **fields)

    @property
    def held(self) -> bool:
        """Whether events are kept back."""
        return self._held is not None

    def hold(self) -> None:
        """Keep back what is published from now on, as a backlog of the queue does."""
        if self._held is None:
            self._held = []

    def release(self) -> None:
        """Queue what was kept back; later events go straight on."""
        held, self._held = self._held or [], None
        for event in held:
            self._enqueue(event)

    def find(self, event_id: str, tenant: str, environment: str) -> Event | None:
        """The system event of that id, if it is of that tenant and environment."""
        event = self.events.get(event_id)
        return event if event and (event.tenant, event.environment) == (tenant, environment) else None

    def retry_stale(self, now: datetime) -> None:
        """Queue again, newest first, what was never delivered and is neither too young nor given up (contract 6.6)."""
        before = now - timedelta(seconds=self.settings.stale_after_seconds)
        for event in reversed(self.events.values()):
            if self._is_stuck(event) and event.at <= before:
                self._enqueue(event)

    def stale_from(self) -> datetime | None:
        """When :meth:`retry_stale` will first have something to do, as it looks now."""
        stuck = [event.at for event in self.events.values() if self._is_stuck(event)]
        return min(stuck) + timedelta(seconds=self.settings.stale_after_seconds) if stuck else None

    def _is_stuck(self, event: Event) -> bool:
        return not event.done and not event.queued and event.failures < self.settings.stale_failures

    def deliver_now(self, event: Event) -> bool:
        """Send an event at once, in the calling thread, which holds the lock once; it is let go while waiting."""
        body = self._body(event)
        if body is None:
            return False
        with _released(self.world):
            return self._hand_over(event, body)

    def idle(self) -> bool:
        """Whether nothing waits or runs; retries that are due later do not count."""
        return self._queue.idle() and self._attempts.idle()

    def wait_idle(self, seconds: float = 10.0) -> bool:
        """Wait until :meth:`idle`, at most ``seconds``; returns whether it is. Not to be called under the lock."""
        end = time.monotonic() + seconds
        while not self.idle():
            if time.monotonic() > end or self._guard.stopped.wait(_POLL):
                return False
        return True

    def threads(self) -> list[threading.Thread]:
        """The service's threads that still live."""
        return [*self._queue.threads(), *self._attempts.threads()]

    def stop(self) -> None:
        """Begin nothing more, cut what is under way and end the threads."""
        self._guard.stop()
        self._transport.abort()
        self._queue.stop()
        self._attempts.stop()

    def resume(self) -> None:
        """Go on after :meth:`stop`, with the state as it was."""
        if self._guard.stopped.is_set():
            self._guard.stopped.clear()
            held = {event.id for event in self._held or ()}
            for event in self.events.values():
                event.queued = event.id in held
            self._queue.resume()
            self._attempts.resume()

    def _tenant(self, environment: str) -> str:
        row = access_of(self.world).environments.get(environment)
        return str(row["_tenant"]) if row else ""

    def _enqueue(self, event: Event) -> None:
        if len(self._queue) >= self.settings.queue_limit:
            _LOG.warning("the webhook queue is full; %s is dropped", event.name)
            return
        moment = self.world.clock.now() + timedelta(seconds=self.settings.delay_seconds)
        event.queued = True
        self._queue.at(moment, lambda: self._work_off(event))

    def _work_off(self, event: Event) -> None:
        try:
            self._deliver(event)
        finally:
            event.queued = False

    def _deliver(self, event: Event) -> None:
        with self._guard:
            wanted = self._is_wanted(event)
            body = self._body(event) if wanted else None
        if not wanted:
            event.done = True
            return
        if body is None and event.kind == "invoice":
            self._guard.stopped.wait(self.settings.unseen_wait_seconds)
            with self._guard:
                body = self._body(event)
        if body is None:
            event.failures += 1
        else:
            self._hand_over(event, body)
        if self.settings.per_second:
            self._guard.stopped.wait(1 / self.settings.per_second)

    def _is_wanted(self, event: Event) -> bool:
        if self.world.options.svix:
            application, _ = self.svix.application(event.tenant, event.environment)
            return self.svix.wants(application, event.name)
        return self.settings.native_url is not None and event.name not in self.settings.native_excluded

    def _body(self, event: Event) -> bytes | None:
        body = body_of(self.world, event)
        for name in sorted(self.world.faults & INTERCEPTORS.keys()):
            body = INTERCEPTORS[name](self.world, event, body)
        return body

    def _hand_over(self, event: Event, body: bytes) -> bool:
        if self.world.options.svix:
            with self._guard:
                application, _ = self.svix.application(event.tenant, event.environment)
                message = self.svix.send(application, event.name, sorted_again(body))
                event.done = True
            message.answered.wait(self.settings.answer_wait_seconds)
            return True
        event.done = transport.send(self.settings, self._transport, body).success
        event.failures += not event.done
        return event.done


@contextlib.contextmanager
def _released(world: World) -> Iterator[None]:
    world.lock.release()
    try:
        yield
    finally:
        world.lock.acquire()


_MAKING = threading.Lock()


def service_of(world: World) -> DeliveryService:
    """The delivery service of a world."""
    with _MAKING:
        return world.part("delivery", DeliveryService)


@hooks.on_publish
def _published(world: World, environment: str, name: str, kind: str, object_id: str) -> None:
    service_of(world).publish(environment, name, kind, object_id)


@hooks.on_start
def _started(world: World) -> None:
    service_of(world).resume()


@hooks.on_stop
def _stopped(world: World) -> None:
    service_of(world).stop()


@job(every=timedelta(minutes=2), name="stale webhooks", due=lambda world: service_of(world).stale_from())
def _retry_stale(world: World, now: datetime) -> None:
    service_of(world).retry_stale(now)
