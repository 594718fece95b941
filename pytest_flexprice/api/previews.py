"""Reading previews of many subscriptions with what they should follow from, in few requests (contract 3.9, 5.4, 11.2)."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from pytest_flexprice.api.client import Flexprice
from pytest_flexprice.api.errors import ApiError
from pytest_flexprice.api.pace import Pace
from pytest_flexprice.api.paths import path_of
from pytest_flexprice.api.taxes import AttachedTaxes
from pytest_flexprice.model.decimals import ZERO, decimal, total
from pytest_flexprice.model.finding import NotVerified, not_verified
from pytest_flexprice.model.meters import Meter
from pytest_flexprice.model.prices import Price
from pytest_flexprice.model.subscriptions import PARENT
from pytest_flexprice.oracle.invoicing.previews import Preview, Unread, disputed, recounted
from pytest_flexprice.oracle.invoicing.sampling import COUPONS, NOT_BILLED, PREVIEWED
from pytest_flexprice.oracle.invoicing.subscription import BilledLine, BilledSubscription
from pytest_flexprice.oracle.metering.meters import Usage, usage_of_family, usage_of_total
from pytest_flexprice.oracle.metering.miscounting import WAYS
from pytest_flexprice.oracle.pricing.allowances import Allowance, by_meter
from pytest_flexprice.oracle.pricing.deductions import Tax

REQUESTS_PER_SECOND = 50
LOGGED = 50
"""Of so many previews every exchange is kept as evidence; those of ten thousand would drown it."""
_ATTEMPTS = 3
EXPLAINED = 3
"""So many lines of so many previews that disagree with the usage query are asked for what other ways to count come to."""
_HOUR, _LONG = timedelta(hours=1), timedelta(days=3650)
"""So long before a period began nobody used anything."""
_RESET_WINDOWS = {"DAILY": "DAY", "MONTHLY": "MONTH"}


def read_running_subscriptions(flexprice: Flexprice) -> Iterator[dict[str, Any]]:
    """Every subscription that is active, on trial or paused, with its lines, and whether it has coupons.

    One request for each 1,000 subscriptions, and one for each 1,000 attached coupons, which a search does not show.
    """
    couponed = _couponed(flexprice)
    body = {"subscription_status": [PREVIEWED, *NOT_BILLED], "with_line_items": True}
    for row in flexprice.search("/v1/subscriptions/search", body):
        yield {**row, COUPONS: row.get(COUPONS) or row.get("id") in couponed}


def _couponed(flexprice: Flexprice) -> set[str]:
    """The subscriptions with a coupon; none are known where the key may not read coupons."""
    try:
        return {str(row.get("subscription_id")) for row in flexprice.list("/v1/coupons/associations")}
    except ApiError:
        return set()


def read_previews(
    reader: PreviewReader, ids: Iterable[str], deadline: float, clock: Callable[[], float] = time.monotonic
) -> Iterator[Preview | Unread]:
    """The preview of each subscription. What could not be read is tried again after the others, until the deadline.

    ``deadline`` is an instant of ``clock``. What is left then is not read, and each of it is told.
    """
    waiting = deque((identifier, 1) for identifier in ids)
    while waiting:
        identifier, attempt = waiting.popleft()
        if clock() >= deadline:
            yield Unread(identifier, "the time for previews was over")
            continue
        try:
            yield reader.read(identifier)
        except ApiError as error:
            yield Unread(identifier, str(error).rstrip("."))
        except NotVerified as reason:
            if attempt < _ATTEMPTS:
                waiting.append((identifier, attempt + 1))
            else:
                yield Unread(identifier, reason.findings[0].problem)


class PreviewReader:
    """Reads previews one by one; meters, plans' entitlements and prices are read once for all of them."""

    def __init__(self, flexprice: Flexprice, pace: Pace | None = None) -> None:
        self._flexprice, self._pace, self._count = flexprice, pace or Pace(None), 0
        self._meters: dict[str, Meter] | None = None
        self._plans: dict[str, dict[str, Any]] = {}
        self._entitlements: dict[str, list[dict[str, Any]]] = {}
        self._of_others: dict[str, list[dict[str, Any]]] | None = None
        self._explained = 0
        self.taxes = AttachedTaxes(flexprice, self._pace.wait)

    def read(self, subscription_id: str) -> Preview:
        """The preview of a subscription's running period, and the usage of its meters in that time.

        Where the two disagree, usage may have changed between the requests: then both are read again until usage stands still.

        Raises:
            ApiError: Flexprice refuses.
            NotVerified: no answer came, or usage kept changing while it was read.
        """
        self._count += 1
        if self._count == LOGGED + 1:
            self._flexprice = self._flexprice.unlogged()
        data = self._get(path_of("subscriptions", subscription_id))
        reader = _Reader(self, data)
        before = reader.totals()
        for _ in range(_ATTEMPTS):
            preview = reader.preview(before)
            lines = disputed(preview)
            if not lines:
                return preview
            after = reader.totals()
            if after == before:
                self._explained += 1
                return recounted(preview, reader.otherwise(lines)) if self._explained <= EXPLAINED else preview
            before = after
        raise not_verified(
            "",
            f"subscriptions.{subscription_id}",
            f"usage of subscription '{subscription_id}' kept changing while its preview was read",
            remedy="read it again when fewer events arrive",
        )

    def has_own_price(self, row: Mapping[str, Any], line: Mapping[str, Any]) -> bool:
        """Whether a line of a searched subscription has a price that is none of its plan's."""
        prices = self._plan(str(row.get("plan_id"))).get("prices") or ()
        return str(line.get("price_id")) not in {str(price["id"]) for price in prices}

    def meter(self, identifier: str) -> Meter:
        """A meter; all are read at once, when the first is asked for."""
        if self._meters is None:
            self._pace.wait()
            self._meters = {str(row["id"]): Meter.from_api(row) for row in self._flexprice.list("/v1/meters")}
        if identifier not in self._meters:
            self._meters[identifier] = Meter.from_api(self._get(path_of("meters", identifier)))
        return self._meters[identifier]

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """One search at the reader's pace."""
        self._pace.wait()
        return dict(self._flexprice.post(path, dict(body)))

    def external_id(self, data: Mapping[str, Any]) -> str:
        """The external id of a subscription's customer."""
        known = (data.get("customer") or {}).get("external_id")
        return str(known or self._get(path_of("customers", data["customer_id"]))["external_id"])

    def entitlements(self, kind: str, owner: str) -> list[dict[str, Any]]:
        """The entitlements of a plan, or those of a subscription or an addon; the latter are few and read all at once."""
        if kind == "PLAN":
            if owner not in self._entitlements:
                self._entitlements[owner] = self._search(kind, entity_ids=[owner])
            return self._entitlements[owner]
        if self._of_others is None:
            self._of_others = {}
            for row in (*self._search("SUBSCRIPTION"), *self._search("ADDON")):
                self._of_others.setdefault(str(row.get("entity_id")), []).append(row)
        return self._of_others.get(owner, [])

    def _search(self, kind: str, **more: Any) -> list[dict[str, Any]]:
        self._pace.wait()
        body = {"entity_type": kind, "expand": "features", **more}
        rows = self._flexprice.search("/v1/entitlements/search", body)
        return [row for row in rows if row.get("entity_type", kind) == kind]

    def _plan(self, identifier: str) -> dict[str, Any]:
        if identifier not in self._plans:
            self._plans[identifier] = self._get(path_of("plans", identifier))
        return self._plans[identifier]

    def _get(self, path: str) -> dict[str, Any]:
        self._pace.wait()
        return dict(self._flexprice.get(path))


class _Reader:
    """Reads what one subscription's preview should follow from."""

    def __init__(self, shared: PreviewReader, data: Mapping[str, Any]) -> None:
        self._shared, self._data = shared, data
        self._billed = BilledSubscription.from_api(data)
        self._external_id = shared.external_id(data)
        plan = [
            *shared.entitlements("PLAN", str(data["plan_id"])),
            *shared.entitlements("SUBSCRIPTION", self._billed.id),
        ]
        self._allowances = by_meter(plan)
        self._lines = [line for line in self._billed.lines if line.is_usage and self._runs(line)]

    def totals(self) -> dict[str, dict[str, Any]]:
        """What each usage line counts over its part of the running period, apart from any invoice."""
        if self._billed.kind == PARENT:
            return {line.id: self._with_children(line) for line in self._lines}
        return {line.id: self._ask(line) for line in self._lines}

    def otherwise(self, lines: Sequence[str]) -> dict[str, dict[str, Decimal]]:
        """What other aggregations come to of a few lines: the usage query takes whichever it is asked for (contract 3.9)."""
        asked = [line for line in self._lines if line.id in lines and self._billed.kind != PARENT]
        return {line.id: self._recounted(line) for line in asked[:EXPLAINED]}

    def _recounted(self, line: BilledLine) -> dict[str, Decimal]:
        own = self._shared.meter(line.meter_id).aggregation.type
        found = {kind: self._answered(line, aggregation_type=kind) for kind in WAYS if kind != own}
        now, period = datetime.now(UTC), line.within(self._billed.period)
        ends = {"HOUR": now - _HOUR, "TODAY": now.replace(hour=0, minute=0, second=0, microsecond=0)}
        within = {name: _written(max(min(end, period.end), period.start)) for name, end in ends.items()}
        past = {name: self._answered(line, end_time=end) for name, end in within.items()}
        return {**found, **past, "EVER": self._answered(line, start_time=_written(period.start - _LONG))}

    def _answered(self, line: BilledLine, **more: str) -> Decimal:
        return decimal(self._ask(line, **more).get("total_value"), ZERO)

    def preview(self, totals: Mapping[str, Mapping[str, Any]]) -> Preview:
        """The preview as it is now, with that usage."""
        usages = {line.id: self._usage(line, totals[line.id]) for line in self._lines}
        invoice = self._shared.post("/v1/invoices/preview", {"subscription_id": self._billed.id})
        taxes = self._shared.taxes.of(self._billed.id, self._billed.currency, datetime.now(UTC))
        plan = self._data.get("plan") or {}
        prices = tuple(Price.from_api(each) for each in plan.get("prices") or ())
        return Preview(
            subscription=self._billed,
            external_id=self._external_id,
            plan=str(plan.get("lookup_key") or plan.get("name") or self._data["plan_id"]),
            invoice=invoice,
            usages=usages,
            allowances=self._allowances,
            plan_prices=prices,
            meters={price.meter_id: self._shared.meter(price.meter_id) for price in prices if price.meter_id},
            doubts=self._doubts(),
            taxes=taxes,
            foreign_taxes=self._foreign(invoice, taxes),
        )

    def _foreign(self, invoice: Mapping[str, Any], attached: Mapping[str, Tax]) -> frozenset[str]:
        """The rates on an invoice that nothing attaches to the subscription."""
        further = {str(row.get("tax_rate_id")) for row in invoice.get("taxes") or ()} - set(attached)
        return self._shared.taxes.foreign(self._billed.id) & further if further else frozenset()

    def _runs(self, line: BilledLine) -> bool:
        span = line.within(self._billed.period)
        return span.start < span.end

    def _doubts(self) -> dict[str, str]:
        """Meters of which an addon brings an allowance: how it adds to the plan's is not known."""
        addons = {
            str(row["entity_id"]) for row in self._data.get("line_items") or () if row.get("entity_type") == "addon"
        }
        found = by_meter(row for addon in addons for row in self._shared.entitlements("ADDON", addon))
        return dict.fromkeys(found, "an add-on brings an allowance of its own")

    def _usage(self, line: BilledLine, answer: Mapping[str, Any]) -> Usage:
        """The usage of a line, with its values per bucket or reset window where its price or allowance needs them."""
        meter, allowance = self._shared.meter(line.meter_id), self._allowances.get(line.meter_id)
        if self._billed.kind == PARENT:
            return usage_of_family(meter, line.price.billing_model, answer["total_value"])
        points = {size: self._points(line, size) for size in _sizes(meter, allowance)}
        return usage_of_total(meter, answer.get("total_value"), int(answer.get("event_count") or 0), **points)

    def _points(self, line: BilledLine, size: str) -> list[Decimal]:
        found = self._ask(line, window_size=size, billing_anchor=_written(self._billed.anchor)).get("points") or ()
        return [decimal(each.get("value"), ZERO) for each in found]

    def _ask(self, line: BilledLine, **more: str) -> dict[str, Any]:
        meter = self._shared.meter(line.meter_id)
        body = {"meter_id": meter.id, "aggregation_type": meter.aggregation.type, **self._window(line), **more}
        return self._shared.post("/v1/meter-usage/query", body)

    def _with_children(self, line: BilledLine) -> dict[str, Any]:
        """The usage of a parent's line and of its children: the usage query knows the parent's own only (contract 11.2)."""
        answer = self._shared.post("/v1/events/analytics", {**self._window(line), "include_children": True})
        items = [row for row in answer.get("items") or () if row.get("meter_id") == line.meter_id]
        mine = [row for row in items if row.get("sub_line_item_id") == line.id] or items
        return {"total_value": total(decimal(row.get("total_usage"), ZERO) for row in mine)}

    def _window(self, line: BilledLine) -> dict[str, Any]:
        window = line.within(self._billed.period)
        return {
            "external_customer_id": self._external_id,
            "start_time": _written(window.start),
            "end_time": _written(window.end),
        }


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def _sizes(meter: Meter, allowance: Allowance | None) -> list[str]:
    reset = _RESET_WINDOWS.get(allowance.reset, "") if allowance else ""
    return sorted({meter.aggregation.bucket_size, reset} - {""})
