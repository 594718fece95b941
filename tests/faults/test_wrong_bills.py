"""Servers that only calculate wrongly, on a company as it is rehearsed: item 5.3 names line, rule and both figures.

One rehearsal for all of them, as nothing changes but what is calculated; what other items read stays as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_flexprice.api.client import Flexprice
from pytest_flexprice.api.guard import WriteGuard
from pytest_flexprice.api.previews import PreviewReader, read_previews, read_running_subscriptions
from pytest_flexprice.api.transport import Transport
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.plan_file import load
from pytest_flexprice.oracle.invoicing.previews import Telling
from pytest_flexprice.oracle.invoicing.sampling import choose
from pytest_flexprice.rehearsal.start import Rehearsal
from tests.faults.table import WRONG_BILLS

PLAN = Path(__file__).parent / "mira" / "golive.toml"


class Company:
    """A rehearsed company with all its deals, and how item 5.3 reads it."""

    def __init__(self) -> None:
        self.rehearsal = Rehearsal.start(load(PLAN), ("deals",))
        server = self.rehearsal.server
        self.world = server.world
        key = self.rehearsal.values["variables"]["FLEXPRICE_API_KEY"]
        self.flexprice = Flexprice(Transport(server.url, {"x-api-key": key}), WriteGuard(Level.READ, production=True))
        self.healthy = self.read()

    def said(self, *faults: str) -> str:
        """What item 5.3 says while these faults are on."""
        self.world.faults = set(faults)
        reader, now = PreviewReader(self.flexprice), datetime.now(UTC)
        sample = choose(read_running_subscriptions(self.flexprice), None, now, "", reader.has_own_price)
        told = Telling(now).of(read_previews(reader, sample.chosen, float("inf")))
        return "\n".join(each.finding.sentence for each in told)

    def read(self, *faults: str) -> list[Any]:
        """What the items before it read: catalog, customers and subscriptions."""
        self.world.faults = set(faults)
        lists = ("/v1/plans", "/v1/prices", "/v1/meters", "/v1/customers")
        found = [list(self.flexprice.list(path)) for path in lists]
        return [*found, list(self.flexprice.search("/v1/subscriptions/search", {"with_line_items": True}))]

    def close(self) -> None:
        """Stop its servers."""
        self.flexprice.close()
        self.rehearsal.stop()


@pytest.fixture(scope="module")
def company() -> Iterator[Company]:
    made = Company()
    yield made
    made.close()


def test_nobody_is_accused_while_it_calculates_rightly(company: Company) -> None:
    assert company.said() == ""


@pytest.mark.parametrize("fault", WRONG_BILLS)
def test_item_5_3_alone_names_the_line_the_rule_and_both_figures(company: Company, fault: str) -> None:
    said = company.said(fault)
    assert re.search(WRONG_BILLS[fault], said), said
    assert company.read(fault) == company.healthy
