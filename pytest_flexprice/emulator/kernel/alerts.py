"""At which thresholds somebody is told: of features, wallets and spend (the documentation's pages on alerts)."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from . import errors
from .binding import Schema, boolean, decimal, field, several

CONDITIONS = ("above", "below")
_LEVELS = ("info", "warning", "critical")
_THRESHOLD = Schema("AlertThreshold", field("threshold", decimal), field("condition"))
ALERTS = Schema("AlertSettings", *several(_THRESHOLD, "critical warning info"), field("alert_enabled", boolean))


def check(given: dict[str, Any] | None) -> None:
    """Refuse thresholds that cannot be meant together; what is not said to be on is off."""
    alerts = {} if given is None else given
    alerts["alert_enabled"] = bool(alerts.get("alert_enabled"))
    found = {level: alerts[level] for level in _LEVELS if alerts.get(level)}
    for level in found.values():
        errors.require_one_of(CONDITIONS, level["condition"], "alert condition", "condition")
    if alerts["alert_enabled"] and not found:
        message = "at least one threshold (critical, warning, or info) is required when alert_enabled is true"
        raise errors.validation(message)
    if "warning" in found and "critical" not in found:
        raise errors.validation("critical threshold is required when warning threshold is provided")
    for early, late in combinations(found, 2):
        _check_order(early, late, found)


def _check_order(early: str, late: str, found: dict[str, dict[str, Any]]) -> None:
    """The earlier a level, the further it is from the worst."""
    first, second, condition = found[early]["threshold"], found[late]["threshold"], found[early]["condition"]
    if None in (first, second) or condition != found[late]["condition"]:
        return
    word, right = ("greater", first > second) if condition == "below" else ("less", first < second)
    errors.refuse(not right, f"{early} threshold must be {word} than {late} threshold for '{condition}' condition")
