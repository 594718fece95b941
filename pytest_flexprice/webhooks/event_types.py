"""The event types that the plan's endpoint gets (checklist 6.3, contract 6.2); pure."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Sequence

from pytest_flexprice.model.finding import Finding, Kind, Severity
from pytest_flexprice.model.golive_plan import CHECKLIST_EVENT_TYPES, Webhooks
from pytest_flexprice.webhooks.registration import own_endpoints, place
from pytest_flexprice.webhooks.service import Endpoint

MISSPELLED = {"subscription.canceled": "subscription.cancelled"}


def type_findings(
    endpoints: Sequence[Endpoint],
    webhooks: Webhooks,
    wanted: Iterable[str] = CHECKLIST_EVENT_TYPES,
    known_types: Collection[str] | None = None,
) -> list[Finding]:
    """Whether the plan's endpoint gets the wanted event types, those of the checklist and of the plan in any case (checklist 6.3).

    Args:
        known_types: what the service lets an endpoint subscribe to; None if that was not read.
    """
    findings = list(_misspelled(webhooks.event_types, "golive.toml: webhooks.event_types", "the plan names"))
    names = dict.fromkeys([*CHECKLIST_EVENT_TYPES, *wanted, *webhooks.event_types])
    spelled = [name for name in names if name not in MISSPELLED]
    if known_types is not None:
        findings += _unknown(spelled, set(known_types))
        spelled = [name for name in spelled if name in {*known_types, *CHECKLIST_EVENT_TYPES}]
    own = own_endpoints(endpoints, webhooks)
    if not own:
        return [*findings, _no_types(webhooks)]
    active = [endpoint for endpoint in own if not endpoint.disabled] or own
    for endpoint in active:
        if endpoint.channels:
            findings.append(_channels(endpoint))
        findings += _misspelled(endpoint.event_types or (), place(endpoint), "the endpoint is subscribed to")
    return [*findings, *_missing(active, spelled)]


def _misspelled(names: Iterable[str], path: str, who: str) -> Iterator[Finding]:
    for name in names:
        if name in MISSPELLED:
            yield Finding(
                "6.3",
                path,
                f"{who} '{name}', which Flexprice's documentation spells so but Flexprice never sends",
                expected=MISSPELLED[name],
                observed=name,
                consequence="cancellations go unnoticed",
                remedy=f"use '{MISSPELLED[name]}' with two l",
            )


def _unknown(wanted: Iterable[str], known: set[str]) -> Iterator[Finding]:
    for name in wanted:
        if name not in known:
            checklist = name in CHECKLIST_EVENT_TYPES
            yield Finding(
                "6.3",
                "delivery service: event types",
                f"the delivery service does not know the event type '{name}', so no endpoint can subscribe to it by name"
                + _nearest(name, known),
                remedy="correct webhooks.event_types, or ask the operator of Flexprice to register the type",
                severity=Severity.WARNING if checklist else Severity.ERROR,
            )


def _missing(active: Sequence[Endpoint], wanted: Sequence[str]) -> Iterator[Finding]:
    open_ones = [endpoint for endpoint in active if endpoint.event_types is None]
    if open_ones:
        yield Finding(
            "6.3",
            place(open_ones[0]),
            "the webhook endpoint has no filter, so it gets every event type, those of the checklist among them",
            severity=Severity.INFO,
        )
        return
    subscribed = {name for endpoint in active for name in endpoint.event_types or ()}
    missing = [name for name in wanted if name not in subscribed]
    if missing:
        hints = "".join(_nearest(name, subscribed - set(wanted)) for name in missing)
        yield Finding(
            "6.3",
            place(active[0]),
            f"the webhook endpoint is not subscribed to {_listed(missing)}{hints}",
            expected=list(wanted),
            observed=sorted(subscribed),
            consequence="an event type that no endpoint wants is never sent and cannot be recovered",
            remedy="add the missing event types to the endpoint in the webhook portal",
        )


def _channels(endpoint: Endpoint) -> Finding:
    return Finding(
        "6.3",
        place(endpoint),
        "the webhook endpoint listens to channels, and Flexprice's messages name none",
        expected="no channels",
        observed=list(endpoint.channels),
        consequence="it gets nothing",
        remedy="remove the channels from the endpoint in the webhook portal",
    )


def _no_types(webhooks: Webhooks) -> Finding:
    return Finding(
        "6.3",
        "webhook endpoints",
        "the plan's webhook endpoint is not registered, so there are no event types of it to look at",
        expected=webhooks.endpoint,
        remedy="see item 6.1, and register it with the four event types of the checklist",
        kind=Kind.NOT_VERIFIED,
    )


def _nearest(name: str, among: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, sorted(among), n=1, cutoff=0.75)
    return f"; the nearest to '{name}' is '{near[0]}'" if near else ""


def _listed(names: Sequence[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
