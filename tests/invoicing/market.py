"""A price list with a customer for each kind of deal, and what is said about each while a server calculates wrongly."""

import re
from contextlib import closing
from datetime import UTC, datetime

from pytest_flexprice.api.client import Flexprice
from pytest_flexprice.api.guard import WriteGuard
from pytest_flexprice.api.previews import PreviewReader
from pytest_flexprice.api.transport import Transport
from pytest_flexprice.emulator.faults.all import FAULTS
from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.finding import Kind
from pytest_flexprice.oracle.invoicing.previews import preview_findings

from .world import World

SUM = {"type": "SUM", "field": "n"}
THREE = [
    {"up_to": 10, "unit_amount": "1", "flat_amount": "5"},
    {"up_to": 20, "unit_amount": "0.35", "flat_amount": "2"},
    {"up_to": None, "unit_amount": "0.1", "flat_amount": "1"},
]


def flat(amount):
    return {"billing_model": "FLAT_FEE", "amount": amount}


def package(rounding):
    return {"billing_model": "PACKAGE", "amount": "3", "transform_quantity": {"divide_by": 10, "round": rounding}}


def tiered(mode, tiers=THREE):
    return {"billing_model": "TIERED", "tier_mode": mode, "tiers": tiers}


class Market(World):
    """The customer ``plain`` has no deal; each further one is made by ``_deal``."""

    def __init__(self, charges):
        super().__init__(datetime.now(UTC), charges)
        self.subscriptions = {"plain": self.subscription["id"]}

    def _deal(self, name, **fields):
        customer = self.call("POST", "/v1/customers", {"external_id": name, "name": name})
        self.subscriptions[name] = self.subscribe(customer, **fields)["id"]
        self.call("POST", "/v1/events/bulk", {"events": self._events(name)})

    def said_while(self, fault=None):
        """What is said about every customer while a fault is on."""
        client = Flexprice(Transport(self.server.url, self.headers), WriteGuard(Level.READ, production=True))
        reader, now = PreviewReader(client), datetime.now(UTC)
        self.server.world.faults = {fault} if fault else set()
        rows = self.server.world.table("subscriptions").find(self.seeder.environment)
        kept = [dict(row) for row in rows]
        try:
            FAULTS[fault].rules.get("seeded", lambda seeder: None)(self.seeder) if fault else None
            with closing(client):
                return {deal: preview_findings(reader.read(one), now) for deal, one in self.subscriptions.items()}
        finally:
            self.server.world.faults = set()
            for row, before in zip(rows, kept, strict=True):
                row.update(before)

    def assert_named(self, fault, deal, words):
        """A wrong server is found on that deal, and its rule is named."""
        found = self.said_while(fault)[deal]
        sentences = "\n".join(each.sentence for each in found if each.kind is Kind.REQUIREMENT)
        assert re.search(words, sentences), sentences


def served(market):
    """A market for as long as its tests run."""
    made = market()
    yield made
    made.stop()
