"""What is sent to the company's handler: signed, forged and unusual messages (checklist 6.2 and 6.4, contract 6.8)."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping
from datetime import timedelta

from pytest_flexprice.webhooks import bodies, carriages, forgeries, near_misses, signatures
from pytest_flexprice.webhooks.mint import Expect, Mint, Probe, fresh_secret, shown

LARGE = 256 * 1024
CONTROL = "control"
CONTROL_AGAIN = "control again"
REFUSED_BEFORE = "refused before"
COMPOSED, DECOMPOSED = "composed letters", "decomposed letters"
NOW = " dated now"
_RECEIVED = "a message that it has already received"
_STRANGER = "wrong secret"
_NO_SECRETS: Mapping[str, str] = {}


def control(mint: Mint) -> Probe:
    """The positive control: a correctly signed message of a known type, as the delivery service would send it."""
    body = mint.body(CONTROL)
    return mint.signed(CONTROL, CONTROL, "a correctly signed message", body, message_id=mint.telling_id(CONTROL, body))


def control_again(mint: Mint) -> Probe:
    """Another correctly signed message, to be sent where a true one was refused after a forged one."""
    return mint.signed(CONTROL_AGAIN, CONTROL_AGAIN, "a correctly signed message after forged ones", expect=Expect.TOLD)


def signature_probes(mint: Mint, others: Mapping[str, str] = _NO_SECRETS) -> list[Probe]:
    """Everything that shows whether signatures are verified (checklist 6.2), the control first.

    Of the true ones the last but one is to be sent after the first forgery, and the last after all: a handler may shut out forgers.

    Args:
        others: secrets of other environments by a name to show; a message signed with one must be refused.
    """
    first = control(mint)
    forged = [
        *_unsigned(mint),
        *_altered(mint, first),
        *_wrong_secrets(mint, others),
        *near_misses.near_misses(mint),
    ]
    plain = [dataclasses.replace(probe, twin=first) for probe in forged]
    *valid, after_one = _valid(mint)
    crossed, carried = forgeries.crossed(mint), carriages.carried(mint)
    # A true one comes last: once it is processed, so is everything before it, where a queue is worked off.
    return [first, *valid, *plain, after_one, *crossed, *carried, *_after(mint, first), refused_before(mint)]


def _after(mint: Mint, first: Probe) -> list[Probe]:
    """Another body under the headers of the accepted control, and a forged payment of its invoice.

    A handler may answer 200 to an id that it knows before it looks further, and be sound; so only what it *does* with the first counts.
    """
    after = bodies.encode(bodies.altered(mint.message("tampered after")))
    title = "a message whose body was changed after signing"
    known = dataclasses.replace(near_misses.of_a_known_invoice(mint, CONTROL), twin=first)
    return [
        mint.made("tampered after", "tampered", title, after, headers=dict(first.headers), expect=Expect.NO_EFFECT),
        known,
    ]


def answer_probes(mint: Mint) -> list[Probe]:
    """Everything that shows whether each event is answered with success (checklist 6.4), the control first and again last."""
    first = control(mint)
    return [
        first,
        *_types(mint),
        *_sizes(mint),
        dataclasses.replace(mint.again(first, "second", "received"), title=_RECEIVED),
    ]


def repeated(mint: Mint) -> list[Probe]:
    """One message twice: the same id, signed anew, as the delivery service's own retries do."""
    kind, title = "repeated", _RECEIVED
    body, earlier = mint.body("repeated"), timedelta(seconds=-1)
    message_id = mint.telling_id("repeated", body, earlier)
    return [
        mint.signed("first", kind, title, body, message_id=message_id, sent_at=earlier),
        mint.signed("second", kind, title, body, message_id=message_id),
    ]


def refused_before(mint: Mint) -> Probe:
    """A true message with the id of a forged one: who remembers ids before verifying loses it."""
    kind, title = REFUSED_BEFORE, "a correctly signed message whose id came before with a wrong signature"
    return mint.signed(kind, kind, title, message_id=mint.message_id(_STRANGER))


def simultaneous(mint: Mint) -> list[Probe]:
    """One message several times, to be sent at the same moment, the last a little later: the same id, time and signature."""
    kind, title = "simultaneous", "a message that arrives several times at the same moment"
    body, message_id = mint.body(kind), mint.message_id(kind)
    names = ("at once", "at once again", "at once a third time", "while it is worked on")
    return [mint.signed(name, kind, title, body, message_id=message_id) for name in names]


def crowd(mint: Mint, count: int) -> list[Probe]:
    """One message, so many others, and the first once more."""
    kind, title = "memory", f"a message that arrives again after {count:,} others"
    first = mint.signed("before a crowd", kind, title, mint.body(kind), message_id=mint.message_id(kind))
    others = [mint.signed(f"one of a crowd {number}", "crowd", "one of many messages") for number in range(count)]
    return [first, *others, mint.again(first, "after a crowd", kind)]


def before_and_after(mint: Mint) -> list[Probe]:
    """One message before the handler is restarted, and again after."""
    kind, title = "restart", "a message that it received before a restart"
    before = mint.signed("before a restart", kind, title, mint.body(kind), message_id=mint.message_id(kind))
    return [before, mint.again(before, "after a restart", kind)]


def out_of_order(mint: Mint) -> list[Probe]:
    """An invoice's payment, then its finalization, and that once more with the state that the invoice has then."""
    kind, title = "out of order", "an invoice whose payment arrives before its finalization"
    paid, finalized = (
        mint.signed(
            f"{kind} {event_type}",
            kind,
            title,
            bodies.encode(mint.message(kind, event_type)),
            event_type=event_type,
        )
        for event_type in reversed(bodies.INVOICE_TYPES)
    )
    state = bodies.encode(bodies.later(mint.message(kind)))
    moved = mint.again(finalized, "later state", kind, state)
    return [
        paid,
        finalized,
        dataclasses.replace(moved, title="a message that arrives again with a later state of its invoice"),
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
        for shape in (shapes if event_type in bodies.OF_EACH_FAMILY else shapes[:1])
    ]
    name = "unknown type"
    body = bodies.encode(mint.message(name, bodies.UNKNOWN_TYPE))
    return [*known, mint.signed(name, name, "an event type it does not know", body, event_type=bodies.UNKNOWN_TYPE)]


def _sizes(mint: Mint) -> list[Probe]:
    large = bodies.padded(mint.message("large"), LARGE)
    lettered, title = "large letters", "a message of 256 KiB with letters beyond ASCII"
    letters = bodies.padded(bodies.lettered_lines(mint.message(lettered)), LARGE)
    return [
        mint.signed("large", "large", "a message of 256 KiB", large),
        mint.signed(lettered, lettered, title, letters),
        mint.signed("empty", "empty", "a signed message with an empty body", b"", expect=Expect.NO_CRASH),
    ]


def _valid(mint: Mint) -> list[Probe]:
    extra = bodies.encode(bodies.with_extra(mint.message("extra field")))
    odd = bodies.odd(mint.message("odd bytes"))
    spaced = mint.body("white space") + b" \r\n"
    spaced_title = "a correctly signed message with a blank and a line break at its end"
    other = fresh_secret()
    rotated = "a message with two signatures, as during a rotation of the secret"
    older = mint.signed("rotated older", "rotation", rotated, secret=other, also=mint.secret)
    mixed = f"v1a,{base64.b64encode(bytes(64)).decode()} {older.headers['svix-signature']}"
    return [
        mint.signed("odd bytes", "odd bytes", "a correctly signed message in unusual bytes", odd),
        _dated(mint, "white space", spaced_title, spaced, timedelta(seconds=10)),
        _letters(mint),
        mint.signed("rotated newer", "rotation", rotated, also=other),
        dataclasses.replace(older, headers={**older.headers, "svix-signature": mixed}),
        _dated(mint, "extra field", "a message with one field more", extra, -timedelta(seconds=30)),
    ]


def _dated(mint: Mint, name: str, title: str, body: bytes, off: timedelta) -> Probe:
    """An odd message that is a little old or ahead, too, with what tells which of both is refused, where it is."""
    now = mint.signed(f"{name}{NOW}", name, title, body, expect=Expect.TOLD)
    return dataclasses.replace(mint.signed(name, name, title, body, sent_at=off), twin=now)


def _letters(mint: Mint) -> Probe:
    """Letters beyond ASCII, with what tells a decoder from one that writes accents in one of Unicode's ways, where they are refused."""
    kind, title = "letters", "a correctly signed message with letters beyond ASCII"
    made = {"letters": bodies.lettered, COMPOSED: bodies.composed, DECOMPOSED: bodies.decomposed}
    first, *one_way = (
        mint.signed(name, name, title, bodies.encode(change(mint.message(name)))) for name, change in made.items()
    )
    twin, nonsense = (dataclasses.replace(each, expect=Expect.TOLD, kind=kind) for each in one_way)
    return dataclasses.replace(first, twin=twin, nonsense=nonsense)


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
    kind, refused = _STRANGER, Expect.REFUSED
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
