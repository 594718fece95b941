"""What a comparison knows of the environment and the plan beside the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pytest_flexprice.model.meters import Event, Meter
from pytest_flexprice.traffic.metered import Metered


@dataclass(frozen=True)
class Known:
    """What the environment and the plan know beside the log.

    Attributes:
        metered: the published meters with their features.
        customers: the external ids of all customers.
        starts: by meter, the start of each customer's first line on it, by external id.
        ends: by meter, the end of each customer's last line on it, where none goes on, by external id.
        began: the start of each customer's first subscription, by external id.
        added: meters and external ids of lines that an addon brought: what was used before was not meant to be billed.
        subscribed: the customers who have or had a subscription, their own or a parent's; ``None`` where nobody asked.
        unbilled: event names that the plan says are not billed.
        is_test: whether an event (``event_id``, ``external_customer_id``) is one that a run like this sent.
        by_others: event names, and external ids, that other items of the checklist judge already.
    """

    metered: Sequence[Metered]
    customers: frozenset[str]
    starts: Mapping[str, Mapping[str, datetime]]
    ends: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)
    began: Mapping[str, datetime] = field(default_factory=dict)
    added: frozenset[tuple[str, str]] = frozenset()
    subscribed: frozenset[str] | None = None
    unbilled: frozenset[str] = frozenset()
    is_test: Callable[[Mapping[str, str]], bool] = lambda event: False
    by_others: frozenset[str] = frozenset()

    @property
    def by_name(self) -> dict[str, list[Meter]]:
        """The meters by the event name that they count."""
        found: dict[str, list[Meter]] = {}
        for one in self.metered:
            found.setdefault(one.meter.event_name, []).append(one.meter)
        return found

    def is_of_a_test(self, event: Event) -> bool:
        """Whether a run like this sent the event."""
        return self.is_test({"event_id": event.id, "external_customer_id": event.external_customer_id})

    def is_test_customer(self, external_id: str) -> bool:
        """Whether a run like this made the customer."""
        return self.is_test({"event_id": "", "external_customer_id": external_id})
