"""Bodies are read as Go reads them: names in any case, last duplicate, null as absent, exact types and numbers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.emulator.kernel import binding, errors
from pytest_flexprice.emulator.kernel.binding import MAX_DEPTH, BindError, Schema, array, field

PERSON = Schema(
    "CreatePersonRequest",
    field("external_id", rules="required"),
    field("name"),
    field("email", rules="omitempty,email"),
    field("age", binding.integer),
    field("amount", binding.decimal),
    field("born", binding.instant),
    field("tags", array(binding.text)),
    field("metadata", binding.strings),
    field("active", binding.boolean),
)


def bind(body: Any) -> dict[str, Any]:
    return binding.bind(body if isinstance(body, bytes) else json.dumps(body).encode(), PERSON)


def refusal(body: Any) -> errors.ApiError:
    with pytest.raises(errors.ApiError) as caught:
        bind(body)
    return caught.value


def test_field_names_match_in_any_case_and_the_last_duplicate_wins() -> None:
    assert bind(b'{"EXTERNAL_ID": "a", "external_id": "b", "Name": "N"}')["external_id"] == "b"


def test_null_is_absent_and_unknown_fields_are_ignored() -> None:
    values = bind({"external_id": "a", "name": None, "nonsense": {"deep": [1]}})
    assert values["name"] is None
    assert "nonsense" not in values


def test_null_in_a_list_is_the_empty_value_of_its_kind() -> None:
    assert bind({"external_id": "a", "tags": ["x", None]})["tags"] == ["x", ""]
    schema = Schema("Outer", field("items", array(PERSON)))
    (only,) = binding.bind(b'{"items": [null]}', schema)["items"]
    assert set(only.values()) == {None}


def test_null_as_a_body_is_an_empty_object() -> None:
    assert "ExternalID" in (refusal(b"null").details or {})


def test_only_the_first_document_of_a_body_counts() -> None:
    assert bind(b'{"external_id": "a"} {"external_id": "b"} garbage')["external_id"] == "a"


@pytest.mark.parametrize("body", [b"", b" ", b"{", b"[]", b'"text"', b"7", b'{"external_id": "a",}', b"\xef\xbb\xbf{}"])
def test_what_is_no_object_is_refused_without_details(body: bytes) -> None:
    error = refusal(body)
    assert (error.message, error.details) == ("Invalid request format", None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"external_id": 7},
        {"age": "7"},
        {"age": 7.5},
        {"age": True},
        {"age": 2**63},
        {"amount": "ten"},
        {"amount": " 3"},
        {"amount": ""},
        {"amount": True},
        {"born": ""},
        {"born": "2026-01-01"},
        {"tags": "a"},
        {"tags": [1]},
        {"metadata": {"seats": 5}},
        {"metadata": []},
        {"active": "true"},
    ],
    ids=str,
)
def test_a_wrong_type_refuses_the_whole_body(wrong: dict[str, Any]) -> None:
    assert refusal({"external_id": "a", **wrong}).message == "Invalid request format"


def test_failed_rules_are_named_as_in_go() -> None:
    details = refusal({"external_id": "", "email": "nobody"}).details
    assert details == {
        "ExternalID": "Key: 'CreatePersonRequest.ExternalID' Error:Field validation for 'ExternalID' failed on the "
        "'required' tag",
        "Email": "Key: 'CreatePersonRequest.Email' Error:Field validation for 'Email' failed on the 'email' tag",
    }


def test_bound_rules_fail_without_details() -> None:
    schema = Schema("X", field("name", rules="required", bound=True))
    with pytest.raises(errors.ApiError) as caught:
        binding.bind(b"{}", schema, "Invalid request payload")
    assert (caught.value.message, caught.value.details) == ("Invalid request payload", None)


def test_nested_schemas_report_their_place() -> None:
    schema = Schema("Outer", field("items", array(PERSON), "dive"), field("owner", PERSON))
    with pytest.raises(errors.ApiError) as caught:
        binding.bind(b'{"items": [{"external_id": "a"}, {}]}', schema)
    rest = "Error:Field validation for 'ExternalID' failed on the 'required' tag"
    assert caught.value.details == {"ExternalID": f"Key: 'Outer.Items[1].ExternalID' {rest}"}
    with pytest.raises(errors.ApiError) as caught:
        binding.bind(b'{"owner": {}}', schema)
    assert caught.value.details == {"ExternalID": f"Key: 'Outer.Owner.ExternalID' {rest}"}


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=12))
def test_decimals_are_exact_as_text_and_as_number(value: Decimal) -> None:
    text = format(value, "f")
    as_text = bind({"external_id": "a", "amount": text})["amount"]
    as_number = bind(f'{{"external_id": "a", "amount": {text}}}'.encode())["amount"]
    assert as_text == as_number == value


@pytest.mark.parametrize("text", ["1e2", "+4", ".5", "5.", "-0"])
def test_decimals_in_every_go_form(text: str) -> None:
    assert bind({"external_id": "a", "amount": text})["amount"] == Decimal(text)


@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31)),
    st.integers(min_value=-14 * 60, max_value=14 * 60),
)
def test_instants_with_any_offset_become_utc(moment: datetime, minutes: int) -> None:
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    text = f"{moment:%Y}".zfill(4) + f"{moment:-%m-%dT%H:%M:%S}.{moment.microsecond:06d}{sign}{hours:02d}:{rest:02d}"
    assert binding.instant(text) == moment.replace(tzinfo=UTC) - timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00z",
        "2026-01-01t00:00:00Z",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00+25:00",
        "2026-01-01T00:00:00+02:61",
        "2026-01-01T00:0:00Z",
        "0001-01-01T00:00:00+10:00",
        "٢٠٢٦-01-01T00:00:00Z",
    ],
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(BindError):
        binding.instant(text)


def test_nesting_is_bounded_but_brackets_in_text_do_not_count() -> None:
    deep = b'{"external_id": "a", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert refusal(deep).message == "Invalid request format"
    flat = json.dumps({"external_id": '[{"\\' * (MAX_DEPTH * 10)}).encode()
    assert bind(flat)["external_id"].startswith("[{")
    wide = json.dumps({"external_id": "a", "tags": ["x"] * 5000, "y": [[]] * 5000}).encode()
    assert len(bind(wide)["tags"]) == 5000


@pytest.mark.parametrize("number", ["1e999999999", "-1e-999999999", "1" * 5000, "NaN", "Infinity", "-Infinity"])
def test_huge_numbers_and_words_are_refused_quickly(number: str) -> None:
    assert refusal(f'{{"external_id": "a", "amount": {number}}}'.encode()).message == "Invalid request format"


def test_broken_encodings_become_replacement_characters() -> None:
    assert bind(b'{"external_id": "\xff\xfe"}')["external_id"] == "\ufffd\ufffd"
    values = bind(b'{"external_id": "\\ud800x", "name": "\\ud83d\\ude00"}')
    assert (values["external_id"], values["name"]) == ("\ufffdx", "\U0001f600")


def status_of(body: bytes) -> int:
    try:
        binding.bind(body, PERSON)
    except errors.ApiError as error:
        return error.status
    return 200


@given(st.binary(max_size=200))
def test_any_bytes_are_answered(body: bytes) -> None:
    assert status_of(body) in (200, 400)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=20))
def test_any_json_is_answered(value: Any) -> None:
    for body in (value, {"external_id": value}, {"metadata": value}, {"tags": value}, {"amount": value}):
        assert status_of(json.dumps(body).encode()) in (200, 400)
