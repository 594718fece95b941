"""Which price of one plan stands for which of another, and what each is called in a path (checklist 2.1)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pytest_flexprice.model.prices import Price
from pytest_flexprice.oracle.catalog.canonical import sort_key, tree

_WEIGHTS = {"currency": 9, "billing_period": 8, "invoice_cadence": 4, "billing_model": 4, "billing_period_count": 3}
_QUALIFIERS = ("currency", "billing_period", "billing_period_count", "invoice_cadence", "feature", "lookup_key")


class PricePair(NamedTuple):
    """Two prices that stand for one another, or one that has no counterpart; ``label`` names them in a path."""

    label: str
    expected: Price | None
    observed: Price | None


def subject(price: Price, features: Mapping[str, str]) -> tuple[str, str]:
    """What a price bills: usage of a feature (or of an event name where no feature is shared), or a fixed fee."""
    if not price.usage:
        return ("fee", "")
    return ("feature", price.feature) if price.feature in features else ("event", price.event_name)


def facts(price: Price, shared: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a price that are compared: what its feature's meter says is told of the feature, once."""
    row: dict[str, Any] = tree(price)
    if price.feature in shared:
        row.pop("event_name", None)
    return row


def pair(expected: Sequence[Price], observed: Sequence[Price], shared: Mapping[str, str]) -> list[PricePair]:
    """Each price once: equal ones first, then those that differ least; ``shared`` are the features of both catalogs."""
    pairs: list[PricePair] = []
    groups: dict[tuple[str, str], tuple[list[Price], list[Price]]] = defaultdict(lambda: ([], []))
    for side, prices in enumerate((expected, observed)):
        for price in sorted(prices, key=sort_key):
            groups[subject(price, shared)][side].append(price)
    for ours, theirs in groups.values():
        matched = _match(ours, theirs, shared)
        pairs += [PricePair("", ours[left], theirs[right]) for left, right in sorted(matched.items())]
        pairs += [PricePair("", price, None) for index, price in enumerate(ours) if index not in matched]
        pairs += [PricePair("", None, price) for index, price in enumerate(theirs) if index not in matched.values()]
    return _labelled(pairs)


def _match(ours: list[Price], theirs: list[Price], shared: Mapping[str, str]) -> dict[int, int]:
    rows = [[facts(price, shared) for price in side] for side in (ours, theirs)]
    costs = sorted((_cost(left, right), i, j) for i, left in enumerate(rows[0]) for j, right in enumerate(rows[1]))
    matched: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, j in costs:
        if i not in matched and j not in taken:
            matched[i] = j
            taken.add(j)
    return matched


def _cost(left: dict[str, Any], right: dict[str, Any]) -> int:
    differing = [key for key in {**left, **right} if left.get(key) != right.get(key)]
    same_key = left.get("lookup_key") and left.get("lookup_key") == right.get("lookup_key")
    return 2 * sum(_WEIGHTS.get(key, 1) for key in differing) - (30 if same_key else 0)


def _labelled(pairs: list[PricePair]) -> list[PricePair]:
    named = [(_base(one.expected or one.observed), one) for one in pairs]
    alike: dict[str, list[PricePair]] = defaultdict(list)
    for base, one in named:
        alike[base].append(one)
    labelled: list[PricePair] = []
    for base, group in alike.items():
        labels = _qualified(base, [one.expected or one.observed for one in group])
        labelled += [one._replace(label=label) for label, one in zip(labels, group, strict=True)]
    return sorted(labelled, key=lambda one: one.label)


def _base(price: Price | None) -> str:
    if price is None:
        return ""
    return price.event_name or price.feature or price.display_name or price.lookup_key or price.type.lower()


def _qualified(base: str, prices: list[Price | None]) -> list[str]:
    """``base`` for a single price, else ``base[usd MONTHLY]`` with what tells them apart, and a number as the last resort."""
    if len(prices) == 1:
        return [base]
    telling = [name for name in _QUALIFIERS if len({str(getattr(price, name)) for price in prices}) > 1]
    labels = []
    for price in prices:
        words = " ".join(str(getattr(price, name)) for name in telling if getattr(price, name) != "")
        label, number = f"{base}[{words}]" if words else base, 1
        while label in labels:
            number += 1
            label = f"{base}[{' '.join(filter(None, (words, f'#{number}')))}]"
        labels.append(label)
    return labels
