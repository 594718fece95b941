"""Handlers with mistakes that others have reported in public, one each; their sound siblings are elsewhere in the table.

Bodies that a cloud's gateway hands over in base64, a parser before the verification, secrets in quotation marks, text that is put
together from pieces: none of them is of one company only.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from typing import Any

from pytest_flexprice.webhooks.loopback import Reply, Request

from .builders import SECRET
from .handlers import KEY, Handler, Headers, Wanted, fresh, matches, parsed, parts, signature, verifying, with_key
from .handlers_common import Queued, over
from .handlers_losing import changing


def lenient(text: str, skipped: str = "") -> bytes:
    """Base64 as Node.js (``_`` is ``/``), or PHP and Ruby (``skipped``) decode it: whatever is in it."""
    kept = re.sub(r"[^A-Za-z0-9+/]", "", text.replace("_", skipped or "/") if not skipped else text)
    return base64.b64decode(kept[: len(kept) // 4 * 4] if len(kept) % 4 == 1 else kept + "=" * (-len(kept) % 4))


def signing(made: Any) -> type[Handler]:
    """Writes the signature in a form of its own."""

    def check(headers: Headers, body: bytes) -> bool:
        message_id, stamp, sent = parts(headers)
        return fresh(stamp) and made(signature(KEY, message_id, stamp, body)) in sent.split(" ")

    return verifying(check)


def _in_pieces(body: bytes) -> bytes:
    """What is left of letters where each 64 KiB are decoded for themselves."""
    pieces = (body[at : at + 65_536] for at in range(0, len(body), 65_536))
    return "".join(piece.decode("utf-8", "replace") for piece in pieces).encode()


def _truncated(body: bytes) -> bytes:
    return body[:65_536]


class UnknownCustomer(Handler):
    """Looks the customer up, and does not know it."""

    status, text = 404, b'{"error":"customer not found"}'

    def handle(self, request: Request, headers: Headers) -> Reply:
        return Reply(self.status, self.text)


class WithWords(UnknownCustomer):
    """Refuses both with one status and says which."""

    status, text = 400, b"unknown customer"

    def refusal(self, request: Request) -> Reply:
        return Reply(400, b"bad signature")


class ParsedBefore(Handler):
    """A library that is given an object."""

    def receive(self, request: Request) -> Reply:
        return Reply(400, b"Webhook Error: Expected payload to be of type string or Buffer.")


class FailsLate(Queued):
    """Answers, and its queue loses every message that is not small, and every second other one."""

    def book(self, message: dict[str, Any], headers: Headers) -> None:
        if "whitespace" not in headers.get("svix-id", ""):
            super().book(message, headers)


class ByRequest(Handler):
    """Recognises a repeat by what is new in each request."""

    def __init__(self) -> None:
        super().__init__()
        self.known: set[str] = set()

    def book(self, message: dict[str, Any], headers: Headers) -> None:
        key = headers.get("svix-timestamp", "") + headers.get("svix-id", "")
        with self.lock:
            if key in self.known:
                return
            self.known.add(key)
            self.seen.clear()
        super().book(message, headers)


class Awaits(Handler):
    """Asks whether a promise is true: it is, whatever it will say."""

    def verified(self, headers: Headers, body: bytes) -> bool:
        return bool([super().verified(headers, body)])


class VerifiesWhatIsThere(Handler):
    """Verifies where there is a signature and a secret."""

    def verified(self, headers: Headers, body: bytes) -> bool:
        return not headers.get("svix-signature") or super().verified(headers, body)


class TimeOfTheBody(Handler):
    """Asks the body how old it is."""

    def verified(self, headers: Headers, body: bytes) -> bool:
        message = parsed(body) or {}
        invoice = message.get("invoice") if isinstance(message, dict) else None
        recent = not isinstance(invoice, dict) or str(invoice.get("finalized_at", "")) > "2000"
        return recent and all(parts(headers)) and matches(KEY, *parts(headers), body)


class VerifiesTheFirstOfABatch(Handler):
    """Verifies the first message of a list, and books all of them."""

    def verified(self, headers: Headers, body: bytes) -> bool:
        message = parsed(body)
        if isinstance(message, list) and message:
            text = json.dumps(message[0], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            return super().verified(headers, text.encode())
        return super().verified(headers, body)


class Lengths(Handler):
    """Compares the lengths in letters, and breaks where the bytes are more."""

    def receive(self, request: Request) -> Reply:
        sent = request.header("svix-signature")
        if len(sent) == 47 and len(sent.encode()) != 47:
            return Reply(500, b"Input buffers must have the same byte length")
        return super().receive(request)


class FailsOpenOnLengths(Handler):
    """Takes what makes its comparison break for true."""

    def verified(self, headers: Headers, body: bytes) -> bool:
        sent = headers.get("svix-signature", "")
        return (len(sent) == 47 and len(sent.encode()) != 47) or super().verified(headers, body)


def _empty_body(headers: Headers, body: bytes) -> bool:
    message_id, stamp, sent = parts(headers)
    return fresh(stamp) and matches(KEY, message_id, stamp, sent, b"")


PUBLIC: dict[str, tuple[type[Handler], Wanted, bool]] = {
    "signs the body in base64": (over(lambda i, t, b: f"{i}.{t}.".encode() + base64.b64encode(b)), "in base64", True),
    "reads the body twice": (verifying(_empty_body), "an empty body", True),
    "signs an object": (over(lambda i, t, b: f"{i}.{t}.[object Object]".encode()), "[object Object]", True),
    "gives a library an object": (ParsedBefore, "the body is parsed before", True),
    "signature in hexadecimal after v1": (signing(lambda value: f"v1,{value.hex()}"), "in hexadecimal", True),
    "hexadecimal in base64": (
        signing(lambda value: "v1," + base64.b64encode(value.hex().encode()).decode()),
        "hexadecimal and encodes that in base64",
        True,
    ),
    "quotation marks in the secret": (with_key(f'"{SECRET}"'.encode()), "quotation marks around it", True),
    "quotation marks, leniently decoded": (with_key(lenient(f'"{SECRET}"')), "in quotation marks", True),
    "the prefix decoded, skipping what is odd": (with_key(lenient(SECRET, "_")), "together with its prefix", True),
    "a strict decoder's failure as the key": (with_key(b""), "cannot be decoded", True),
    "drops line breaks": (changing(lambda b: b.replace(b"\r", b"").replace(b"\n", b"")), "line by line", True),
    "decodes in pieces": (changing(_in_pieces), "piece by piece as it arrives", True),
    "reads no more than 64 KiB": (changing(_truncated), "256 KiB", True),
    "does not know the customer": (UnknownCustomer, "after it has verified them", True),
    "does not know the customer, in words": (WithWords, "does not know their customer", True),
    "its queue loses some": (FailsLate, "never processes it", True),
    "recognises repeats by id and time": (ByRequest, "arrives again", True),
    "awaits nothing": (Awaits, "answers success to everything", True),
    "verifies a signature where there is one": (VerifiesWhatIsThere, "without a signature", True),
    "goes by the time in the body": (TimeOfTheBody, "ten minutes", True),
    "verifies the first of a batch": (VerifiesTheFirstOfABatch, "after a true one", True),
    "breaks on bytes beyond ASCII": (Lengths, "", True),
    "opens on bytes beyond ASCII": (FailsOpenOnLengths, "beyond ASCII", True),
    "an hmac of the secret's text": (
        over(lambda i, t, b: f"{i}.{t}.".encode() + hmac.new(b"", b, hashlib.sha256).digest()),
        "refuses correctly signed messages",
        True,
    ),
}
