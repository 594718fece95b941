"""Which subscriptions are previewed: all, or a sample that covers each plan and each kind of deal (checklist 5.3, read level).

The sample rotates: its seed is the day, so the same day shows the same subscriptions and another day others.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from itertools import islice, zip_longest
from typing import Any, NamedTuple

from pytest_flexprice.model.decimals import ZERO, decimal
from pytest_flexprice.model.subscriptions import STANDALONE
from pytest_flexprice.model.times import instant

Row = Mapping[str, Any]
Group = tuple[str, ...]
PREVIEWED = "active"
COUPONS = "coupon_associations"
NOT_BILLED = ("trialing", "paused")
"""Statuses whose usage no invoice bills while they last (contract 5.5)."""


class Candidate(NamedTuple):
    """A subscription that may be previewed. ``turn`` orders those of a group and changes with the seed."""

    turn: str
    id: str
    group: Group


@dataclass
class Sample:
    """What was chosen of what there is: ``left`` counts why others were not previewed."""

    chosen: list[str] = field(default_factory=list)
    active: int = 0
    groups: int = 0
    left: Counter[str] = field(default_factory=Counter)


def choose(
    rows: Iterable[Row],
    most: int | None,
    now: datetime,
    seed: str,
    own_price: Callable[[Row, Row], bool] = lambda subscription, line: False,
) -> Sample:
    """At most that many subscriptions (``None``: all), at least one of each group first, as long as there is room.

    A group is a plan with its currency, billing period and kinds of deal. ``own_price`` says whether a line has a price of its
    own. Of ``rows`` only ids are kept, of each group at most as many as may be chosen.
    """
    sample = Sample()
    groups: dict[Group, list[tuple[int, Candidate]]] = {}
    for row in rows:
        if (reason := _left_out(row, now)) is not None:
            sample.left[reason] += 1
            continue
        sample.active += 1
        one = _candidate(row, seed, own_price)
        _keep(groups.setdefault(one.group, []), one, most)
    first = sorted(groups, key=lambda key: _turn(seed, *key))
    ordered = [[one.id for _, one in sorted(groups[key], reverse=True)] for key in first]
    rounds = (each for turn in zip_longest(*ordered) for each in turn if each is not None)
    sample.chosen = list(islice(rounds, most))
    sample.groups = len(groups)
    return sample


def _keep(kept: list[tuple[int, Candidate]], one: Candidate, most: int | None) -> None:
    """Keep the candidates whose turn comes first, as many as may be chosen at all: a heap with the last one on top."""
    entry = (-int(one.turn, 16), one)
    if most is None or len(kept) < most:
        heapq.heappush(kept, entry)
    elif most and entry > kept[0]:
        heapq.heapreplace(kept, entry)


def _candidate(row: Row, seed: str, own_price: Callable[[Row, Row], bool]) -> Candidate:
    group = (str(row.get("plan_id")), str(row.get("currency")), str(row.get("billing_period")), *kinds(row, own_price))
    return Candidate(_turn(seed, str(row["id"])), str(row["id"]), group)


def _turn(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()[:16]


def _left_out(row: Row, now: datetime) -> str | None:
    status = str(row.get("subscription_status"))
    if status in NOT_BILLED:
        return f"{status}, so nothing of it is billed"
    if status != PREVIEWED:
        return status
    return "not begun" if instant(str(row["start_date"])) > now else None


def kinds(row: Row, own_price: Callable[[Row, Row], bool] = lambda subscription, line: False) -> tuple[str, ...]:
    """The kinds of deal that a subscription has, as a search shows it with its lines, sorted."""
    found = set()
    if (row.get("subscription_type") or STANDALONE) != STANDALONE:
        found.add(str(row["subscription_type"]))
    named = {
        "delegated payer": row.get("invoicing_customer_id"),
        "ending": row.get("cancel_at_period_end") or row.get("cancel_at") or row.get("end_date"),
        "commitment": decimal(row.get("commitment_amount"), ZERO) > 0,
        "coupon": row.get(COUPONS),
    }
    found |= {name for name, value in named.items() if value}
    for line in row.get("line_items") or ():
        found |= set(_line_kinds(row, line, own_price))
    return tuple(sorted(found))


def _line_kinds(row: Row, line: Row, own_price: Callable[[Row, Row], bool]) -> Iterable[str]:
    if line.get("subscription_phase_id"):
        yield "phases"
    if line.get("entity_type") == "addon":
        yield "addon"
    if line.get("price_type") == "FIXED" and decimal(line.get("quantity"), ZERO) not in (ZERO, 1):
        yield "seats"
    if decimal(line.get("commitment_amount"), ZERO) > 0 or decimal(line.get("commitment_quantity"), ZERO) > 0:
        yield "line commitment"
    if line.get("entity_type") != "addon" and own_price(row, line):
        yield "own price"
