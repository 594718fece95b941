"""Catalog snapshots that people edited: read in one normal form, or told place by place."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_flexprice.model.catalog_snapshot import SnapshotError, checked, read
from pytest_flexprice.oracle.catalog import canonical
from pytest_flexprice.rehearsal.demo import PLAN as DEMO_PLAN
from tests.oracle.catalog_strategies import catalog, fee, usage

PATH = Path("catalog.json")
DEMO = DEMO_PLAN.parent / "golive" / "catalog.json"
PRICE = {
    "type": "USAGE",
    "currency": "usd",
    "billing_period": "MONTHLY",
    "billing_model": "TIERED",
    "invoice_cadence": "ARREAR",
    "feature": "tokens",
    "event_name": "model.completion",
    "tier_mode": "SLAB",
    "tiers": [{"up_to": "1000", "unit_amount": "0.01"}, {"up_to": None, "unit_amount": "0.005"}],
}
SNAPSHOT: dict[str, Any] = {
    "flexprice_catalog": 1,
    "features": {
        "tokens": {
            "name": "Tokens",
            "type": "metered",
            "meter": {"event_name": "model.completion", "aggregation": "SUM", "field": "tokens"},
        },
        "seat": {"name": "Seat", "type": "boolean"},
    },
    "plans": {
        "pro": {
            "name": "Pro",
            "prices": [
                PRICE,
                {
                    **{key: PRICE[key] for key in list(PRICE)[:3]},
                    "type": "FIXED",
                    "billing_model": "FLAT_FEE",
                    "invoice_cadence": "ADVANCE",
                    "amount": "9",
                },
            ],
            "entitlements": {"tokens": {"feature_type": "metered", "usage_limit": "10"}},
        }
    },
    "extras": {},
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document, the innermost ones too."""
    if path:
        yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from places(inner, (*path, key))


def edited(path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> dict[str, Any]:
    document = copy.deepcopy(SNAPSHOT)
    holder: Any = document
    for part in path[:-1]:
        holder = holder[part]
    change(holder, path[-1])
    return document


def put(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    return edited(path, lambda holder, key: holder.__setitem__(key, value))


def told(document: Any) -> list[str]:
    with pytest.raises(SnapshotError) as error:
        checked(document, PATH)
    assert str(error.value).startswith("catalog.json: ")
    return error.value.problems


TIER = ("plans", "pro", "prices", 0, "tiers", 0)
FEE = ("plans", "pro", "prices", 1)
METER = ("features", "tokens", "meter")
LIMIT = ("plans", "pro", "entitlements", "tokens", "usage_limit")


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ((*TIER, "up_to"), "1e3", "plans.pro.prices[0].tiers[0].up_to = '1e3': expected a whole number"),
        ((*TIER, "up_to"), "0.5", "= '0.5': expected a whole number"),
        ((*TIER, "up_to"), "1,000", "= '1,000': expected a whole number"),
        ((*TIER, "up_to"), "inf", "= 'inf': expected a whole number"),
        ((*TIER, "up_to"), True, "= True: expected a whole number"),
        ((*TIER, "unit_amount"), "0,01", "= '0,01': expected a number"),
        ((*TIER, "unit_amount"), "NaN", "expected a number"),
        ((*TIER, "unit_amount"), "-1", "not negative"),
        (LIMIT, "10.5", "plans.pro.entitlements.tokens.usage_limit = '10.5': expected a whole number"),
        (
            ("plans", "pro", "prices", 0, "feature"),
            "token",
            "plans.pro.prices[0].feature = 'token': expected the key of a feature of this file, but 'tokens'",
        ),
        (("plans", "pro", "prices", 0, "billing_period"), "monthly", "expected MONTHLY, ANNUAL"),
        ((*FEE, "currency"), "dollar", "three letters"),
        ((*FEE, "amount"), None, "needs an amount"),
        ((*FEE, "amount"), [], "expected a number"),
        ((*FEE, "billing_model"), "PACKAGE", "needs divide_by"),
        (("plans", "pro", "name"), "  ", "not blank"),
        (("plans", "pro", "prices"), {}, "plans.pro.prices: expected a list"),
        (("plans", "pro"), "Pro", "plans.pro = 'Pro': expected an object in braces"),
        (("features", "tokens", "type"), "metred", "expected metered, boolean, static or config"),
        (("flexprice_catalog",), 2, "flexprice_catalog = 2: expected 1"),
        ((*FEE, "end_date"), "31.12.2026", "= '31.12.2026': expected an instant in UTC"),
        ((*FEE, "price_unit_type"), "GOLD", "expected FIAT or CUSTOM"),
        ((*FEE, "price_unit_type"), "CUSTOM", "needs a price_unit_amount"),
        ((*FEE, "billing_period_count"), 0, "expected a number from 1"),
        (("plans", "pro", "prices", 0, "tier_mode"), "GRADUATED", ": expected VOLUME or SLAB"),
        (("plans", "pro", "prices", 0, "feature"), "seat", "expected a metered feature, and this one is boolean"),
        (
            ("plans", "pro", "prices", 0, "event_name"),
            "model.completions",
            "prices[0].event_name = 'model.completions': expected 'model.completion', which is what the meter of feature 'tokens' counts",
        ),
        (
            (*METER, "expression"),
            "tokens * 2.0",
            "features.tokens.meter: a meter reads a field or an expression, not both",
        ),
        ((*METER, "field"), "", "SUM needs a field"),
        ((*METER, "aggregation"), "SUM_WITH_MULTIPLIER", "needs a multiplier above 0"),
        ((*METER, "group_by"), "model", "only a meter of MAX with a bucket_size can have a group_by"),
        ((*METER, "filters"), {"model": []}, "filters.model = []: expected at least 1 in the list"),
        (("features", "tokens", "unit_plural"), "tokens", "unit_singular and unit_plural go together"),
        (
            ("plans", "pro", "entitlements", "tokens", "feature_type"),
            "boolean",
            "entitlements.tokens.feature_type = 'boolean': expected metered, the type of feature 'tokens'",
        ),
        (("plans", "pro", "entitlements", "seat"), {"feature_type": "static"}, "expected boolean, the type"),
        (("plans", "pro", "entitlements", "sla"), {"feature_type": "static"}, "needs a static_value"),
    ],
)
def test_a_value_that_means_nothing_is_told_with_its_place(path: tuple[Any, ...], value: Any, words: str) -> None:
    (problem,) = told(put(path, value))
    assert words in problem


def test_only_some_meters_have_buckets_and_expressions_and_some_no_allowance() -> None:
    average = put(METER, {"event_name": "model.completion", "aggregation": "AVG", "field": "t", "bucket_size": "DAY"})
    assert told(average) == [
        "features.tokens.meter: only meters of MAX and SUM can have a bucket_size, not AVG; remove it"
    ]
    counted = put(METER, {"event_name": "model.completion", "aggregation": "COUNT", "expression": "t"})
    assert "only meters of SUM, AVG, MAX and LATEST can have an expression, not COUNT" in told(counted)[0]
    highest = put(METER, {"event_name": "model.completion", "aggregation": "MAX", "field": "t", "bucket_size": "DAY"})
    assert "takes no entitlement to a feature whose MAX meter has a bucket_size" in told(highest)[0]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ((*TIER, "up_to"), "plans.pro.prices[0].tiers[0].up_to is missing; add it"),
        (("plans", "pro", "name"), "plans.pro.name is missing"),
        (("features", "tokens", "meter"), "features.tokens: a metered feature needs a meter"),
        (("features", "tokens", "meter", "event_name"), "features.tokens.meter.event_name is missing"),
        (("features", "tokens"), "expected the key of a feature of this file"),
        (("plans", "pro", "prices", 0, "tiers"), "needs tiers"),
        (("flexprice_catalog",), "no catalog snapshot"),
    ],
)
def test_what_is_missing_is_told_with_its_place(path: tuple[Any, ...], words: str) -> None:
    (problem,) = told(edited(path, lambda holder, key: holder.pop(key)))
    assert words in problem


def test_a_misspelt_key_is_told_with_the_one_that_was_meant() -> None:
    (problem,) = told(put((*FEE, "ammount"), "9"))
    assert problem == (
        "plans.pro.prices[1].ammount is not a key of the catalog snapshot, but 'amount' is there and differs in 1 character; "
        "remove it or correct its spelling"
    )


def test_all_that_is_wrong_is_told_at_once() -> None:
    document = put((*TIER, "up_to"), "0.5")
    del document["plans"]["pro"]["name"]
    document["plans"]["pro"]["prices"][1]["currency"] = 5
    assert len(told(document)) == 3


@pytest.mark.parametrize(
    ("path", "value", "normal"),
    [
        ((*TIER, "up_to"), 1000, "1000"),
        ((*TIER, "up_to"), Decimal("1E+3"), "1000"),
        ((*TIER, "up_to"), "1000.0", "1000"),
        ((*TIER, "unit_amount"), Decimal("1E-6"), "0.000001"),
        ((*TIER, "unit_amount"), "0.0100", "0.01"),
        ((*FEE, "currency"), "USD", "usd"),
        ((*FEE, "amount"), 9, "9"),
    ],
)
def test_what_can_only_mean_one_thing_is_read(path: tuple[Any, ...], value: Any, normal: str) -> None:
    found: Any = checked(put(path, value), PATH)
    for part in path:
        found = found[part]
    assert found == normal


def test_the_canonical_form_of_a_catalog_is_a_snapshot(tmp_path: Path) -> None:
    path = tmp_path / "catalog.json"
    for content in (DEMO.read_text(encoding="utf-8"), canonical.dumps(catalog(usage(), fee()))):
        path.write_text(content, encoding="utf-8")
        assert canonical.dumps(canonical.load(path)) == content


WORDS = ("1e3", "0.5", "1,000", "inf", "-1", "", "USD", "NaN", "0x10", "1_000")
CONTAINERS: tuple[Any, ...] = ([], {}, [None], {"a": 1})
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**20),
    st.text(max_size=6),
    st.decimals(allow_nan=False, allow_infinity=False, places=3),
    st.sampled_from(WORDS),
    st.sampled_from(CONTAINERS),
)
EVERYWHERE = list(places(SNAPSHOT))


@settings(max_examples=600, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(EVERYWHERE), JUNK, st.sampled_from(["put", "drop", "add"])), min_size=1, max_size=3
    )
)
def test_whatever_is_edited_ends_in_a_catalog_or_a_sentence(edits: list[tuple[tuple[Any, ...], Any, str]]) -> None:
    document = copy.deepcopy(SNAPSHOT)
    for path, value, how in edits:
        _mutate(document, path, value, how)
    try:
        found = checked(document, PATH)
    except SnapshotError as error:
        problems = error.problems
        assert problems
        assert all(problem and "Traceback" not in problem and "pydantic" not in problem for problem in problems)
    else:
        assert canonical.loads(json.dumps(found)).plans.keys() == found.get("plans", {}).keys()
        assert checked(found, PATH) == found


def _mutate(document: Any, path: tuple[Any, ...], value: Any, how: str) -> None:
    holder = document
    for part in path[:-1]:
        try:
            holder = holder[part]
        except (KeyError, IndexError, TypeError):
            return
    if not isinstance(holder, (dict, list)):
        return
    if how == "drop" and isinstance(holder, dict):
        holder.pop(path[-1], None)
    elif how == "add" and isinstance(holder, dict):
        holder["beside"] = value
    elif isinstance(holder, dict) or (isinstance(path[-1], int) and path[-1] < len(holder)):
        holder[path[-1]] = value


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such catalog snapshot"),
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "no catalog snapshot"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 100_000, "nested deeper"),
        (b'{"flexprice_catalog": 1e999999999}', "digits"),
    ],
)
def test_a_file_that_is_no_snapshot_is_one_sentence(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "catalog.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SnapshotError, match=words):
        read(path)
