"""Sound handlers that do something in another way."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from pytest_flexprice.webhooks.loopback import Reply, Request

from .handlers import (
    Handler,
    Headers,
    Wanted,
)
from .handlers_common import Queued, TwoSecrets, VerifiesLaterInAQueue

USUAL = ("POST", "PUT", "PATCH", "HEAD", "GET", "DELETE", "OPTIONS")


def answering(status: int, body: bytes = b"", **headers: str) -> type[Handler]:
    """Sound, with another answer of success."""

    def handle(self: Handler, request: Request, sent: Headers) -> Reply:
        Handler.handle(self, request, sent)
        return Reply(status, body, headers)

    return type("Answering", (Handler,), {"handle": handle})


class Slow(Handler):
    """Takes a second for an answer."""

    def handle(self, request: Request, headers: Headers) -> Reply:
        threading.Event().wait(0.5)
        return super().handle(request, headers)


class Drops(Handler):
    """Closes the connection on whatever is not signed."""

    def refusal(self, request: Request) -> Reply:
        return Reply(0)


class Prefixed(Handler):
    """Behind a gateway's path."""

    @property
    def url(self) -> str:
        return f"{self.origin}/gateway/v2/hooks/flexprice"

    def reply(self, request: Request) -> Reply:
        path = urlsplit(request.path).path
        return (
            super().reply(replace(request, path=path.removeprefix("/gateway/v2")))
            if path.startswith("/gateway/v2/")
            else Reply(404)
        )


class NotAboveAMegabyte(Handler):
    """Takes no body over 1 MiB: sound."""

    def receive(self, request: Request) -> Reply:
        return Reply(413) if len(request.body) > 1_048_576 else super().receive(request)


class SpaServer(Handler):
    """Answers 200 with a page to every GET and to other paths: sound."""

    methods = USUAL
    takes_any_path = True

    def receive(self, request: Request) -> Reply:
        there = urlsplit(request.path).path == "/hooks/flexprice" and request.method == "POST"
        return super().receive(request) if there else Reply(200, b"<html>App</html>")


class SlowQueue(Handler):
    """Works off a queue, twenty messages a second: sound."""

    def __init__(self) -> None:
        super().__init__()
        self.behind = 0.0

    def book(self, message: dict[str, Any], headers: Headers) -> None:
        with self.lock:
            self.behind = max(self.behind, time.monotonic()) + 0.05
            wait = self.behind - time.monotonic()
        timer = threading.Timer(wait, super().book, (message, headers))
        timer.daemon = True
        timer.start()


class CountsBools(Handler):
    """Tells only whether it processed an invoice: sound."""

    def processed(self, invoice_id: str) -> Any:
        return super().processed(invoice_id) > 0


class TellsIds(Handler):
    """Tells the messages: sound."""

    def processed(self, invoice_id: str) -> Any:
        return {"times": super().processed(invoice_id), "message_ids": ["msg_1"]}


class Raises(Handler):
    """Does not know unknown invoices."""

    def processed(self, invoice_id: str) -> Any:
        with self.lock:
            return self.booked[invoice_id]


SOUND: dict[str, tuple[type[Handler], Wanted, bool]] = {
    "a slow queue": (SlowQueue, "", True),
    "tells whether it processed": (CountsBools, "", True),
    "tells its messages": (TellsIds, "", True),
    "raises for unknown invoices": (Raises, "raised KeyError", True),
    "answers 200 with text": (answering(200, b"OK"), "", True),
    "answers 201": (answering(201), "", True),
    "answers 202": (answering(202, b"{}"), "", True),
    "answers at length": (answering(200, b"x" * 3_000_000), "", True),
    "books a second later": (Queued, "", True),
    "verifies and books a second later": (VerifiesLaterInAQueue, "", True),
    "takes half a second": (Slow, "", True),
    "closes the connection on forgeries": (Drops, "", True),
    "behind a path": (Prefixed, "", True),
    "takes no more than a megabyte": (NotAboveAMegabyte, "", True),
    "a page for everything else": (SpaServer, "", True),
    "a page for everything else, cannot be asked": (SpaServer, "", False),
    "two secrets": (TwoSecrets, "", True),
    "refuses with 403": (
        type("F", (Handler,), {"refusal": lambda self, r: Reply(403, b"CSRF? no, bad signature")}),
        "",
        True,
    ),
    "refuses with 400": (type("B", (Handler,), {"refusal": lambda self, r: Reply(400)}), "", True),
    "refuses with 404": (type("N", (Handler,), {"refusal": lambda self, r: Reply(404)}), "", True),
    "ignores what is no invoice": (type("I", (Handler,), {}), "", False),
}
