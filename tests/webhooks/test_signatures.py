"""Signatures agree with every recorded delivery, with the delivery service's own client, and with nothing else."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from svix.webhooks import Webhook as SvixWebhook

from pytest_flexprice.webhooks import signatures

RECORDED = sorted((Path(__file__).parents[1] / "deliveries").glob("*.json"))
SIGNED = [path for path in RECORDED if not path.name.startswith("native.")]
SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(24, 48))).decode()
NOW = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)


def recorded(path):
    delivery = json.loads(path.read_text(encoding="utf-8"))
    request = delivery["request"]
    return dict(request["headers"]), base64.b64decode(request["body_base64"]), delivery


@pytest.mark.parametrize("path", SIGNED, ids=lambda path: path.stem)
def test_every_recorded_delivery_verifies_and_is_signed_the_same_way(path):
    sent, body, delivery = recorded(path)
    at = datetime.fromtimestamp(int(sent["svix-timestamp"]), UTC)
    assert signatures.verify(sent, body, delivery["secret"], now=at) == sent["svix-id"]
    again = signatures.sign(delivery["secret"], sent["svix-id"], at, body)
    assert again["svix-signature"] in sent["svix-signature"].split(" ")
    with pytest.raises(signatures.SignatureError, match="no signature matches"):
        signatures.verify(sent, body + b" ", delivery["secret"], now=at)
    with pytest.raises(signatures.SignatureError, match="seconds ago"):
        signatures.verify(sent, body, delivery["secret"], now=at + timedelta(minutes=6))


@pytest.mark.parametrize(
    "path", [path for path in RECORDED if path.name.startswith("native.")], ids=lambda path: path.stem
)
def test_native_deliveries_are_unsigned(path):
    sent, body, _ = recorded(path)
    with pytest.raises(signatures.SignatureError, match="no svix-id and no svix-timestamp and no svix-signature"):
        signatures.verify(sent, body, SECRET)


def test_there_are_recordings_of_both_kinds():
    assert len(SIGNED) >= 9
    assert len(RECORDED) - len(SIGNED) >= 6


@given(body=st.text().map(str.encode), name=st.from_regex(r"msg_[A-Za-z0-9]{1,27}", fullmatch=True))
def test_the_services_own_client_accepts_what_we_sign(body, name):
    signed = signatures.sign(SECRET, name, datetime.now(UTC), body)
    SvixWebhook(SECRET).verify(body, signed)
    assert signatures.verify(signed, body, SECRET) == name


@given(hours=st.integers(-12, 12))
def test_a_time_in_another_zone_is_signed_as_the_same_instant(hours):
    there = NOW.astimezone(timezone(timedelta(hours=hours)))
    assert signatures.sign(SECRET, "msg_1", there, b"{}") == signatures.sign(SECRET, "msg_1", NOW, b"{}")


def test_a_rotation_sends_both_signatures_and_either_secret_verifies():
    signed = signatures.sign(OTHER, "msg_1", NOW, b"{}", also=[SECRET])
    assert len(signed["svix-signature"].split(" ")) == 2
    for secret in (SECRET, OTHER, ["whsec_" + "A" * 32, SECRET]):
        assert signatures.verify(signed, b"{}", secret, now=NOW) == "msg_1"


def test_the_other_header_family_verifies_too():
    signed = signatures.sign(SECRET, "msg_1", NOW, b"{}", family="webhook")
    assert signatures.verify({name.upper(): value for name, value in signed.items()}, b"{}", SECRET, now=NOW) == "msg_1"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"svix-signature": ""}, "no svix-signature"),
        ({"svix-id": "msg_2"}, "no signature matches"),
        ({"svix-signature": "garbage"}, "no signature matches"),
        ({"svix-signature": "v1"}, "no signature matches"),
        ({"svix-signature": "v1,é v1,,,"}, "no signature matches"),
        ({"svix-timestamp": "soon"}, "not a number"),
        ({"svix-timestamp": "٣"}, "not a number"),
        ({"svix-timestamp": "9" * 30}, "no possible time"),
        ({"svix-timestamp": str(int(NOW.timestamp()) + 1)}, "no signature matches"),
    ],
)
def test_a_changed_header_is_refused_with_its_reason(change, reason):
    signed = {**signatures.sign(SECRET, "msg_1", NOW, b"{}"), **change}
    with pytest.raises(signatures.SignatureError, match=reason):
        signatures.verify(signed, b"{}", SECRET, now=NOW)


@given(st.dictionaries(st.sampled_from(["svix-id", "svix-timestamp", "svix-signature"]), st.text()), st.binary())
def test_whatever_arrives_is_refused_and_nothing_else_happens(sent, body):
    with pytest.raises(signatures.SignatureError):
        signatures.verify(sent, body, SECRET)


def test_future_messages_are_refused():
    signed = signatures.sign(SECRET, "msg_1", NOW, b"{}")
    with pytest.raises(signatures.SignatureError, match="ahead"):
        signatures.verify(signed, b"{}", SECRET, now=NOW - timedelta(minutes=10))


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_a", "whsec_AAAA-BBB", "whsec_é", f" {SECRET}"])
def test_an_unusable_secret_is_named_without_being_shown(secret):
    with pytest.raises(signatures.SecretError) as caught:
        signatures.check_secret(secret)
    assert "secret" in str(caught.value)
    assert not secret.strip() or len(secret) < 16 or secret.strip() not in str(caught.value)


def test_fingerprints_differ_and_do_not_show_the_secret():
    assert signatures.fingerprint(SECRET) != signatures.fingerprint(OTHER)
    assert signatures.fingerprint(SECRET) == signatures.fingerprint(SECRET + "\n")
    assert signatures.fingerprint(SECRET) not in SECRET


def test_a_time_without_zone_is_a_mistake():
    with pytest.raises(ValueError, match="zone"):
        signatures.sign(SECRET, "msg_1", datetime(2026, 1, 1), b"{}")
