"""Events as samples in a repository: the fields that are sent, without what tells of a person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from math import isfinite
from typing import Any

FIELDS = ("event_name", "external_customer_id", "event_id", "timestamp", "properties")
MASK = "masked"
_PERSONAL = re.compile(
    r"(e?[-_]?mail|(first|last|full|user|display|customer|family|given)[-_]?name|^name$|phone|mobile|address|street|birth|ssn|passport"
    r"|iban|card|(^|[-_])ip([-_]|$)|user[-_]?agent|token|secret|password|cookie|session|authorization|prompt|message|query|body)",
    re.IGNORECASE,
)
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}|[0-9a-f]{1,4}(:[0-9a-f]{0,4}){3,7}", re.IGNORECASE)


def masked(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event as it is sent; texts of its properties that tell of a person are replaced, numbers stay."""
    kept = {name: event[name] for name in FIELDS if event.get(name) is not None}
    if isinstance(kept.get("properties"), Mapping):
        kept["properties"] = _properties(kept["properties"])
    return kept


def _properties(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(name, value) for name, value in values.items()}


def _value(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return _properties(value)
    if isinstance(value, list):
        return [_value(name, one) for one in value]
    if isinstance(value, Decimal):
        return _number(value)
    if not isinstance(value, str) or re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", value):
        return value
    personal = _PERSONAL.search(name) or _MAIL.search(value) or _ADDRESS.fullmatch(value)
    return MASK if personal else value


def _number(value: Decimal) -> float | str:
    """A number that JSON writes exactly; one with more digits than that as text, which Flexprice takes as well."""
    number = float(value)
    return number if isfinite(number) and Decimal(repr(number)) == value else format(value, "f")
