"""Small parts: ids, tokens, pages, bodies read to the column, scheduled tasks."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from pytest_flexprice.emulator.delivery.paging import page, parse_time
from pytest_flexprice.emulator.delivery.replies import Refusal, instant
from pytest_flexprice.emulator.delivery.serde import STRING, Field, read
from pytest_flexprice.emulator.delivery.signing import LIFETIME, Tokens
from pytest_flexprice.emulator.kernel.ids import Ksuids
from pytest_flexprice.emulator.kernel.scheduler import Scheduler

from .conftest import until

NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=40))
def test_ids_grow_even_when_the_clock_does_not(steps):
    ids, moment, made = Ksuids(), NOW, []
    for step in steps:
        moment += timedelta(milliseconds=step)
        made.append(ids.new("msg", moment))
    assert made == sorted(set(made))
    assert all(re.fullmatch(r"msg_[0-9A-Za-z]{27}", one) for one in made)


def test_ids_begin_as_the_recorded_ones_of_that_time():
    recorded_at = datetime(2026, 11, 22, 17, 56, 14, 650329, tzinfo=UTC)
    assert Ksuids().new("app", recorded_at)[:10] == "app_3MTMbPIUQGwkTEzWLb9rCPUXoPJ"[:10]


@given(MOMENTS)
def test_times_are_written_and_read_back(moment):
    text = instant(moment)
    assert parse_time(text) == moment
    assert len(text) in (20, 24, 27)


@pytest.mark.parametrize("text", ["", "2026-11-22", "2026-11-22T10:00:00", "yesterday", "2026-13-01T00:00:00Z"])
def test_what_is_no_time(text):
    with pytest.raises(ValueError, match=r".+"):
        parse_time(text)


@given(st.integers(0, 30), st.integers(1, 7), st.booleans())
def test_pages_forward_and_back_show_everything_once(count, limit, ascending):
    items = [f"ep_{number:03d}" for number in range(count)]

    def turn(iterator: str | None) -> dict:
        query = MultiDict({"limit": str(limit), **({"iterator": iterator} if iterator else {})})
        return page(items, query, lambda one: one, lambda one: one, "ep_", ascending=ascending)

    seen, answer = [], turn(None)
    while answer["data"]:
        seen += answer["data"]
        last = answer
        answer = turn(answer["iterator"])
    assert answer["done"]
    assert seen == sorted(items, reverse=not ascending)
    if count > limit:
        back = turn(last["prevIterator"])
        assert back["data"] == seen[: len(seen) - len(last["data"])][-limit:]


def test_a_token_is_for_its_application_until_it_ends():
    tokens = Tokens()
    token = tokens.issue("app_1", NOW)
    assert tokens.application(token, NOW) == "app_1"
    assert tokens.application(token, NOW + LIFETIME) is None
    assert tokens.application(token, NOW - timedelta(seconds=1)) is None
    assert Tokens().application(token, NOW) is None


@given(st.text(max_size=60))
def test_no_text_is_a_token_by_chance(text):
    assert Tokens().application(text, NOW) is None


FIELDS = {"url": Field(STRING, "a string", required=True, nullable=False), "n": Field((int,), "u16")}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"url": "x", "n": true}', "n: invalid type: boolean `true`, expected u16 at line 1 column 22"),
        ('{\n "n": 1.5,\n "url": "x"}', "n: invalid type: floating point `1.5`, expected u16 at line 2 column 9"),
        ('{"url": null}', "url: invalid type: null, expected a string at line 1 column 12"),
        ('{"n": 1}', "missing field `url` at line 1 column 8"),
        ('{"url": "x"', "EOF while parsing an object at line 1 column 11"),
        ('{"url": "x"} x', "trailing characters at line 1 column 14"),
        ('{"url" "x"}', "url: expected `:` at line 1 column 8"),
        ("[1]", "invalid type: sequence, expected struct Thing at line 1 column 3"),
        ("", "EOF while parsing a value at line 1 column 0"),
    ],
)
def test_a_refused_body_is_named_to_the_column(body, message):
    with pytest.raises(Refusal) as refused:
        read(body.encode(), FIELDS, "Thing")
    assert refused.value.answer.status == 422
    assert refused.value.answer.json["detail"][0]["msg"] == message


@given(st.binary(max_size=80) | st.text(alphabet='{}[]":,\\ntrueurl 1', max_size=40).map(str.encode))
def test_every_body_is_read_or_refused(body):
    found, answer = {}, None
    try:
        found = read(body, FIELDS, "Thing")
    except Refusal as refused:
        answer = refused.answer
    if answer is None:
        assert json.loads(body)["url"] == found["url"]
    else:
        assert answer.status == 422
        assert json.loads(answer.body)["detail"][0]["loc"][0] == "body"


def test_tasks_run_in_order_of_their_moments_and_survive_a_failure():
    now = [NOW]
    done: list[int] = []
    scheduler = Scheduler(lambda: now[0], 1, "test")

    def fail() -> None:
        raise RuntimeError("on purpose")

    scheduler.at(NOW + timedelta(seconds=2), lambda: done.append(2))
    scheduler.at(NOW + timedelta(seconds=1), lambda: done.append(1))
    scheduler.at(NOW, fail)
    assert until(lambda: len(scheduler) == 2)
    assert done == []
    now[0] += timedelta(seconds=3)
    assert until(lambda: done == [1, 2])
    scheduler.stop()
    scheduler.at(NOW, lambda: done.append(3))
    assert not scheduler.threads()
    assert done == [1, 2]
