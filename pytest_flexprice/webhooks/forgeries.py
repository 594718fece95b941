"""Forged messages of every type, in every way a request can be carried (checklist 6.2, contract 6.2, 6.8).

Handlers that verify only some messages are caught by pairs: event type, family of headers, content type and kind of forgery are crossed
so that each two values meet; each unusual way of carrying a request is tried once. A forgery that is accepted counts only beside its
twin, the same message with a true signature, which is sent then.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
from collections.abc import Callable, Iterator

from pytest_flexprice.webhooks import bodies, signatures
from pytest_flexprice.webhooks.mint import PLAIN, Expect, Mint, Probe, Way, fresh_secret
from pytest_flexprice.webhooks.pairs import Row, all_pairs

TYPES = (*bodies.KNOWN_TYPES, bodies.UNKNOWN_TYPE)
CONTENT_TYPES = ("application/json", "text/plain", "application/x-www-form-urlencoded", "")
FORMS = ("unsigned", "wrong secret", "tampered")
LARGE = 300 * 1024
_DIMENSIONS = (TYPES, signatures.HEADER_FAMILIES, CONTENT_TYPES, FORMS)
_SAID = {
    "unsigned": "an unsigned {}",
    "wrong secret": "a {} with a wrong signature",
    "tampered": "a {} changed after signing",
}


def crossed(mint: Mint) -> list[Probe]:
    """Forged messages that cross type, family of headers, content type and form in pairs."""
    rows = all_pairs([len(values) for values in _DIMENSIONS], _one_unlike())
    chosen = [tuple(values[number] for values, number in zip(_DIMENSIONS, row, strict=True)) for row in rows]
    return [_crossed(mint, *values) for values in chosen]


def _one_unlike() -> list[Row]:
    """Each forgery of a message that is unlike the usual one in a single dimension, so that nothing else has it refused."""
    usual = (0, 0, 0)
    changed = [
        (*usual[:dimension], value, *usual[dimension + 1 :])
        for dimension in range(len(usual))
        for value in range(1, len(_DIMENSIONS[dimension]))
    ]
    return [(*row, form) for row in changed for form in range(len(FORMS))]


def _crossed(mint: Mint, event_type: str, family: str, content_type: str, form: str) -> Probe:
    name = f"{form} {event_type} in {family} headers as {content_type or 'no content type'}"
    about = {"type": event_type, "headers": f"{family}-*", "content type": content_type or "none", "form": form}
    body = bodies.encode(mint.message(name, event_type))
    title = _SAID[form].format(f"`{event_type}`")
    forged = mint.made(
        name, "crossed", title, body, headers=_forged_headers(mint, name, body, form, family), event_type=event_type
    )
    forged = _typed(dataclasses.replace(forged, about=about), content_type)
    twin = mint.signed(
        f"signed {name}",
        "twin",
        "",
        bodies.encode(mint.message(f"signed {name}", event_type)),
        expect=Expect.TOLD,
        event_type=event_type,
        family=family,
    )
    return dataclasses.replace(forged, twin=_typed(twin, content_type))


def _forged_headers(mint: Mint, name: str, body: bytes, form: str, family: str) -> dict[str, str]:
    """The three headers, without a signature, with one of another secret, or with one of another body."""
    message_id = mint.message_id(name)
    if form == "unsigned":
        sent = signatures.headers(message_id, signatures.timestamp(mint.now), "", family)
        return {header: value for header, value in sent.items() if value}
    if form == "wrong secret":
        return signatures.sign(fresh_secret(), message_id, mint.now, body, family=family)
    return signatures.sign(mint.secret, message_id, mint.now, body + b" ", family=family)


def _typed(probe: Probe, content_type: str) -> Probe:
    rest = {header: value for header, value in probe.headers.items() if header != "content-type"}
    return dataclasses.replace(probe, headers={**({"content-type": content_type} if content_type else {}), **rest})


Change = Callable[[Probe], Probe]


def _same(probe: Probe) -> Probe:
    return probe


def _with_body(change: Callable[[bytes], bytes], **headers: str) -> Change:
    def changed(probe: Probe) -> Probe:
        return dataclasses.replace(probe, body=change(probe.body), headers={**probe.headers, **headers})

    return changed


def _capitals(probe: Probe) -> Probe:
    return dataclasses.replace(probe, headers={header.upper(): value for header, value in probe.headers.items()})


def _batch(body: bytes) -> bytes:
    return b"[" + body + b"," + body + b"]"


def _padded(body: bytes) -> bytes:
    return bodies.padded(json.loads(body), LARGE)


@dataclasses.dataclass(frozen=True)
class _Carriage:
    """An unusual way: what is done to the message before it is signed, and what after."""

    name: str
    words: str
    way: Way = PLAIN
    before: Change = _same
    after: Change = _same


_CARRIAGES = (
    _Carriage("PUT", "sent by PUT", Way(method="PUT")),
    _Carriage("PATCH", "sent by PATCH", Way(method="PATCH")),
    _Carriage("HEAD", "sent by HEAD", Way(method="HEAD")),
    _Carriage("slash", "sent to the URL with a slash at its end, or without", Way(path="slash")),
    _Carriage("case", "sent to the URL in the other case", Way(path="case")),
    _Carriage("query", "sent to the URL with a query string", Way(path="query")),
    _Carriage("large", "of 300 KiB", before=_with_body(_padded)),
    _Carriage("capitals", "with its header names in capitals", after=_capitals),
    _Carriage("HTTP/1.0", "sent in HTTP/1.0", Way(http_1_0=True)),
    _Carriage("chunked", "sent in chunks, without a length", Way(chunked=True)),
    _Carriage("gzip", "compressed by gzip", before=_with_body(gzip.compress, **{"content-encoding": "gzip"})),
    _Carriage("batch", "in a batch of two", before=_with_body(_batch)),
    _Carriage("BOM", "that begins with a byte order mark", before=_with_body(lambda body: b"\xef\xbb\xbf" + body)),
)


def carried(mint: Mint) -> list[Probe]:
    """Forged messages, each carried in one unusual way, and a few with unusual headers or keys."""
    return [*(_carried(mint, number, each) for number, each in enumerate(_CARRIAGES)), *_unusual(mint)]


def _carried(mint: Mint, number: int, carriage: _Carriage) -> Probe:
    # Invoices only, and where another server may answer, one that the company books: then it can be asked what became of it.
    event_type = bodies.INVOICE_TYPES[0 if carriage.way.elsewhere else number % len(bodies.INVOICE_TYPES)]
    forged, twin = (_prepared(mint, carriage, event_type, true=true) for true in (False, True))
    nonsense = dataclasses.replace(twin, name=f"nothing by {carriage.name}", body=b"", headers={})
    return dataclasses.replace(
        forged,
        title=f"a `{event_type}` with a wrong signature, {carriage.words}",
        expect=Expect.REFUSED,
        about={"way": carriage.words},
        twin=twin,
        nonsense=nonsense if carriage.way.elsewhere else None,
    )


def _prepared(mint: Mint, carriage: _Carriage, event_type: str, *, true: bool) -> Probe:
    name = f"{'signed' if true else 'forged'} {carriage.name}"
    body = bodies.encode(mint.message(name, event_type))
    plain = mint.made(name, "carried", "", body, headers={}, expect=Expect.TOLD, event_type=event_type)
    ready = carriage.before(dataclasses.replace(plain, way=carriage.way))
    # The signature is over bytes that need not be text, so not by the library.
    signed = mint.over(ready.body, mint.message_id(name), mint.secret if true else fresh_secret())
    return carriage.after(dataclasses.replace(ready, headers={**ready.headers, **signed}))


def _unusual(mint: Mint) -> Iterator[Probe]:
    """Wrong signatures in headers that a verifier may give up on, and a body in which the first of two equal keys was signed."""
    stamp = signatures.timestamp(mint.now)
    wrong = signatures.signature(fresh_secret(), "other", mint.now, b"")
    name = "several wrong"
    yield _odd(
        mint, name, "with several wrong signatures", mint.headers(name, " ".join([wrong, wrong, f"v2,{wrong[3:]}"]))
    )
    name = "milliseconds"
    sent = {**mint.headers(name, wrong), "svix-timestamp": f"{stamp}000"}
    yield _odd(mint, name, "with a wrong signature and its time in milliseconds", sent)
    name = "duplicate keys"
    body = mint.body(name)
    doubled = body[:-1] + b',"invoice":' + json.dumps(bodies.altered(mint.message(name))["invoice"]).encode() + b"}"
    signed = signatures.sign(mint.secret, mint.message_id(name), mint.now, body)
    yield _odd(mint, name, "to which a second `invoice` was added after signing", signed, doubled)


def _odd(mint: Mint, name: str, words: str, headers: dict[str, str], body: bytes | None = None) -> Probe:
    title = f"a `{bodies.INVOICE_TYPES[0]}` {words}"
    content = mint.body(name) if body is None else body
    probe = mint.made(name, "carried", title, content, headers=headers)
    twin = mint.signed(f"signed {name}", "twin", "", expect=Expect.TOLD)
    return dataclasses.replace(probe, about={"way": words}, twin=twin)
