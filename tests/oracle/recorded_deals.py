"""The recorded deals as the oracle sees them: a subscription as it was read, its usage, and the preview that it must explain.

What the recordings mask is filled in again: times by their distance from one day, ids of lines and overriding prices by what they bill.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pytest_flexprice.model.meters import Meter
from pytest_flexprice.model.times import instant, instant_of
from pytest_flexprice.oracle.invoicing.subscription import BilledSubscription
from pytest_flexprice.oracle.metering.meters import usage_of_total

from .first_periods import first_period

FOLDER = Path(__file__).parents[1] / "recordings"
DAY = datetime(2026, 11, 27, tzinfo=UTC)
_UNITS = {"d": 86400, "h": 3600, "m": 60}


class Deals:
    """One recorded conversation, its steps by name."""

    def __init__(self, topic):
        self._steps = json.loads((FOLDER / f"{topic}.json").read_text(encoding="utf-8"))["steps"]

    def answer(self, name):
        """The answer of the step whose name begins so."""
        exact = [each for each in self._steps if each["name"] == name]
        (step,) = exact or [each for each in self._steps if each["name"].startswith(name)]
        return _dated(step["response"]["json"])

    def lines_of(self, name, prices):
        """The lines of a line search, with the prices given by id, or by the price that they override."""
        return [{**line, "price": prices[line["price_id"]]} for line in self.answer(name)["items"]]


def _dated(value):
    if isinstance(value, dict):
        return {key: _dated(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_dated(each) for each in value]
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\{day([+-]\d+)([dhm])\}", value)
    if match is None:
        return value
    return (DAY + timedelta(seconds=int(match[1]) * _UNITS[match[2]])).isoformat().replace("+00:00", "Z")


def subscription(data, *, lines=None):
    """A subscription as it was read; its lines get ids, and its period's end where that is masked."""
    start = instant(data["start_date"])
    period = first_period(start, data["billing_period"])
    own = [
        {**line, "id": f"line {number}", "price": _price(line["price"], number)}
        for number, line in enumerate(lines if lines is not None else data["line_items"])
    ]
    for line in own:
        line["price_id"] = line["price"]["id"]
        line["end_date"] = None if line.get("end_date") == "<time>" else line.get("end_date")
    filled = {**data, "current_period_end": period.end.isoformat(), "line_items": own}
    return BilledSubscription.from_api(filled)


def _price(price, number):
    identifier = f"override {number}" if price["id"] == "<price>" else price["id"]
    return {**price, "id": identifier, "start_date": None, "end_date": None}


def preview(billed, invoice):
    """A preview whose masked lines say again which line of the subscription they bill: price, meter and beginning tell."""
    rest, found = list(billed.lines), []
    for row in invoice.get("line_items") or ():
        known = billed.lines if _overage(row) else rest
        line = min((each for each in known if _alike(each, row)), key=lambda each: _apart(billed, each, row))
        rest = [each for each in rest if each is not line or _overage(row)]
        period = {} if row.get("period_start") != "<time>" else {"period_start": None}
        found.append({**row, **period, "subscription_line_item_id": line.id, "price_id": line.price.id})
    return {**invoice, "line_items": found}


def _alike(line, row):
    masked = row["price_id"] == "<price>"
    same = line.price.id.startswith("override") if masked else line.price.id == row["price_id"]
    named = row["display_name"].removesuffix(" (Overage)") == line.display_name
    return same and named and line.meter_id == (row.get("meter_id") or "")


def _apart(billed, line, row):
    span = line.within(billed.coming_period if line.price.invoice_cadence == "ADVANCE" else billed.period)
    if span.start >= span.end:
        return float("inf")
    masked = row.get("period_start") in (None, "<time>")
    return 0.0 if masked else abs((span.start - instant_of(row, "period_start")).total_seconds())


def _overage(row):
    return (row.get("metadata") or {}).get("is_overage") == "true" or row["display_name"].endswith("(Overage)")


def meter(identifier, kind="SUM", **aggregation):
    """A meter with the id that the recordings use."""
    spec = {"type": kind, "field": "n", **aggregation}
    return Meter.from_api({"id": identifier, "name": identifier, "event_name": identifier, "aggregation": spec})


def usages(billed, *totals, kind="SUM", **aggregation):
    """What was used by each usage line in its order, as it was read apart from the preview."""
    lines = [line for line in billed.lines if line.is_usage]
    return {
        line.id: usage_of_total(meter(line.meter_id, kind, **aggregation), str(total))
        for line, total in zip(lines, totals, strict=True)
    }
