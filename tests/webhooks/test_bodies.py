"""Probes look like what Flexprice sends: same fields, same order, same encoding, and no real id."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.webhooks import bodies

from .builders import NOW

DELIVERIES = Path(__file__).parents[1] / "deliveries"
OPTIONAL = {"due_date", "metadata"}  # in a recorded one because of how that object was made


def body_of(name):
    return json.loads((DELIVERIES / f"{name}.json").read_text(encoding="utf-8"))["request"]["body"]


def keys(value, path=""):
    if isinstance(value, dict):
        for key, one in value.items():
            yield f"{path}.{key}"
            yield from keys(one, f"{path}.{key}")
    if isinstance(value, list):
        for one in value:
            yield from keys(one, f"{path}[]")


@pytest.mark.parametrize("event_type", bodies.KNOWN_TYPES)
def test_the_delivery_services_shape_has_the_recorded_fields_in_the_recorded_order(event_type):
    ours = bodies.encode(bodies.message(event_type, "r1", "p", NOW))
    recorded = json.loads(body_of(event_type))
    wanted = [key for key in keys(recorded) if key.rsplit(".", 1)[-1] not in OPTIONAL]
    assert [
        key for key in keys(json.loads(ours)) if key.rsplit(".", 1)[-1] not in OPTIONAL and "cancellation" not in key
    ] == [key for key in wanted if "cancellation" not in key]


@pytest.mark.parametrize("event_type", ["invoice.update.payment", "subscription.cancelled"])
def test_the_native_shape_has_the_servers_order(event_type):
    ours = bodies.encode(bodies.message(event_type, "r1", "p", NOW), "native")
    assert list(keys(json.loads(ours))) == list(keys(json.loads(body_of(f"native.{event_type}"))))


def test_both_shapes_are_compact_and_hold_the_same():
    content = bodies.message("invoice.update.finalized", "r1", "p", NOW)
    svix, native = bodies.encode(content), bodies.encode(content, "native")
    assert svix != native
    assert json.loads(svix) == json.loads(native) == content
    assert b", " not in svix


def test_every_recorded_body_is_reproduced_by_the_encoding():
    """Re-encoding what was recorded gives the recorded bytes, so the rule of the encoding is right."""
    for path in DELIVERIES.glob("*.json"):
        text = json.loads(path.read_text(encoding="utf-8"))["request"]["body"]
        shape = "native" if path.name.startswith("native.") else "svix"
        assert bodies.encode(json.loads(text), shape).decode() == text


@given(st.text())
def test_markup_characters_are_escaped_and_nothing_is_lost(text):
    encoded = bodies.encode({"text": text})
    assert not set("<>&") & set(encoded.decode())
    assert json.loads(encoded) == {"text": text}


def test_no_id_is_a_real_one():
    for event_type in bodies.KNOWN_TYPES:
        ids = re.findall(
            r'"(?:(?:\w+_)?id|created_by|updated_by)":"([^"]+)"',
            bodies.encode(bodies.message(event_type, "r1", "p", NOW)).decode(),
        )
        assert ids
        assert all("golive" in one for one in ids)


def test_odd_bytes_hold_what_the_plain_ones_hold_with_one_field_more():
    content = bodies.message("invoice.update.finalized", "r1", "p", NOW)
    odd = bodies.odd(content)
    assert {key: value for key, value in json.loads(odd).items() if key != "golive_probe"} == content
    assert json.loads(odd)["golive_probe"] == {"text": "é/<&>", "hundred": 100.0, "whole": 1.0}
    for part in (b"\t", b" ,", b":  ", b"\\u00e9", b"\\/", b"1E2", b"1.0"):
        assert part in odd
    assert b"\n" not in odd  # reading line by line is another mistake
    assert list(json.loads(odd)) != sorted(json.loads(odd))


@pytest.mark.parametrize("size", [0, 10_000, 256 * 1024])
def test_padding_comes_close_to_the_size(size):
    content = bodies.message("invoice.update.finalized", "r1", "p", NOW)
    padded = bodies.padded(content, size)
    assert abs(len(padded) - max(size, len(bodies.encode(content)))) < 1000
    assert len(json.loads(padded)["invoice"]["line_items"]) >= 1


def test_marked_ids_hold_the_run_and_no_odd_character():
    assert bodies.marked_id("inv", "2026/11 é", "odd bytes") == "inv_golive_2026-11_odd-bytes"


def test_a_message_id_has_the_form_of_the_delivery_services_and_tells_its_probe():
    ids = {
        bodies.message_id(run, name) for run in ("r1", "r2") for name in ("odd bytes", "odd bytes 1", "invoice.update")
    }
    assert len(ids) == 6
    assert all(re.fullmatch(r"msg_[A-Za-z0-9]{27}", one) for one in ids)
    assert sum(one.startswith("msg_oddbytes") for one in ids) == 4


def test_ids_in_the_form_of_flexprices_own_are_as_long_and_stay_apart():
    content = bodies.message("invoice.update.finalized", "r1", "p", NOW)
    theirs = json.loads(bodies.as_flexprice(bodies.encode(content)))["invoice"]
    assert re.fullmatch(r"inv_[0-9A-F]{26}", theirs["id"])
    assert theirs["line_items"][0]["invoice_id"] == theirs["id"]
    assert len({theirs[key] for key in ("id", "customer_id", "environment_id", "tenant_id")}) == 4
