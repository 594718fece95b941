"""Checklist section 1 as pure functions: whose key it is, what it may do, where requests go, and which old keys still work."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from pytest_flexprice.model.finding import Finding, Kind, Severity
from pytest_flexprice.model.golive_plan import Client, Environment

#: The published regions (contract 1.1).
REGIONS = {"us.api.flexprice.io": "US", "api.cloud.flexprice.io": "India"}
SOON = timedelta(days=30)
LARGEST_SKEW = timedelta(seconds=30)
_ELSEWHERE = re.compile(r"(?i)(?<![^\W_])(sandbox|sbx|staging|stg|dev|development|qa|uat|pre-?prod)(?![^\W_])")


@dataclass(frozen=True)
class Belonging:
    """Which environment a key belongs to, as the server showed it.

    ``environment_id`` was read from ``source``; ``type`` and ``name`` are None where the key may not read the environments.
    """

    environment_id: str
    source: str
    type: str | None = None
    name: str | None = None


def wrong_environment(seen: Belonging, declared: Environment, header: str = "") -> list[Finding]:
    """Whether the key belongs to the declared environment (checklist 1.1; contract 1.3, 1.4)."""
    problems = []
    if declared.environment_id and seen.environment_id != declared.environment_id:
        problems.append(f"expected '{declared.environment_id}' ({declared.type})")
    elif seen.type is not None and seen.type != declared.type:
        problems.append(f"expected {declared.type}")
    if not problems:
        return []
    called = "Sandbox" if seen.type == "development" else seen.name or "another environment"
    hint = ""
    if header and header != seen.environment_id:
        hint = "; the x-environment-id header has no effect for API keys, which are pinned to their environment"
    kind = f" ({seen.type})" if seen.type else ""
    return [
        Finding(
            "1.1",
            "FLEXPRICE_API_KEY",
            f"the key belongs to {called} '{seen.environment_id}'{kind}, {problems[0]}{hint}",
            consequence="every event and invoice would go to the wrong environment, so nothing is written in this run",
            remedy="put a key of the declared environment into the secret store, or correct environment_id in the plan",
        )
    ]


def undeclared_environment(declared: Environment, name: str, seen: Belonging) -> list[Finding]:
    """A production environment has to be named by its id: any other one of the same type would pass for it (checklist 1.1)."""
    if declared.environment_id or not declared.production:
        return []
    return [
        Finding(
            "1.1",
            f"golive.toml: environments.{name}.environment_id",
            "the plan does not say which environment the key must belong to",
            observed=seen.environment_id,
            remedy="write environment_id into that table once somebody has looked whether it is this one",
            kind=Kind.NOT_DECIDED,
        )
    ]


def missing_reads(refused: Mapping[str, str]) -> list[Finding]:
    """What the key may not read; ``refused`` maps the thing to what Flexprice said (checklist 1.2; contract 1.7)."""
    if not refused:
        return []
    return [
        Finding(
            "1.2",
            "FLEXPRICE_API_KEY",
            f"the key may not read {', '.join(sorted(refused))} ({next(iter(refused.values()))})",
            consequence="the go-live cannot be checked with it, and neither could the application read them",
            remedy="make a key whose roles read everything, such as super_admin, or all_reader with all_writer",
        )
    ]


def missing_writes(refused: Iterable[str], roles: Iterable[str]) -> list[Finding]:
    """What the key may not write: a create route answered 403 before it looked at the body (checklist 1.2; contract 1.7)."""
    refused, roles = sorted(refused), sorted(roles)
    if not refused:
        return []
    return [
        Finding(
            "1.2",
            "FLEXPRICE_API_KEY",
            f"the key has Read, but no Write for {' and '.join(refused)} (roles seen: {', '.join(roles) or 'none'})",
            consequence="the application could not send usage or create customers with it",
            remedy="make a key with a writing role",
        )
    ]


def expiry(keys: Iterable[Mapping[str, Any]], own: str, now: datetime, read: Any) -> list[Finding]:
    """Whether the key expires; ``read`` turns Flexprice's time into an aware datetime.

    The key list shows first five and last two characters only (contract 1.4), so the key is found by those. One that is not listed may
    run out unseen.
    """
    shown = display_id(own)
    listed = [key for key in keys if key.get("display_id") == shown]
    findings = [] if listed else [_unlisted(shown)]
    for key in listed:
        if not key.get("expires_at"):
            continue
        when = read(key["expires_at"])
        if when - now > SOON:
            continue
        days = abs((when - now).days)
        said = (
            f"expired on {when:%Y-%m-%d}, {days} days ago"
            if when <= now
            else f"expires on {when:%Y-%m-%d}, in {days} days"
        )
        findings.append(
            Finding(
                "1.2",
                f"API key '{key.get('name', '')}' ({key['display_id']})",
                f"the key {said}",
                consequence="all requests are answered 401 from that moment, and usage that is not accepted is not billed",
                remedy="make a new key without an end, or plan its replacement",
                severity=Severity.ERROR if when <= now else Severity.WARNING,
            )
        )
    return findings


def named_for_another(keys: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Whether the key in use, which is one of production, is named for another environment."""
    named = [key for key in keys if _ELSEWHERE.search(str(key.get("name")))]
    return [
        Finding(
            "1.1",
            f"API key '{key['name']}' ({key['display_id']})",
            f"the key in use is called '{key['name']}' and belongs to production",
            consequence="whoever reads its name takes it for a key that harms nobody, or revokes it",
            remedy="make a new key with a name that says what it is for",
            severity=Severity.WARNING,
        )
        for key in named[:1]
    ]


def _unlisted(shown: str) -> Finding:
    return Finding(
        "1.2",
        f"API key {shown}",
        f"Flexprice lists no key that looks like the one in use ({shown}), so nobody can tell here when it runs out",
        remedy="use a key that was made in Flexprice for this environment (one of the server's configuration is in no list), and see what "
        "stands between this machine and Flexprice",
        kind=Kind.NOT_VERIFIED,
    )


def display_id(key: str) -> str:
    """How Flexprice shows a key: its first five and last two characters."""
    return f"{key[:5]}***{key[-2:]}"


def client_problems(client: Client, base_url: str) -> list[Finding]:
    """What the application's own configuration gets wrong (checklist 1.3; contract 1.1, 1.2)."""
    where = "golive.toml: client"
    findings = []
    if client.header.lower() != "x-api-key":
        findings.append(
            Finding(
                "1.3",
                f"{where}.header",
                f"the application sends its key as '{client.header}', which Flexprice takes for a session token and answers 401",
                "x-api-key",
                client.header,
                remedy="send the key in the header x-api-key",
            )
        )
    if not client.verify_tls:
        findings.append(
            Finding(
                "1.3",
                f"{where}.verify_tls",
                "the application does not verify TLS certificates, so anybody in between can read its key",
                True,
                False,
                remedy="switch certificate verification on",
            )
        )
    return findings + (url_problems(client.events_url, base_url) if client.events_url else [])


def unknown_client(name: str) -> list[Finding]:
    """That the plan is silent about the application's own calls: what the suite sends says nothing about them."""
    return [
        Finding(
            "1.3",
            f"golive.toml: environments.{name}.client",
            "the plan does not say how the application itself calls Flexprice, so only this suite's own requests were looked at",
            consequence="a wrong address or header of the application stays unseen",
            remedy=f"write its events_url and header into [environments.{name}.client]",
            severity=Severity.WARNING,
        )
    ]


def url_problems(events_url: str, base_url: str) -> list[Finding]:
    """What is wrong with the URL that the application composes for its events."""
    expected = f"{base_url}/v1/events"
    if events_url.rstrip("/") in (expected, f"{expected}/bulk"):
        return []
    parts, base = urlsplit(events_url), urlsplit(base_url)
    if parts.scheme == "http" and base.scheme == "https":
        problem = "the application sends events over plain http, so its key travels unencrypted"
    elif "/v1/v1" in parts.path:
        problem = "the application composes /v1 twice, and every request answers 404"
    elif "/v1" not in parts.path:
        problem = "the application composes its URL without /v1, and every request answers 404"
    elif parts.netloc != base.netloc:
        region = REGIONS.get(parts.netloc)
        problem = "the application sends events to another host" + (f", that of region {region}" if region else "")
    else:
        problem = "the application sends events to another address"
    return [
        Finding(
            "1.3",
            "golive.toml: client.events_url",
            problem,
            expected,
            events_url,
            remedy="correct the base URL it composes from",
        )
    ]


def base_url_problems(declared: str, normalised: str) -> list[Finding]:
    """Whether the declared base URL carries ``/v1``, which clients that add it themselves would double (contract 1.1)."""
    if declared.strip().rstrip("/") == normalised:
        return []
    return [
        Finding(
            "1.3",
            "base_url",
            f"the base URL '{declared}' ends with /v1, so that adding /v1 to it gives '{declared.strip().rstrip('/')}/v1', "
            "where every request answers 404",
            normalised,
            declared,
            remedy="write the base URL without /v1",
        )
    ]


def skew(server: datetime, local: datetime) -> list[Finding]:
    """Whether this machine's clock agrees with the server's, as its Date header shows it."""
    difference = local - server
    if abs(difference) <= LARGEST_SKEW:
        return []
    ahead = "ahead of" if difference > timedelta(0) else "behind"
    return [
        Finding(
            "1.3",
            "clock",
            f"this machine's clock is {abs(difference).total_seconds():.0f} s {ahead} Flexprice's",
            consequence="events would be stamped outside the period they belong to",
            remedy="synchronise the clock",
        )
    ]
