"""What each checklist item means, what is read and written for it, which keys of the plan decide it, and what to do when it is red."""

from __future__ import annotations

from typing import NamedTuple


class Explanation(NamedTuple):
    """One item in words; ``keys`` are paths in the plan, in which ``ENV`` stands for the environment's name."""

    meaning: str
    reads: str
    writes: str
    keys: tuple[str, ...]
    red: str


_NOTHING = "nothing"
_ATTESTED = "Let the person who can say so add a table [[attestations]] with this item, statement, by, role and on."
EXPLANATIONS: dict[str, Explanation] = {
    "1.1": Explanation(
        "A key of another environment works as well and shows another catalog: everything else would be checked in the wrong place.",
        "the environment id that objects of the environment carry, and GET /v1/environments",
        _NOTHING,
        ("environments.ENV.environment_id", "environments.ENV.type"),
        "Put the key of the declared environment into FLEXPRICE_API_KEY or .env.ENV, or correct environment_id.",
    ),
    "1.2": Explanation(
        "A key may lack the permission to read or write single kinds of objects, which shows only when it is needed.",
        "one page of every kind of object that the suite needs",
        "an empty body each to POST /v1/customers and POST /v1/events, which is refused",
        (),
        "Give the key's role the permissions that the finding names.",
    ),
    "1.3": Explanation(
        "The application must send x-api-key to the base URL of the region that holds the environment.",
        "GET /v1/users/me with and without the header; the deployed configuration as the plan states it",
        _NOTHING,
        ("environments.ENV.base_url", "environments.ENV.client"),
        "Correct the application's configuration, or what the plan says of it.",
    ),
    "1.4": Explanation(
        "A Sandbox key that still works in a deployed system sends real usage where nobody bills it.",
        "GET /v1/users/me with each old key; the files that scan names",
        _NOTHING,
        ("environments.ENV.old_keys", "environments.ENV.old_key_ids", "environments.ENV.scan"),
        "Revoke the keys that are found alive; if there never were any, attest that under 1.4.",
    ),
    "2.1": Explanation(
        "What Production sells must be what somebody signed off: a clone skips what exists, and leaves addons and settings behind.",
        "features, meters, plans, prices, entitlements, grants, addons, coupons, tax rates and invoice settings",
        _NOTHING,
        ("catalog.signed_off", "catalog.accepted", "catalog.price_keys"),
        "Correct the catalog, sign the new one off with --flexprice-snapshot, or accept a difference by its path until a day.",
    ),
    "2.2": Explanation(
        "Event names are compared byte for byte: an event without a published meter is accepted with 202 and never billed.",
        "published features with their meters, plans with their prices",
        _NOTHING,
        ("events",),
        "Correct the name in the application or make the meter; say unbilled where no price is wanted.",
    ),
    "3.1": Explanation(
        "Without event_id a retry counts twice, without timestamp a late event falls into another period; wrong quantities count 0.",
        "the sample files, the newest real events of seven days, and the company's own log",
        _NOTHING,
        ("events", "traffic"),
        "Correct what the application sends; record new samples.",
    ),
    "3.2": Explanation(
        "An event that the Event Debugger shows as processed was counted by the meter that was meant.",
        "GET /v1/events/lookup of the run's own events",
        "a test customer with a subscription, and events of it",
        ("environments.ENV.test_plan",),
        "The finding names the rung that broke: accepted, landed, matched or counted.",
    ),
    "3.3": Explanation(
        "What an unknown event name does is shown once, so that nobody believes that an error would tell.",
        "the debugger and the usage of the run's own customer",
        "one event with a name that no meter has",
        ("environments.ENV.test_plan",),
        "Find out which meter counts a name that nobody should send.",
    ),
    "4.1": Explanation(
        "External ids are compared byte for byte: usage under another spelling is accepted and billed to nobody.",
        "every customer",
        _NOTHING,
        ("customers.file", "customers.declared", "customers.undeclared", "customers.ignore_prefixes"),
        "Create the customer under exactly this id, or correct the declaration and the pipeline.",
    ),
    "4.2": Explanation(
        "A subscription takes the prices of its currency and period and drops the others without a word.",
        "every subscription with its lines, and the prices of every plan",
        _NOTHING,
        ("customers.file", "customers.declared", "invoicing.collection"),
        "Correct the subscription, or the customer's row.",
    ),
    "5.1": Explanation(
        "Once auto-cancel is on, an overdue invoice ends the subscription, and the usage of its running period is never billed.",
        "the settings subscription_config and invoice_config, active subscriptions, unpaid invoices",
        _NOTHING,
        (
            "invoicing.grace_period_days",
            "invoicing.auto_cancel",
            "invoicing.due_date_days",
            "invoicing.finalization_delay_seconds",
            "invoicing.decided_by",
            "invoicing.decided_on",
        ),
        "Save the decided values, or correct the plan; let the person who decided put name and day there.",
    ),
    "5.2": Explanation(
        "Flexprice collects automatically where nothing is said.",
        "every active subscription's collection method, and the connected gateways",
        _NOTHING,
        ("invoicing.collection", "invoicing.decided_by", "customers.file"),
        "Decide it for all as invoicing.collection, or for single customers in the column collection_method.",
    ),
    "5.3": Explanation(
        "An invoice is right when quantities, prices, allowances and totals follow from usage, calculated independently.",
        "usage, previews and prices of active subscriptions",
        "a test customer, its subscription and its events",
        ("environments.ENV.test_plan", "environments.ENV.test_currency", "environments.ENV.test_billing_period", "traffic"),
        "The first line that differs is named with both values: look into its meter, then its price.",
    ),
    "6.1": Explanation(
        "No webhook arrives where no endpoint is registered, and one of another system sees real invoices.",
        "the endpoints at the delivery service",
        _NOTHING,
        ("webhooks.endpoint", "environments.ENV.svix_url"),
        "Register the endpoint in the webhook dashboard, or correct the plan.",
    ),
    "6.2": Explanation(
        "A handler that takes forged messages lets anybody mark invoices as paid.",
        "the endpoint's signing secret, of which only a fingerprint is kept",
        "signed and forged requests to the handler",
        ("webhooks.handler", "environments.ENV.probe_handler"),
        "Verify the signature over the raw body, before anything else is done with it.",
    ),
    "6.3": Explanation(
        "An endpoint gets the event types that it is subscribed to and no others.",
        "the endpoints at the delivery service",
        _NOTHING,
        ("webhooks.event_types",),
        "Subscribe the endpoint to the missing types; mind subscription.cancelled with two l.",
    ),
    "6.4": Explanation(
        "What the handler does not acknowledge is sent again for a day and then never.",
        "attempts of recent messages",
        "signed requests to the handler",
        ("webhooks.handler", "webhooks.event_types"),
        "Answer 2xx first and work afterwards; answer 2xx to types that the handler does not know.",
    ),
    "7.1": Explanation(
        "The first rung of the smoke test: a test customer of its own, with events.",
        "the test plan",
        "a test customer, its subscription and its events; all of them are taken away again",
        ("environments.ENV.test_plan", "environments.ENV.allow"),
        "The finding names what was refused.",
    ),
    "7.2": Explanation(
        "What was sent is what was counted, exactly, and stays so.",
        "the usage of the run's own customer",
        "the test events",
        ("environments.ENV.test_plan",),
        "Twice too much is an event that is counted twice; nothing is a filter or a property that does not match.",
    ),
    "7.3": Explanation(
        "An invoice was made, computed and finalized, and each of its lines is the calculated one.",
        "the run's own invoice",
        "a draft invoice that is finalized and voided again",
        ("environments.ENV.test_invoice",),
        "The first line that differs is named with both values.",
    ),
    "7.4": Explanation(
        "The invoice's webhook was sent, acknowledged, and processed by the company's own system.",
        "the delivery service's attempts, and webhooks.processed",
        _NOTHING,
        ("webhooks.processed", "webhooks.grade"),
        "Look first whether the URL of webhooks.processed is right, then into what the handler does after it answers.",
    ),
    "8.1": Explanation("Changes of Flexprice are announced in its changelog.", _NOTHING, _NOTHING, ("attestations",), _ATTESTED),
    "8.2": Explanation("Outages are told on the status page.", _NOTHING, _NOTHING, ("attestations",), _ATTESTED),
    "8.3": Explanation("In an incident the support channel is the way.", _NOTHING, _NOTHING, ("attestations",), _ATTESTED),
    "8.4": Explanation(
        "Whoever is on call finds keys, pipeline, webhooks and invoices in the references.",
        _NOTHING,
        _NOTHING,
        ("attestations",),
        _ATTESTED,
    ),
}  # fmt: skip
