"""``POST /v1/events/analytics`` (contract 3.9, recording usage)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from ..kernel import errors
from ..kernel.binding import Schema, array, boolean, field, instant, several, text
from ..kernel.call import Call
from ..kernel.routing import route
from ..metering.analysed import PROPERTY, Question
from ..metering.analytics import answer, meters_of
from .events import property_filters, window

_CHECK = "Please check the request payload"


_ANALYTICS = Schema(
    "GetUsageAnalyticsRequest",
    *several(text, "external_customer_id window_size"),
    *several(array(text), "feature_ids sources group_by expand"),
    *several(instant, "start_time end_time"),
    field("property_filters", property_filters),
    *several(boolean, "include_children breakdown_bucket"),
)


_PROPERTY_NAME = re.compile(r"properties\.[A-Za-z0-9_.]+\Z", re.ASCII)


def _checked_groups(given: list[str]) -> list[str]:
    """The groups, where a feature is its meter; refused when the server would not know one."""
    groups = ["meter_id" if name == "feature_id" else name for name in given]
    for name in groups:
        if name in ("source", "meter_id") or _PROPERTY_NAME.match(name):
            continue
        words = (
            "has an invalid property name (allowed: alphanumerics, '_', '.')"
            if name.startswith(PROPERTY)
            else "is not recognized (allowed: 'meter_id', 'source', 'properties.<name>')"
        )
        raise errors.validation(f'group_by entry "{name}" {words}', {"group_by_entry": name})
    return groups


def question(call: Call, body: dict[str, Any]) -> Question:
    """What those fields ask for that every analysis takes."""
    start, end = window(call, body)
    return Question(
        body["external_customer_id"] or None,
        meters_of(call, body["feature_ids"] or ()),
        start,
        end,
        properties=body["property_filters"] or {},
        include_children=bool(body["include_children"]),
    )


@route("POST", "/v1/events/analytics")
def analyse_events(call: Call) -> dict[str, Any]:
    """Usage and its unrounded cost per feature of a customer; without a customer, of the whole environment."""
    body = call.bind(_ANALYTICS, _CHECK)
    asked = replace(
        question(call, body),
        group_by=_checked_groups(body["group_by"] or []),
        sources=body["sources"] or (),
        window_size=body["window_size"] or "",
        expand=body["expand"] or (),
    )
    return answer(call, asked)
