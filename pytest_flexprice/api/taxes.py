"""The taxes that are attached to subscriptions, read once for all of them (contract 11.2, recording deals_addons_coupons_tax)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pytest_flexprice.api.client import Flexprice
from pytest_flexprice.api.errors import ApiError
from pytest_flexprice.model.times import instant_of
from pytest_flexprice.oracle.pricing.deductions import Tax

_KIND = "subscription"


class AttachedTaxes:
    """Which tax rates act on a subscription's invoices by themselves.

    A customer's are taken over by its new subscriptions, so those of subscriptions are all there are. Where the key may not read
    taxes, none are known.
    """

    def __init__(self, flexprice: Flexprice, wait: Callable[[], None]) -> None:
        self._flexprice, self._wait = flexprice, wait
        self._rows: dict[str, list[Mapping[str, Any]]] | None = None
        self._rates: dict[str, Mapping[str, Any]] | None = None
        self._of_others: set[str] = set()
        self._readable = True

    def of(self, subscription_id: str, currency: str, moment: datetime) -> dict[str, Tax]:
        """The taxes of a subscription in its currency at a moment, by the rate's id."""
        rows = [row for row in self._attached().get(subscription_id, ()) if _acts(row, currency, moment)]
        rates = self._known_rates() if rows else {}
        return {
            str(row["tax_rate_id"]): Tax.from_api(rates[str(row["tax_rate_id"])])
            for row in rows
            if str(row["tax_rate_id"]) in rates
        }

    def foreign(self, subscription_id: str) -> frozenset[str]:
        """The rates that nothing attaches to a subscription, by id; none where taxes may not be read.

        What is attached to something else than a subscription may act on it too, so it is none of them.
        """
        mine = {str(row["tax_rate_id"]) for row in self._attached().get(subscription_id, ())}
        rates = self._known_rates()
        found = set(rates) - mine - self._of_others
        return frozenset(found) if self._readable else frozenset()

    def _attached(self) -> dict[str, list[Mapping[str, Any]]]:
        if self._rows is None:
            self._rows = {}
            for row in self._list("/v1/taxes/associations"):
                if row.get("entity_type") == _KIND:
                    self._rows.setdefault(str(row.get("entity_id")), []).append(row)
                else:
                    self._of_others.add(str(row.get("tax_rate_id")))
        return self._rows

    def _known_rates(self) -> dict[str, Mapping[str, Any]]:
        if self._rates is None:
            self._rates = {str(row.get("id")): row for row in self._list("/v1/taxes/rates")}
        return self._rates

    def _list(self, path: str, **query: str) -> list[Mapping[str, Any]]:
        self._wait()
        try:
            return list(self._flexprice.list(path, **query))
        except ApiError:
            self._readable = False
            return []


def _acts(row: Mapping[str, Any], currency: str, moment: datetime) -> bool:
    starts, ends = instant_of(row, "start_date"), instant_of(row, "end_date")
    known = row.get("auto_apply") and row.get("status", "published") == "published"
    running = (starts is None or starts <= moment) and (ends is None or moment < ends)
    return bool(known and running and str(row.get("currency") or "").lower() == currency)
