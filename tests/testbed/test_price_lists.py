"""The price proof against the embedded Flexprice: healthy ones stay green, and each wrong rule turns red, with both figures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pytest_flexprice.api import Flexprice, Transport
from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer
from pytest_flexprice.emulator.seeding.seed import Seeder
from pytest_flexprice.model.budget import Budget
from pytest_flexprice.testbed.customer import Testbed
from pytest_flexprice.testbed.ledger import Ledger
from pytest_flexprice.testbed.naming import new_run_id
from pytest_flexprice.testbed.price_proof import Proved, Prover
from pytest_flexprice.testbed.setting_up import plan_as_sold, read_plan_rows, sold_as
from pytest_flexprice.testbed.waiting import Eventually

from .price_lists import PRICE_LISTS

WRONG = {
    "W03": ("tokens", r"bills .* usd"),
    "W04": ("seats", r"storage\.measured"),
    "W05": ("yen and dinar", r"image\.made|img"),
    "W07": ("seats", r"storage\.measured"),
    "W08": ("tokens", r"llm\.done"),
    "W09": ("seats", r"storage\.measured"),
    "W11": ("free tier", r"api\.call"),
    "W13": ("annual", r"video\.rendered"),
    "W14": ("free tier", r"allowance"),
    "W15": ("free tier", r"allowance"),
    "W16": ("seats", r"storage\.measured"),
    "W17": ("hybrid", r"peak|day"),
    "W18": ("yen and dinar", r"bills"),
    "W19": ("annual", r"bills"),
    "W21": ("yen and dinar", r"bills"),
    "W22": ("tokens", r"bills"),
    "W23": ("tokens", r"bills"),
    "W32": ("tokens", r"'llm\.done' \('cached'\) .* as if the unit price is rounded to 8 decimals"),
    "W33": ("seats", r"'storage\.measured' .* as if .*tier 2 ends one unit too late"),
    "W35": ("seats", r"'storage\.measured' .* as if every tier is priced like the last"),
    "W36": ("free tier", r"'api\.call' .* as if parts of packages are charged"),
    "W37": ("annual", r"'video\.rendered' .* as if a full package counts as one more"),
    "W38": ("annual", r"as if exact halves are rounded down"),
    "W40": ("annual", r"as if the amount is not rounded"),
    "W41": ("yen and dinar", r"as if every currency has two decimals"),
    "W43": ("annual", r"as if parts of units count as whole ones"),
    "W44": ("seats", r"'storage\.measured' .* as if only the flat fee of the tier reached is charged"),
    "W46": ("seats", r"'storage\.measured' .* as if the allowance ends one unit too early"),
    "W47": ("seats", r"as if usage above the allowance is billed from its first unit"),
    "W48": ("seats", r"as if usage above the allowance is free too"),
    "W49": ("seats", r"'storage\.measured' .* as if the allowance comes off at the price of the tier"),
    "W82": ("free tier", r"'api\.call' .* as if .*the price of a package is charged per unit"),
    "W84": ("tokens", r"'llm\.done' .* as if .*the exponent of the unit price is ignored"),
    "W85": ("yen and dinar", r"'image\.made' .* as if .*what is above the last tier costs what is in it"),
    "W212": ("seats", r"as if .*each day is counted by itself, and the days are added up"),
    "W213": ("hybrid", r"'peak\.seen' .* as if .*the groups of a bucket are not told apart"),
    "W204": ("tokens", r"'llm\.done' .* as if .*the amount is rounded twice"),
    "W90": ("yen and dinar", r"as if .*the amount is a hundredth"),
}
"""Wrong servers, and the price list on which each shows itself."""


@contextmanager
def served(catalog: dict[str, Any], folder: Path, *faults: str) -> Iterator[Testbed]:
    """A testbed on an embedded Flexprice that holds a catalog."""
    server = FlexpriceServer(EmulatorOptions(lag=0.0, key_cache_seconds=0.0, faults=faults)).start()
    try:
        live = Seeder(server)
        live.catalog(catalog)
        _, key = live.key("test")
        guard = SimpleNamespace(
            check=lambda *request: None, heed=lambda *answer: None, prove=None, block=None, refused=tuple
        )
        client = Flexprice(Transport(server.url, {"x-api-key": key}), guard)  # type: ignore[arg-type]
        started = Eventually().now()
        yield Testbed(client, Ledger(folder / "ledger.ndjson"), new_run_id(started))
        client.close()
    finally:
        server.stop()


def proved(testbed: Testbed, events: int = 10_000) -> Proved:
    """The proof of every plan as it is sold."""
    rows = read_plan_rows(testbed.flexprice)
    plans = [plan_as_sold(testbed.flexprice, row, *sold) for row in rows for sold in sold_as(row)]
    return Prover(testbed, Eventually(), Budget(events, Decimal(10**9)), patience=0.1, shortest=3, lanes=4).prove(plans)


@pytest.mark.parametrize("name", PRICE_LISTS)
def test_a_healthy_server_bills_everything_exactly(name: str, tmp_path: Path) -> None:
    with served(PRICE_LISTS[name], tmp_path) as testbed:
        seen = proved(testbed)
        left = list(testbed.flexprice.search("/v1/subscriptions/search", {"subscription_status": ["active"]}))
    assert [finding.sentence for finding in seen.findings] == []
    assert {row.state for rows in seen.tables.values() for row in rows} == {"billed exactly"}
    assert left == []


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_server_is_told_with_both_figures(fault: str, tmp_path: Path) -> None:
    name, says = WRONG[fault]
    with served(PRICE_LISTS[name], tmp_path, fault) as testbed:
        seen = proved(testbed)
    assert any(re.search(says, finding.problem) for finding in seen.findings), seen.findings
    assert all(finding.expected is not None and finding.observed is not None for finding in seen.findings)
    assert any(row.state == "billed wrongly" for rows in seen.tables.values() for row in rows)


def test_usage_that_lost_its_parts_is_told_with_its_rule(tmp_path: Path) -> None:
    with served(PRICE_LISTS["annual"], tmp_path, "W97") as testbed:
        problems = "\n".join(finding.problem for finding in proved(testbed).findings)
    assert re.search(r"'api\.call' shows a usage of .* as if .*what is behind the point is lost", problems), problems


def test_as_many_plans_are_asked_for_at_once_as_there_are_lanes() -> None:
    together = Barrier(3, timeout=60)
    prover = Prover(cast(Testbed, None), Eventually(), Budget(1, Decimal(1)), lanes=3)
    assert prover._spread(lambda number: (together.wait(), number)[1], [1, 2, 3]) == [1, 2, 3]


def test_what_a_small_budget_leaves_out_is_told(tmp_path: Path) -> None:
    with served(PRICE_LISTS["free tier"], tmp_path) as testbed:
        seen = proved(testbed, events=100)
    (finding,) = seen.findings
    assert finding.problem.startswith("nothing was billed of 'calls', so that its price is not proved")
    assert "packages of 1000 at 2: needs 2,400 events" in finding.problem
    assert finding.kind.value == "not verified"
