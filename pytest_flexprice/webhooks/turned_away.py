"""What a refusal itself says of where it comes from: a login, a firewall, a router or a proxy before the handler (checklist 6.2); pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pytest_flexprice.webhooks.results import ProbeResult

_BEFORE = "let webhooks pass what stands before the handler, and let the handler verify the signature itself"


@dataclass(frozen=True)
class HandlerCause:
    """A cause as the end of "… refuses correctly signed messages", and what to do about it."""

    words: str
    remedy: str


def _text(result: ProbeResult) -> str:
    return " ".join([result.hints.get("text", ""), result.hints.get("cookies", "")]).lower()


def _says(*words: str) -> Callable[[ProbeResult], bool]:
    return lambda result: any(word in _text(result) for word in words)


def _authenticates(result: ProbeResult) -> bool:
    asked = bool(result.hints.get("www-authenticate"))
    return asked or (
        result.status in (401, 403, 407)
        and _says("log in", "login", "sign in", "api key", "bearer", "token", "credentials")(result)
        and not (_csrf(result) or _no_route(result) or _says("signature")(result))
    )


def _no_route(result: ProbeResult) -> bool:
    """What a cloud's gateway answers where nothing is configured."""
    return result.status == 403 and _says("missing authentication token")(result)


def _firewall(result: ProbeResult) -> bool:
    guards = ("cloudflare", "akamai", "imperva", "incapsula", "sucuri", "bigip", "awselb")
    stands = any(guard in result.hints.get("server", "").lower() for guard in guards)
    says = _says(
        "attention required", "firewall", "request blocked", "captcha", "just a moment", "bot detection", "modsecurity"
    )
    return result.status in (403, 405, 406, 503) and (stands or says(result))


def _by_address(result: ProbeResult) -> bool:
    says = _says(
        "ip address", "your ip", "ip not", "allowlist", "allow list", "whitelist", "not allowed from", "source address"
    )
    return result.status in (401, 403) and says(result)


def _csrf(result: ProbeResult) -> bool:
    return result.status in (400, 403, 419) and _says("csrf", "xsrf", "authenticity token", "page expired")(result)


def _status(*statuses: int) -> Callable[[ProbeResult], bool]:
    return lambda result: result.status in statuses


def _lacks_headers(result: ProbeResult) -> bool:
    text = _text(result)
    return ("missing" in text or "required" in text or "no signature" in text) and (
        "header" in text or "signature" in text
    )


#: what an answer to the control looks like: what that says
SAID: Sequence[tuple[Callable[[ProbeResult], bool], HandlerCause]] = (
    (
        _csrf,
        HandlerCause(
            ", because a check against cross-site requests stands before it",
            "exempt the webhook's URL from CSRF protection: the signature is what it is protected by",
        ),
    ),
    (
        _authenticates,
        HandlerCause(
            ", because a login or token is asked for before it is reached",
            f"ask for no login at the webhook's URL; {_BEFORE}",
        ),
    ),
    (
        _no_route,
        HandlerCause(
            ", because the gateway before it has no route for POST at this path",
            "correct webhooks.handler.url, or add the route for POST to the gateway",
        ),
    ),
    (
        _firewall,
        HandlerCause(
            ", because a firewall before it turns them away", f"let the firewall pass POST to this path; {_BEFORE}"
        ),
    ),
    (
        _by_address,
        HandlerCause(
            ", because only certain addresses may reach it",
            "allow the delivery service's addresses, and the one that this run comes from",
        ),
    ),
    (
        _status(404, 410),
        HandlerCause(
            ", because there is no handler at this path", "correct webhooks.handler.url, or add the route for POST"
        ),
    ),
    (
        _status(405),
        HandlerCause(
            ", because nothing takes POST at this path", "correct webhooks.handler.url, or add the route for POST"
        ),
    ),
    (
        _status(415),
        HandlerCause(
            ", because of the content type application/json", "read the raw body whatever its content type is"
        ),
    ),
    (
        _status(406),
        HandlerCause(
            ", because of the header Accept: */*, which the delivery service sends", "answer whatever Accept asks for"
        ),
    ),
    (
        _status(413),
        HandlerCause(
            ", because its body is too large for it", "accept bodies of at least 1 MiB in the handler and before it"
        ),
    ),
    (
        _lacks_headers,
        HandlerCause(
            ", because the svix-* headers do not reach it: something before it strips them, or it looks for others",
            "let the proxy or gateway before the handler pass svix-id, svix-timestamp and svix-signature unchanged",
        ),
    ),
    (
        _says("raw body", "raw request body", "raw json", "string or buffer", "do not parse", "[object object]"),
        HandlerCause(
            ", because the body is parsed before it is verified",
            "take the raw body before a parser gets it (in Express: express.raw at this path, before express.json)",
        ),
    ),
    (
        _says("expired", "too old", "timestamp", "clock"),
        HandlerCause(
            ", because it takes the message for too old or too new",
            "compare svix-timestamp, in seconds, with a clock that is right, and allow five minutes",
        ),
    ),
)


def answer_of(result: ProbeResult) -> tuple[int, str]:
    """An answer's status and the beginning of its body."""
    return result.status, result.hints.get("text", "")


def before_everything(control: ProbeResult, results: Sequence[ProbeResult]) -> list[HandlerCause]:
    """The cause where a request for another path, with nothing in it, is answered exactly as the true message is."""
    elsewhere = next((result for result in results if result.probe.kind == "elsewhere"), None)
    if elsewhere is None or answer_of(elsewhere) != answer_of(control):
        return []
    return [
        HandlerCause(
            ", and answers alike whatever comes from here, at other paths as well: something before it shuts this address out, such as an "
            "allow list, a firewall, or a ban since forged messages of an earlier run",
            f"allow this address and lift the ban; if the handler itself answers at every path, compare the secret's fingerprint with its "
            f"configuration ({control.probe.key})",
        )
    ]
