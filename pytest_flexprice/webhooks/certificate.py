"""The certificate that the webhook handler shows, and when it ends: from then on no webhook arrives (checklist 6.4)."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit

from pytest_flexprice.model.finding import Finding, Severity

SOON = timedelta(days=14)
_SECONDS = 10.0


@dataclass(frozen=True)
class Certificate:
    """Of which host, and its last day (UTC)."""

    host: str
    ends: date


def read(url: str, context: ssl.SSLContext | None = None) -> Certificate | None:
    """The certificate behind an https URL; None where there is none that can be trusted, which the messages sent to it tell better."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        return None
    try:
        with (
            socket.create_connection((parts.hostname, parts.port or 443), timeout=_SECONDS) as plain,
            (context or ssl.create_default_context()).wrap_socket(plain, server_hostname=parts.hostname) as wrapped,
        ):
            shown = wrapped.getpeercert() or {}
    except (OSError, ValueError):
        return None
    last = shown.get("notAfter")
    if not isinstance(last, str):
        return None
    return Certificate(parts.hostname, datetime.fromtimestamp(ssl.cert_time_to_seconds(last), UTC).date())


def ending_findings(shown: Certificate, today: date) -> list[Finding]:
    """A warning where it ends soon."""
    if shown.ends - today > SOON:
        return []
    return [
        Finding(
            "6.4",
            f"webhooks.handler: certificate of {shown.host}",
            f"the certificate of '{shown.host}' ends on {shown.ends.isoformat()}",
            consequence="from then on no webhook arrives",
            remedy="renew it",
            severity=Severity.WARNING,
        )
    ]
