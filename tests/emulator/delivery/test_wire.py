"""What goes over the wire, against deliveries of the real services: signatures, bytes, header names and their order."""

from __future__ import annotations

import base64
import json
import math
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import standardwebhooks
import svix.webhooks
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.emulator.delivery.encoding import dumps, go_float, sorted_again
from pytest_flexprice.emulator.delivery.model import Endpoint, Message
from pytest_flexprice.emulator.delivery.settings import DeliverySettings
from pytest_flexprice.emulator.delivery.signing import SecretError, key_of, new_secret, sign, signatures
from pytest_flexprice.emulator.delivery.svix import delivery_headers
from pytest_flexprice.emulator.delivery.transport import native_headers

from .recorded import FOLDER, facts

DELIVERIES = Path(__file__).parents[2] / "deliveries"
SIGNED = sorted(path.name for path in DELIVERIES.glob("*.json") if not path.name.startswith("native."))
NATIVE = sorted(path.name for path in DELIVERIES.glob("native.*.json"))
RAW = [one for one in json.loads((FOLDER / "02_deliveries.json").read_text()) if "delivery" in one]
NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
LIBRARIES = ((svix.webhooks.Webhook, "svix"), (svix.webhooks.Webhook, "webhook"), (standardwebhooks.Webhook, "webhook"))


def _delivery(name: str) -> dict:
    return json.loads((DELIVERIES / name).read_text())


def _endpoint(**fields) -> Endpoint:
    return Endpoint("ep_1", "http://127.0.0.1:8199/x?y=1", NOW, NOW, **fields)


@pytest.mark.parametrize("name", SIGNED)
def test_signature_and_bytes_of_a_real_delivery(name):
    one = _delivery(name)
    headers = {key.lower(): value for key, value in one["request"]["headers"]}
    body = base64.b64decode(one["request"]["body_base64"])
    assert sign(one["secret"], headers["svix-id"], int(headers["svix-timestamp"]), body) == headers["svix-signature"]
    disordered = json.dumps(json.loads(body, object_pairs_hook=lambda pairs: dict(reversed(pairs))), indent=1)
    assert sorted_again(disordered.encode()) == body


@pytest.mark.parametrize("step", RAW, ids=[one["name"] for one in RAW])
def test_signatures_before_and_after_a_rotation(step):
    headers = {key.lower(): value for key, value in step["delivery"]["headers"]}
    newest_first = list(reversed(step["secrets"].values()))
    stamp, body = int(headers["svix-timestamp"]), step["delivery"]["body"].encode()
    assert signatures(newest_first, headers["svix-id"], stamp, body) == headers["svix-signature"]


@pytest.mark.parametrize(("library", "prefix"), LIBRARIES, ids=["svix", "svix-renamed", "standard"])
def test_the_libraries_accept_every_signing_secret_and_nothing_else(library, prefix):
    endpoint = _endpoint()
    old = endpoint.secret
    endpoint.rotate(new_secret(), NOW, timedelta(hours=24))
    settings = DeliverySettings(webhook_headers=prefix == "webhook")
    message = Message("msg_1", "x", b'{"a": "\xc3\xa9<"}', NOW)
    headers = {k.lower(): v for k, v in delivery_headers(endpoint, message, settings, NOW, int(time.time()))}
    for secret in (old, endpoint.secret):
        library(secret).verify(message.body, headers)
    with pytest.raises(Exception, match="No matching signature"):
        library(new_secret()).verify(message.body, headers)
    with pytest.raises(Exception, match="No matching signature"):
        library(old).verify(message.body + b" ", headers)
    after = {k.lower(): v for k, v in delivery_headers(endpoint, message, settings, NOW + timedelta(hours=25), 1)}
    assert after[f"{prefix}-signature"].count("v1,") == 1


@pytest.mark.parametrize("secret", ["short", "whsec_!", "whsec_" + base64.b64encode(b"x" * 23).decode(), "WHSEC_AAAA"])
def test_what_is_no_secret(secret):
    with pytest.raises(SecretError):
        key_of(secret)


@pytest.mark.parametrize("step", RAW, ids=[one["name"] for one in RAW])
def test_names_spelling_and_order_of_the_headers(step):
    wire = [tuple(pair) for pair in step["delivery"]["headers"]]
    message = Message("msg_1", "x", step["delivery"]["body"].encode(), NOW)
    made = delivery_headers(_endpoint(), message, DeliverySettings(), NOW, 1)
    assert sorted(name for name, _ in made) == sorted(name for name, _ in wire)
    assert made[:3] == wire[:3], "Host, Accept and content-type come first"
    assert made[-1] == wire[-1], "Content-Length comes last"
    assert dict(made)["user-agent"] == dict(wire)["user-agent"]


def test_headers_of_an_endpoint_and_the_other_prefix():
    recorded = facts("08_extras", "whitelabel delivery (SVIX_WHITELABEL_HEADERS=true) with endpoint headers")
    wire = [tuple(pair) for pair in recorded["delivery"]["headers"]]
    own = {"X-Custom-Header": "Value1", "Authorization": "Basic abc", "x-lower": "z"}
    endpoint = _endpoint(headers=own, secret=recorded["secret"])
    message = Message(dict(wire)["webhook-id"], "x", recorded["delivery"]["body"].encode(), NOW)
    stamp = int(dict(wire)["webhook-timestamp"])
    made = delivery_headers(endpoint, message, DeliverySettings(webhook_headers=True), NOW, stamp)
    assert sorted(made) == sorted(wire)


@pytest.mark.parametrize("name", NATIVE)
def test_native_headers_and_bytes(name):
    request = _delivery(name)["request"]
    body = base64.b64decode(request["body_base64"])
    made = native_headers("http://127.0.0.1:8197/native", body, {"x-api-key": "static-test-value"})
    assert made == [tuple(pair) for pair in request["headers"]]
    assert dumps(json.loads(body)) == body, "natively the server's own order of keys goes out"


@pytest.mark.parametrize(
    ("given_text", "wanted"),
    [
        ("1.10", "1.1"),
        ("12345678901234567890", "12345678901234567000"),
        ("100000000000000000000", "100000000000000000000"),
        ("1e21", "1e+21"),
        ("0.000001", "0.000001"),
        ("0.0000001", "1e-7"),
        ("-0.0", "-0"),
        ("1E5", "100000"),
        ("5e-324", "5e-324"),
    ],
)
def test_numbers_go_through_a_double(given_text, wanted):
    assert sorted_again(b'{"n":%s}' % given_text.encode()) == b'{"n":%s}' % wanted.encode()


def test_escapes_and_order_of_keys():
    text = '{"z":"<b>&\\u2028\\ud800\\n\\u00e9","a":{"é":1,"Z":2,"y":[1,{"c":0,"b":null}]},"a":true}'
    assert sorted_again(text.encode()) == '{"a":true,"z":"\\u003cb\\u003e\\u0026\\u2028\ufffd\\né"}'.encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=8), JSON, max_size=5))
def test_encoding_again_changes_no_value_and_no_byte_the_second_time(value):
    once = sorted_again(dumps(value))
    assert json.loads(once) == value
    assert sorted_again(once) == once
    assert not set(once) & set(b"<>&")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_reads_back_as_itself(value):
    text = go_float(value)
    assert float(text) == value
    assert math.copysign(1, float(text)) == math.copysign(1, value)
    assert "E" not in text
    assert ".0" not in text[-2:]
