"""Whatever is sent to the delivery service's API, it answers, and never with a failure of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from pytest_flexprice.emulator.delivery import api
from pytest_flexprice.emulator.delivery.settings import DeliverySettings

from .conftest import Rig

TEXT = st.text(max_size=12)
VALUE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | TEXT
    | st.sampled_from(["http://127.0.0.1:1/", "whsec_AAAA"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(
    [
        "url",
        "uid",
        "filterTypes",
        "eventTypes",
        "channels",
        "metadata",
        "secret",
        "disabled",
        "version",
        "rateLimit",
        "headers",
        "key",
        "since",
        "until",
    ]
)
BODIES = st.dictionaries(NAMES | TEXT, VALUE, max_size=5).map(lambda value: json.dumps(value).encode()) | st.binary(
    max_size=60
)
QUERIES = st.dictionaries(
    st.sampled_from(
        [
            "limit",
            "iterator",
            "order",
            "before",
            "after",
            "event_types",
            "status",
            "status_code_class",
            "with_content",
            "endpoint_id",
        ]
    ),
    TEXT | st.sampled_from(["0", "250", "-ep_0", "ep_0", "true", "2026-01-01T00:00:00Z", "ascending"]),
    max_size=4,
)


@pytest.fixture(scope="module")
def service() -> Any:
    rig = Rig(DeliverySettings(retry_schedule=()))
    rig.endpoint("http://127.0.0.1:1/x")
    rig.send()
    assert rig.service.wait_idle()
    yield rig
    rig.service.stop()


@pytest.mark.parametrize("operation", api._OPERATIONS, ids=lambda one: f"{one.method} {one.pattern}")
@given(body=BODIES, query=QUERIES, known=st.booleans(), odd=TEXT)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_operation_answers(service, operation, body, query, known, odd):
    application = service.application()
    endpoint = next(iter(application.endpoints), "ep_0")
    message = next(iter(application.messages), "msg_0")
    names = {":app": application.uid, ":endpoint": endpoint, ":message": message}
    parts = [names.get(part, odd or "x") if part.startswith(":") else part for part in operation.pattern.split("/")]
    if not known and ":app" in operation.pattern:
        parts[-1] = odd or "x"
    with service.world.lock:
        token = service.svix.tokens.issue(application.id, service.world.clock.now())
        headers = {"authorization": f"Bearer {token}"}
        answer = api.Api(service.svix).answer(operation.method, "/".join(parts), MultiDict(query), headers, body)
    assert answer.status < 500 or answer.json["code"] == "not_implemented"
    assert (answer.body == b"") == (answer.json is None)


@given(path=TEXT, method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"]), token=TEXT)
def test_every_path_answers(path, method, token):
    rig = Rig(DeliverySettings())
    answer = api.Api(rig.svix).answer(method, path, MultiDict(), {"authorization": token}, b"")
    assert answer.status in (401, 404, 405)
