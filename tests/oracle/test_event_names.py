"""Event names byte for byte: what is missing, nearly right, archived, doubled, unpriced or unsent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.model import near_miss
from pytest_flexprice.model.finding import Finding, Severity
from pytest_flexprice.model.golive_plan import EventKind
from pytest_flexprice.model.prices import Tier
from pytest_flexprice.oracle.catalog import event_names
from pytest_flexprice.oracle.catalog import health as catalog_health
from pytest_flexprice.oracle.catalog.objects import Catalog, Extras, Feature

from .catalog_strategies import catalog, fee, tokens, usage

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def sent(*names: str, **values: object) -> list[EventKind]:
    return [EventKind(name=name, **values) for name in names]


def named(*names: str, **changes: object) -> Catalog:
    features = {
        name: Feature(name, "metered", tokens(event_name=name, id=f"m-{number}", **changes))
        for number, name in enumerate(names)
    }
    return catalog(*(usage(event_name=name, feature=name) for name in names), features=features)


def errors(findings: list[Finding]) -> list[str]:
    return [one.sentence for one in findings if one.severity is Severity.ERROR]


def test_names_that_are_counted_and_priced_are_fine() -> None:
    present = named("model.completion", "api_call")
    assert event_names.metered(sent("model.completion", "api_call"), present) == []
    assert event_names.priced(sent("model.completion", "api_call"), present, NOW) == []


@pytest.mark.parametrize(
    ("name", "there", "hint"),
    [
        ("api_call", "Api_Call", "upper and lower case"),
        ("api_call", "api-call", "separators"),
        ("api_call", "api_cal", "in 1 character"),
        ("api_call", "аpi_call", "look alike (CYRILLIC SMALL LETTER A, U+0430)"),
        ("api_call", "api\u200b_call", "invisible characters (ZERO WIDTH SPACE, U+200B)"),
        ("caf\u00e9", "cafe\u0301", "composed or decomposed"),
    ],
)
def test_a_near_miss_is_named_with_its_difference(name: str, there: str, hint: str) -> None:
    found = errors(event_names.metered(sent(name), named(there)))
    assert len(found) == 1
    assert hint in found[0]
    assert "never billed" in found[0]
    assert f"'{there}'" in found[0]


def test_an_unknown_name_has_no_hint() -> None:
    assert "no published meter has it" in errors(event_names.metered(sent("storage"), named("api_call")))[0]


def test_white_space_around_a_name_is_cut_by_the_server() -> None:
    found = event_names.metered(sent("api_call "), named("api_call"))
    assert [one.severity for one in found] == [Severity.INFO]


def test_an_archived_meter_is_told_with_its_date() -> None:
    found = errors(
        event_names.metered(sent("api_call"), named("api_call", status="archived", changed="2026-11-01T00:00:00Z"))
    )
    assert "only meter is archived since 2026-11-01" in found[0]


def test_an_archived_feature_does_not_count() -> None:
    gone = named("api_call", status="archived")
    present = replace(gone, features={}, archived=gone.features)
    assert "archived" in errors(event_names.metered(sent("api_call"), present))[0]


def two(**changes: object) -> Catalog:
    features = {
        "one": Feature("One", "metered", tokens(id="m-1", filters={"region": ("eu",)})),
        "two": Feature("Two", "metered", tokens(id="m-2", **{"filters": {"region": ("eu", "us")}, **changes})),
    }
    return catalog(features=features)


def test_two_meters_that_count_alike_bill_twice() -> None:
    assert "billed 2 times" in errors(event_names.metered(sent("model.completion"), two()))[0]


@pytest.mark.parametrize("changes", [{"field": "input"}, {"aggregation": "COUNT"}])
def test_two_meters_that_count_differently_are_only_worth_knowing(changes: dict[str, object]) -> None:
    (found,) = event_names.metered(sent("model.completion"), two(**changes))
    assert found.severity is Severity.WARNING


def test_two_meters_between_which_a_filter_decides_count_once() -> None:
    assert event_names.metered(sent("model.completion"), two(filters={"region": ("us",)})) == []


def test_one_meter_under_two_features_counts_once() -> None:
    present = two()
    same = replace(present, features={key: replace(one, meter=tokens(id="m")) for key, one in present.features.items()})
    assert event_names.metered(sent("model.completion"), same) == []


def test_a_meter_that_nobody_sends_to_warns() -> None:
    found = event_names.metered(sent("model.completion"), named("model.completion", "old"))
    assert [(one.path, one.severity) for one in found] == [("meters.old", Severity.WARNING)]
    assert "bills 0" in found[0].sentence
    assert len(event_names.metered(sent("Old"), named("old"))) == 1  # one cause, one voice


def test_a_name_that_no_price_bills() -> None:
    present = replace(named("api_call"), plans=catalog(fee()).plans)
    assert "no price in force" in errors(event_names.priced(sent("api_call"), present, NOW))[0]


def test_a_name_whose_only_plan_is_missing_points_to_its_cause() -> None:
    meant = named("api_call")
    meant = replace(meant, plans=catalog(usage(event_name="api_call")).plans)
    (key,) = meant.plans
    present = replace(meant, plans={})
    (found,) = event_names.priced(sent("api_call"), present, NOW, lambda: meant)
    assert found.severity is Severity.ERROR
    assert f"follows from 2.1: '{key}' is missing or archived" in found.sentence
    for other in (None, present):
        (found,) = event_names.priced(sent("api_call"), present, NOW, lambda known=other: known)
        assert "no price in force" in found.sentence


def test_a_price_that_starts_later_bills_nothing_yet() -> None:
    later = datetime(2026, 12, 1, tzinfo=UTC)
    present = catalog(usage(start=later))
    assert "starts on 2026-12-01" in errors(event_names.priced(sent("model.completion"), present, NOW))[0]


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ((10, 10, None), "2 tiers of price"),
        ((10, None, None), "have no bound"),
        ((20, 10, None), ""),
        ((10, 20, None), ""),
    ],
)
def test_of_two_tiers_with_one_bound_one_is_never_used(bounds: tuple[int | None, ...], words: str) -> None:
    tiers = tuple(Tier(None if one is None else Decimal(one), Decimal(1)) for one in bounds)
    present = catalog(usage(billing_model="TIERED", tier_mode="VOLUME", tiers=tiers))
    told = " ".join(one.sentence for one in catalog_health.prices_that_bill(present, NOW))
    assert words in told
    assert bool(told) is bool(words)


def test_an_event_that_is_not_to_be_billed_needs_no_meter() -> None:
    assert (
        event_names.metered(sent("audit", unbilled="free of charge"), named("audit2"))[0].severity is Severity.WARNING
    )


@given(st.text(min_size=1, max_size=20))
def test_near_misses_never_name_the_name_itself(name: str) -> None:
    near = near_miss.NearMisses([name, name.upper() + "x"]).of(name)
    assert near is None or near[0] != name


@given(st.text(min_size=6, max_size=20), st.data())
def test_one_typing_mistake_is_always_seen(name: str, data) -> None:
    place = data.draw(st.integers(0, len(name) - 1))
    wrong = name[:place] + name[place + 1 :]
    assert near_miss.difference(wrong, name) != ""


def edits(left: str, right: str) -> int:
    """The edit distance with swaps as its definition says, from the ends."""
    if not left or not right:
        return len(left) + len(right)
    ways = [edits(left[:-1], right) + 1, edits(left, right[:-1]) + 1]
    ways.append(edits(left[:-1], right[:-1]) + (left[-1] != right[-1]))
    if left[-2:] == right[-1:] + right[-2:-1] and len(left) > 1 and len(right) > 1:
        ways.append(edits(left[:-2], right[:-2]) + 1)
    return min(ways)


@given(st.text("abc", max_size=5), st.text("abc", max_size=5), st.integers(1, 3))
def test_the_distance_is_what_its_definition_says_up_to_the_limit(left: str, right: str, limit: int) -> None:
    assert near_miss.distance(left, right, limit) == (edits(left, right) if edits(left, right) <= limit else 0)


@pytest.mark.parametrize(
    ("name", "known", "nearest"),
    [
        ("orders", ["ordres", "ordersxx"], "ordres"),  # the nearer one
        ("orders", ["ordxrs", "ordars"], "ordars"),  # of two as near the first by name
        ("abcde", ["abcxy"], None),  # two letters of five
        ("abcdef", ["abcdxy"], "abcdxy"),
        ("acct_17", ["acct_18"], None),
        ("acct_17a", ["acct_18"], "acct_18"),
    ],
)
def test_the_nearest_name_is_the_one_with_the_fewest_edits(name: str, known: list[str], nearest: str | None) -> None:
    near = near_miss.NearMisses(known).of(name)
    assert (near and near[0]) == nearest
    assert near is None or near_miss.NearMisses(known).of(name, edits=False) is None


def test_a_filter_on_a_field_of_the_event_never_matches() -> None:
    features = {"tokens": Feature("Tokens", "metered", tokens(filters={"source": ("api",)}))}
    events = sent("model.completion", properties={"tokens": "number"})
    found = errors(catalog_health.meters_that_match(catalog(features=features), events))
    assert "no event ever matches" in found[0]
    declared = sent("model.completion", properties={"tokens": "number", "source": "string"})
    assert catalog_health.meters_that_match(catalog(features=features), declared) == []


def test_a_meter_that_reads_a_misspelt_property() -> None:
    found = errors(
        catalog_health.meters_that_match(catalog(), sent("model.completion", properties={"token": "number"}))
    )
    assert "reads property 'tokens'" in found[0]
    assert "'token' is there" in found[0]


def test_a_tiered_price_without_mode_bills_zero() -> None:
    odd = usage(billing_model="TIERED", tiers=(Tier(None, 1),))
    assert "bills zero" in errors(catalog_health.prices_that_bill(catalog(odd), NOW))[0]
    assert errors(catalog_health.prices_that_bill(catalog(replace(odd, tier_mode="SLAB")), NOW)) == []


def test_tax_rates_that_nobody_pays_are_told_where_one_is_in_force() -> None:
    rates = {"vat-no": {"tax_rate_status": "ACTIVE"}, "vat-se": {"tax_rate_status": "INACTIVE"}}
    (told,) = catalog_health.taxes_of_nobody(Extras(tax_rates=rates))
    assert "no tax rate is attached to a customer or subscription, although there are some (vat-no)" in told.sentence
    assert told.severity is Severity.WARNING
    assert catalog_health.taxes_of_nobody(Extras(tax_rates={"vat-se": rates["vat-se"]})) == []


def test_a_price_on_a_meter_that_is_not_published() -> None:
    odd = usage(meter=tokens(status="archived"))
    assert "whose meter is archived" in errors(catalog_health.prices_that_bill(catalog(odd), NOW))[0]
