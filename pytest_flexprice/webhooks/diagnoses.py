"""What to send when a handler refuses the control, to find out why (checklist 6.2).

Each is a message as one mistaken handler would accept it: another key made from the secret, other content signed, another clock, other
headers. Which was accepted names the mistake (``causes``).
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import timedelta

from pytest_flexprice.webhooks import bodies, signatures
from pytest_flexprice.webhooks.carriages import AGENT
from pytest_flexprice.webhooks.mint import Expect, Mint, Probe, Way, shown

_NO_SECRETS: Mapping[str, str] = {}
_TOLD = Expect.TOLD
_HOURS = [hours for hours in range(-12, 15) if hours]
#: how far a handler's clock may be off, in minutes: a little, or the hours of a time zone
CLOCKS = [-10, 10, *(60 * hours for hours in _HOURS), 210, 330, 345, 570]


def diagnoses(mint: Mint, others: Mapping[str, str] = _NO_SECRETS) -> list[Probe]:
    """All of them; ``others`` are secrets of other environments by a name to show."""
    return [
        mint.signed("spaced", "re-encoded", "", bodies.spaced(mint.message("spaced")), expect=_TOLD),
        *_keys(mint),
        mint.signed("other headers", "other headers", "", family="webhook", expect=_TOLD),
        *_encodings(mint),
        *_contents(mint),
        *_surroundings(mint),
        mint.signed("small", "small", "", bodies.least(mint.message("small")), expect=_TOLD),
        of_real_form(mint),
        _elsewhere(mint),
        *(
            mint.signed(f"secret of {name}", "other secret", name, expect=_TOLD, secret=secret, key=shown(name, secret))
            for name, secret in others.items()
        ),
        *(_clock(mint, minutes) for minutes in CLOCKS),
    ]


_WITH_PREFIX = "the whole secret, decoded together with its prefix, as also where it stands in quotation marks"


def _keys(mint: Mint) -> list[Probe]:
    """Keys as they are wrongly made from the secret."""
    rest = mint.secret.removeprefix(signatures.PREFIX)
    keys = {
        "whole secret": ("the whole secret as the key, prefix and all", mint.secret.encode()),
        "prefix decoded": (_WITH_PREFIX, _lenient(mint.secret)),
        "prefix decoded without _": (_WITH_PREFIX, _lenient(mint.secret.replace("_", ""))),
        "decoded up to _": (
            "what can be decoded of the secret before its '_', prefix and all",
            base64.b64decode(mint.secret.partition("_")[0][:4]),
        ),
        "quoted": ("the secret with the quotation marks around it", f'"{mint.secret}"'.encode()),
        "not decoded": ("the text after 'whsec_' without decoding its base64", rest.encode()),
        "whole secret and line break": ("the secret with the white space around it", f"{mint.secret}\n".encode()),
        "rest and line break": ("the text after 'whsec_' with the white space around it", f"{rest}\n".encode()),
        "cut": ("a secret from which six characters are taken off, though it has no 'whsec_'", _lenient(rest[6:])),
        "in hexadecimal": (
            "the key in hexadecimal",
            base64.b64decode(rest + "=" * (-len(rest) % 4)).hex().encode(),
        ),
        "no secret": ("an empty secret as the key, as where none is configured or it cannot be decoded", b""),
    }
    return [mint.keyed(name, "key", title, key, _TOLD) for name, (title, key) in keys.items()]


def _encodings(mint: Mint) -> list[Probe]:
    """Signatures and times written as a mistaken handler expects them."""
    name, milliseconds = "URL-safe", "milliseconds"
    body = mint.body(name)
    signed = signatures.sign(mint.secret, mint.telling_id(name, body), mint.now, body)
    value = signed["svix-signature"].removeprefix("v1,").replace("+", "-").replace("/", "_")
    bare = {**signed, "svix-signature": value.replace("-", "+").replace("_", "/")}
    digest = base64.b64decode(bare["svix-signature"]).hex()
    hexed, marked, twice = (
        {**signed, "svix-signature": value}
        for value in (digest, f"v1,{digest}", f"v1,{base64.b64encode(digest.encode()).decode()}")
    )
    return [
        mint.made(name, name, "", body, headers={**signed, "svix-signature": f"v1,{value}"}, expect=_TOLD),
        mint.made("bare signature", "bare signature", "", body, headers=bare, expect=_TOLD),
        mint.made("hexadecimal", "hexadecimal", "", body, headers=hexed, expect=_TOLD),
        mint.made("hexadecimal after v1", "hexadecimal", "", body, headers=marked, expect=_TOLD),
        mint.made("encoded twice", "encoded twice", "", body, headers=twice, expect=_TOLD),
        mint.stamped(milliseconds, milliseconds, f"{signatures.timestamp(mint.now)}000", _TOLD),
        mint.stamped("ISO 8601", "ISO 8601", mint.now.isoformat(timespec="seconds").replace("+00:00", "Z"), _TOLD),
        mint.signed("form", "content type", "", content_type="application/x-www-form-urlencoded", expect=_TOLD),
        mint.signed("text", "content type", "", content_type="text/plain", expect=_TOLD),
    ]


HASHES = ("SHA-1", "SHA-224", "SHA-384", "SHA-512", "MD5")
Content = Callable[[str, str, bytes], bytes]
_CONTENTS: Mapping[str, tuple[str, Content]] = {
    "body": ("the body alone", lambda message_id, stamp, body: body),
    "body in base64": (
        "the body in base64, as a cloud's gateway hands it over",
        lambda message_id, stamp, body: f"{message_id}.{stamp}.".encode() + base64.b64encode(body),
    ),
    "no body": (
        "an empty body, as where something has read it before",
        lambda message_id, stamp, body: f"{message_id}.{stamp}.".encode(),
    ),
    "object": (
        "the words '[object Object]' instead of the body, which was parsed before",
        lambda message_id, stamp, body: f"{message_id}.{stamp}.[object Object]".encode(),
    ),
    "lower case": (
        "the body in lower case",
        lambda message_id, stamp, body: f"{message_id}.{stamp}.".encode() + body.lower(),
    ),
    "colons": (
        "id, time and body with colons between them",
        lambda message_id, stamp, body: f"{message_id}:{stamp}:".encode() + body,
    ),
    "body first": (
        "the body before id and time",
        lambda message_id, stamp, body: body + f".{message_id}.{stamp}".encode(),
    ),
    "time and body": (
        "'<svix-timestamp>.<body>' without the id",
        lambda message_id, stamp, body: f"{stamp}.".encode() + body,
    ),
    "id and body": (
        "'<svix-id>.<body>' without the time",
        lambda message_id, stamp, body: f"{message_id}.".encode() + body,
    ),
    "no dots": (
        "id, time and body without the dots between them",
        lambda message_id, stamp, body: f"{message_id}{stamp}".encode() + body,
    ),
    "time first": (
        "the time before the id",
        lambda message_id, stamp, body: f"{stamp}.{message_id}.".encode() + body,
    ),
}


def _contents(mint: Mint) -> list[Probe]:
    """Signatures over other content, or by another hash."""
    made = [_over(mint, name, "content", title, content=content) for name, (title, content) in _CONTENTS.items()]
    hashes = [_over(mint, name, "hash", name, digest=name.replace("-", "").lower()) for name in HASHES]
    return [*made, *hashes]


def _usual(message_id: str, stamp: str, body: bytes) -> bytes:
    return f"{message_id}.{stamp}.".encode() + body


def _over(mint: Mint, name: str, kind: str, title: str, *, content: Content = _usual, digest: str = "sha256") -> Probe:
    body, message_id = mint.body(name), mint.message_id(name)
    key = base64.b64decode(mint.secret.removeprefix(signatures.PREFIX) + "==")
    signed = content(message_id, signatures.timestamp(mint.now), body)
    value = base64.b64encode(hmac.new(key, signed, getattr(hashlib, digest)).digest()).decode()
    return mint.made(name, kind, title, body, headers=mint.headers(name, f"v1,{value}"), expect=_TOLD)


def _surroundings(mint: Mint) -> list[Probe]:
    """The control as something before the handler may want it."""
    name = "agent"
    agent = mint.signed(name, name, "", expect=_TOLD)
    titled = mint.signed("title case", "title case", "", expect=_TOLD)
    spelled = {header.title(): value for header, value in titled.headers.items()}
    return [
        mint.made(name, name, "", agent.body, headers={**agent.headers, "user-agent": AGENT}, expect=_TOLD),
        dataclasses.replace(titled, headers=spelled),
    ]


def of_real_form(mint: Mint) -> Probe:
    """A true message whose ids are as long as Flexprice's own: those of the probes are longer, and marked as nobody's."""
    name = "ids of real form"
    body = bodies.as_flexprice(mint.body(name))
    return mint.signed(name, name, "", body, expect=_TOLD, message_id=mint.telling_id(name, body))


def _elsewhere(mint: Mint) -> Probe:
    """Nothing at all, to another path: what answers it as it answers webhooks is no handler."""
    name = "elsewhere"
    nothing = mint.made(name, name, "", b"", headers={}, expect=_TOLD)
    return dataclasses.replace(nothing, way=Way(method="GET", path="elsewhere"))


def _clock(mint: Mint, minutes: int) -> Probe:
    """The control as it would be signed if the handler's clock were right."""
    off = f"{abs(minutes)} minutes" if minutes % 60 else f"{abs(minutes) // 60} hour{'s' * (abs(minutes) > 60)}"
    words = f"{off} {'ahead' if minutes > 0 else 'behind'}"
    return mint.signed(f"clock {words}", "clock", words, expect=_TOLD, sent_at=timedelta(minutes=minutes))


def _lenient(secret: str) -> bytes:
    """A secret decoded as a lenient decoder does: ``_`` is the URL-safe ``/``, a remainder is dropped."""
    text = secret.replace("_", "/").replace("-", "+").rstrip("=")
    return base64.b64decode(text[: len(text) // 4 * 4] if len(text) % 4 == 1 else text + "=" * (-len(text) % 4))
