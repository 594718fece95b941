"""The Go-Live Checklist: its eight sections and 26 items, with the level that gives the evidence for each.

The ids are those of Flexprice's public Go-Live Checklist in the order of its sections; the wording is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How far a run may go, each level including those before it.

    ``lint`` uses no network, ``read`` only reads, ``probe`` sends signed requests to the company's webhook handler,
    ``smoke`` writes to objects that the run made itself, ``drill`` may do anything and is never allowed in production.
    """

    LINT = 0
    READ = 1
    PROBE = 2
    SMOKE = 3
    DRILL = 4

    @property
    def word(self) -> str:
        """The name used on the command line, in the plan and in tags."""
        return self.name.lower()

    @classmethod
    def parse(cls, word: str) -> Level:
        """The level of that name.

        Raises:
            ValueError: no level has that name.
        """
        try:
            return cls[word.strip().upper()]
        except KeyError:
            raise ValueError(f"'{word}' is no level; expected one of {', '.join(each.word for each in cls)}") from None


@dataclass(frozen=True)
class Item:
    """One item: ``proof`` is ``machine``, ``partly`` (a machine part and a person's statement) or ``person``."""

    id: str
    title: str
    level: Level
    proof: str = "machine"

    @property
    def section(self) -> int:
        """The number of the section, 1 to 8."""
        return int(self.id.split(".")[0])

    @property
    def tag(self) -> str:
        """The Gherkin tag of its scenarios, such as ``item_2_2``."""
        return "item_" + self.id.replace(".", "_")


SECTIONS = {
    1: "Environment and API access",
    2: "Product catalog",
    3: "Event ingestion",
    4: "Customers and subscriptions",
    5: "Invoicing",
    6: "Webhooks",
    7: "Smoke test",
    8: "Post-launch",
}

ITEMS = (
    Item("1.1", "The key in use belongs to the declared environment", Level.READ),
    Item("1.2", "The key can read and write", Level.READ),
    Item("1.3", "Requests carry x-api-key, to the base URL of the contracted region", Level.READ),
    Item("1.4", "Old keys are revoked for every system that now points to Production", Level.READ, "partly"),
    Item("2.1", "The catalog arrived as signed off", Level.READ),
    Item("2.2", "Every event name the application sends is active, byte for byte", Level.READ),
    Item("3.1", "Every event carries event_name, external_customer_id, timestamp and event_id", Level.LINT, "partly"),
    Item("3.2", "Test events appear in the Event Debugger", Level.SMOKE),
    Item("3.3", "A mismatched event name is accepted and never billed", Level.SMOKE),
    Item("4.1", "Customers exist under the external ids that the event pipeline sends", Level.READ),
    Item("4.2", "Subscriptions are on the right plans", Level.READ),
    Item("5.1", "Grace period and auto-cancel have been reviewed", Level.READ, "partly"),
    Item("5.2", "Collecting or sending invoices was decided before the first billing cycle", Level.READ, "partly"),
    Item("5.3", "A test invoice's lines match the expected usage", Level.SMOKE),
    Item("6.1", "The webhook endpoint is registered", Level.READ),
    Item("6.2", "The webhook handler verifies signatures", Level.PROBE),
    Item("6.3", "The endpoint is subscribed to the four event types", Level.READ),
    Item("6.4", "The webhook handler answers 2xx to every event", Level.PROBE),
    Item("7.1", "Test events were sent for a test customer", Level.SMOKE),
    Item("7.2", "Meter aggregation matches what was sent", Level.SMOKE),
    Item("7.3", "The draft invoice was finalized and its lines verified", Level.SMOKE),
    Item("7.4", "The finalization webhook fired and the handler processed it", Level.SMOKE),
    Item("8.1", "Somebody reads the Flexprice changelog", Level.LINT, "person"),
    Item("8.2", "Somebody is subscribed to the status page", Level.LINT, "person"),
    Item("8.3", "The team is in the support channel", Level.LINT, "person"),
    Item("8.4", "The people on call know the references", Level.LINT, "person"),
)

BY_ID = {item.id: item for item in ITEMS}
BY_TAG = {item.tag: item for item in ITEMS}
