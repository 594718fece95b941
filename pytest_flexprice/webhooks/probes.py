"""What is sent to the company's handler: signed, forged and unusual messages (checklist 6.2 and 6.4, contract 6.8)."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping
from datetime import timedelta

from pytest_flexprice.webhooks import bodies, forgeries, signatures
from pytest_flexprice.webhooks.mint import Expect, Mint, Probe, fresh_secret, shown

LARGE = 256 * 1024
STALE = timedelta(minutes=10)
CONTROL = "control"
_NO_SECRETS: Mapping[str, str] = {}


def control(mint: Mint) -> Probe:
    """The positive control: a correctly signed message of a known type, as the delivery service would send it."""
    body = mint.body(CONTROL)
    return mint.signed(CONTROL, CONTROL, "a correctly signed message", body, message_id=mint.telling_id(CONTROL, body))


def signature_probes(mint: Mint, others: Mapping[str, str] = _NO_SECRETS) -> list[Probe]:
    """Everything that shows whether signatures are verified (checklist 6.2), the control first.

    Args:
        others: secrets of other environments by a name to show; a message signed with one must be refused.
    """
    first = control(mint)
    forged = [
        *_unsigned(mint),
        *_altered(mint, first),
        *_wrong_secrets(mint, others),
        *_wrong_times(mint),
        *_malformed(mint),
    ]
    plain = [dataclasses.replace(probe, twin=first) for probe in forged]
    return [first, *_valid(mint), *plain, *forgeries.crossed(mint), *forgeries.carried(mint)]


def after_control(mint: Mint, first: Probe) -> list[Probe]:
    """Another body under the headers of the accepted control.

    A handler may answer 200 to an id that it knows before it looks further, and be sound; so only what it *does* with this one counts.
    """
    after = bodies.encode(bodies.altered(mint.message("tampered after")))
    title = "a message whose body was changed after signing"
    return [mint.made("tampered after", "tampered", title, after, headers=dict(first.headers), expect=Expect.NO_EFFECT)]


def answer_probes(mint: Mint) -> list[Probe]:
    """Everything that shows whether each event is answered with success (checklist 6.4), the control first."""
    return [control(mint), *_types(mint), *_sizes(mint), *repeated(mint)]


def repeated(mint: Mint) -> list[Probe]:
    """One message twice: the same id, signed anew, as the delivery service's own retries do."""
    kind, title = "repeated", "a message that it has already received"
    body, message_id = mint.body("repeated"), mint.message_id("repeated")
    earlier = timedelta(seconds=-1)
    return [
        mint.signed("first", kind, title, body, message_id=message_id, sent_at=earlier),
        mint.signed("second", kind, title, body, message_id=message_id),
    ]


def simultaneous(mint: Mint) -> list[Probe]:
    """One message twice, to be sent at the same moment: the same id, time and signature."""
    kind, title = "simultaneous", "a message that arrives twice at the same moment"
    body, message_id = mint.body(kind), mint.message_id(kind)
    return [mint.signed(name, kind, title, body, message_id=message_id) for name in ("at once", "at once again")]


def out_of_order(mint: Mint) -> list[Probe]:
    """An invoice's payment, then its finalization."""
    kind, title = "out of order", "an invoice whose payment arrives before its finalization"
    return [
        mint.signed(
            f"{kind} {event_type}",
            kind,
            title,
            bodies.encode(mint.message(kind, event_type)),
            event_type=event_type,
        )
        for event_type in reversed(bodies.INVOICE_TYPES)
    ]


def diagnoses(mint: Mint, others: Mapping[str, str] = _NO_SECRETS) -> list[Probe]:
    """What to send when the control is refused, to find out why."""
    told = Expect.TOLD
    after_prefix = mint.secret.removeprefix(signatures.PREFIX)
    return [
        mint.signed("spaced", "re-encoded", "", bodies.spaced(mint.message("spaced")), expect=told),
        mint.keyed("whole secret", "key", "the whole secret as the key, prefix and all", mint.secret.encode(), told),
        mint.keyed(
            "prefix decoded", "key", "the whole secret, decoded together with its prefix", _lenient(mint.secret), told
        ),
        mint.keyed(
            "not decoded", "key", "the text after 'whsec_' without decoding its base64", after_prefix.encode(), told
        ),
        mint.keyed("no secret", "key", "an empty secret as the key", b"", told),
        mint.signed("other headers", "other headers", "", family="webhook", expect=told),
        *_encodings(mint),
        *(
            mint.signed(f"secret of {name}", "other secret", name, expect=told, secret=secret, key=shown(name, secret))
            for name, secret in others.items()
        ),
    ]


def _encodings(mint: Mint) -> list[Probe]:
    """Signatures and times written as a mistaken handler expects them."""
    told = Expect.TOLD
    name, milliseconds = "URL-safe", "milliseconds"
    body = mint.body(name)
    signed = signatures.sign(mint.secret, mint.telling_id(name, body), mint.now, body)
    value = signed["svix-signature"].removeprefix("v1,").replace("+", "-").replace("/", "_")
    bare = {**signed, "svix-signature": value.replace("-", "+").replace("_", "/")}
    hexed = {**signed, "svix-signature": base64.b64decode(bare["svix-signature"]).hex()}
    return [
        mint.made(name, name, "", body, headers={**signed, "svix-signature": f"v1,{value}"}, expect=told),
        mint.made("bare signature", "bare signature", "", body, headers=bare, expect=told),
        mint.made("hexadecimal", "hexadecimal", "", body, headers=hexed, expect=told),
        mint.stamped(milliseconds, milliseconds, f"{signatures.timestamp(mint.now)}000", told),
        mint.signed("form", "content type", "", content_type="application/x-www-form-urlencoded", expect=told),
        mint.signed("text", "content type", "", content_type="text/plain", expect=told),
    ]


def _types(mint: Mint) -> list[Probe]:
    shapes: tuple[bodies.Shape, ...] = ("svix", "native")
    known = [
        mint.signed(
            f"{event_type} {shape}",
            "known type",
            event_type,
            bodies.encode(mint.message(f"{event_type} {shape}", event_type), shape),
            event_type=event_type,
        )
        for event_type in bodies.KNOWN_TYPES
        for shape in shapes
    ]
    name = "unknown type"
    body = bodies.encode(mint.message(name, bodies.UNKNOWN_TYPE))
    return [*known, mint.signed(name, name, "an event type it does not know", body, event_type=bodies.UNKNOWN_TYPE)]


def _sizes(mint: Mint) -> list[Probe]:
    large = bodies.padded(mint.message("large"), LARGE)
    return [
        mint.signed("large", "large", "a message of 256 KiB", large),
        mint.signed("empty", "empty", "a signed message with an empty body", b"", expect=Expect.NO_CRASH),
    ]


def _valid(mint: Mint) -> list[Probe]:
    extra = bodies.encode(bodies.with_extra(mint.message("extra field")))
    odd = bodies.odd(mint.message("odd bytes"))
    other = fresh_secret()
    rotated = "a message with two signatures, as during a rotation of the secret"
    mixed = mint.body("two versions")
    good = signatures.signature(mint.secret, mint.message_id("two versions"), mint.now, mixed)
    both = mint.headers("two versions", f"v1a,{base64.b64encode(bytes(64)).decode()} {good}")
    return [
        mint.signed("extra field", "extra field", "a message with one field more", extra),
        mint.signed("odd bytes", "odd bytes", "a correctly signed message in unusual bytes", odd),
        mint.signed("rotated newer", "rotation", rotated, also=other),
        mint.signed("rotated older", "rotation", rotated, secret=other, also=mint.secret),
        mint.made("two versions", "rotation", rotated, mixed, headers=both, expect=Expect.ACCEPTED),
    ]


def _unsigned(mint: Mint) -> list[Probe]:
    kind, title = "unsigned", "a message without a signature"
    empty = mint.headers("empty signature", "")
    without = {name: value for name, value in mint.headers("no signature", "").items() if "signature" not in name}
    return [
        mint.made("no headers", kind, title, mint.body("no headers"), headers={}),
        mint.made("no signature", kind, title, mint.body("no signature"), headers=without),
        mint.made("empty signature", kind, title, mint.body("empty signature"), headers=empty),
    ]


def _altered(mint: Mint, first: Probe) -> list[Probe]:
    kind, title = "tampered", "a message whose body was changed after signing"
    signed = signatures.sign(mint.secret, mint.message_id("tampered"), mint.now, mint.body("tampered"))
    changed = bodies.encode(bodies.altered(mint.message("tampered")))
    time, name = "exchanged time", "exchanged id"
    # Its id was never accepted: a handler that knows an id may answer it with 200 before it looks further.
    unsent = mint.body(time)
    later = signatures.sign(mint.secret, mint.message_id(time), mint.now, unsent)
    later["svix-timestamp"] = signatures.timestamp(mint.now + timedelta(seconds=2))
    moved = {**first.headers, "svix-id": mint.message_id(name)}
    return [
        mint.made("tampered", kind, title, changed, headers=signed),
        mint.made(time, time, "a message whose time was changed after signing", unsent, headers=later),
        mint.made(name, name, "a message whose id was changed after signing", first.body, headers=moved),
    ]


def _wrong_secrets(mint: Mint, others: Mapping[str, str]) -> list[Probe]:
    kind, refused = "wrong secret", Expect.REFUSED
    title = "a message signed with a wrong secret"
    return [
        mint.signed(kind, kind, title, expect=refused, secret=fresh_secret()),
        mint.keyed("empty key", "empty key", "a message signed with an empty secret", b"", refused),
        *(
            mint.signed(
                f"secret of {name}",
                "other environment",
                f"a message signed with the secret of {shown(name, secret)}",
                expect=refused,
                secret=secret,
                key=shown(name, secret),
            )
            for name, secret in others.items()
        ),
    ]


def _wrong_times(mint: Mint) -> list[Probe]:
    refused = Expect.REFUSED
    return [
        mint.signed("stale", "stale", "a message signed ten minutes ago", expect=refused, sent_at=-STALE),
        mint.signed("future", "future", "a message dated ten minutes ahead", expect=refused, sent_at=STALE),
    ]


def _malformed(mint: Mint) -> list[Probe]:
    kind, title = "malformed", "a message with a malformed signature"
    values = {"no comma": "garbage", "no value": "v1,", "not base64": "v1,***", "empty parts": "v1,a,b ,"}
    probes = [
        mint.made(name, kind, title, mint.body(name), headers=mint.headers(name, value))
        for name, value in values.items()
    ]
    name = "no number"
    sent = {
        **signatures.sign(mint.secret, mint.message_id(name), mint.now, mint.body(name)),
        "svix-timestamp": "yesterday",
    }
    return [*probes, mint.made(name, kind, title, mint.body(name), headers=sent)]


def _lenient(secret: str) -> bytes:
    """The whole secret decoded as a lenient decoder does: ``_`` is the URL-safe ``/``, a remainder is dropped."""
    text = secret.replace("_", "/").replace("-", "+").rstrip("=")
    return base64.b64decode(text[: len(text) // 4 * 4] if len(text) % 4 == 1 else text + "=" * (-len(text) % 4))
