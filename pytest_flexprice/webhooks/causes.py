"""Why a handler refuses a correctly signed message: a table from answers to causes (checklist 6.2); pure.

First what is accepted instead, since that shows the mistake itself; then what the refusal says of where it comes from. Where two
causes fit, both are said. The table is in the order of its certainty, so one handler gets the same words in every run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pytest_flexprice.webhooks.results import ProbeResult
from pytest_flexprice.webhooks.turned_away import SAID, HandlerCause, answer_of, before_everything

_DECODE = "strip 'whsec_' from the secret and decode the rest from base64 to get the key"
_CLOCK = (
    "set its host's clock, and compare svix-timestamp with seconds since 1970 in UTC, into which no time zone enters"
)
_SIGNED = "sign '<svix-id>.<svix-timestamp>.<raw body>' by HMAC-SHA256"
_KEY_REMEDIES = {
    "whole secret and line break": f"strip the white space around the secret, and {_DECODE}",
    "rest and line break": f"strip the white space around the secret, and {_DECODE}",
    "cut": "take 'whsec_' off only where the secret begins with it",
    "no secret": "load the endpoint's signing secret, take 'whsec_' off before decoding it, and refuse to start where nothing is left",
    "quoted": "take the quotation marks off where the secret is configured",
}


def causes(control: ProbeResult, results: Sequence[ProbeResult]) -> list[HandlerCause]:
    """The causes that fit, the most certain first; a fallback if none does.

    Args:
        control: the refused control.
        results: those of the diagnosing probes.
    """
    accepted = {result.probe.kind: result for result in reversed(results) if result.accepted}
    shown = [make(accepted[kind]) for kind, make in _SHOWN.items() if kind in accepted]
    if shown:
        return shown[:1]
    other = _answer_to_other_keys(results)
    if other is not None and answer_of(other) != answer_of(control):
        return [_verified(control, other)]
    said = [cause for fits, cause in SAID if fits(control)]
    return said[:2] or before_everything(control, results) or [_unknown(control)]


def _answer_to_other_keys(results: Sequence[ProbeResult]) -> ProbeResult | None:
    """How messages that are signed with another key are refused, if all alike: then another answer to the control tells of its content."""
    refused = [result for result in results if result.probe.kind == "key" and result.refused]
    return refused[0] if len(refused) > 1 and len(set(map(answer_of, refused))) == 1 else None


def _verified(control: ProbeResult, other: ProbeResult) -> HandlerCause:
    how = f"{other.said}, these {control.said}" if other.status != control.status else f"{other.said} with other words"
    return HandlerCause(
        f", after it has verified them (what is signed with another key is answered {how}): it does not know their customer or invoice, "
        "or wants other fields",
        "answer 2xx to whatever carries a valid signature, also about what the handler does not know: Flexprice sends the events of every "
        "customer of the environment, and those of the probes exist nowhere",
    )


def _other_secret(result: ProbeResult) -> HandlerCause:
    return HandlerCause(
        f", and accepts the secret of {result.probe.key}",
        "configure the handler with this environment's signing secret",
    )


def _other_key(result: ProbeResult) -> HandlerCause:
    return HandlerCause(f", because it uses {result.probe.title}", _KEY_REMEDIES.get(result.probe.name, _DECODE))


def _fixed(words: str, remedy: str) -> Callable[[ProbeResult], HandlerCause]:
    return lambda result: HandlerCause(words, remedy)


def _content_type(result: ProbeResult) -> HandlerCause:
    sent = result.probe.headers["content-type"]
    return HandlerCause(
        f", because it takes {sent} and not application/json",
        "read the raw body whatever its content type is: the delivery service sends application/json",
    )


_CONTENT_REMEDIES = {
    "body in base64": "decode the body from base64 first where the gateway says so (isBase64Encoded), and verify those bytes",
    "no body": "read the raw body once, before anything else does, and keep it",
    "object": "take the raw body before a parser of JSON gets it (in Express: express.raw at this path, before express.json)",
}


def _content(result: ProbeResult) -> HandlerCause:
    remedy = _CONTENT_REMEDIES.get(result.probe.name, _SIGNED)
    return HandlerCause(f", because it signs {result.probe.title}", remedy)


def _clock(result: ProbeResult) -> HandlerCause:
    return HandlerCause(f", because its clock is off: it takes what is dated {result.probe.title}", _CLOCK)


#: kind of a diagnosing probe that was accepted: what that shows
_SHOWN: Mapping[str, Callable[[ProbeResult], HandlerCause]] = {
    "other secret": _other_secret,
    "key": _other_key,
    "URL-safe": _fixed(
        ", because it compares signatures in URL-safe base64, in which + and / are - and _",
        "compare with standard base64, or decode both and compare the bytes",
    ),
    "milliseconds": _fixed(
        ", because it compares svix-timestamp, which counts seconds, with a clock in milliseconds",
        "divide the clock's milliseconds by 1000 before comparing",
    ),
    "bare signature": _fixed(
        ", because it compares the whole header with a signature and does not take off 'v1,'",
        "split the header at blanks, take the parts that begin with 'v1,', and compare what follows",
    ),
    "hexadecimal": _fixed(
        ", because it expects the signature in hexadecimal", "compare with the base64 of the HMAC, after 'v1,'"
    ),
    "encoded twice": _fixed(
        ", because it writes the signature in hexadecimal and encodes that in base64",
        "encode the signature's bytes (in PHP: hash_hmac with true as its fourth argument)",
    ),
    "re-encoded": _fixed(
        ", because it, or something before it, verifies or sends on its own re-encoding of the parsed body",
        "verify the raw body as received, before parsing it: key order, white space and escapes count",
    ),
    "other headers": _fixed(
        ", because it looks for webhook-* headers, or something before it strips or rewrites the svix-* ones",
        "let svix-id, svix-timestamp and svix-signature pass unchanged, and read them, or rename them for the library",
    ),
    "content type": _content_type,
    "content": _content,
    "hash": lambda result: HandlerCause(f", because it calculates the signature by {result.probe.title}", _SIGNED),
    "ISO 8601": _fixed(
        ", because it expects svix-timestamp in ISO 8601", "read svix-timestamp as a number of seconds since 1970"
    ),
    "agent": _fixed(
        ", because it, or something before it, lets only the delivery service's user agent pass",
        "let whoever signs correctly pass: a user agent proves nothing, and may change",
    ),
    "title case": _fixed(
        ", because it reads the names of headers in one spelling only, such as Svix-Id",
        "read headers whatever the case of their names: the delivery service writes svix-id",
    ),
    "clock": _clock,
    "small": _fixed(
        ", because it takes a short message and not one of usual size: it reads or signs its beginning only, or limits its size",
        "read the whole body, of up to 1 MiB, and verify all of its bytes",
    ),
}


def _unknown(control: ProbeResult) -> HandlerCause:
    return HandlerCause(
        "",
        f"compare the secret's fingerprint with the handler's configuration ({control.probe.key}), verify the raw body, strip "
        "'whsec_', read the three svix-* headers as the framework names them, end the base64 with no line break, and let no login or "
        "firewall stand before the URL",
    )
