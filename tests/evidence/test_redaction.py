"""Secrets by name and by value, wherever they hide; and what is no secret stays."""

import base64
import html
import json
from decimal import Decimal
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.evidence.redaction import REDACTED, Redactor, mask
from pytest_flexprice.evidence.sensitive import is_sensitive

KEY = "sk_01K8ZQ4T5M6N7P8R9S0TAVWX7F"
ODD = 'p@ss/w+rd "quoted" & <é>'

secrets = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=8, max_size=60
).filter(lambda text: len(text.strip()) >= 8 and "..." not in text and "…" not in text)

ENCODINGS = {
    "as it is": str,
    "url": lambda s: quote(s, safe=""),
    "url, lower case": lambda s: quote(s, safe="").replace("%2F", "%2f").replace("%2B", "%2b"),
    "form": quote_plus,
    "twice url": lambda s: quote(quote(s, safe=""), safe=""),
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64, url-safe": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "basic authentication": lambda s: base64.b64encode(f"user:{s}".encode()).decode(),
    "base64 amid text": lambda s: base64.b64encode(f"ab{s}tail".encode()).decode(),
    "hexadecimal": lambda s: s.encode().hex(),
    "json": json.dumps,
    "json, unicode": lambda s: json.dumps(s, ensure_ascii=False),
    "html": html.escape,
    "repr": repr,
}


@pytest.mark.parametrize("secret", [KEY, ODD], ids=["key", "odd characters"])
@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS.keys())
def test_a_known_secret_is_found_in_every_encoding(secret, encode):
    redactor = Redactor([secret])
    text = f"before {encode(secret)} after"
    assert redactor.leaks(text)
    cleaned = redactor.text(text)
    assert not redactor.leaks(cleaned)
    assert secret not in cleaned
    assert cleaned.startswith("before ")
    assert cleaned.endswith(" after")


@given(secret=secrets, before=st.text(max_size=20), after=st.text(max_size=20))
def test_no_form_of_any_secret_survives(secret, before, after):
    redactor = Redactor([secret])
    for encode in (ENCODINGS["as it is"], ENCODINGS["url"], ENCODINGS["base64"], ENCODINGS["json"]):
        encoded = encode(secret.strip())
        assert encoded.strip('"') not in redactor.text(f"{before} {encoded} {after}").replace(REDACTED, "")


@pytest.mark.parametrize("kept", [3, 9, 20, 27])
def test_a_secret_cut_short_by_an_ellipsis_is_removed(kept):
    redactor = Redactor([KEY])
    begun, ended = redactor.text(f"'{KEY[:kept]}...'"), redactor.text(f"'...{KEY[-kept:]}'")
    for cleaned, part in ((begun, KEY[:kept]), (ended, KEY[-kept:])):
        assert (part in cleaned) is (kept < 8)


def test_at_most_the_last_two_characters_of_a_key_are_kept():
    assert Redactor([KEY]).text(f"x-api-key: {KEY}") == "x-api-key: [redacted …7F]"
    assert mask("short") == REDACTED
    assert Redactor(["hunter2"]).text("it is hunter2!") == "it is [redacted]!"


def test_a_value_found_in_ordinary_words_is_not_searched_for():
    redactor = Redactor()
    assert redactor.add("live") is False
    assert redactor.text("we go live") == "we go live"
    assert redactor.add("") is False
    assert redactor.add(None) is False


def test_a_signing_secret_is_found_without_its_prefix():
    redactor = Redactor(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    assert "MfKQ9r8G" not in redactor.text("key MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw used")


@pytest.mark.parametrize(
    "name",
    [
        *(
            "x-api-key",
            "X-API-Key",
            "apiKey",
            "api_key",
            "Authorization",
            "Proxy-Authorization",
            "Set-Cookie",
            "cookie",
        ),
        *("password", "db_password", "clientSecret", "webhook_secret", "access_token", "token", "svix-signature"),
        *(
            "private_key",
            "signing_key",
            "encrypted_secret_data",
            "X-Amz-Signature",
            "X-Amz-Security-Token",
            "credentials",
        ),
    ],
)
def test_names_of_secrets(name):
    assert is_sensitive(name)
    assert Redactor().data({name: "abcdefgh12345678XY"}) == {name: "[redacted …XY]"}


@pytest.mark.parametrize(
    "name",
    [
        *(
            "tokens",
            "prompt_tokens",
            "token_count",
            "token_type",
            "lookup_key",
            "key",
            "external_id",
            "event_name",
            "author",
        ),
        *("secret_name", "api_key_id", "idempotency_key", "keys", "monkey", "description", "price_id", "authors"),
    ],
)
def test_names_that_promise_no_secret(name):
    assert not is_sensitive(name)
    assert Redactor().data({name: "abcdefgh12345678XY"}) == {name: "abcdefgh12345678XY"}


def test_words_of_a_sentence_are_no_names_of_fields():
    table = {
        "no signature": "refused",
        "wrong secret": "refused",
        "API key": "abcdefgh12345678XY",
        "key in x-api-key": "200",
    }
    assert Redactor().data(table) == {**table, "API key": "[redacted …XY]"}


def test_what_is_left_of_a_secret_stays():
    rows = [{"name": "API key", "value": "…7F", "source": "plan"}, {"api_key": "[redacted …7F]"}]
    assert Redactor().data(rows) == rows


def test_data_is_cleaned_recursively_and_nothing_else_changes():
    data = {
        "headers": [["x-api-key", KEY], ["accept", "*/*"]],
        "har": [{"name": "Authorization", "value": "Bearer abc"}, {"name": "plan", "value": "acme-pro"}],
        "credentials": {"user": "u", "list": [1, 2]},
        "properties": {"tokens": 120, "token": Decimal("1.50"), "model": "m"},
        "nested": ({"deep": [{"password": "x"}]},),
        "body": b'{"api_key": "abc123def"}',
        "empty": {"token": "", "secret": None},
        "amount": Decimal("10.10"),
        KEY: "as a key",
    }
    cleaned = Redactor([KEY]).data(data)
    assert cleaned["headers"] == [["x-api-key", "[redacted …7F]"], ["accept", "*/*"]]
    assert cleaned["har"] == [{"name": "Authorization", "value": REDACTED}, {"name": "plan", "value": "acme-pro"}]
    assert cleaned["credentials"] == REDACTED
    assert cleaned["properties"] == {"tokens": 120, "token": Decimal("1.50"), "model": "m"}
    assert cleaned["nested"] == [{"deep": [{"password": REDACTED}]}]
    assert "abc123def" not in cleaned["body"]
    assert cleaned["empty"] == {"token": "", "secret": None}
    assert cleaned["amount"] == Decimal("10.10")
    assert KEY not in cleaned
    assert data["headers"][0][1] == KEY


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("GET https://x.example/a?api_key=Zx81mN&limit=5", "Zx81mN"),
        ("https://x.example/file.pdf?X-Amz-Signature=0a1b2c3d4e&X-Amz-Expires=900", "0a1b2c3d4e"),
        ("https://app.example/login#key=eyJabcdefgh123", "eyJabcdefgh123"),
        ("postgres://app:s3cretpw@db.example/x", "s3cretpw"),
        ("curl -H 'x-api-key: Zx81mNq0'", "Zx81mNq0"),
        ("headers = {'X-Api-Key': 'Zx81mNq0'}", "Zx81mNq0"),
        ('{\\"api_key\\": \\"Zx81mNq0\\"}', "Zx81mNq0"),
        ("Authorization: Bearer Zx81mNq0aaa", "Zx81mNq0aaa"),
        ("sent Bearer Zx81mNq0aaa to it", "Zx81mNq0aaa"),
        ("password=hunter2000", "hunter2000"),
        ("signed with whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8G"),
    ],
)
def test_unknown_secrets_are_found_in_text_by_their_names(text, secret):
    cleaned = Redactor().text(text)
    assert secret not in cleaned
    assert "[redacted" in cleaned


@pytest.mark.parametrize(
    "text",
    [
        "401 without the key and with the key as a Bearer token",
        "Requests carry x-api-key, to the base URL of the contracted region",
        "tokens: 1250000, price: 0.02",
        "https://us.api.flexprice.io/v1/events?limit=1000&offset=0",
        "the handler verifies signatures: unsigned requests are refused",
        "token: expected one of the four",
        "state=ACTIVE and key=model.completion",
    ],
)
def test_ordinary_sentences_stay(text):
    assert Redactor([KEY]).text(text) == text


@given(st.text(max_size=200))
def test_cleaning_twice_changes_nothing_more(text):
    redactor = Redactor([KEY])
    once = redactor.text(text)
    assert redactor.text(once) == once


def test_cleaned_json_is_still_json():
    text = json.dumps({"api_key": KEY, "token": 12345678, "list": [KEY, 1]})
    cleaned = Redactor([KEY]).data(json.loads(text))
    assert json.loads(json.dumps(cleaned)) == {
        "api_key": "[redacted …7F]",
        "token": 12345678,
        "list": ["[redacted …7F]", 1],
    }


def test_the_scan_names_the_files_that_leak(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "bad.json").write_text(base64.b64encode(f"u:{KEY}".encode()).decode())
    (tmp_path / "fine.txt").write_text("ends in 7F")
    (tmp_path / f"{KEY}.txt").write_text("in its name")
    (tmp_path / "binary.bin").write_bytes(b"\xff\xfe" + KEY.encode())
    found = Redactor([KEY]).scan(tmp_path)
    assert {path.name for path in found} == {"bad.json", "binary.bin", f"{KEY}.txt"}
    assert Redactor([]).scan(tmp_path) == []
