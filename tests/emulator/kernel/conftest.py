"""A world without a port: requests go straight into the application."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer
from pytest_flexprice.emulator.kernel.options import SANDBOX


class Api:
    """Calls the application of one server as its super admin, unless told otherwise."""

    def __init__(self, **options: Any) -> None:
        self.server = FlexpriceServer(EmulatorOptions(**options))
        self._client = Client(self.server.application())
        self.environment = SANDBOX

    def call(self, method: str, path: str, body: Any = None, **headers: str | None) -> TestResponse:
        """One request; header names are written with underscores, ``None`` leaves a header out."""
        given = {"x_api_key": self.server.api_key, "x_environment_id": self.environment, **headers}
        kept = {name.replace("_", "-"): value for name, value in given.items() if value is not None}
        if isinstance(body, bytes):
            return self._client.open(path, method=method, data=body, headers=kept)
        return self._client.open(path, method=method, json=body, headers=kept)

    def make(self, path: str, body: Any, **headers: str | None) -> Any:
        """The JSON of a creation, which must succeed."""
        answer = self.call("POST", path, body, **headers)
        assert answer.status_code < 300, answer.get_data(as_text=True)
        return answer.get_json(silent=True)

    def get(self, path: str, **headers: str | None) -> Any:
        """The JSON of a read, which must succeed."""
        answer = self.call("GET", path, **headers)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_json()

    def allow_environments(self) -> None:
        """Raise the tenant's limits."""
        value = {"production": 100, "development": 100, "max_users": 100}
        assert self.call("PUT", "/v1/settings/tenant_config", {"value": value}).status_code == 200


@pytest.fixture
def api() -> Api:
    return Api()
