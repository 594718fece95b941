"""The event debugger: what became of one event, and where it got stuck (contract 3.8, recording events_lookup)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from ..billing import views
from ..billing.inheritance import LIVE
from ..billing.scope import Scope
from ..kernel import catalog, errors
from ..kernel.call import Call
from ..kernel.resource import holds_at
from ..kernel.tables import Row
from . import listing, windows
from .pipeline import LOST, pipeline
from .rules import filters_match

_SUBSCRIPTIONS = 50
_STEPS = ("customer_lookup", "meter_matching", "price_lookup", "subscription_line_item_lookup")


@dataclass(frozen=True)
class Metered:
    """One metered row of the event."""

    meter: str
    customer: str
    second: int
    quantity: Decimal
    processed: int


@dataclass(frozen=True)
class _Failure(Exception):
    """The step at which the tracker stops."""

    point: str
    message: str
    code: str = "not_found"

    def body(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "http_status_code": 404}


def lookup(call: Call, identifier: str) -> dict[str, Any]:
    """The answer of the debugger; 404 while the event is not stored, 501 when no row can hold its quantity."""
    errors.refuse(not identifier, "Please provide a valid event ID")
    found = listing.by_id(call.world, call.environment, identifier)
    if found is None:
        raise errors.not_found("Event not found in events table", {"event_id": identifier})
    if pipeline(call.world).store.is_too_large(call.environment, identifier):
        raise errors.not_implemented("a metered number above 1.7e23, which stops the real server for every tenant")
    event, moment = found
    metered = _metered(call, identifier)
    processed = _processed(call, metered) if metered else []
    if processed:
        return {"event": event, "status": "processed", "processed_events": processed}
    tracker = _Tracker(call, event, windows.at_millisecond(moment), metered)
    report = tracker.run()
    status = "failed" if report["failure_point"] else "processing"
    return {"event": event, "status": status, "debug_tracker": report}


def _metered(scope: Scope, identifier: str) -> Metered | None:
    store = pipeline(scope.world).store
    row = store.metered_of(scope.environment, identifier)
    if row is None:
        return None
    number, customer, second, quantity, processed = row
    return Metered(store.name(number).removesuffix(LOST), customer, second, Decimal(quantity), processed)


def _live(scope: Scope, customer_id: str) -> list[Row]:
    """The active and trialing subscriptions of a customer; the server looks at the newest fifty only."""
    rows = scope.find("subscriptions", customer_id=customer_id, status="published")
    return [row for row in reversed(rows) if row["subscription_status"] in LIVE][:_SUBSCRIPTIONS]


def _usage_lines(scope: Scope, **equal: Any) -> list[Row]:
    return scope.find("subscription_line_items", status="published", price_type="USAGE", **equal)


def _processed(scope: Scope, metered: Metered) -> list[dict[str, Any]]:
    """Who is billed for a metered row, one entry for each line item."""
    customer = scope.first("customers", external_id=metered.customer)
    if customer is None:
        return []
    moment = windows.at_second(metered.second)
    features = scope.find("features", meter_id=metered.meter)
    return [
        {
            "customer_id": customer["id"],
            "subscription_id": line["subscription_id"],
            "sub_line_item_id": line["id"],
            "price_id": line["price_id"],
            "meter_id": line["meter_id"],
            "feature_id": features[0]["id"] if features else "",
            "qty_total": metered.quantity,
            "processed_at": windows.at_millisecond(metered.processed),
        }
        for subscription in _live(scope, customer["id"])
        for line in _usage_lines(scope, subscription_id=subscription["id"], meter_id=metered.meter)
        if holds_at(line, moment)
    ]


class _Tracker:
    """Walks from the customer to the metered row and stops at the first failing step."""

    def __init__(self, scope: Scope, event: dict[str, Any], moment: datetime, metered: Metered | None) -> None:
        self._scope = scope
        self._event = event
        self._moment = moment
        self._metered = metered
        self._report: dict[str, Any] = {step: {"status": "unprocessed"} for step in _STEPS}

    def run(self) -> dict[str, Any]:
        """The report; ``failure_point`` is ``None`` when no step failed."""
        failure = None
        try:
            customer = self._customer()
            meters = self._meters()
            prices = self._prices(meters)
            self._lines(customer, prices)
            self._report["attributed_to_customer"] = self._attribution()
        except _Failure as stop:
            failure = {"failure_point_type": stop.point, "error": stop.body()}
        return {**self._report, "failure_point": failure}

    def _customer(self) -> Row:
        key = self._event["external_customer_id"]
        row = self._scope.first("customers", external_id=key)
        if row is None:
            failure = _Failure("customer_lookup", "ent: customer not found")
            self._report["customer_lookup"] = {"status": "error", "error": failure.body()}
            raise failure
        self._report["customer_lookup"] = {"status": "found", "customer": row}
        return row

    def _meters(self) -> list[Row]:
        name, properties = self._event["event_name"], self._event["properties"] or {}
        rows = self._scope.find("meters", event_name=name)
        rows = [row for row in rows if filters_match(row.get("filters"), properties)]
        if not rows:
            self._report["meter_matching"] = {"status": "not_found"}
            raise _Failure("meter_lookup", f"No meters found matching event_name: {name}")
        matched = [{"meter_id": row["id"], "event_name": name, "meter": self._meter_view(row)} for row in rows]
        self._report["meter_matching"] = {"status": "found", "matched_meters": matched}
        return rows

    def _meter_view(self, row: Row) -> dict[str, Any]:
        """A meter with the fields that the meter's own routes leave out."""
        users = {name: row.get(f"_{name}", self._scope.user) for name in ("created_by", "updated_by")}
        return row.public(environment_id=self._scope.environment, **users)

    def _prices(self, meters: Sequence[Row]) -> list[Row]:
        equal = {"status": "published", "type": "USAGE"}
        found = [row for meter in meters for row in self._scope.find("prices", meter_id=meter["id"], **equal)]
        rows = [row for row in found if not catalog.is_ended(row, self._scope.now)]
        if not rows:
            self._report["price_lookup"] = {"status": "not_found"}
            raise _Failure("price_lookup", "No prices found for matched meters")
        matched = [
            {"price_id": row["id"], "meter_id": row["meter_id"], "status": row["status"], "price": row.public()}
            for row in rows
        ]
        self._report["price_lookup"] = {"status": "found", "matched_prices": matched}
        return rows

    def _lines(self, customer: Row, prices: Sequence[Row]) -> None:
        own = [row["id"] for row in _live(self._scope, customer["id"])]
        rows = [
            line
            for price in prices
            for line in _usage_lines(self._scope, price_id=price["id"])
            if not own or line["subscription_id"] in own  # without any subscription the server takes everybody's
        ]
        if not rows:
            self._fail_at_lines([], "No subscription line items found for matched prices")
        matched = [self._line_view(row) for row in rows]
        if not any(line["timestamp_within_range"] for line in matched):
            shown = self._moment.strftime("%Y-%m-%dT%H:%M:%SZ")
            message = f"Found {len(rows)} subscription line item(s) but none are active for event timestamp {shown}"
            self._fail_at_lines(matched, message)
        self._report["subscription_line_item_lookup"] = {"status": "found", "matched_line_items": matched}

    def _fail_at_lines(self, matched: list[dict[str, Any]], message: str) -> None:
        failure = _Failure("subscription_line_item_lookup", message)
        step: dict[str, Any] = {"status": "not_found", "error": failure.body()}
        self._report["subscription_line_item_lookup"] = {**step, **({"matched_line_items": matched} if matched else {})}
        raise failure

    def _within(self, line: Row) -> bool:
        """The tracker's own idea of a line's time: an event exactly at its start is outside."""
        return bool(line["start_date"] < self._moment and (line["end_date"] is None or self._moment < line["end_date"]))

    def _line_view(self, line: Row) -> dict[str, Any]:
        view = views.line_item(self._scope, line)
        return {
            "sub_line_item_id": line["id"],
            "subscription_id": line["subscription_id"],
            "price_id": line["price_id"],
            "start_date": view["start_date"],
            "end_date": view["end_date"],
            "is_active_for_event": holds_at(line, self._moment),
            "timestamp_within_range": self._within(line),
            "subscription_line_item": view,
        }

    def _attribution(self) -> dict[str, Any]:
        if self._metered is None:
            return {"status": "processing"}
        row = {"meter_id": self._metered.meter, "external_customer_id": self._metered.customer}
        return {"status": "attributed", "meter_usage": {**row, "qty_total": self._metered.quantity}}
