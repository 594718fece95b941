"""Values that the tests of webhooks share."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

from pytest_flexprice.model.golive_plan import Webhooks
from pytest_flexprice.webhooks.mint import Mint
from pytest_flexprice.webhooks.service import Attempt, Endpoint, State

SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
OTHER_SECRET = "whsec_" + base64.b64encode(bytes(range(24, 48))).decode()
NOW = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
URL = "https://billing.acme.example/flexprice"
FOUR = ("invoice.update.finalized", "invoice.update.payment", "subscription.cancelled", "subscription.created")


def mint() -> Mint:
    return Mint(SECRET, "run-1", datetime.now(UTC), "ACME_WEBHOOK_SECRET")


def endpoint(**values) -> Endpoint:
    return Endpoint(**{"id": "ep_1", "url": URL, "event_types": FOUR, "created_at": NOW - timedelta(days=30), **values})


def webhooks(**values) -> Webhooks:
    return Webhooks(**{"endpoint": URL, **values})


def attempt(
    number: int = 1, *, status: int = 200, state: State | None = None, message: str = "msg_1", to: str = "ep_1"
):
    reached = State.SUCCESS if 200 <= status < 300 else State.FAIL
    return Attempt(
        f"atmpt_{number}", message, to, reached if state is None else state, status, NOW + timedelta(seconds=number)
    )
