"""Forged messages in every way a request can be carried (checklist 6.2, contract 6.8): each unusual way is tried once.

A handler, its framework or what stands before it may read such a request past the place where signatures are verified.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

from pytest_flexprice.webhooks import bodies, signatures
from pytest_flexprice.webhooks.mint import PLAIN, Expect, Mint, Probe, Way, fresh_secret
from pytest_flexprice.webhooks.wire import QUERY

LARGE, LARGER = 300 * 1024, 1100 * 1024
AGENT = "Svix-Webhooks/1.100.0 (sender-golive; +https://www.svix.com/http-sender/)"
Carry = Callable[[Probe], Probe]


def _same(probe: Probe) -> Probe:
    return probe


def _with_body(change: Callable[[bytes], bytes], **headers: str) -> Carry:
    def changed(probe: Probe) -> Probe:
        return dataclasses.replace(probe, body=change(probe.body), headers={**probe.headers, **headers})

    return changed


def _capitals(probe: Probe) -> Probe:
    return dataclasses.replace(probe, headers={header.upper(): value for header, value in probe.headers.items()})


def _with_headers(**headers: str) -> Carry:
    return _with_body(lambda body: body, **{name.replace("_", "-"): value for name, value in headers.items()})


def _form(body: bytes) -> bytes:
    return urlencode({"payload": body.decode()}).encode()


_BOUNDARY = "golive"


def _multipart(body: bytes) -> bytes:
    head = f'--{_BOUNDARY}\r\ncontent-disposition: form-data; name="payload"\r\n\r\n'
    return head.encode() + body + f"\r\n--{_BOUNDARY}--\r\n".encode()


def _no_text(body: bytes) -> bytes:
    """The same with a byte in a text that no letter of UTF-8 begins with."""
    return body.replace(b"Go-live probe", b"Go-live\xff probe")


def _batch(body: bytes) -> bytes:
    return b"[" + body + b"," + body + b"]"


def _padded(size: int) -> Callable[[bytes], bytes]:
    return lambda body: bodies.padded(json.loads(body), size)


def _least(body: bytes) -> bytes:
    return bodies.least(json.loads(body))


@dataclasses.dataclass(frozen=True)
class _Carriage:
    """An unusual way: what is done to the message before it is signed, and what after."""

    name: str
    words: str
    way: Way = PLAIN
    before: Carry = _same
    after: Carry = _same


_CARRIAGES = (
    _Carriage("PUT", "sent by PUT", Way(method="PUT")),
    _Carriage("PATCH", "sent by PATCH", Way(method="PATCH")),
    _Carriage("HEAD", "sent by HEAD", Way(method="HEAD")),
    _Carriage("GET", "sent by GET", Way(method="GET")),
    _Carriage("DELETE", "sent by DELETE", Way(method="DELETE")),
    _Carriage("OPTIONS", "sent by OPTIONS", Way(method="OPTIONS")),
    _Carriage("slash", "sent to the URL with a slash at its end, or without", Way(path="slash")),
    _Carriage("double slash", "sent to the URL with a slash doubled", Way(path="double")),
    _Carriage("below", "sent to a URL below the handler's", Way(path="below")),
    _Carriage("case", "sent to the URL in the other case", Way(path="case")),
    _Carriage("escaped", "sent to the URL with a letter percent-encoded", Way(path="escaped")),
    _Carriage(
        "query",
        f"sent to the URL with a query string ({QUERY}) and X-Debug: 1",
        Way(path="query"),
        after=_with_headers(x_debug="1", x_test="1"),
    ),
    _Carriage("small", "of a few fields, in less than 300 bytes", before=_with_body(_least)),
    _Carriage("large", "of 300 KiB", before=_with_body(_padded(LARGE))),
    _Carriage("larger", "of 1.1 MiB", before=_with_body(_padded(LARGER))),
    _Carriage("capitals", "with its header names in capitals", after=_capitals),
    _Carriage(
        "agent",
        "with the delivery service's user agent, and with a charset in its content type",
        after=_with_headers(user_agent=AGENT, content_type="application/json; charset=utf-8"),
    ),
    _Carriage(
        "loopback",
        "that claims to come from a loopback address (X-Forwarded-For: 127.0.0.1 and the like)",
        after=_with_headers(
            x_forwarded_for="127.0.0.1",
            x_real_ip="127.0.0.1",
            x_forwarded_host="localhost",
            forwarded="for=127.0.0.1;host=localhost",
        ),
    ),
    _Carriage(
        "credentials",
        "with a token in its Authorization header and a cookie, as of somebody who is logged in",
        after=_with_headers(authorization="Bearer golive", cookie="session=golive"),
    ),
    _Carriage(
        "HTTP/1.0",
        "sent in HTTP/1.0 with X-HTTP-Method-Override: PUT",
        Way(http_1_0=True),
        after=_with_headers(x_http_method_override="PUT"),
    ),
    _Carriage("chunked", "sent in chunks, without a length", Way(chunked=True)),
    _Carriage("gzip", "compressed by gzip", before=_with_body(gzip.compress, **{"content-encoding": "gzip"})),
    _Carriage("batch", "in a batch of two", before=_with_body(_batch)),
    _Carriage("bytes", "in bytes that are no UTF-8", before=_with_body(_no_text)),
    _Carriage("BOM", "that begins with a byte order mark", before=_with_body(lambda body: b"\xef\xbb\xbf" + body)),
    _Carriage("XML", "as application/xml", after=_with_headers(content_type="application/xml")),
    _Carriage(
        "form",
        "in a form's field `payload`",
        before=_with_body(_form, **{"content-type": "application/x-www-form-urlencoded"}),
    ),
    _Carriage(
        "multipart",
        "in a multipart form's field `payload`",
        before=_with_body(_multipart, **{"content-type": f"multipart/form-data; boundary={_BOUNDARY}"}),
    ),
)


def carried(mint: Mint) -> list[Probe]:
    """Forged messages, each carried in one unusual way, and a few with unusual headers or keys."""
    return [*(_carried(mint, each) for each in _CARRIAGES), *_unusual(mint)]


def _carried(mint: Mint, carriage: _Carriage) -> Probe:
    # What every company books, so that it can be asked what became of it.
    event_type = bodies.INVOICE_TYPES[0]
    forged, twin = (_prepared(mint, carriage, event_type, true=true) for true in (False, True))
    nonsense = dataclasses.replace(twin, name=f"nothing by {carriage.name}", body=b"", headers={})
    return dataclasses.replace(
        forged,
        title=f"an `{event_type}` with a wrong signature, {carriage.words}",
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
    doubled = b"%s,%s}" % (body[:-1], _second_invoice(mint, name))
    signed = signatures.sign(mint.secret, mint.message_id(name), mint.now, body)
    yield _odd(mint, name, "to which a second `invoice` was added after signing", signed, doubled)
    name = "duplicate keys, the first forged"
    body = mint.body(name)
    doubled = b"{%s,%s" % (_second_invoice(mint, name), body[1:])
    signed = signatures.sign(mint.secret, mint.message_id(name), mint.now, body)
    yield _odd(mint, name, "before whose `invoice` another one was put after signing", signed, doubled)

    name = "batch after a true one"
    true = mint.body(f"true of {name}")
    signed = signatures.sign(mint.secret, mint.message_id(name), mint.now, true)
    yield _odd(
        mint, name, "in a batch after a true one, which alone was signed", signed, b"[%s,%s]" % (true, mint.body(name))
    )


def _second_invoice(mint: Mint, name: str) -> bytes:
    return b'"invoice":' + json.dumps(bodies.altered(mint.message(name))["invoice"]).encode()


def _odd(mint: Mint, name: str, words: str, headers: dict[str, str], body: bytes | None = None) -> Probe:
    title = f"an `{bodies.INVOICE_TYPES[0]}` {words}"
    content = mint.body(name) if body is None else body
    probe = mint.made(name, "carried", title, content, headers=headers)
    twin = mint.signed(f"signed {name}", "twin", "", expect=Expect.TOLD)
    return dataclasses.replace(probe, about={"way": words}, twin=twin)
