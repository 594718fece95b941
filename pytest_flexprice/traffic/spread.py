"""Whether customers' events arrived for them: what went to somebody else changes no total (contract 11.1).

No reader counts by customer, so each costs a request for each event name; a large log is looked at in part, and the report says how large.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from pytest_flexprice.api.traffic import read_ids_of
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.traffic.known import Known
from pytest_flexprice.traffic.reconcile import Reconciled
from pytest_flexprice.traffic.search import Search

MOST_COUNTS = 200
"""So many requests are spent on counts of single customers in one run."""
MOST_UNEQUAL = 10


def unequal(search: Search, known: Known, result: Reconciled, today: date) -> list[str]:
    """Customers who have another number of events than the log says although nothing is known to differ; the rest is left in a note."""
    if result.sampled >= result.events:
        return []
    differing = {one.customer for one in result.differences}
    mine = {
        each: events for each, events in result.customers.items() if each in known.customers and each not in differing
    }
    order = chosen(mine, today)[:MOST_COUNTS]
    ids = search.log.ids_of(order, result.window) if order else {}
    found, asked, counted = list[str](), 0, list[str]()
    for customer in order:
        own = {name: count for (each, name), count in ids.items() if each == customer and name in known.by_name}
        if asked + len(own) > MOST_COUNTS or len(found) >= MOST_UNEQUAL or search.is_over():
            break
        search.progress(f"counting the events of '{customer}'")
        asked += len(own)
        try:
            if any(
                read_ids_of(search.flexprice, name, result.window, customer) != count for name, count in own.items()
            ):
                found.append(customer)
        except NotVerified as reason:
            result.notes.append(f"the events of single customers were not counted: {reason.findings[0].problem}")
            break
        counted.append(customer)
    result.notes.append(_note(result, counted))
    return found


def chosen(customers: Mapping[str, int], today: date, most: int = MOST_COUNTS) -> list[str]:
    """In turn one of those with the most events and one of all others, of these other ones each day."""
    large = sorted(customers, key=lambda each: (-customers[each], each))
    head, rest = large[: most // 2], sorted(large[most // 2 :])
    start = today.toordinal() * (most // 2) % len(rest) if rest else 0
    turning = (rest + rest)[start : start + min(most // 2, len(rest))]
    pairs = [each for pair in zip(head, turning, strict=False) for each in pair]
    return [*pairs, *head[len(turning) :]]


def _note(result: Reconciled, counted: list[str]) -> str:
    every = max(sum(result.customers.values()), 1)
    share = sum(result.customers[each] for each in counted) / every
    likely = probability(share, min(result.sampled / every, 1))
    return (
        f"an event that went to another customer changes no total; {result.sampled:,} of {every:,} events were compared one by one,"
        f" and those of {len(counted):,} of {len(result.customers):,} customers, who have {share:.1%} of all, were counted: a single"
        f" event of that kind would have been found with a probability of at least {likely:.1%} (other hours and customers tomorrow)"
    )


def probability(counted: float, compared: float) -> float:
    """How likely one event of somebody else's is found: its customer was counted, or itself was compared (shares of all events)."""
    return 1 - (1 - counted) * (1 - compared)
