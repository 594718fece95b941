"""What meters count of sample events: each value that counts zero or wrong is found, and no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_flexprice.model.finding import Severity
from pytest_flexprice.model.golive_plan import EventKind
from pytest_flexprice.oracle.samples import check as sample_check
from pytest_flexprice.oracle.samples.units import Spans, other_units

from .catalog_strategies import tokens
from .sample_events import METERS, NOW, check, errors, event, everything


def test_quantities_far_from_all_samples_may_be_of_another_unit(tmp_path: Path) -> None:
    def of(*values: object) -> Spans:
        return check(tmp_path, *(event(n, properties={"tokens": value}) for n, value in enumerate(values))).spans

    gigabytes, more, much = of(1.5, 24, "3"), of(0, 700, 24000, 751), of(2_000_000_000, 1.5e9, 1600000000)
    (told,) = other_units(gigabytes, much)
    assert told.severity is Severity.WARNING
    assert "'model.completion' is 1,500,000,000 to 2,000,000,000, and of the samples 1.5 to 24" in told.sentence
    assert len(other_units(much, gigabytes)) == 1
    assert other_units(gigabytes, more) == other_units(gigabytes, of(1e9, 2e9)) == other_units({}, much) == []


def test_seconds_in_one_and_minutes_in_the_other_are_told_where_the_property_is_a_time(tmp_path: Path) -> None:
    def of(field: str, *values: float) -> Spans:
        rows = (event(n, properties={field: value}) for n, value in enumerate(values))
        return check(tmp_path, *rows, meters=(tokens(field=field),)).spans

    seconds, minutes = (30, 120, 600, 90), (0.5, 2, 9, 1.4)
    assert len(other_units(of("duration", *seconds), of("duration", *minutes))) == 1
    assert len(other_units(of("minutes", *minutes), of("minutes", *seconds))) == 1
    assert other_units(of("tokens", *seconds), of("tokens", *minutes)) == []
    assert other_units(of("duration", *seconds), of("duration", 3, 12, 29)) == []


def test_one_of_ten_that_misses_the_filter_by_case_is_told(tmp_path: Path) -> None:
    meter = tokens(filters={"region": ("eu", "us")})
    rows = [event(number, properties={"tokens": 1, "region": "eu"}) for number in range(9)]
    (found,) = errors(check(tmp_path, *rows, event(10, properties={"tokens": 1, "region": "EU"}), meters=(meter,)))
    assert "1 of 10 events 'model.completion' have 'EU' as 'region'" in found
    assert "only in upper and lower case" in found
    other = event(11, properties={"tokens": 1, "region": "asia"})
    assert errors(check(tmp_path, *rows, other, meters=(meter,))) == []


def test_a_negative_value_that_an_expression_reads_is_a_warning(tmp_path: Path) -> None:
    meter = tokens(field="", expression="tokens * 2")
    (found,) = everything(check(tmp_path, event(properties={"tokens": -2}), meters=(meter,)))
    assert found.severity is Severity.WARNING
    assert "a negative 'tokens', which the expression" in found.sentence


def test_where_a_property_is_that_its_meter_does_not_find_is_said(tmp_path: Path) -> None:
    (nested,) = errors(check(tmp_path, event(properties={"usage": {"tokens": 3}})))
    assert "no property 'tokens', which the meter of 'model.completion' reads" in nested
    assert "'tokens' is there within its property 'usage', and meters look no deeper" in nested
    (beside,) = errors(check(tmp_path, event(properties={}, tokens=3)))
    assert "'tokens' is there beside its properties" in beside


def test_an_expression_of_which_no_sample_has_anything_is_an_error(tmp_path: Path) -> None:
    meter = tokens(field="", expression="tokens + cached * 2")
    nested, absent = errors(check(tmp_path, event(properties={"usage": {"tokens": 3}}), meters=(meter,)))
    assert "no property 'tokens', which the expression" in nested
    assert "within its property 'usage'" in nested
    assert "no property 'cached'" in absent
    assert errors(check(tmp_path, event(properties={"cached": 3}), meters=(meter,))) == []


def test_a_declared_type_that_its_meter_cannot_add_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "s.ndjson").write_text(json.dumps(event()) + "\n", encoding="utf-8")
    events = [EventKind(name="model.completion", properties={"tokens": "string"})]
    checked = sample_check.check(events, [tmp_path / "s.ndjson"], tmp_path, NOW, meters=METERS)
    (found,) = errors(checked)
    assert (
        "declares property 'tokens' of event 'model.completion' as string, and its meter takes the SUM of it" in found
    )


QUANTITIES = {
    "missing": ({"model": "x"}, "no property 'tokens'"),
    "other case": ({"Tokens": 5}, "'Tokens' is there"),
    "misspelt": ({"token": 5}, "'token' is there"),
    "null": ({"tokens": None}, "count 0"),
    "true": ({"tokens": True}, "no number"),
    "nested": ({"tokens": {"v": 5}}, "no number"),
    "list": ({"tokens": [5]}, "no number"),
    "separator": ({"tokens": "1,000"}, "no number"),
    "unit": ({"tokens": "12 GB"}, "no number"),
    "space": ({"tokens": " 3"}, "no number"),
    "hex": ({"tokens": "0x10"}, "no number"),
    "NaN": ({"tokens": "NaN"}, "no number"),
    "negative": ({"tokens": -3}, "negative"),
    "negative text": ({"tokens": "-4"}, "negative"),
    "1e300": ({"tokens": 1e300}, "stops metering"),
    "text of 30 digits": ({"tokens": "9" * 30}, "stops metering"),
    "2^53 + 1": ({"tokens": 2**53 + 1}, "digits are lost"),
}


@pytest.mark.parametrize("mistake", QUANTITIES)
def test_each_quantity_that_counts_zero_or_wrong_is_found(tmp_path: Path, mistake: str) -> None:
    properties, words = QUANTITIES[mistake]
    found = errors(check(tmp_path, event(1), event(2, properties=properties)))
    assert len(found) == 1
    assert words in found[0]


@pytest.mark.parametrize("value", ["+4", ".5", "5.", "1e2", "12345678901234567890", 0, 0.1, 2**53, 10**16])
def test_numbers_that_the_server_reads_are_fine(tmp_path: Path, value: object) -> None:
    assert errors(check(tmp_path, event(properties={"tokens": value}))) == []


def test_no_properties_at_all_count_zero(tmp_path: Path) -> None:
    assert "no property 'tokens'" in errors(check(tmp_path, event(properties=None)))[0]


def test_filters_match_what_the_server_prints(tmp_path: Path) -> None:
    meter = tokens(filters={"acct": ("1000000",)})
    rows = [event(1, properties={"tokens": 1, "acct": 1000000})]
    assert "prints as '1e+06'" in errors(check(tmp_path, *rows, meters=(meter,)))[0]
    fine = event(2, properties={"tokens": 1, "acct": "1000000"})
    assert errors(check(tmp_path, fine, meters=(meter,))) == []
    none = event(3, properties={"tokens": 1, "acct": "7"})
    assert "no sample event 'model.completion' passes" in errors(check(tmp_path, none, meters=(meter,)))[0]


def test_a_meter_of_unique_values_and_one_with_an_expression(tmp_path: Path) -> None:
    unique = tokens(aggregation="COUNT_UNIQUE", field="user")
    assert "not counted at all" in errors(check(tmp_path, event(), meters=(unique,)))[0]
    assert errors(check(tmp_path, event(properties={"user": None}), meters=(unique,))) == []
    formula = tokens(field="", expression="tokens * 2 + extra")
    found = everything(check(tmp_path, event(properties={"tokens": "many"}), meters=(formula,)))
    assert {one.severity for one in found} == {Severity.ERROR, Severity.WARNING}
    assert "stay in processing" in " ".join(one.sentence for one in found)


def test_a_catalog_of_many_meters_costs_nothing_and_hides_nothing(tmp_path: Path) -> None:
    meters = [*(tokens(event_name=f"e.{n}", field=f"f{n}", filters={f"k{n}": ("x",)}) for n in range(200)), tokens()]
    found = errors(check(tmp_path, event(), event(2, properties={"tokens": -1}), meters=meters))
    assert len(found) == 1
    assert "negative" in found[0]
