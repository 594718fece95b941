"""Webhook bodies for probes, in the two shapes that Flexprice sends (contract 6.3), with ids that mark them as ours.

Through the delivery service keys are in alphabetical order and ``<``, ``>``, ``&`` are escaped; natively keys are in the server's order.
Both are compact. No id exists anywhere: a handler that looks one up finds nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime, timedelta
from typing import Any, Literal

Shape = Literal["svix", "native"]
INVOICE_TYPES = ("invoice.update.finalized", "invoice.update.payment")
SUBSCRIPTION_TYPES = ("subscription.created", "subscription.cancelled")
KNOWN_TYPES = INVOICE_TYPES + SUBSCRIPTION_TYPES
OF_EACH_FAMILY = (INVOICE_TYPES[0], SUBSCRIPTION_TYPES[1])
OTHER_TYPES = (
    "invoice.update",
    "invoice.update.voided",
    "subscription.updated",
    "payment.success",
    "wallet.created",
    "customer.updated",
)
"""One of each further family that Flexprice sends (contract 6.2), and those that are most like the four of the checklist."""
UNKNOWN_TYPE = "golive.unknown_event_type"
MARK = "golive"
COMPOSED, DECOMPOSED = "Zo\u00eb", "Zoe\u0308"
"""One name with its accent in the letter, and after it."""


def marked_id(prefix: str, run_id: str, name: str) -> str:
    """An id such as ``inv_golive_<run>_<name>``: nobody can take it for a real one."""
    return "_".join([prefix, MARK, *(re.sub(r"[^A-Za-z0-9]+", "-", part).strip("-") for part in (run_id, name))])


def message_id(run_id: str, name: str) -> str:
    """A message's id as the delivery service makes them, ``msg_`` and 27 letters and digits, which begin with the probe's name.

    Some handlers take no other form, or have room for no more.
    """
    return f"msg_{re.sub(r'[^A-Za-z0-9]+', '', name)[:13].ljust(13, '0')}{_digest(run_id, name)[:14]}"


def as_flexprice(body: bytes) -> bytes:
    """The same body with ids in the form and length of Flexprice's own: a prefix and 26 capitals and digits."""
    marked = re.compile(rf"([a-z]+)_{MARK}_[A-Za-z0-9_-]+")
    return marked.sub(lambda found: f"{found[1]}_{_digest(found[0]).upper()[:26]}", body.decode()).encode()


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def message(event_type: str, run_id: str, name: str, now: datetime) -> dict[str, Any]:
    """A message of that type in the server's order of keys; a type of no known family carries an invoice."""
    family = event_type.partition(".")[0]
    if family == "subscription":
        cancelled = event_type == "subscription.cancelled"
        return {"event_type": event_type, "subscription": _subscription(run_id, name, now, cancelled=cancelled)}
    if family != "invoice" and event_type in OTHER_TYPES:
        return {"event_type": event_type, family: _object(family, run_id, name, now)}
    return {
        "event_type": event_type,
        "invoice": _invoice(run_id, name, now, paid=event_type == "invoice.update.payment"),
    }


def encode(content: Any, shape: Shape = "svix") -> bytes:
    """A body's bytes as that transport sends them."""
    text = json.dumps(content, sort_keys=shape == "svix", separators=(",", ":"), ensure_ascii=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode()


def least(content: dict[str, Any]) -> bytes:
    """The fewest fields that a handler can book an invoice by."""
    invoice = {key: content["invoice"][key] for key in ("id", "customer_id", "total", "currency")}
    return encode({"event_type": content["event_type"], "invoice": invoice})


def lettered(content: dict[str, Any]) -> dict[str, Any]:
    """The same message about a customer whose name is written beyond ASCII, as many are, with accents in both of Unicode's ways."""
    return _named(content, f"{COMPOSED} {DECOMPOSED} \U0001f680")


def composed(content: dict[str, Any]) -> dict[str, Any]:
    """The same message about a customer whose letters have their accents in them."""
    return _named(content, COMPOSED)


def decomposed(content: dict[str, Any]) -> dict[str, Any]:
    """The same message about a customer whose accents follow their letters."""
    return _named(content, DECOMPOSED)


def _named(content: dict[str, Any], name: str) -> dict[str, Any]:
    invoice = content["invoice"]
    return {**content, "invoice": {**invoice, "customer": {**invoice["customer"], "name": name}}}


def lettered_lines(content: dict[str, Any]) -> dict[str, Any]:
    """The same message with a line that is nearly all in letters of three bytes, so that few cuts fall between two of them."""
    invoice = content["invoice"]
    kept = ("id", "amount", "quantity", "currency")
    lines = [{**{key: line[key] for key in kept}, "display_name": "京" * 255} for line in invoice["line_items"]]
    return {**content, "invoice": {**invoice, "line_items": lines}}


def later(content: dict[str, Any]) -> dict[str, Any]:
    """The same message built once more when the invoice had moved on: bodies show the state at their delivery."""
    invoice = {**content["invoice"], "payment_status": "SUCCEEDED", "amount_paid": "0.01", "amount_remaining": "0"}
    return {**content, "invoice": {**invoice, "version": invoice["version"] + 1}}


def spaced(content: Any) -> bytes:
    """The same content with blanks after commas and colons, as many encoders write it."""
    return json.dumps(content, sort_keys=True).encode()


def with_extra(content: dict[str, Any]) -> dict[str, Any]:
    """The content with one more field, also in its invoice, in values that every encoder writes alike."""
    more = {"golive_probe": {"whole": 1, "hundred": 100, "text": "e"}}
    return {**more, **content, "invoice": {**more, **content["invoice"]}}


def odd(content: dict[str, Any]) -> bytes:
    """The content with one more field, in bytes that no encoder would write: order, white space, escapes, ``1.0``, ``1E2``.

    On one line: what is read line by line is another mistake.
    """
    spaced = (f"{json.dumps(key)} : {json.dumps(value, separators=(' ,', ':  '))}" for key, value in content.items())
    rest = ",\t".join(reversed(list(spaced)))
    text = '{ "golive_probe" : {"text":"\\u00e9\\/\\u003C&\\u003e",  "hundred":1E2,\t"whole":1.0 },\t' + rest + " }"
    return text.encode()


def padded(content: dict[str, Any], size: int) -> bytes:
    """The content in the delivery service's shape, filled up to ``size`` bytes by line items as a long invoice has them."""
    invoice = content["invoice"]
    line = invoice["line_items"][0]
    missing = size - len(encode(content))
    count = max(0, missing // (len(encode(line)) + 1))
    return encode({**content, "invoice": {**invoice, "line_items": [line] * (count + 1)}})


def altered(content: dict[str, Any]) -> dict[str, Any]:
    """The same message about money that a forger would like to see."""
    return {**content, "invoice": {**content["invoice"], "total": "99999", "amount_due": "99999"}}


def _invoice(run_id: str, name: str, now: datetime, *, paid: bool) -> dict[str, Any]:
    invoice_id = marked_id("inv", run_id, name)
    amount = "0.01"
    stamp = _instant(now)
    return {
        "id": invoice_id,
        "customer_id": marked_id("cust", run_id, name),
        "invoice_type": "ONE_OFF",
        "invoice_status": "FINALIZED",
        "payment_status": "SUCCEEDED" if paid else "PENDING",
        "currency": "usd",
        "amount_due": amount,
        "amount_paid": amount if paid else "0",
        "subtotal": amount,
        "total": amount,
        "total_discount": "0",
        "amount_remaining": "0" if paid else amount,
        "invoice_number": f"GOLIVE-{invoice_id[-8:]}",
        "idempotency_key": f"one_off_invoice-{marked_id('key', run_id, name)}",
        "billing_sequence": 0,
        **({"paid_at": stamp} if paid else {}),
        "billing_period": "",
        "finalized_at": stamp,
        "issue_date": stamp,
        "last_computed_at": stamp,
        "invoice_pdf_url": "",
        "billing_reason": "MANUAL",
        "version": 3 if paid else 2,
        "environment_id": marked_id("env", run_id, name),
        "adjustment_amount": "0",
        "refunded_amount": "0",
        "total_tax": "0",
        "total_prepaid_credits_applied": "0",
        "is_manually_edited": False,
        **_record(run_id, name, stamp),
        "customer": _customer(run_id, name, stamp),
        "line_items": [_line(run_id, name, invoice_id, amount, stamp)],
    }


def _line(run_id: str, name: str, invoice_id: str, amount: str, stamp: str) -> dict[str, Any]:
    return {
        "id": marked_id("inv_line", run_id, name),
        "invoice_id": invoice_id,
        "customer_id": marked_id("cust", run_id, name),
        "entity_type": "",
        "price_type": "",
        "display_name": "Go-live probe",
        "amount": amount,
        "quantity": "1",
        "currency": "usd",
        "environment_id": marked_id("env", run_id, name),
        "prepaid_credits_applied": "0",
        "line_item_discount": "0",
        "invoice_level_discount": "0",
        **_record(run_id, name, stamp),
    }


def _customer(run_id: str, name: str, stamp: str) -> dict[str, Any]:
    address = {f"address_{part}": "" for part in ("line1", "line2", "city", "state", "postal_code", "country")}
    return {
        "id": marked_id("cust", run_id, name),
        "external_id": f"{MARK}-{run_id}",
        "name": "Go-live probe",
        "email": "",
        **address,
        "timezone": "UTC",
        "metadata": None,
        "environment_id": marked_id("env", run_id, name),
        **_record(run_id, name, stamp),
    }


def _record(run_id: str, name: str, stamp: str) -> dict[str, Any]:
    user = marked_id("user", run_id, name)
    return {
        "tenant_id": marked_id("tenant", run_id, name),
        "status": "published",
        "created_at": stamp,
        "updated_at": stamp,
        "created_by": user,
        "updated_by": user,
    }


def _object(family: str, run_id: str, name: str, now: datetime) -> dict[str, Any]:
    """An object of another family, with what all of them have."""
    return {
        "id": marked_id(family, run_id, name),
        "customer_id": marked_id("cust", run_id, name),
        "environment_id": marked_id("env", run_id, name),
        **_record(run_id, name, _instant(now)),
    }


def _subscription(run_id: str, name: str, now: datetime, *, cancelled: bool) -> dict[str, Any]:
    stamp = _instant(now)
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    ended = {"end_date": stamp} if cancelled else {}
    at = {"cancelled_at": stamp, "cancel_at": stamp} if cancelled else {}
    why = {"cancellation_reason": "", "cancellation_type": "immediate", "effective_date": stamp}
    return {
        "id": marked_id("subs", run_id, name),
        "customer_id": marked_id("cust", run_id, name),
        "plan_id": marked_id("plan", run_id, name),
        "subscription_status": "cancelled" if cancelled else "active",
        "currency": "usd",
        "start_date": _instant(day),
        **ended,
        "current_period_start": _instant(day),
        "current_period_end": _instant(day + timedelta(days=30)),
        **at,
        "cancel_at_period_end": False,
        "billing_cadence": "RECURRING",
        "billing_period": "MONTHLY",
        "billing_period_count": 1,
        "pause_status": "none",
        "subscription_type": "standalone",
        **({"metadata": why} if cancelled else {}),
        "customer": {
            "id": marked_id("cust", run_id, name),
            "external_id": f"{MARK}-{run_id}",
            "environment_id": marked_id("env", run_id, name),
            "name": "Go-live probe",
            "timezone": "UTC",
        },
    }


def _instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
