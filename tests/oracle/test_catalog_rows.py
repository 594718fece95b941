"""What the real server answered becomes the canonical catalog (recordings catalog_listing and environment_clone)."""

from __future__ import annotations

import dataclasses
import json
import random
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from pytest_flexprice.model.catalog_snapshot import SnapshotError
from pytest_flexprice.model.finding import Severity
from pytest_flexprice.oracle.catalog import canonical as catalog_json
from pytest_flexprice.oracle.catalog import diff as catalog_diff
from pytest_flexprice.oracle.catalog import rows as catalog_rows
from pytest_flexprice.oracle.catalog.canonical import load
from pytest_flexprice.oracle.catalog.objects import Catalog

RECORDINGS = Path(__file__).parents[1] / "recordings"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def answer(topic: str, name: str) -> list[dict]:
    text = (RECORDINGS / f"{topic}.json").read_text(encoding="utf-8")
    for placeholder in ("<time>", "{now-9d}", "{now-1d}"):
        text = text.replace(placeholder, "2026-11-20T00:00:00.123456789Z")
    steps = json.loads(text)["steps"]
    return next(step["response"]["json"] for step in steps if step["name"] == name)["items"]


def listed() -> Catalog:
    return catalog_rows.catalog(
        answer("catalog_listing", "features"),
        answer("catalog_listing", "plans"),
        answer("catalog_listing", "meters"),
        NOW,
    )


def test_the_recorded_catalog_is_read_whole() -> None:
    catalog = listed()
    assert set(catalog.features) == {"tokens-{run}", "sso-{run}"}
    assert [meter.event_name for meter in catalog.loose_meters] == ["loose.{run}", "old.{run}"]
    pro = catalog.plans["pro-{run}"]
    usage = next(price for price in pro.prices if price.usage)
    assert (usage.feature, usage.event_name, usage.tier_mode) == ("tokens-{run}", "tokens.{run}", "SLAB")
    assert [tier.unit_amount for tier in usage.tiers] == [Decimal(1), Decimal("0.5")]
    assert pro.entitlements["tokens-{run}"].usage_limit == 1000
    assert pro.credit_grants["Welcome {run}"]["credits"] == "100"
    assert [price.feature for price in catalog.plans["basic-{run}"].prices] == [""]


def test_ids_and_times_leave_no_trace_in_the_canonical_text() -> None:
    text = catalog_json.dumps(listed())
    for word in ("{plan}", "{meter}", "{feature}", "created_at", "tenant", "<time>"):
        assert word not in text


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_answers_does_not_matter(seed: int) -> None:
    features, plans = answer("catalog_listing", "features"), answer("catalog_listing", "plans")
    for rows in (
        features,
        plans,
        *(plan.get("prices", []) for plan in plans),
        *(plan.get("entitlements", []) for plan in plans),
    ):
        random.Random(seed).shuffle(rows)
    shuffled = catalog_rows.catalog(features, plans, (), NOW)
    assert catalog_json.sha256(shuffled) == catalog_json.sha256(listed())


@pytest.mark.parametrize("nothing", [None, ""])
@pytest.mark.parametrize("kept", ["", "name", "lookup_key", "coupon_code", "code"])
def test_a_text_that_is_null_is_absent(kept: str, nothing: str | None) -> None:
    one = {"name": "One", "lookup_key": "one", "coupon_code": "one", "code": "one", "unit_singular": "a", "type": "x"}
    other = {**dict.fromkeys(one, nothing), kept: "Other"}
    whole = [{**row, "id": str(number), "credit_grants": [one, other]} for number, row in enumerate((one, other))]
    catalog = catalog_rows.catalog(whole, whole, (), NOW)
    kinds = dict.fromkeys(("addons", "coupons", "tax_rates", "price_units"), whole)
    found = dataclasses.replace(catalog, extras=catalog_rows.extras(kinds, {"prefix": nothing}, catalog))
    assert catalog_diff.compare(found, found) == catalog_diff.compare_extras(found, found) == []
    assert "null" not in catalog_json.dumps(catalog)


def test_what_a_clone_made_is_the_same_catalog() -> None:
    there = catalog_rows.catalog(
        answer("environment_clone", "features there"), answer("environment_clone", "plans there"), (), NOW
    )
    assert there.plans["pro-{run}"].cloned
    assert not there.features["sso-{run}"].cloned
    assert there.features["tokens-{run}"].cloned
    assert catalog_diff.compare(there, there) == []


def test_amounts_are_compared_as_numbers() -> None:
    plans = answer("catalog_listing", "plans")
    for plan in plans:
        for price in plan.get("prices", []):
            price["amount"] = price["amount"] + ("0" if "." in price["amount"] else ".00")
    changed = catalog_rows.catalog(answer("catalog_listing", "features"), plans, (), NOW)
    assert catalog_diff.compare(listed(), changed) == []


def test_a_price_that_has_ended_is_left_out() -> None:
    plans = answer("catalog_listing", "plans")
    plans[0]["prices"][0]["end_date"] = "2026-11-21T00:00:00Z"
    changed = catalog_rows.catalog(answer("catalog_listing", "features"), plans, (), NOW)
    assert [one.severity for one in catalog_diff.compare(listed(), changed)] == [Severity.ERROR]


def test_extras_are_found_by_code_or_name() -> None:
    names = {"addons": "addons", "coupons": "coupons", "tax_rates": "tax rates", "price_units": "price units"}
    rows = {kind: answer("catalog_listing", name) for kind, name in names.items()}
    extras = catalog_rows.extras(rows, {"prefix": "ACME", "due_date_days": 30}, listed())
    assert extras.addons is not None
    assert extras.addons["extra-{run}"].prices[0].amount == 5
    assert extras.coupons is not None
    assert extras.coupons["Ten {run}"]["percentage_off"] == "10"
    assert extras.tax_rates is not None
    assert extras.tax_rates["vat-{run}"]["percentage_value"] == "19"
    assert extras.settings == {"invoice_config": {"prefix": "ACME"}}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "no catalog snapshot"),
        ('{"flexprice_catalog": 1, "plans": {"a": {"nam": 1}}}', "plans.a.nam is not a key"),
    ],
)
def test_a_bad_snapshot_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "catalog.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SnapshotError, match=words):
        load(path)
    with pytest.raises(SnapshotError, match="no such catalog snapshot"):
        load(tmp_path / "none.json")
