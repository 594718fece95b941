"""The demo company's webhook handler, healthy or with a named mistake (checklist 6.2, 6.4, 7.4).

It is written as a company would write it, on ``standardwebhooks``, and shares no code with the probes that try it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from pytest_flexprice.webhooks.loopback import LoopbackServer, Reply, Request

KNOWN_TYPES = frozenset(
    {"invoice.update.finalized", "invoice.update.payment", "subscription.created", "subscription.cancelled"}
)
PROCESSED_TYPE = "invoice.update.finalized"
WRONG_SECRET = "whsec_" + base64.b64encode(hashlib.sha256(b"the demo company's Sandbox").digest()[:24]).decode()

FAULTS = {
    "F118": "accepts messages without a signature",
    "F119": "trusts a signature it has verified once, whatever body comes with it",
    "F120": "looks at the signature's form only, so any secret will do",
    "F121": "verifies the signature but not the time",
    "F122": "parses the body and verifies its own re-encoding, compact and in the order of the keys",
    "F122 spaced": "parses the body and verifies its own re-encoding, with blanks between the parts",
    "F123": "uses the whole secret, prefix and all, as the key",
    "F123 undecoded": "uses the part after the prefix as the key without decoding it",
    "F125": "is configured with the Sandbox's secret",
    "F126": "answers 400 to an event type it does not know",
    "F127": "fails with 500 on invoice.update.payment",
    "F128": "redirects to the URL with a slash at its end",
    "F130": "processes a message as often as it arrives",
    "F131": "answers 200 to everything and does nothing",
    "F143": "verifies, answers 200 and does nothing",
    "bad header": "fails with 500 on a signature header without a comma",
    "first signature": "looks at the first of several signatures only",
    "large": "refuses bodies above 64 KiB",
    "empty key": "lost its secret and verifies with an empty key",
    "swapped id": "leaves the message's id out of what it verifies, by trusting a signature it has seen",
    "other headers": "looks for webhook-* headers only",
    "slow": "takes seconds to answer invoice.update.payment",
}


def together(faults: str | Iterable[str]) -> frozenset[str]:
    """Faults that one handler can have at once; "" is none.

    Raises:
        ValueError: no fault has that name, or two of them verify in ways that exclude each other.
    """
    names = frozenset([faults] if isinstance(faults, str) else faults) - {""}
    for name in sorted(names - FAULTS.keys()):
        raise ValueError(f"'{name}' is no fault of the demo handler; expected one of {', '.join(FAULTS)}")
    verifying = sorted(names & _CHECKS.keys())
    if len(verifying) > 1:
        raise ValueError(
            f"one handler verifies in one way, so that {' and '.join(verifying)} exclude each other; choose one"
        )
    return names


class Refused(Exception):
    """The handler does not trust a message."""


class DemoHandler(LoopbackServer):
    """The handler on loopback: ``POST /flexprice`` takes webhooks, ``GET /processed/{invoice_id}`` says what was done.

    Args:
        secret: the endpoint's signing secret.
        faults: names of ``FAULTS``, one alone or several; none for a healthy handler.
        delay: the seconds that the fault "slow" takes.

    Raises:
        ValueError: no fault has that name, or two of them verify in ways that exclude each other.
    """

    def __init__(self, secret: str, faults: str | Iterable[str] = (), delay: float = 6.0) -> None:
        super().__init__()
        self.faults = together(faults)
        self.secret = WRONG_SECRET if "F125" in self.faults else secret
        self._delay = delay
        self._lock = threading.Lock()
        self._trusted: set[str] = set()
        self._seen: set[str] = set()
        self._processed: dict[str, list[str]] = {}

    @property
    def url(self) -> str:
        """Where webhooks are to be sent."""
        return f"{self.origin}/flexprice"

    @property
    def processed_url(self) -> str:
        """The plan's ``webhooks.processed``: a URL with ``{invoice_id}`` in it."""
        return f"{self.origin}/processed/{{invoice_id}}"

    def processed(self, invoice_id: str) -> list[str]:
        """The ids of the messages by which that invoice was processed."""
        with self._lock:
            return list(self._processed.get(invoice_id, ()))

    def reply(self, request: Request) -> Reply:
        """Answer one request."""
        if request.method == "GET" and request.path.startswith("/processed/"):
            return self._tell(request.path.removeprefix("/processed/"))
        if request.path.rstrip("/") != "/flexprice" or request.method != "POST":
            return Reply(404)
        return self._receive(request)

    def _tell(self, invoice_id: str) -> Reply:
        ids = self.processed(invoice_id)
        body = json.dumps({"invoice_id": invoice_id, "times": len(ids), "message_ids": ids}).encode()
        return Reply(200 if ids else 404, body, {"Content-Type": "application/json"})

    def _receive(self, request: Request) -> Reply:
        if "F131" in self.faults:
            return Reply(200)
        if "F128" in self.faults and not request.path.endswith("/"):
            return Reply(308, headers={"Location": f"{self.url}/"})
        if "large" in self.faults and len(request.body) > 64 * 1024:
            return Reply(413)
        try:
            self._verify(request)
        except Refused:
            return Reply(401)
        except ValueError:
            return Reply(500)
        return self._handle(request)

    def _handle(self, request: Request) -> Reply:
        try:
            message = json.loads(request.body)
        except ValueError:
            return Reply(400)
        kind = str(message.get("event_type", "")) if isinstance(message, dict) else ""
        if "F126" in self.faults and kind not in KNOWN_TYPES:
            return Reply(400)
        if "F127" in self.faults and kind == "invoice.update.payment":
            return Reply(500)
        if "slow" in self.faults and kind == "invoice.update.payment":
            time.sleep(self._delay)
        if kind == PROCESSED_TYPE and "F143" not in self.faults:
            self._process(kind, message.get("invoice") or {}, request.header("svix-id"))
        return Reply(204)

    def _process(self, kind: str, invoice: dict[str, Any], message_id: str) -> None:
        invoice_id = str(invoice.get("id", ""))
        with self._lock:
            # What trusts a signature whatever its body would be saved by remembering the id.
            keys = {f"{kind} {invoice_id}", *([] if "F119" in self.faults else [message_id])}
            if keys & self._seen and "F130" not in self.faults:
                return
            self._seen |= keys
            self._processed.setdefault(invoice_id, []).append(message_id)

    def _verify(self, request: Request) -> None:
        by_name = {name.lower(): value for name, value in request.headers}
        family = "webhook" if "other headers" in self.faults else "svix"
        sent = {f"webhook-{name}": by_name.get(f"{family}-{name}", "") for name in ("id", "timestamp", "signature")}
        if "F118" in self.faults and not all(sent.values()):
            return
        check = next((_CHECKS[one] for one in self.faults if one in _CHECKS), _check)
        try:
            check(self, sent, request.body)
        except WebhookVerificationError:
            raise Refused from None
        except ValueError:
            if "bad header" in self.faults:
                raise
            raise Refused from None


SentHeaders = dict[str, str]


def _check(handler: DemoHandler, sent: SentHeaders, body: bytes) -> None:
    Webhook(handler.secret).verify(body, sent, json_parse=False)


def _check_once(handler: DemoHandler, sent: SentHeaders, body: bytes) -> None:
    known = f"{sent['webhook-id']} {sent['webhook-signature']}"
    if known in handler._trusted:
        return
    _check(handler, sent, body)
    handler._trusted.add(known)


def _check_once_without_id(handler: DemoHandler, sent: SentHeaders, body: bytes) -> None:
    known = sent["webhook-signature"] + hashlib.sha256(body).hexdigest()
    if known in handler._trusted:
        return
    _check(handler, sent, body)
    handler._trusted.add(known)


def _check_form(handler: DemoHandler, sent: SentHeaders, body: bytes) -> None:
    _fresh(sent)
    parts = [part.partition(",") for part in sent["webhook-signature"].split(" ")]
    lengths = [len(base64.b64decode(value, validate=True)) for version, _, value in parts if version == "v1"]
    if not sent["webhook-id"] or 32 not in lengths:
        raise Refused


def _check_without_time(handler: DemoHandler, sent: SentHeaders, body: bytes) -> None:
    _compare(base64.b64decode(handler.secret.removeprefix("whsec_")), sent, body)


def _reencoded(**how: Any) -> Callable[[DemoHandler, SentHeaders, bytes], None]:
    def check(handler: DemoHandler, sent: SentHeaders, body: bytes) -> None:
        _check(handler, sent, json.dumps(json.loads(body), ensure_ascii=False, **how).encode())

    return check


def _check_with_key(key: Callable[[str], bytes]) -> Callable[[DemoHandler, SentHeaders, bytes], None]:
    def check(handler: DemoHandler, sent: SentHeaders, body: bytes) -> None:
        _fresh(sent)
        _compare(key(handler.secret), sent, body)

    return check


def _check_first(handler: DemoHandler, sent: SentHeaders, body: bytes) -> None:
    _check(handler, {**sent, "webhook-signature": sent["webhook-signature"].split(" ")[0]}, body)


def _fresh(sent: SentHeaders) -> None:
    if not sent["webhook-timestamp"].isdigit() or abs(time.time() - int(sent["webhook-timestamp"])) > 300:
        raise Refused


def _compare(key: bytes, sent: SentHeaders, body: bytes) -> None:
    signed = f"{sent['webhook-id']}.{sent['webhook-timestamp']}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    if expected not in sent["webhook-signature"].split(" "):
        raise Refused


_CHECKS: dict[str, Callable[[DemoHandler, SentHeaders, bytes], None]] = {
    "F119": _check_once,
    "F120": _check_form,
    "F121": _check_without_time,
    "F122": _reencoded(separators=(",", ":")),
    "F122 spaced": _reencoded(),
    "F123": _check_with_key(str.encode),
    "F123 undecoded": _check_with_key(lambda secret: secret.removeprefix("whsec_").encode()),
    "first signature": _check_first,
    "empty key": _check_with_key(lambda secret: b""),
    "swapped id": _check_once_without_id,
}
