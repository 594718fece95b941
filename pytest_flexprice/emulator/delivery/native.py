"""The native sender: a plain unsigned POST, as Go's HTTP client writes it (contract 6.1, 6.6)."""

from __future__ import annotations

from collections.abc import Mapping

from .settings import DeliverySettings
from .transport import Outcome, Transport, host_header

USER_AGENT = "Go-http-client/1.1"


def native_headers(url: str, body: bytes, configured: Mapping[str, str]) -> list[tuple[str, str]]:
    """The headers of a native delivery: no signature, no id, no time."""
    own = {"Content-Type": "application/json", **{_canonical(name): value for name, value in configured.items()}}
    return [
        ("Host", host_header(url)),
        ("User-Agent", own.pop("User-Agent", USER_AGENT)),
        ("Content-Length", str(len(body))),
        *sorted(own.items()),
        ("Accept-Encoding", "gzip"),
    ]


def send(settings: DeliverySettings, transport: Transport, body: bytes) -> Outcome:
    """One attempt to the configured URL."""
    url = settings.native_url or ""
    return transport.post(url, native_headers(url, body, settings.native_headers), body)


def _canonical(name: str) -> str:
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))
