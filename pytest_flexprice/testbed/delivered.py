"""The top of the ladder: waiting for the webhook of the finalized invoice, as far as the plan wants it proved (checklist 7.4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pytest_flexprice.api import Flexprice
from pytest_flexprice.model.finding import require_none
from pytest_flexprice.model.golive_plan import Webhooks
from pytest_flexprice.run.profile import Profile
from pytest_flexprice.testbed.waiting import Eventually
from pytest_flexprice.webhooks.portal import open_portal
from pytest_flexprice.webhooks.processed import Delivery, Processed, delivery_findings, processed_reader, read_delivery
from pytest_flexprice.webhooks.target import native_findings

#: Seconds; one queue serves all tenants, and the first delivery of an invoice may take 15 s (contract 6.3, 6.4).
DEADLINE = 180.0


class NotRegistered(Exception):
    """The plan's endpoint is not registered, or switched off, so nothing can be delivered to it."""


def _require_endpoint(delivery: Delivery) -> None:
    if delivery.endpoint is None:
        raise NotRegistered("not run, because the webhook endpoint that the plan names is not registered (6.1)")
    if delivery.endpoint.disabled and not delivery.tried:
        raise NotRegistered("not run, because the webhook endpoint that the plan names is switched off (6.1)")


def await_processed(
    flexprice: Flexprice,
    profile: Profile,
    webhooks: Webhooks,
    *,
    override: Callable[[str], Any] | None,
    eventually: Eventually,
    invoice: Mapping[str, Any],
    finalized_at: datetime,
) -> tuple[Delivery, Processed | None, float]:
    """What became of an invoice's webhook, once it reached the plan's grade or the deadline passed; with the seconds waited.

    Raises:
        NotRegistered: no endpoint could receive it, which is told by item 6.1.
        NotVerified, NotDecided: the delivery service, or the company's own system, cannot be asked.
    """
    invoice_id, customer_id = str(invoice["id"]), str(invoice.get("customer_id") or "")
    portal = open_portal(flexprice, profile.svix_url, profile.add_secret)
    if portal is None:
        require_none(native_findings(webhooks))
        raise AssertionError("native deliveries are never verified")
    ask = processed_reader(webhooks.processed, override)

    def read() -> tuple[Delivery, Processed | None]:
        delivery = read_delivery(portal, webhooks.endpoint, invoice_id, finalized_at, customer_id)
        _require_endpoint(delivery)
        wanted = webhooks.grade == "processed" and delivery.acknowledged and ask is not None
        return delivery, ask(invoice_id) if wanted and ask is not None else None

    def done(seen: tuple[Delivery, Processed | None]) -> bool:
        if ask is None and seen[0].acknowledged:
            return True  # nobody can tell more, however long this waits
        return not delivery_findings(seen[0], seen[1], webhooks.grade)

    try:
        _, waited = eventually.poll("the webhook of the finalized invoice", read, done, DEADLINE * profile.patience)
    finally:
        portal.close()
    return *waited.value, waited.seconds
