"""What billing makes of metered quantities, where vectors leave room."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Bench


def preview(bench: Bench, subscription: str) -> dict[str, Any]:
    (line,) = bench.api("POST", "/v1/invoices/preview", {"subscription_id": subscription})["line_items"]
    found: dict[str, Any] = line
    return found


def entitle(bench: Bench, meter: str, **limit: Any) -> None:
    features = bench.api("POST", "/v1/features/search", {"meter_ids": [meter]})["items"]
    owner = {"entity_type": "PLAN", "entity_id": bench.plan, "feature_id": features[0]["id"], "feature_type": "metered"}
    bench.api("POST", "/v1/entitlements", {**owner, "usage_reset_period": "MONTHLY", "is_soft_limit": True, **limit})


def test_a_billed_quantity_keeps_every_digit(bench: Bench) -> None:
    meter = bench.meter()
    subscription = bench.subscribe()
    bench.send("e", n="12345678901234567890")
    assert bench.usage(meter) == ("12345678901234567890", 1)
    assert preview(bench, subscription)["quantity"] == "12345678901234567890"


@pytest.mark.parametrize(
    ("limit", "quantity", "free", "amount"),
    [({"usage_limit": 6}, "4", "6", "1"), ({}, "0", "10", "0"), ({"usage_limit": 0}, "10", "0", "2.5")],
    ids=str,
)
def test_an_allowance_on_a_bucketed_meter_comes_off_the_sum(
    bench: Bench, limit: dict[str, Any], quantity: str, free: str, amount: str
) -> None:
    meter = bench.meter(bucket_size="DAY")
    entitle(bench, meter, **limit)
    subscription = bench.subscribe()
    for day, number in enumerate((3, 7)):
        bench.send(f"e{day}", day * 86400 + 60, n=number)
    line = preview(bench, subscription)
    assert (line["quantity"], line["adjusted_entitlement_quantity"], line["amount"]) == (quantity, free, amount)


@pytest.mark.parametrize(
    ("size", "total"),
    [("MINUTE", 13), ("15MIN", 12), ("30MIN", 11), ("HOUR", 11), ("3HOUR", 8), ("6HOUR", 8), ("12HOUR", 7), ("DAY", 7)],
)
def test_buckets_of_every_size(bench: Bench, size: str, total: int) -> None:
    bench.meter(kind="MAX", bucket_size=size)
    subscription = bench.subscribe()
    at = ((10, 1), (50, 2), (70, 1), (15 * 60, 1), (3600, 3), (3 * 3600 - 1, 1), (6 * 3600, 1), (86400, 4), (86401, 2))
    for index, (second, number) in enumerate(at):
        bench.send(f"e{index}", second, n=number)
    assert preview(bench, subscription)["quantity"] == str(total)


def test_groups_of_a_bucket_are_priced_each(bench: Bench) -> None:
    bench.meter(kind="MAX", bucket_size="HOUR", group_by="g")
    subscription = bench.subscribe()
    for index, (group, number) in enumerate((("a", 3), ("b", 9), ("a", 5), (None, 2), ("", 4), (1, 1), ("1", 6))):
        bench.send(f"e{index}", 60 + index, n=number, **({} if group is None else {"g": group}))
    assert preview(bench, subscription)["quantity"] == str(9 + 5 + 4 + 6)


@pytest.mark.parametrize("factor", ["1", None])
def test_a_commitment_without_a_dearer_overage_changes_nothing(bench: Bench, factor: str | None) -> None:
    bench.meter()
    promise = {"commitment_amount": "10", "enable_true_up": True, **({"overage_factor": factor} if factor else {})}
    subscription = bench.subscribe(**promise)
    bench.send("e", n=100)
    assert preview(bench, subscription)["amount"] == "25"
    answer = bench.api("POST", "/v1/subscriptions/usage", {"subscription_id": subscription})
    assert (answer["amount"], answer["has_overage"], len(answer["charges"])) == (25, False, 1)
