"""The delivery service's official Python client gets along with the emulator."""

from __future__ import annotations

from datetime import timedelta

import pytest
import requests
from svix.api import EndpointIn, EndpointPatch, MessageListOptions, RecoverIn, Svix, SvixOptions
from svix.exceptions import HttpError, HTTPValidationError

from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer
from pytest_flexprice.emulator.delivery.service import service_of
from pytest_flexprice.emulator.kernel.options import SANDBOX

from .conftest import FAST


@pytest.fixture
def server():
    with FlexpriceServer(EmulatorOptions(jobs=False, delivery=FAST)) as one:
        yield one


def test_endpoints_messages_attempts_and_refusals(server, receiver):
    headers = {"x-api-key": server.api_key, "x-environment-id": SANDBOX}
    door = requests.get(f"{server.url}/v1/webhooks/dashboard", headers=headers, timeout=10).json()
    client, app = Svix(door["token"], SvixOptions(server_url=server.url)), door["app_id"]
    made = client.endpoint.create(app, EndpointIn(url=f"{receiver.url}/s/500", event_types=["customer.created"]))
    assert [one.id for one in client.endpoint.list(app).data] == [made.id]
    assert client.endpoint.get_secret(app, made.id).key.startswith("whsec_")
    requests.post(f"{server.url}/v1/customers", headers=headers, json={"external_id": "c", "name": "C"}, timeout=10)
    receiver.wait(5)
    assert service_of(server.world).wait_idle()
    (message,) = client.message.list(app, MessageListOptions(with_content=True)).data
    assert message.payload["event_type"] == "customer.created"
    assert message.payload["customer"]["external_id"] == "c"
    attempts = client.message_attempt.list_by_endpoint(app, made.id).data
    assert [one.response_status_code for one in attempts] == [500] * 5
    client.endpoint.patch(app, made.id, EndpointPatch(url=f"{receiver.url}/ok"))
    client.endpoint.recover(app, made.id, RecoverIn(since=message.timestamp - timedelta(minutes=1)))
    receiver.wait(1, "/ok")
    assert service_of(server.world).wait_idle()
    assert client.endpoint.get_stats(app, made.id).success == 1
    assert client.message_attempt.list_attempted_destinations(app, message.id).data[0].id == made.id
    client.endpoint.delete(app, made.id)
    with pytest.raises(HttpError) as refused:
        client.application.list()
    assert refused.value.status_code == 403
    with pytest.raises(HTTPValidationError):
        client.endpoint.create(app, EndpointIn(url=receiver.url, event_types=["no.such"]))
