"""Forged messages that are nearly right: signatures, headers and times that a careless comparison takes (checklist 6.2)."""

from __future__ import annotations

from datetime import timedelta

from pytest_flexprice.webhooks import bodies, signatures
from pytest_flexprice.webhooks.mint import Expect, Mint, Probe, fresh_secret

STALE = timedelta(minutes=10)
FIRST, LAST = 32, 8
"""How many of a signature's 44 characters are true in one that only begins and ends like it."""


def near_misses(mint: Mint) -> list[Probe]:
    """All of them."""
    return [*_nearly(mint), *_lacking(mint), *_wrong_times(mint), *_malformed(mint)]


def of_a_known_invoice(mint: Mint, known: str) -> Probe:
    """A forged payment of an invoice that the handler took before, which nobody can ask about: it was processed already."""
    kind, event_type = "known invoice", bodies.INVOICE_TYPES[1]
    title = f"a forged `{event_type}` of an invoice that it has booked"
    body = bodies.encode(mint.message(known, event_type))
    sent = signatures.sign(fresh_secret(), mint.message_id(kind), mint.now, body)
    return mint.made(kind, kind, title, body, headers=sent, event_type=event_type)


def _nearly(mint: Mint) -> list[Probe]:
    """Signatures that are the true one in part."""
    probes = []
    for name, title in (
        ("beginning", "a message whose signature only begins and ends like the true one"),
        ("cut off", "a message whose signature is cut off"),
        ("other case", "a message whose signature is the true one in the other case of letters"),
    ):
        body = mint.body(name)
        true = signatures.signature(mint.secret, mint.message_id(name), mint.now, body).removeprefix("v1,")
        changed = true[FIRST:-LAST].swapcase().translate(_ROTATED)
        alike = true[:FIRST] + changed + true[-LAST:]
        value = {"beginning": alike, "cut off": true[:20], "other case": true.swapcase()}[name]
        probes.append(mint.made(name, name, title, body, headers=mint.headers(name, f"v1,{value}")))
    return probes


_ROTATED = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/",
    "bcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/a",
)


def _lacking(mint: Mint) -> list[Probe]:
    """Wrong signatures beside which something is missing."""
    probes = []
    for part in ("id", "timestamp"):
        name = f"no {part}"
        body = mint.body(name)
        sent = signatures.sign(fresh_secret(), mint.message_id(name), mint.now, body)
        del sent[f"svix-{part}"]
        probes.append(
            mint.made(name, name, f"a message without svix-{part} and with a wrong signature", body, headers=sent)
        )
    name = "other version"
    wrong = signatures.signature(fresh_secret(), "other", mint.now, b"").removeprefix("v1,")
    value = f"v1a,{wrong} v2,{wrong}"
    title = "a message with wrong signatures of another version than v1"
    return [*probes, mint.made(name, name, title, mint.body(name), headers=mint.headers(name, value))]


def _wrong_times(mint: Mint) -> list[Probe]:
    refused = Expect.REFUSED
    return [
        mint.signed("stale", "stale", "a message signed ten minutes ago", expect=refused, sent_at=-STALE),
        mint.signed("future", "future", "a message dated ten minutes ahead", expect=refused, sent_at=STALE),
    ]


def _malformed(mint: Mint) -> list[Probe]:
    kind, title = "malformed", "a message with a malformed signature"
    values = {"no comma": "garbage", "no base64 and empty parts": "v1,*** v1,a,b ,"}
    probes = [
        mint.made(name, kind, title, mint.body(name), headers=mint.headers(name, value))
        for name, value in values.items()
    ]
    name = "no number"
    sent = {
        **signatures.sign(mint.secret, mint.message_id(name), mint.now, mint.body(name)),
        "svix-timestamp": "yesterday",
    }
    # As long as a true one: some compare lengths first, in letters, and break on the bytes.
    odd, true = "not ASCII", signatures.signature(fresh_secret(), "other", mint.now, b"").removeprefix("v1,")
    return [
        *probes,
        mint.made(name, kind, title, mint.body(name), headers=sent),
        mint.made(
            odd,
            odd,
            "a message whose signature is beyond ASCII",
            mint.body(odd),
            headers=mint.headers(odd, f"v1,\u00e9\u00df{true[2:]}"),
        ),
    ]
