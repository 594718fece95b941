"""The top of the ladder: waiting for the webhook of the finalized invoice, as far as the plan wants it proved (checklist 7.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pytest_flexprice.api import ApiError, Flexprice
from pytest_flexprice.model.finding import Finding, NotDecided, NotVerified, require_none
from pytest_flexprice.model.golive_plan import Webhooks
from pytest_flexprice.model.profile import Profile
from pytest_flexprice.testbed.waiting import Eventually, Waited
from pytest_flexprice.webhooks.delivery import Delivery, delivery_findings, read_delivery
from pytest_flexprice.webhooks.portal import open_portal
from pytest_flexprice.webhooks.processed import Processed
from pytest_flexprice.webhooks.processed_url import HandlerOverride, processed_reader
from pytest_flexprice.webhooks.registration import CACHED, same_url
from pytest_flexprice.webhooks.service import EPOCH, Endpoint
from pytest_flexprice.webhooks.target import native_findings

#: Seconds; the first delivery of an invoice may take 15 s. One queue serves all tenants: while it moves it is waited for
#: (contract 6.3, 6.4).
FIRST, QUIET = 50.0, 30.0
SHORTEST = 18.0  # also on a busy machine that rehearses
KNOWN_AFTER = CACHED + timedelta(seconds=5)


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
    override: HandlerOverride,
    eventually: Eventually,
    invoice: Mapping[str, Any],
    finalized_at: datetime,
) -> tuple[Delivery, Processed | None, Waited[Any]]:
    """What became of an invoice's webhook, once it reached the plan's grade or the deadline passed; with the wait for it.

    Raises:
        NotRegistered: no endpoint could receive it, which is told by item 6.1.
        NotVerified, NotDecided: the delivery service, or the company's own system, cannot be asked.
    """
    invoice_id, customer_id = str(invoice["id"]), str(invoice.get("customer_id") or "")
    portal = open_portal(flexprice, profile.svix_url, profile.add_secret, flexprice.note)
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

    def moved(seen: tuple[Delivery, Processed | None]) -> float:
        delivery, processed = seen
        times = processed.times if processed else 0
        return float(len(delivery.messages) + len(delivery.tried) + len(delivery.others) + times)

    try:
        _, waited = eventually.follow(
            "the webhook of the finalized invoice",
            read,
            done,
            moved,
            first=max(FIRST * profile.patience, SHORTEST),
            quiet=max(QUIET * profile.patience, SHORTEST),
        )
    finally:
        portal.close()
    return *waited.value, waited


def given_up(findings: Iterable[Finding], waited: Waited[Any]) -> list[Finding]:
    """The findings of a wait that was given up, with the pace that was seen and why no longer was waited for."""
    reason = f" ({waited.reason}; looked {waited.attempts} times in {waited.seconds:.0f} s)" if waited.reason else ""
    return [replace(each, problem=f"{each.problem}{reason}") for each in findings]


def asked_early(webhooks: Webhooks | None, override: HandlerOverride, invoice_id: str) -> Processed | None:
    """What the company's side says of an invoice that is not finalized yet, so that it can be believed later; None if it cannot say."""
    ask = processed_reader(webhooks.processed, override) if webhooks and webhooks.grade == "processed" else None
    try:
        return ask(invoice_id) if ask else None
    except (NotVerified, NotDecided):
        return None


def await_known_endpoint(
    flexprice: Flexprice, profile: Profile, webhooks: Webhooks | None, eventually: Eventually
) -> None:
    """Wait until the plan's endpoint is old enough to get events: in its first minute it misses them without a trace (contract 6.5).

    What else may be wrong with it is told by section 6 and item 7.4. The embedded Flexprice knows an endpoint at once.
    """
    if webhooks is None or profile.rehearsal:
        return
    with suppress(NotVerified, ApiError):
        portal = open_portal(flexprice, profile.svix_url, profile.add_secret, flexprice.note)
        if portal is None:
            return
        try:
            endpoints = portal.endpoints()
        finally:
            portal.close()
        until_known(endpoints, webhooks.endpoint, eventually)


def until_known(endpoints: Iterable[Endpoint], url: str, eventually: Eventually) -> None:
    """Let time pass until every endpoint with that URL has been known long enough."""
    now = eventually.now()
    created = [each.created_at for each in endpoints if same_url(each.url, url) and each.created_at > EPOCH]
    # A service whose clock is ahead makes nobody wait for longer.
    known = min(max(created, default=EPOCH), now) + KNOWN_AFTER
    if known > now:
        eventually.poll(
            "the new webhook endpoint, which misses events in its first minute",
            eventually.now,
            lambda moment: moment >= known,
            (known - now).total_seconds() + 1,
        )
