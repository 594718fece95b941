"""``events/analytics``: what it counts for a customer and for a whole environment (contract 3.9, 11.1)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pytest_flexprice.emulator.kernel.render import gotime

from ..billing_case import rfc3339
from .conftest import SANDBOX, Bench


def analysed(bench: Bench, **fields: Any) -> dict[str, Any]:
    """The answer for ``acme`` over the whole subscription, unless told otherwise; a field of ``None`` is left out."""
    body = {
        "external_customer_id": "acme",
        "start_time": rfc3339(bench.start),
        "end_time": rfc3339(bench.day + timedelta(days=2)),
        **fields,
    }
    kept = {name: value for name, value in body.items() if value is not None}
    found: dict[str, Any] = bench.api("POST", "/v1/events/analytics", kept)
    return found


def used(answer: dict[str, Any], *names: str) -> list[tuple[Any, ...]]:
    """Usage and cost of each item, after these fields of it."""
    return [(*(item.get(name) for name in names), item["total_usage"], item["total_cost"]) for item in answer["items"]]


def test_a_customers_lines_are_priced_and_not_rounded(bench: Bench) -> None:
    bench.meter()
    bench.subscribe()
    bench.send("a", n=5.5)
    answer = analysed(bench)
    assert used(answer) == [("5.5", "1.375")]
    assert (answer["total_cost"], answer["currency"]) == ("1.375", "usd")


def test_without_a_customer_everything_counts_and_nothing_costs(bench: Bench) -> None:
    bench.meter()
    bench.meter("idle", priced=False)
    bench.subscribe()
    bench.send("a", n=2)
    bench.api("POST", "/v1/events", {"event_name": "call", "external_customer_id": "nobody", "event_id": "b",
                                     "timestamp": rfc3339(bench.start), "properties": {"n": 4}})  # fmt: skip
    answer = analysed(bench, external_customer_id=None)
    assert used(answer, "event_count") == [(2, "6", "0")]
    assert (answer["currency"], "price_id" in answer["items"][0]) == ("", False)


def test_a_customer_without_subscription_is_read_like_the_environment(bench: Bench) -> None:
    bench.meter()
    bench.send("a", n=2)
    answer = analysed(bench)
    assert (used(answer), answer["currency"]) == ([("2", "0")], "")
    assert analysed(bench, external_customer_id="nobody")["items"] == []


def test_features_restrict_and_unknown_ones_find_nothing(bench: Bench) -> None:
    one, other = bench.meter("one"), bench.meter("other")
    bench.subscribe()
    bench.send("a", 3600, "one", n=1)
    bench.send("b", 3600, "other", n=2)
    by_meter = {item["meter_id"]: item["feature_id"] for item in analysed(bench)["items"]}
    assert by_meter.keys() == {one, other}
    assert used(analysed(bench, feature_ids=[by_meter[other]])) == [("2", "0.5")]
    assert analysed(bench, feature_ids=["feat_x"])["items"] == []


def test_groups_split_an_item_also_by_a_value_that_is_missing(bench: Bench) -> None:
    bench.meter()
    bench.subscribe()
    bench.send("a", n=1, region="eu")
    bench.send("b", n=2, region="us")
    bench.send("c", n=4)
    answer = analysed(bench, group_by=["properties.region"])
    found = {(item.get("properties") or {}).get("region", ""): item["total_usage"] for item in answer["items"]}
    assert found == {"eu": "1", "us": "2", "": "4"}
    assert answer["total_cost"] == "1.75"


@pytest.mark.parametrize("name", ["region", "properties.a-b", "customer"])
def test_an_unknown_group_is_refused(bench: Bench, name: str) -> None:
    body = {"external_customer_id": "acme", "group_by": [name]}
    answer = bench.client.post("/v1/events/analytics", json=body, headers=bench.headers)
    assert (answer.status_code, answer.get_json()["details"]["group_by_entry"]) == (400, name)


def test_filters_restrict(bench: Bench) -> None:
    bench.meter()
    bench.subscribe()
    bench.send("a", n=1, region="eu")
    bench.send("b", n=2, region="us")
    assert used(analysed(bench, property_filters={"region": ["us"]})) == [("2", "0.5")]


def test_windows_have_points_with_costs(bench: Bench) -> None:
    bench.meter()
    bench.subscribe()
    bench.send("a", 3600, n=1)
    bench.send("b", 3700, n=2)
    bench.send("c", 90_000, n=4)
    points = analysed(bench, window_size="DAY")["items"][0]["points"]
    assert [(point["timestamp"], point["usage"], point["cost"], point["event_count"]) for point in points] == [
        (gotime(bench.start), "3", "0.75", 2),
        (gotime(bench.start + timedelta(days=1)), "4", "1", 1),
    ]


@pytest.mark.parametrize(("kind", "usage", "daily"), [("MAX", "9", ["5", "2"]), ("SUM", "11", ["9", "2"])])
def test_buckets_are_put_together_in_larger_windows(bench: Bench, kind: str, usage: str, daily: list[str]) -> None:
    bench.meter(kind=kind, bucket_size="HOUR")
    bench.subscribe()
    for identifier, at, quantity in (("a", 600, 2), ("b", 1200, 2), ("c", 4200, 5), ("d", 90_000, 2)):
        bench.send(identifier, at, n=quantity)
    item = analysed(bench, window_size="DAY")["items"][0]
    assert item["total_usage"] == usage
    assert [point["usage"] for point in item["points"]] == daily, "a maximum is not added up"


def test_a_cancelled_subscription_is_read_until_its_end(bench: Bench) -> None:
    bench.meter()
    identifier = bench.subscribe()
    bench.send("a", n=3)
    bench.api("POST", f"/v1/subscriptions/{identifier}/cancel", {"cancellation_type": "immediate"})
    assert used(analysed(bench)) == [("3", "0.75")]


def test_each_subscription_has_an_item_of_its_own(bench: Bench) -> None:
    bench.meter()
    first, second = bench.subscribe(), bench.subscribe(bench.start + timedelta(days=1))
    bench.send("a", 3600, n=1)
    bench.send("b", 100_000, n=2)
    assert set(used(analysed(bench), "subscription_id")) == {(first, "3", "0.75"), (second, "2", "0.5")}


def promised(bench: Bench, meter: str, **commitment: Any) -> None:
    price = next(row["id"] for row in bench.world.table("prices").all(SANDBOX) if row.get("meter_id") == meter)
    agreed = {"commitment_type": "amount", "overage_factor": "2", "enable_true_up": True, **commitment}
    bench.subscribe(line_item_commitments={price: agreed})


def test_a_commitment_of_a_line_counts_unless_only_a_part_is_asked_for(bench: Bench) -> None:
    promised(bench, bench.meter(), commitment_amount="10")
    bench.send("a", n=4, region="eu")
    assert used(analysed(bench)) == [("4", "10")]
    assert used(analysed(bench, group_by=["properties.region"])) == [("4", "1")]
    assert used(analysed(bench, property_filters={"region": ["eu"]})) == [("4", "1")]


def test_a_line_with_a_commitment_is_shown_without_usage(bench: Bench) -> None:
    promised(bench, bench.meter(), commitment_amount="10")
    assert [item["total_usage"] for item in analysed(bench)["items"]] == ["0"]
    assert analysed(bench, property_filters={"region": ["eu"]})["items"] == []


def test_a_percentage_coupon_is_taken_off_and_a_fixed_one_is_not(bench: Bench) -> None:
    bench.meter()
    for code, fields in (
        ("TENTH", {"type": "percentage", "percentage_off": "10"}),
        ("FIVE", {"type": "fixed", "amount_off": "5", "currency": "usd"}),
    ):
        bench.api("POST", "/v1/coupons", {"name": code, "coupon_code": code, "cadence": "forever", **fields})
    bench.subscribe(subscription_coupons=[{"coupon_code": "TENTH"}, {"coupon_code": "FIVE"}])
    bench.send("a", n=40)
    answer = analysed(bench)
    assert (answer["subtotal"], answer["total_discount"], answer["total_cost"]) == ("10", "1", "9")


def test_children_count_with_their_parent_when_asked_for(bench: Bench) -> None:
    bench.meter()
    bench.api("POST", "/v1/customers", {"external_id": "kid", "name": "Kid"})
    bench.subscribe(inheritance={"external_customer_ids_to_inherit_subscription": ["kid"]})
    bench.send("a", n=1)
    bench.api("POST", "/v1/events", {"event_name": "call", "external_customer_id": "kid", "event_id": "k",
                                     "timestamp": rfc3339(bench.start), "properties": {"n": 2}})  # fmt: skip
    assert used(analysed(bench)) == [("1", "0.25")]
    assert used(analysed(bench, include_children=True)) == [("3", "0.75")]
    assert used(analysed(bench, external_customer_id="kid")) == [("2", "0.5")]
