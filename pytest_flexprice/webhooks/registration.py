"""The registered endpoints against the plan (checklist 6.1, contract 6.1 and 6.5); pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from pytest_flexprice.api.transport import is_loopback
from pytest_flexprice.model.finding import Finding, Severity
from pytest_flexprice.model.golive_plan import Webhooks
from pytest_flexprice.webhooks.service import EPOCH, Endpoint

LEAST_RATE = 5  # Flexprice itself sends up to five webhooks a second (contract 6.4)
CACHED = timedelta(minutes=1)  # an endpoint is unknown to Flexprice for as long (contract 6.5)
_STAGING = re.compile(
    r"(^|[.\-_])(staging|stage|stg|sandbox|sbx|test|testing|dev|develop|development|qa|uat|preprod|pre-prod|preview)\d*"
    r"(?=[.\-_]|$)"
)
_TUNNELS = (
    ".ngrok.io",
    ".ngrok.app",
    ".ngrok-free.app",
    ".loca.lt",
    ".trycloudflare.com",
    ".svix.com",
    ".webhook.site",
)
_NOWHERE: Mapping[str, str] = {}
_INVISIBLE = "nothing is sent, retried or recorded meanwhile"


def registration_findings(
    endpoints: Sequence[Endpoint],
    webhooks: Webhooks,
    *,
    elsewhere: Mapping[str, str] = _NOWHERE,
    production: bool = True,
    now: datetime | None = None,
) -> list[Finding]:
    """Whether the plan's endpoint is registered and switched on (checklist 6.1).

    Args:
        elsewhere: other environments' endpoints by the environment's name.
        production: hosts that look like staging and unencrypted URLs are wrong only there.
        now: tells how young an endpoint is; None leaves that out.
    """
    if not endpoints:
        return [_none_registered(webhooks)]
    own = own_endpoints(endpoints, webhooks)
    if not own:
        strangers = stranger_findings(endpoints, webhooks, elsewhere=elsewhere, production=production)
        return [_not_registered(endpoints, webhooks, strangers)]
    return [
        *_disabled(own),
        *_doubled(own),
        *_limited(own),
        *_young(own, now),
        *_plain_text(own, production),
        *_shared(webhooks, elsewhere),
    ]


def stranger_findings(
    endpoints: Sequence[Endpoint],
    webhooks: Webhooks,
    *,
    elsewhere: Mapping[str, str] = _NOWHERE,
    production: bool = True,
) -> list[Finding]:
    """Endpoints beside the plan's: errors where they belong to another environment or look like staging (checklist 6.1)."""
    own = own_endpoints(endpoints, webhooks)
    return [_stranger(one, webhooks, elsewhere, production) for one in endpoints if one not in own]


def own_endpoints(endpoints: Sequence[Endpoint], webhooks: Webhooks) -> list[Endpoint]:
    """The registered endpoints with the plan's URL."""
    return [endpoint for endpoint in endpoints if same_url(endpoint.url, webhooks.endpoint)]


def same_url(left: str, right: str) -> bool:
    """Whether two URLs are the same to a server: scheme, host and default port compared loosely, path and query exactly."""
    return _parts(left) == _parts(right)


def _giveaway(url: str) -> str:
    """What tells that a host is no production system: its ``address`` (a private network), its ``name`` (``staging``, a tunnel), or ""."""
    host = (urlsplit(url).hostname or "").lower()
    try:
        return "" if ipaddress.ip_address(host).is_global else "address"
    except ValueError:
        pass
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal", ".test", ".example.test")):
        return "address"
    return "name" if f".{host}".endswith(_TUNNELS) or _STAGING.search(host) else ""


def _parts(url: str) -> tuple[str, str, int | None, str, str]:
    parts = urlsplit(url.strip())
    try:
        port = parts.port
    except ValueError:
        port = None
    default = {"http": 80, "https": 443}.get(parts.scheme.lower())
    return parts.scheme.lower(), (parts.hostname or "").rstrip("."), port or default, parts.path or "/", parts.query


def place(endpoint: Endpoint) -> str:
    """Where a finding about an endpoint is."""
    return f"webhook endpoint {endpoint.id}"


def _none_registered(webhooks: Webhooks) -> Finding:
    return Finding(
        "6.1",
        "webhook endpoints",
        "no webhook endpoint is registered in this environment",
        expected=webhooks.endpoint,
        consequence="no event of it is ever sent, and none can be recovered later",
        remedy="register the endpoint in the dashboard's webhook portal of this environment: endpoints do not come along with a clone",
    )


def _not_registered(others: Sequence[Endpoint], webhooks: Webhooks, strangers: Sequence[Finding]) -> Finding:
    urls = [endpoint.url for endpoint in others]
    near = _near_miss(urls, webhooks.endpoint)
    belongs = "; ".join(finding.problem for finding in strangers if finding.severity is Severity.ERROR)
    return Finding(
        "6.1",
        "webhook endpoints",
        "the plan's webhook endpoint is not registered" + (f", and {belongs}" if belongs else "") + near,
        expected=webhooks.endpoint,
        observed=urls,
        consequence="this environment's events go elsewhere or nowhere",
        remedy="correct the URL in the webhook portal of this environment, or webhooks.endpoint in the plan",
    )


def _near_miss(urls: Sequence[str], declared: str) -> str:
    wanted = _parts(declared)
    for url in urls:
        found = _parts(url)
        if found[:3] == wanted[:3]:
            end = (
                "a slash at its end"
                if found[3].rstrip("/") == wanted[3].rstrip("/") and found[4] == wanted[4]
                else "its path"
            )
            return f"; the nearest one differs in {end}"
        if found[1] == wanted[1]:
            return "; the nearest one differs in scheme or port"
    return ""


def _stranger(endpoint: Endpoint, webhooks: Webhooks, elsewhere: Mapping[str, str], production: bool) -> Finding:
    environment = next((name for name, url in elsewhere.items() if _belongs(endpoint.url, url, webhooks.endpoint)), "")
    # Where the declared endpoint itself gives itself away so, another one that does is nothing special.
    staging = production and _giveaway(endpoint.url) not in ("", _giveaway(webhooks.endpoint))
    off = " (disabled)" if endpoint.disabled else ""
    if environment:
        why = f"registered here belongs to environment '{environment}'"
    elif staging:
        why = "registered here is on a host that looks like a staging system"
    else:
        why = "is registered here, and the plan does not name it"
    wrong = (environment or staging) and not endpoint.disabled
    return Finding(
        "6.1",
        place(endpoint),
        f"the endpoint '{endpoint.url}'{off} {why}",
        expected=webhooks.endpoint,
        observed=endpoint.url,
        consequence="customers' invoices of this environment are sent there",
        remedy="delete it in this environment's webhook portal, or make sure that it belongs here",
        severity=Severity.ERROR if wrong else Severity.WARNING,
    )


def _belongs(url: str, theirs: str, ours: str) -> bool:
    same_host = _parts(url)[1:3] == _parts(theirs)[1:3] != _parts(ours)[1:3]
    return same_url(url, theirs) or same_host


def _disabled(own: Sequence[Endpoint]) -> Iterator[Finding]:
    off = [endpoint for endpoint in own if endpoint.disabled]
    if not off:
        return
    endpoint = max(off, key=lambda one: one.updated_at)
    since = "" if endpoint.updated_at == EPOCH else f" since {endpoint.updated_at:%Y-%m-%d %H:%M} UTC or before"
    active = len(off) < len(own)
    yield Finding(
        "6.1",
        place(endpoint),
        f"the webhook endpoint '{endpoint.url}' is disabled{since}"
        + (", and another one with its URL is not" if active else ""),
        consequence="" if active else f"{_INVISIBLE}, and events are lost for good",
        remedy="delete the disabled one"
        if active
        else "mend the handler, switch the endpoint on in the webhook portal, and read from Flexprice what was missed",
        severity=Severity.INFO if active else Severity.ERROR,
    )


def _doubled(own: Sequence[Endpoint]) -> Iterator[Finding]:
    active = [endpoint for endpoint in own if not endpoint.disabled]
    if len(active) > 1:
        yield Finding(
            "6.1",
            "webhook endpoints",
            f"the webhook endpoint '{active[0].url}' is registered {len(active)} times",
            expected="once",
            observed=[endpoint.id for endpoint in active],
            consequence="each event arrives as often, each time signed with another secret",
            remedy="delete all but one, and keep the secret of that one in the handler",
            severity=Severity.WARNING,
        )


def _limited(own: Sequence[Endpoint]) -> Iterator[Finding]:
    for endpoint in own:
        if endpoint.rate_limit is not None:
            low = endpoint.rate_limit < LEAST_RATE
            yield Finding(
                "6.1",
                place(endpoint),
                f"the webhook endpoint takes at most {endpoint.rate_limit} messages a second",
                consequence="webhooks queue up on the day the invoices go out" if low else "",
                remedy="raise or remove the rate limit in the webhook portal" if low else "",
                severity=Severity.WARNING if low else Severity.INFO,
            )


def _young(own: Sequence[Endpoint], now: datetime | None) -> Iterator[Finding]:
    for endpoint in own:
        if now is not None and endpoint.created_at > EPOCH and now - endpoint.created_at < CACHED:
            yield Finding(
                "6.1",
                place(endpoint),
                "the webhook endpoint is younger than a minute, and Flexprice may not know it yet",
                consequence="events until then are not sent and leave no trace",
                remedy="wait a minute before the first event that counts",
                severity=Severity.WARNING,
            )


def _shared(webhooks: Webhooks, elsewhere: Mapping[str, str]) -> Iterator[Finding]:
    for name, url in elsewhere.items():
        if same_url(url, webhooks.endpoint):
            yield Finding(
                "6.1",
                "golive.toml: webhooks.endpoint",
                f"environment '{name}' has the same webhook endpoint",
                observed=url,
                consequence="its events arrive beside this environment's, signed with another secret",
                remedy="give each environment an endpoint of its own, or tell them apart by the customer's environment_id",
                severity=Severity.WARNING,
            )


def _plain_text(own: Sequence[Endpoint], production: bool) -> Iterator[Finding]:
    for endpoint in own:
        if production and endpoint.url.lower().startswith("http:") and not is_loopback(endpoint.url):
            yield Finding(
                "6.1",
                place(endpoint),
                f"the webhook endpoint '{endpoint.url}' is reached without encryption",
                consequence="customers' invoices can be read on the way",
                remedy="register its https URL",
            )
