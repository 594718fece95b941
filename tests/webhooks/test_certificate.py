"""The end of the handler's certificate is read over TLS, from a server of our own."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pytest_flexprice.steps import webhooks as steps

from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.finding import Severity
from pytest_flexprice.model.golive_plan import Webhooks
from pytest_flexprice.webhooks import certificate

LAST = (datetime.now(UTC) + timedelta(days=9)).replace(microsecond=0)


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of 127.0.0.1 that it signed itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(LAST - timedelta(days=90))
        .not_valid_after(LAST)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "handler.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def url(pem: Path) -> Iterator[str]:
    """The address of a server that shows the certificate, once."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def serve() -> None:
            try:
                with server.accept()[0] as plain, context.wrap_socket(plain, server_side=True):
                    pass
            except OSError:
                pass  # whoever does not trust it hangs up

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{server.getsockname()[1]}/hooks"
        thread.join(timeout=10)


def test_its_last_day_is_read_where_it_is_trusted(url: str, pem: Path) -> None:
    assert certificate.read(url, ssl.create_default_context(cafile=str(pem))) == certificate.Certificate(
        "127.0.0.1", LAST.date()
    )


def test_one_that_nobody_trusts_tells_nothing(url: str) -> None:
    assert certificate.read(url) is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/hooks", "https://127.0.0.1:1/hooks", "https:///hooks", "x"])
def test_where_there_is_none_nothing_is_told(url: str) -> None:
    assert certificate.read(url) is None


@pytest.mark.parametrize(("left", "told"), [(15, False), (14, True), (0, True)])
def test_its_end_is_told_in_time(left: int, told: bool) -> None:
    today = date(2026, 11, 27)
    found = certificate.ending_findings(certificate.Certificate("b.acme.example", today + timedelta(days=left)), today)
    assert [one.severity for one in found] == [Severity.WARNING] * told


@pytest.mark.parametrize(("level", "looked"), [(Level.READ, True), (Level.PROBE, False)])
def test_a_run_that_sends_nothing_looks_at_it_too(level: Level, looked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above level read the messages that the handler gets look at it."""
    asked: list[str] = []
    monkeypatch.setattr(certificate, "read", asked.append)
    monkeypatch.setattr(steps, "_require_registered", lambda endpoints, webhooks: [])
    monkeypatch.setattr(steps, "reading", lambda *given: nullcontext())
    webhooks = Webhooks(endpoint="https://b.acme.example/hooks")
    profile: Any = SimpleNamespace(level=level)
    steps.recent_deliveries([], webhooks, profile, None, lambda *given, **more: None)  # type: ignore[arg-type]
    assert asked == ["https://b.acme.example/hooks"] * looked
