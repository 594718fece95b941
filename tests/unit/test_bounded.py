"""What is not small is refused before it is read, in one sentence."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.model import bounded
from pytest_flexprice.model.bounded import Unreadable, parse_json, parse_toml, read_bytes, read_text
from pytest_flexprice.model.decimals import written

HERE = Path("golive.toml")


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def test_a_small_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes("\ufeffgrün".encode())
    assert read_text(tmp_path / "a", "the plan", 100) == "grün"
    assert read_bytes(tmp_path / "a", "the plan", 8) == "\ufeffgrün".encode()


def test_a_named_pipe_is_refused_at_once(fifo: Path) -> None:
    with pytest.raises(Unreadable, match="the plan is a named pipe; name a regular file"):
        read_text(fifo, "the plan", 100)


@pytest.mark.parametrize(("path", "kind"), [("/dev/zero", "a device"), ("/", "a folder"), ("/dev/null", "a device")])
def test_what_is_no_regular_file_is_refused(path: str, kind: str) -> None:
    with pytest.raises(Unreadable, match=f"{path}: the plan is {kind}; name a regular file"):
        read_text(Path(path), "the plan", 100)


def test_a_link_to_a_device_is_the_device(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/zero")
    with pytest.raises(Unreadable, match="is a device"):
        read_bytes(tmp_path / "link", "the plan", 100)


def test_a_large_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 1001)
    with pytest.raises(Unreadable, match="the plan is larger than 1 kB; make it smaller"):
        read_bytes(tmp_path / "a", "the plan", 1000)


def test_a_file_whose_size_is_not_told_is_still_bounded() -> None:
    with pytest.raises(Unreadable, match="is larger than 10 bytes"):
        read_bytes(Path("/proc/self/status"), "the plan", 10)


def test_a_missing_file_is_for_whoever_asked(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "none", "the plan", 10)


def test_a_name_with_nul_is_refused() -> None:
    with pytest.raises(Unreadable, match="cannot have this name"):
        read_text(Path("a\0b"), "the plan", 10)


def test_a_name_that_is_too_long_is_refused() -> None:
    with pytest.raises(Unreadable, match="cannot be read"):
        read_text(Path("a" * 5000), "the plan", 10)


def test_bytes_that_are_no_utf8_are_told_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one\ntwo\nthr\xfcee\n")
    with pytest.raises(Unreadable, match=r"a:3: the plan is not UTF-8; save it as UTF-8"):
        read_text(tmp_path / "a", "the plan", 100)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a = " + "[" * 10_000 + "]" * 10_000, "nested deeper"),
        ("a = " + "{b = " * 10_000 + "1" + "}" * 10_000, "nested deeper"),
        ("a" + ".a" * 50_000 + " = 1", "a key of more than 32 parts"),
        ("a" + ". a" * 50_000 + " = 1", "a key of more than 32 parts"),
        ("[" + "1." * 50_000 + "a]", "a key of more than 32 parts"),
        ("\n\n[a" + ".a" * 50_000 + "]", "golive.toml:3: the plan has a key"),
        ("a = " + "9" * 100_000, "a number of more than 100 digits"),
        ("a = 0x" + "9" * 100_000, "a number of more than 100 digits"),
        ("a = -1e999999999", "a number of more than 100 digits"),
        ("a = 1e-" + "9" * 5000, "a number of more than 100 digits"),
        ("a = [", "this is not TOML"),
        ('a = "' + "\\" * 400_001, "this is not TOML"),
        ("a = " + '"""\\' * 200_001, "this is not TOML"),
        ("a = '''" + "'' " * 200_001, "this is not TOML"),
    ],
    ids=range(14),
)
def test_toml_has_bounds(text: str, says: str) -> None:
    with pytest.raises(Unreadable, match=says) as caught:
        parse_toml(text, HERE, "the plan")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "text",
    [
        'a = "x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x"',
        "# " + "[" * 100 + "." * 100 + "9" * 200,
        'a = """\n' + "[" * 100 + '\n1e999\n"""',
        "a = '[[[1e999'",
        "key1.e999 = 1",
        "on = 2026-12-31\nat = 2026-12-31T23:59:59.999Z",
        "a = 0x1e999",
        "a = 1_000.5e-3",
    ],
)
def test_what_stands_in_texts_and_comments_is_no_number_and_no_nesting(text: str) -> None:
    assert parse_toml(text, HERE, "the plan") == tomllib.loads(text, parse_float=Decimal)


GOOD = '[company]\nname = "Acme"\n\n[invoicing]\nauto_cancel = false\ndecided_on = 2026-11-01\ntest_events = 100\nfile = "a/b.csv"\n'


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"Acme"', "“Acme”", r"line 2: name: U\+201C, a curly quote"),
        ('"Acme"', '"Acme', "line 2: name: the quote is not closed"),
        ('"Acme"', "Acme", "line 2: name: a text stands in quotes"),
        ('"Acme"', "None", "line 2: name: there is no value here; leave the key out"),
        ('"Acme"', '"""Acme', "line 2: name: the quote is opened here and never closed"),
        ('"Acme"', "'Acme", "line 2: name: the quote is opened here and never closed"),
        ('"Acme"', "'''Acme", "line 2: name: the quote is opened here and never closed"),
        ('"Acme"', '"""Acme\nurl = """x"""', "line 2: name: the quote is opened here and never closed"),
        ('"a/b.csv"\n', '"a/b.csv', "line 8: file: the quote is opened here and never closed"),
        ('"a/b.csv"', '["a/b.csv",', "line 8: file: the bracket is opened here and never closed"),
        ("100", "[100,", "line 7: test_events: the bracket is opened here and never closed"),
        ('"Acme"', '"Acme" // us', "line 2: name: behind a value nothing may stand but a comment with #; '//' does"),
        ('"Acme"', '"Acme",', "behind a value nothing may stand but a comment with #; ',' does"),
        ("name =", "name:", "line 2: a key and its value have = between them, not a colon"),
        ("name =", "name ==", "line 2: name: one = stands between"),
        ("name =", "name\u00a0=", r"line 2: name: U\+00A0, an invisible character"),
        ("name =", "name = 'x'\nname =", "line 3: name: this key is there twice"),
        ("false", "False", "line 5: auto_cancel: write true or false, in small letters"),
        ("false", "yes", "line 5: auto_cancel: write true or false"),
        ("2026-11-01", "01.11.2026", "line 6: decided_on: a day is written 2026-12-31"),
        ("2026-11-01", "11/01/2026", "line 6: decided_on: a day is written 2026-12-31"),
        ("2026-11-01", "2026-11-31", "line 6: decided_on: there is no such day"),
        ("100", "1,000", "line 7: test_events: a number is written 1000"),
        ("100", "0100", "line 7: test_events: a number is written 1000"),
        ("a/b.csv", "C:\\Users\\b.csv", r"line 8: file: in double quotes \\ begins an escape; write a path with /"),
        ("[company]", "[[company]", "line 1: two brackets at the beginning need two at the end"),
        ("[company]", "[company", "line 1: the bracket is not closed"),
        ("[company]", "[my company]", "line 1: a name with other signs than letters, digits, - and _ stands in quotes"),
        ("[company]", "<<<<<<< HEAD\n[company]", "line 1: a merge left its marks here"),
        ("[company]", '{"company": 1}', "line 1: this is JSON"),
        ("[invoicing]", "[company]", r"line 4: \[company\] is there twice"),
        ("\n", "\r", "line 1: its lines end with a carriage return alone"),
    ],
)
def test_what_hands_do_to_toml_is_told_with_line_key_and_how_to_write_it(old: str, new: str, says: str) -> None:
    with pytest.raises(Unreadable, match=says):
        parse_toml(GOOD.replace(old, new), HERE, "the plan")


def test_all_lines_that_are_not_toml_are_told_at_once_and_no_value_with_them() -> None:
    text = GOOD.replace('"Acme"', "sk_live_secret").replace("false", "False").replace("2026-11-01", "1.11.2026")
    with pytest.raises(Unreadable, match=r"line 2: name: .*; line 5: auto_cancel: .*; line 6: decided_on: ") as told:
        parse_toml(text, HERE, "the plan")
    assert "sk_live" not in str(told.value)


@pytest.mark.parametrize("value", ["{\n a = 1,\n b = 2\n}", "[\n True,\n]", '"""\nname = True\n'])
def test_lines_that_belong_to_an_open_value_are_no_mistakes_of_their_own(value: str) -> None:
    with pytest.raises(Unreadable) as told:
        parse_toml(GOOD.replace('"Acme"', value), HERE, "the plan")
    assert str(told.value).count("; line ") == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 10_000, "nested deeper"),
        ('{"a":' * 10_000, "nested deeper"),
        ('\n{"amount": 1e999999999}', "golive.toml:2: the catalog holds a number"),
        ('{"amount": ' + "9" * 100_000 + "}", "a number of more than 100 digits"),
        ('{"amount": 0.' + "9" * 100_000 + "}", "a number of more than 100 digits"),
        ("{", "the catalog is not JSON"),
        ('"' + "\\" * 400_001, "the catalog is not JSON"),
    ],
    ids=range(7),
)
def test_json_has_bounds(text: str, says: str) -> None:
    with pytest.raises(Unreadable, match=says) as caught:
        parse_json(text, HERE, "the catalog")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{\n// prices\n"a": 1}', "line 2: JSON has no comments"),
        ('{"a": 1,\n}', "a comma stands behind the last entry; take it out"),
        ("{'a': 1}", "line 1: texts and names stand in double quotes"),
        ('{"a": 1 "b": 2}', "a comma, or a closing bracket, is missing before this"),
        ('{"a" 1}', "a colon is missing"),
        ('{"a": "x\ny"}', "line 1: the quote is not closed on this line"),
        ('{"a": "x}', "the quote is opened here and never closed"),
        (r'{"a": "C:\x"}', "begins an escape"),
        ('{"a": True}', "in small letters"),
        ('{"a": usd}', "a text belongs in double quotes"),
        ('{"a": \u201cx\u201d}', "a curly quote"),
        ('{"a": 1}\n{"b": 2}', "line 2: the document ended before this"),
        ('<<<<<<< HEAD\n{"a": 1}', "line 1: a merge left its marks"),
        ('{"a": [1,', "was cut off"),
        ("", "line 1: it ends here, in the middle: the file is empty"),
        ("<html>", "a page or XML"),
        ('{"p": {"a": 1, "b": 2, "a": 3}}', "the catalog has 'a' twice in one object"),
    ],
)  # fmt: skip
def test_mistakes_in_json_are_told_in_the_words_of_who_wrote_it(text: str, says: str) -> None:
    with pytest.raises(Unreadable, match=re.escape(says)) as caught:
        parse_json(text, HERE, "the catalog")
    assert "Expecting" not in str(caught.value)
    assert "char " not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{\n// prices\n"a": [1,\n], # x\n\'b\': \'c\',\n"d": None\n"e": {"f": 1, "f": 2},\n}',
         'lines 2, 4: JSON has no comments; take it out; '),
        ('{"a": [1,\n],\n"b": 2,\n}', "lines 2, 4: a comma stands behind the last entry; take it out."),
        ('[{"a": 1}\n{"b": 2}\n{"c": 3}]', "lines 2, 3: a comma, or a closing bracket, is missing before this."),
        ('{"a": 1,\n}\n{"b": 1}', "line 2: a comma stands behind the last entry; take it out; line 3: the document ended before"),
        ('/* a\nb */{\n\u201ca\u201d: 1,}', "line 1: JSON has no comments; take it out; line 3: a curly quote stands here; write it anew"),
        ('{"a": 1, "a": 2,}', "line 1: a comma stands behind the last entry; take it out; and it has 'a' twice in one object"),
        ('{"a": [1\n"b": 2,\n}', "is not JSON: line 2: a comma, or a closing bracket, is missing before this."),
        ("[\n" + "// x\n" * 40 + "]", "lines 2, 3, 4, 5, 6, 7, 8, 9, 10, 11: JSON has no comments; take it out."),
    ],
    ids=range(8),
)  # fmt: skip
def test_mistakes_in_json_are_told_at_once(text: str, says: str) -> None:
    with pytest.raises(Unreadable, match=re.escape(says)):
        parse_json(text, HERE, "the catalog")


plain_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(plain_json)
def test_small_json_is_what_it_is(value: object) -> None:
    assert parse_json(json.dumps(value), HERE, "the catalog") == value


def test_numbers_of_json_are_exact() -> None:
    assert parse_json("[0.1, 1e-6, 12]", HERE, "the catalog") == [Decimal("0.1"), Decimal("1e-6"), 12]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**30), max_value=10**30))
def test_a_sane_number_is_read_exactly(number: Decimal) -> None:
    assert written(str(number)) == number


@pytest.mark.parametrize(
    "text", ["1e999999999", "9" * 101, "9" * 100_000, "", ".", "e5", "NaN", "Infinity", "1e", "٣", "0x1f"]
)
def test_what_nobody_calculates_with_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="is no number") as caught:
        written(text)
    assert len(str(caught.value)) < 120


def refusal_of(parse: Callable[..., object], text: str) -> str:
    try:
        parse(text, HERE, "it")
    except Unreadable as refused:
        return str(refused)
    return "golive.toml: nothing is wrong"


@given(st.text(alphabet="\"'\\\n#[]{}.0e1 a", max_size=400), st.sampled_from([parse_toml, parse_json]))
def test_any_text_is_parsed_or_refused_in_a_sentence(text: str, parse: Callable[..., object]) -> None:
    assert refusal_of(parse, text).startswith("golive.toml:")


def test_the_bounds_leave_room_for_what_people_write() -> None:
    assert bounded.LARGEST_PLAN >= 1_000_000
    assert bounded.DEEPEST >= 32


def test_utf_16_without_its_mark_is_told_as_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes("[company]".encode("utf-16-le"))
    with pytest.raises(Unreadable, match="a:1: the plan is not UTF-8; save it as UTF-8"):
        read_text(tmp_path / "a", "the plan", 100)
