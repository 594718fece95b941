"""The recorded billing vectors as the oracle's own objects, and what the oracle computes for them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

from pytest_flexprice.model.finding import show
from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.model.prices import Price
from pytest_flexprice.model.times import Window
from pytest_flexprice.oracle.invoicing.coupons import Attached, AttachedCoupon, acting
from pytest_flexprice.oracle.invoicing.invoice import expected_invoice, line_usages
from pytest_flexprice.oracle.invoicing.subscription import BilledLine, BilledSubscription
from pytest_flexprice.oracle.metering.expressions import ExpressionError
from pytest_flexprice.oracle.metering.meters import expected_usage, quantity
from pytest_flexprice.oracle.pricing.allowances import Allowance
from pytest_flexprice.oracle.pricing.commitments import Commitment, LineCommitment
from pytest_flexprice.oracle.pricing.deductions import Tax

from .first_periods import first_period

FILE = Path(__file__).parents[1] / "vectors" / "billing_vectors.json"
VECTORS = json.loads(FILE.read_text(encoding="utf-8"))["vectors"]
START = datetime(2026, 11, 19, tzinfo=UTC)
NOW = START + timedelta(days=3, hours=12)


class Case:
    """One vector: its subscription started at a UTC midnight, its plan is called ``<vector>``."""

    def __init__(self, vector):
        self.vector = vector
        self.meters = [self._meter(index, charge) for index, charge in enumerate(vector["charges"])]
        self.allowances = {
            f"m{index}": Allowance.from_api(charge["entitlement"], f"m{index}")
            for index, charge in enumerate(vector["charges"])
            if charge.get("entitlement")
        }
        self.events = [
            Event(each["event_id"], "use", START + timedelta(seconds=each["offset"]), each.get("properties") or {})
            for each in vector["events"]
        ]
        self.subscription = self._subscription()

    def _meter(self, index, charge):
        spec = charge.get("meter") or {"type": "COUNT"}
        data = {"id": f"m{index}", "name": f"<vector> m{index}", "event_name": "use", "aggregation": spec}
        return Meter.from_api({**data, "filters": spec.get("filters")})

    def _subscription(self):
        extra = self.vector.get("subscription") or {}
        return BilledSubscription(
            id="s",
            currency=self.vector["charges"][0]["price"]["currency"],
            billing_period="MONTHLY",
            start=START,
            period=first_period(START, "MONTHLY"),
            lines=tuple(subscription_lines(self.vector)),
            anchor=START,
            commitment=Commitment.from_api(extra),
            plan_name="<vector>",
        )

    @property
    def coupons(self):
        """The coupon as it hangs on the subscription: attaching it was a redemption."""
        coupon = self.vector.get("coupon")
        if not coupon:
            return Attached()
        own = (self.vector.get("subscription") or {}).get("subscription_coupons") or [{}]
        line = next((each.id for each in self.subscription.lines if own[0].get("price_id") == _name(each)), "")
        attached = AttachedCoupon.from_api(
            {"coupon": {**coupon, "total_redemptions": 1}, "subscription_line_item_id": line}
        )
        return acting([attached], self.subscription.period, START, self.subscription.currency)[0]

    def lookup(self):
        """What the Event Debugger says of each event that the vector asks for."""
        events = {event.id: event for event in self.events}
        return {event_id: self._looked_up(events[event_id]) for event_id in self.vector["results"].get("lookup", {})}

    def _looked_up(self, event):
        meter = self.meters[0]
        lines = [line for line in self.subscription.lines if line.meter_id == meter.id]
        if not meter.accepts(event):
            return {"status": "failed", "failure_point": "meter_lookup"}
        if not any(line.within(self.subscription.period).holds(event.timestamp) for line in lines):
            return {"status": "failed", "failure_point": "subscription_line_item_lookup"}
        try:
            return {"status": "processed", "qty_total": quantity(meter, event)}
        except ExpressionError:
            return {"status": "processing"}

    def usage(self):
        """What the usage query says per charge, until an hour ahead; nothing for fees. It knows no phases."""
        window = Window(START, NOW + timedelta(hours=1))
        asked = [
            expected_usage(meter, self.events, window) if charge.get("meter") else None
            for meter, charge in zip(self.meters, self.vector["charges"], strict=True)
        ]
        return [each and {"total_value": each.total, "event_count": each.event_count} for each in asked]

    def expected(self, stage, closing=False):
        """The oracle's invoice at a stage; one that closes the subscription ends now."""
        period = Window(START, NOW) if closing else self.subscription.period
        return expected_invoice(
            self.subscription,
            line_usages(self.subscription, self.meters, self.events, period),
            self.allowances,
            period=period,
            stage=stage,
            closing=closing,
            coupons=self.coupons.whole,
            line_coupons=dict(self.coupons.by_line),
            taxes=[Tax.from_api(self.vector["tax"])] if self.vector.get("tax") else [],
            credit_balance=Decimal(0),
        )

    def preview(self):
        """The preview in the vector's shape."""
        invoice = self.expected("preview")
        rows, others = self._lines(invoice)
        answer = {
            "subtotal": invoice.subtotal,
            "total": invoice.total,
            "currency": invoice.currency,
            "lines": rows,
            "other_lines": others,
        }
        if invoice.deductions.discount:
            answer["total_discount"] = invoice.deductions.discount
        if invoice.deductions.tax:
            answer["total_tax"] = invoice.deductions.tax
        return answer

    def invoice(self):
        """The finalized invoice in the vector's shape, or nothing where only a SKIPPED one is made."""
        invoice = self.expected("finalized", closing=True)
        if invoice.skipped:
            return None
        rows, others = self._lines(invoice)
        return {
            "status": "FINALIZED",
            "payment_status": "PENDING" if invoice.total else "SUCCEEDED",
            "billing_reason": "PRORATION",
            "subtotal": invoice.subtotal,
            "total_discount": invoice.deductions.discount,
            "total_tax": invoice.deductions.tax,
            "total": invoice.total,
            "amount_due": invoice.total,
            "lines": rows,
            "other_lines": others,
        }

    def _lines(self, invoice):
        rest, rows = list(invoice.lines), []
        for line in self.subscription.lines:
            if line.id.endswith("later"):
                continue
            hit = next((each for each in rest if each.line is line), None)
            if hit is None:
                rows.append(None)
                continue
            rest.remove(hit)
            row = {"quantity": hit.quantity, "amount": hit.amount, "line_item_discount": hit.line_discount}
            row["invoice_level_discount"] = hit.discount if hit.discount is not None else Decimal(0)
            if hit.allowed is not None:
                row["adjusted_entitlement_quantity"] = hit.allowed
            if hit.commitment_info:
                row["commitment_info"] = dict(hit.commitment_info)
            rows.append(row)
        others = [{"display_name": each.name, "quantity": each.quantity, "amount": each.amount} for each in rest]
        return rows, others


def subscription_lines(vector):
    """The lines that a create request with these prices, overrides, phases and addons makes (recordings deals_*)."""
    extra = vector.get("subscription") or {}
    phases = extra.get("phases") or [{}]
    for number, phase in enumerate(phases):
        source = extra if number == 0 else phase
        overrides = [*(source.get("override_line_items") or ())]
        overrides += [each for addon in extra.get("addons") or () for each in addon.get("override_line_items") or ()]
        for index, charge in enumerate(vector["charges"]):
            own = next((each for each in overrides if each["price_id"] == f"{{price{index}}}"), {})
            yield _line(vector, index, charge, own, phase, f"l{index}{'' if number == 0 else '-later'}")


def _line(vector, index, charge, own, phase, identifier):
    usage = bool(charge.get("meter"))
    commitment = (vector.get("subscription") or {}).get("line_item_commitment") if index == 0 else None
    data = {"id": f"p{index}", "type": "USAGE" if usage else "FIXED", **charge["price"], **_overriding(own)}
    return BilledLine(
        identifier,
        Price.from_api({**data, "meter_id": f"m{index}" if usage else ""}),
        f"m{index}" if usage else "",
        f"<vector> m{index}",
        quantity=Decimal(own.get("quantity") or 1) or Decimal(1),
        start=_moment(phase.get("start_date")) or START,
        end=_moment(phase.get("end_date")),
        commitment=LineCommitment.from_api(commitment) if commitment else None,
    )


def _overriding(own):
    """What an override changes of its price: tiers without a billing model change nothing."""
    names = {"amount", "billing_model", "tier_mode", "tiers", "transform_quantity"}
    if "billing_model" not in own:
        names -= {"tier_mode", "tiers"}
    return {name: own[name] for name in names if name in own}


def _moment(text):
    return START + timedelta(seconds=int(text.removeprefix("{start+").removesuffix("}"))) if text else None


def _name(line):
    return "{price" + line.id.removeprefix("l") + "}"


def differences(want, got, path=""):
    """Every place where a recorded and a computed answer differ, numbers compared as decimals."""
    if isinstance(want, dict) and isinstance(got, dict):
        return [
            each for key in sorted({*want, *got}) for each in differences(want.get(key), got.get(key), f"{path}.{key}")
        ]
    if isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        return [
            each
            for index, pair in enumerate(zip(want, got, strict=True))
            for each in differences(*pair, f"{path}.{index}")
        ]
    if want == got or _same_number(want, got):
        return []
    return [f"{path}: recorded {show(want)}, computed {show(got)}"]


def _same_number(want, got):
    try:
        return not isinstance(want, bool) and Decimal(str(want)) == Decimal(str(got))
    except InvalidOperation:
        return False
