"""Another environment of the plan, to be read and never written to."""

from __future__ import annotations

from pytest_flexprice.api.client import Flexprice
from pytest_flexprice.api.guard import WriteGuard
from pytest_flexprice.api.transport import Transport
from pytest_flexprice.model.checklist import Level


def reader(base_url: str, api_key: str) -> Flexprice:
    """A client that only reads, with a key of its own; its exchanges are not kept."""
    return Flexprice(Transport(base_url, {"x-api-key": api_key}), WriteGuard(Level.READ, production=True))
