"""A secret is found in every form, however it is cut, and a long text takes no longer than its length."""

from __future__ import annotations

import base64
import gzip
import textwrap
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.evidence.redaction import REDACTED, Redactor

KEY = "sk_01K8ZQ4T5M6N7P8R9S0TAVWX7F"

FORMS: dict[str, Callable[[str], str]] = {
    "wrapped": lambda key: "\n".join(textwrap.wrap(key, 17)),
    "wrapped and indented": lambda key: "\r\n      ".join(textwrap.wrap(key, 13)),
    "wrapped in a traceback": lambda key: "\nE       ".join(textwrap.wrap(key, 17)),
    "wrapped in JSON": lambda key: key[:9] + "\\n" + key[9:],
    "wrapped in HTML": lambda key: key[:9] + "<br>" + key[9:],
    "upper case": str.upper,
    "lower case": str.lower,
    "other case": str.swapcase,
    "backslash u": lambda key: "".join(f"\\u{ord(each):04x}" for each in key),
    "backslash u, escaped": lambda key: "".join(f"\\\\u{ord(each):04X}" for each in key),
    "backslash x": lambda key: "".join(f"\\x{ord(each):02x}" for each in key),
    "octal": lambda key: "".join(f"\\{ord(each):03o}" for each in key),
    "entities": lambda key: "".join(f"&#{ord(each)};" for each in key),
    "entities in hexadecimal": lambda key: "".join(f"&#x{ord(each):X};" for each in key),
    "per cent": lambda key: "".join(f"%{ord(each):02x}" for each in key),
    "per cent, twice": lambda key: "".join(f"%25{ord(each):02X}" for each in key),
    "some per cent": lambda key: "".join(f"%{ord(each):02X}" if at % 3 else each for at, each in enumerate(key)),
    "quoted for mail": lambda key: "".join(f"={ord(each):02X}" for each in key),
    "base 32": lambda key: base64.b32encode(key.encode()).decode(),
    "base 32 in the middle": lambda key: base64.b32encode(b"abc" + key.encode()).decode(),
    "base 64": lambda key: base64.b64encode(key.encode()).decode(),
    "base 64 in the middle": lambda key: base64.b64encode(b"ab:" + key.encode() + b"xyz").decode(),
    "base 64, wrapped": lambda key: base64.encodebytes(b"x" * 50 + key.encode()).decode(),
    "base 64 for URLs": lambda key: base64.urlsafe_b64encode(b"??>" + key.encode()).decode(),
    "base 85": lambda key: base64.b85encode(key.encode()).decode(),
    "base 64 of UTF-16": lambda key: base64.b64encode(key.encode("utf-16")).decode(),
    "base 64 of UTF-16 in the middle": lambda key: base64.b64encode(b"x" + key.encode("utf-16-be") + b"yz").decode(),
    "base 64, twice": lambda key: base64.b64encode(b"u:" + base64.b64encode(b"user:" + key.encode())).decode(),
    "gzip in base 64": lambda key: base64.b64encode(gzip.compress(b"POST /v1/x\nx-api-key: " + key.encode())).decode(),
    "gzip in base 64, wrapped": lambda key: (
        base64.encodebytes(gzip.compress(b"x-api-key: " + key.encode())).decode().strip()
    ),
    "gzip in base 64 for URLs": lambda key: (
        base64.urlsafe_b64encode(gzip.compress(key.encode() * 2)).decode().rstrip("=")
    ),
    "gzip in base 64, cut off": lambda key: base64.b64encode(gzip.compress(key.encode()))[:-14].decode(),
    "zlib in base 64": lambda key: base64.b64encode(zlib.compress(key.encode())).decode(),
    "zlib in base 64, tightly": lambda key: base64.b64encode(zlib.compress(key.encode(), 9)).decode(),
    "gzip in hexadecimal": lambda key: gzip.compress(key.encode()).hex(),
    "base 64 in gzip in base 64": lambda key: base64.b64encode(gzip.compress(base64.b64encode(key.encode()))).decode(),
    "full width": lambda key: "".join(chr(ord(each) + 0xFEE0) for each in key),
    "per cent u": lambda key: "".join(f"%u{ord(each):04x}" for each in key),
    "entities, twice": lambda key: "".join(f"&amp;#{ord(each)};" for each in key),
    "a style sheet's escapes": lambda key: "".join(f"\\{ord(each):06x}" for each in key),
    "bytes as C writes them": lambda key: ", ".join(f"0x{each:02x}" for each in key.encode()),
    "hexadecimal": lambda key: key.encode().hex(),
    "hexadecimal with colons": lambda key: key.encode().hex(":").upper(),
    "numbers of bytes": lambda key: str(list(key.encode())),
    "backwards": lambda key: key[::-1],
    "a beginning": lambda key: key[:20],
    "an end": lambda key: key[-20:],
    "a middle": lambda key: key[6:21],
    "Markdown": lambda key: key.replace("_", "\\_"),
    "NUL between": "\0".join,
    "invisible between": "\u200b".join,
    "coloured": lambda key: key[:8] + "\x1b[31;1m" + key[8:],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_is_found(form: Callable[[str], str]) -> None:
    redactor = Redactor([KEY])
    text = f"before {form(KEY)} after"
    clean = redactor.text(text)
    assert redactor.leaks(text)
    assert form(KEY) not in clean
    assert clean.startswith("before ")
    assert clean.endswith("after")
    assert redactor.leaks(clean) == []


@pytest.mark.parametrize("form", ["upper case", "base 64", "numbers of bytes", "invisible between", "a middle"])
def test_a_form_is_found_wherever_it_begins_and_ends(form: str) -> None:
    """A text is looked at in steps; none of them may miss it."""
    redactor = Redactor([KEY])
    for before in range(12):
        for after in range(12):
            assert redactor.leaks(before * "x" + FORMS[form](KEY) + after * "y"), (before, after)


keys = st.text(alphabet="ABCDEFGHJKMNPQRSTVWXYZ0123456789", min_size=20, max_size=40).map(lambda text: "sk_01" + text)
words = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30)


@given(keys, st.sampled_from(sorted(set(FORMS) - {"a beginning", "an end", "a middle"})), words, words)
def test_no_form_of_any_key_survives(key: str, form: str, before: str, after: str) -> None:
    redactor = Redactor([key])
    assert redactor.leaks(redactor.values(f"{before} {FORMS[form](key)} {after}")) == []


@given(keys, st.text(alphabet=st.characters(exclude_categories=["Cs", "Nd"]), max_size=60))
def test_a_text_without_the_secret_stays(key: str, text: str) -> None:
    assert Redactor([key]).values(text) == text


LONG = {
    "letters": "a" * 1_000_000,
    "backslashes": "\\" * 1_000_000,
    "dots": "." * 1_000_000,
    "per cent": "%41" * 330_000,
    "colons": "a:" * 500_000,
    "user names": "://a:" * 200_000,
    "beginnings": "sk_01K8Z…" * 100_000,
    "tokens": "eyJ" * 330_000,
    "names": "x-api-key" * 110_000,
    "quotes": 'a:"' * 330_000,
    "blanks": "Bearer" + " " * 1_000_000,
    "line ends": "\n" * 1_000_000,
    "packed": "H4sI" * 250_000,
    "packed, again and again": "eJxLTEpOSU1LBwAKMAJN " * 50_000,
    "packed blanks": base64.b64encode(gzip.compress(b" " * 30_000_000)).decode(),
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_long_text_is_cleaned_to_its_end(text: str) -> None:
    clean = Redactor([KEY]).text(f"{text} {KEY}")
    assert KEY not in clean
    assert clean.endswith("7F]")


@pytest.mark.parametrize(
    "between", [" ", "\n", "\r\n", "\u00a0", "\u200b", "\u2028", "\\u2028", "\\n", "', '", "-", "\u0301"], ids=ascii
)
@pytest.mark.parametrize("size", [1, 4])
def test_what_stands_between_its_letters_hides_no_secret(between: str, size: int) -> None:
    told = between.join(KEY[at : at + size] for at in range(0, len(KEY), size))
    assert Redactor([KEY]).text(f"a {told} b") == "a [redacted …7F] b"


def test_a_dump_of_a_secret_is_cleaned() -> None:
    lines = [KEY.encode()[at : at + 16].hex(" ") for at in range(0, len(KEY), 16)]
    assert Redactor([KEY]).text("\n".join(lines)) == "[redacted …7F]"


def test_more_names_can_be_told() -> None:
    redactor = Redactor(names=["x-acme-pin"])
    assert redactor.data({"X_ACME_PIN": "4711-0815", "acme": "4711-0815"}) == {
        "X_ACME_PIN": REDACTED,
        "acme": "4711-0815",
    }
    assert redactor.text("xAcmePin=4711-0815") == f"xAcmePin={REDACTED}"


def test_what_the_program_reads_again_stays_what_it_is() -> None:
    redactor = Redactor(["passed", KEY])
    row = {
        "state": "passed",
        "node_id": "golive/our_keys.feature::test_no_old_key",
        "scenarios": ["features/1.feature::test_old_keys_are_dead", "golive/our_keys.feature::test_no_old_key"],
        "message": f"the key {KEY} has passed",
    }
    clean = redactor.record(row)
    assert clean == row | {"message": "the key [redacted …7F] has [redacted]"}
