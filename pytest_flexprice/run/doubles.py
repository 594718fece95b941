"""Fixtures for any test of a company, without an environment: a private Flexprice, a webhook receiver, probes of a handler."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_flexprice.emulator import FlexpriceServer
    from pytest_flexprice.model.finding import Finding
    from pytest_flexprice.webhooks.receiver import WebhookReceiver


@pytest.fixture(scope="session")
def make_flexprice_server() -> Iterator[Callable[..., FlexpriceServer]]:
    """Starts embedded Flexprice servers; keyword arguments are those of ``EmulatorOptions``. All stop at the session's end."""
    from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer  # noqa: PLC0415 - needs the extra `local`

    started: list[FlexpriceServer] = []

    def make(**settings: Any) -> FlexpriceServer:
        started.append(FlexpriceServer(EmulatorOptions(**settings)).start())
        return started[-1]

    yield make
    for server in started:
        server.stop()


@pytest.fixture
def flexprice_server() -> Iterator[FlexpriceServer]:
    """A private, empty Flexprice of this test: ``flexprice_server.url`` and ``flexprice_server.api_key``."""
    from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer  # noqa: PLC0415 - needs the extra `local`

    with FlexpriceServer(EmulatorOptions()) as server:
        yield server


@pytest.fixture(scope="session")
def webhook_probes() -> Callable[..., list[Finding]]:
    """``webhook_probes(url, secret, processed=…)`` tries a webhook handler; see ``pytest_flexprice.trial.webhook_probes``."""
    from pytest_flexprice.trial import webhook_probes as probes  # noqa: PLC0415 - most tests need none

    return probes


@pytest.fixture
def webhook_receiver() -> Iterator[WebhookReceiver]:
    """A receiver on a free loopback port that verifies, keeps and answers what is delivered to it."""
    from pytest_flexprice.webhooks.receiver import WebhookReceiver  # noqa: PLC0415 - most tests need none

    with WebhookReceiver() as receiver:
        yield receiver
