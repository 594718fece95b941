"""A plan with mistakes in it: every one is told at once, with its key, its value and what was expected."""

from __future__ import annotations

import copy
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_flexprice.model.plan_file import PlanError, load, parse

PATH = Path("golive.toml")
PLAN: dict[str, Any] = {
    "company": {"name": "Acme"},
    "environments": {
        "prod": {
            "base_url": "https://us.api.flexprice.io",
            "environment_id": "env_1",
            "type": "production",
            "allow": "smoke",
            "old_keys": ["OLD_KEY"],
            "client": {"events_url": "https://us.api.flexprice.io/v1/events"},
        }
    },
    "events": [{"name": "e", "properties": {"n": "number"}, "samples": ["a.ndjson"]}],
    "catalog": {
        "signed_off": "c.json",
        "accepted": [{"path": "p", "reason": "r", "owner": "o", "until": date(2026, 12, 1)}],
    },
    "customers": {"file": "c.csv", "declared": [{"external_id": "a"}], "undeclared": "fail"},
    "invoicing": {
        "grace_period_days": 14,
        "auto_cancel": False,
        "collection": "send_invoice",
        "decided_on": date(2026, 11, 1),
    },
    "webhooks": {"endpoint": "https://a.example", "handler": {"url": "https://a.example", "secret": "WEBHOOK_SECRET"}},
    "waivers": [{"item": "1.4", "reason": "r", "owner": "o", "approved_by": "p", "until": date(2026, 12, 1)}],
    "attestations": [{"item": "8.1", "statement": "s", "by": "b", "role": "r", "on": date(2026, 11, 1)}],
}


def told(data: dict[str, Any]) -> str:
    with pytest.raises(PlanError) as error:
        parse(data, PATH)
    assert str(error.value).startswith("golive.toml: ")
    return str(error.value)


def put(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    data = copy.deepcopy(PLAN)
    holder: Any = data
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = value
    return data


def test_the_plan_of_these_tests_is_one() -> None:
    assert parse(copy.deepcopy(PLAN), PATH).company.name == "Acme"


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("company",), "Acme", "company = 'Acme': expected a table"),
        (
            ("environments", "prod", "type"),
            "prod",
            "environments.prod.type = 'prod': expected production or development",
        ),
        (
            ("environments", "prod", "api_key"),
            "x",
            "as no key of Flexprice stands there: set the variable FLEXPRICE_API_KEY",
        ),
        (("environments", "prod", "typ"), "x", "environments.prod.typ is not a key of the plan, but 'type' is there"),
        (("environments", "prod", "client", "event_url"), "x", "'events_url' is there"),
        (("events", 0, "properties", "n"), "numbr", "events[0].properties.n = 'numbr': expected number, string"),
        (("events", 0, "sample"), "x", "events[0].sample is not a key of the plan, but 'samples' is there"),
        (
            ("invoicing", "grace_period_days"),
            "14 days",
            "invoicing.grace_period_days = '14 days': expected a whole number",
        ),
        (("invoicing", "grace_period_days"), 0, "invoicing.grace_period_days = 0: expected a number above 0"),
        (("invoicing", "auto_cancel"), "maybe", "expected true or false"),
        (
            ("invoicing", "decided_on"),
            "yesterday",
            "invoicing.decided_on = 'yesterday': expected a day such as 2026-12-31",
        ),
        (("webhooks", "event_types"), [], "webhooks.event_types = []"),
        (("customers", "declared", 0, "external_id"), [1], "customers.declared[0].external_id"),
        (("waivers", 0, "item"), "9.9", "waivers[0].item = '9.9'"),
        (("attestations", 0, "by"), "TODO", "attestations[0].by = 'TODO'"),
    ],
)
def test_a_mistake_is_told_with_key_value_and_what_was_expected(path: tuple[Any, ...], value: Any, words: str) -> None:
    assert words in told(put(path, value))


def test_all_mistakes_are_told_at_once() -> None:
    data = put(("environments", "prod", "type"), "prod")
    data["invoicing"]["colection"] = "x"
    del data["webhooks"]["endpoint"]
    message = told(data)
    assert "3 places of the plan cannot be used" in message
    assert "webhooks.endpoint is missing" in message
    assert "invoicing.colection is not a key of the plan, but 'collection' is there" in message


def test_a_value_that_may_be_a_secret_is_not_shown() -> None:
    message = told(put(("webhooks", "handler", "secret"), "whsec_C4n4ryS3cretValue0123456789"))
    assert "C4n4ry" not in message
    assert "webhooks.handler.secret" in message


KEY = "sk_live_C4n4ryKey0123456789abc"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("environments", "prod", "old_keys"), KEY),
        (("environments", "prod", "old_keys"), [[KEY]]),
        (("environments", "prod", "allow"), KEY),
        (("environments", "prod", "type"), KEY.removeprefix("sk_live_") + "defg"),
        (("environments", "prod", KEY), "x"),
        (("environments", "prod", "api_key"), KEY),
        (("webhooks", "handler"), KEY),
        (("webhooks", "transport"), "whsec_C4n4ry+/abc="),
    ],
)
def test_a_key_that_somebody_put_anywhere_is_not_shown(path: tuple[Any, ...], value: Any) -> None:
    assert "C4n4ry" not in told(put(path, value))


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("events",), {"name": "e"}, "events: expected a list: [[events]] before each"),
        (("catalog",), [{"signed_off": "c"}], "catalog: expected a table, once and in single brackets: [catalog]"),
        (("environments", "prod", "old_keys"), "OLD_KEY", "old_keys = 'OLD_KEY': expected a list in brackets"),
        (("waivers", 0, "item"), Decimal("1.4"), "waivers[0].item = 1.4: expected a text, which stands in quotes"),
        (("events", 0, "catalog"), {}, "write it below [catalog], a table of its own"),
        (("webhooks", "signed_off"), "x", "it belongs to [catalog]"),
        (("environments", "prod", "eu"), {"type": "production"}, '[environments."prod.eu"]'),
        (
            ("environments", "prod", "test_currency"),
            "Euro",
            "test_currency = 'Euro': expected three letters such as usd",
        ),
        (("environments", "prod", "test_amount"), "$10", "test_amount = '$10': expected a number such as 10.5"),
        (("invoicing", "decided_on"), datetime(2026, 11, 1, 10), "decided_on = 2026-11-01 10:00:00: expected a day"),
        (("customers", "file"), "golive\new.csv", "holds a line break or tab"),
        (("catalog", "signed_off"), "golive\tables.json", "holds a line break or tab"),
        (("events", 0, "samples"), ["a\new.ndjson"], "holds a line break or tab"),
    ],
)
def test_what_was_meant_is_said(path: tuple[Any, ...], value: Any, words: str) -> None:
    assert words in told(put(path, value))


def test_declared_customers_may_be_written_as_toml_has_numbers_and_days() -> None:
    plan = parse(
        put(
            ("customers", "declared"),
            [
                {
                    "external_id": "a",
                    "billing_period_count": 3,
                    "start_date": date(2026, 11, 2),
                    "quantity": Decimal("2.50"),
                }
            ],
        ),
        PATH,
    )
    assert plan.customers is not None
    assert plan.customers.declared == (
        {"external_id": "a", "billing_period_count": "3", "start_date": "2026-11-02", "quantity": "2.50"},
    )


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [*([path] if path else []), *(place for key, inner in pairs for place in places(inner, (*path, key)))]


def _at(data: Any, path: tuple[Any, ...]) -> Any:
    """What is at a place, or None where an earlier edit took it away."""
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6), st.just([]), st.just({}), st.just([{}]), st.dates()
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(places(PLAN)), JUNK), min_size=1, max_size=3))
@example([(("company", "name"), "\n")])
def test_whatever_is_edited_ends_in_a_plan_or_a_sentence(edits: list[tuple[tuple[Any, ...], Any]]) -> None:
    data = copy.deepcopy(PLAN)
    for path, value in edits:
        holder = _at(data, path[:-1])
        if isinstance(holder, dict):
            holder[path[-1]] = value
    message = ""
    try:
        parse(data, PATH)
    except PlanError as error:
        message = str(error)
    assert "pydantic" not in message
    assert "\n" not in message
    assert not message or message.endswith(".")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_bytes_a_plan_holds_it_ends_in_a_plan_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(
        b'[company]\nname = "Acme"\n[environments.prod]\nbase_url = "https://a.example"\ntype = "production"\n'
    )
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(at, min(len(content), at + 6)))
        content[at:end] = data.draw(
            st.one_of(
                st.binary(max_size=6),
                st.sampled_from([b'"""', b"[[", b"= 1e9", b"\n", b"a.a.a.", b"{", b"\xff", b"0x"]),
            )
        )
    path = tmp_path_factory.mktemp("plan") / "golive.toml"
    path.write_bytes(bytes(content))
    message = ""
    try:
        load(path)
    except PlanError as error:
        message = str(error)
    assert not message or message.startswith(str(path))


def test_a_test_currency_is_read_as_flexprice_keeps_it() -> None:
    plan = parse(put(("environments", "prod", "test_currency"), "EUR"), PATH)
    assert plan.environments["prod"].test_currency == "eur"
