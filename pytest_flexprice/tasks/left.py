"""What a first plan leaves to people: a numbered list, each with its checklist item; and what is odd about the environment."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_flexprice.tasks.init import FirstPlan

_PRODUCTION_NAMES = ("prod", "live")
_OTHER_NAMES = ("sandbox", "dev", "test", "stag", "qa")


def left_to_decide(plan: FirstPlan) -> list[str]:
    """What only a person can decide, in the order of the checklist."""
    return [f"{number}. ({item}) {what}" for number, (item, what) in enumerate(_decisions(plan), 1)]


def _decisions(plan: FirstPlan) -> Iterator[tuple[str, str]]:
    found, table = plan.found, f"environments.{plan.name}"
    yield "1.3", f"how the application calls Flexprice: {table}.client"
    live = table if plan.production else "for the live environment, environments.prod"
    yield "1.4", f"which keys must be dead: {live}.old_keys, or an attestation for 1.4 that there never were any"
    if not found.catalog.metered_names():
        yield "2.2", "what the application sends: the environment has no published meter, so [[events]] is empty"
    silent = sorted(found.catalog.metered_names() - {*found.samples})
    if silent:
        more = f" and {len(silent) - 3} more" if len(silent) > 3 else ""
        names = ", ".join(f"'{name}'" for name in silent[:3])
        yield "3.1", f"samples of {names}{more}, of which none was seen in the last seven days"
    yield "3.1", "where the company's own log of what it sent lies, to be held against what is billed: [traffic]"
    yield "5.1", "who decided grace period and auto-cancel, and when: invoicing.decided_by and decided_on"
    if not found.collection:
        yield "5.2", "whether invoices are collected or sent: invoicing.collection"
    if found.endpoint is None:
        unread = any(one.startswith("webhook endpoints") for one in found.unread)
        yield (
            "6.1",
            f"where webhooks go: {'what is registered could not be read' if unread else 'no endpoint is registered'}; [webhooks]",
        )
    yield (
        "6.2",
        f"the handler and the variable of its signing secret: webhooks.handler, and {table}.probe_handler = true",
    )
    if found.cheapest() is None:
        yield "7.1", f"a plan with a usage price for test customers: {table}.test_plan"
    yield "7.4", "how to see that the handler processed an invoice: webhooks.processed, or webhooks.grade"
    for item, what in (
        ("8.1", "who reads the changelog"),
        ("8.2", "who watches the status page"),
        ("8.3", "who is in the support channel"),
        ("8.4", "who knows the references"),
    ):
        yield item, f"{what}: [[attestations]]"


def remarks(plan: FirstPlan) -> Iterator[str]:
    """What is odd: a name that says something else than the key, plans that bill nothing, what could not be read."""
    name, found = plan.name.lower(), plan.found
    if plan.production and name.startswith(_OTHER_NAMES):
        yield f"the environment is called '{plan.name}', and the key belongs to a production environment, so the other key may be meant"
    if not plan.production and name.startswith(_PRODUCTION_NAMES):
        yield f"the environment is called '{plan.name}', and the key belongs to a development environment, so the other key may be meant"
    if found.nothing_to_bill():
        yield f"plans without any price, so nothing is billed on them: {', '.join(found.nothing_to_bill())}"
    if len(found.collection) > 1:
        counts = ", ".join(f"{count} {method}" for method, count in found.collection.most_common())
        yield f"subscriptions are collected in different ways ({counts}): the customers file says it customer by customer"
    for what in found.unread:
        yield f"not read: {what}"
