"""``POST /v1/events/analytics`` (contract 3.9, recording usage)."""

from __future__ import annotations

from typing import Any

from ..billing.scope import Scope
from ..kernel import errors
from ..kernel.binding import Schema, array, boolean, field, instant, text
from ..kernel.call import Call
from ..kernel.routing import route
from ..metering.analytics import Question, answer
from .events import property_filters, window

_CHECK = "Please check the request payload"


_ANALYTICS = Schema(
    "GetUsageAnalyticsRequest",
    field("external_customer_id"),
    field("feature_ids", array(text)),
    field("sources", array(text)),
    field("start_time", instant),
    field("end_time", instant),
    field("group_by", array(text)),
    field("window_size"),
    field("expand", array(text)),
    field("property_filters", property_filters),
    field("include_children", boolean),
    field("breakdown_bucket", boolean),
)


def _checked_groups(given: list[str]) -> list[str]:
    for name in given:
        if name not in ("source", "feature_id") and not name.startswith("properties."):
            raise errors.validation("Invalid group_by value", {"group_by": name})
    return given


@route("POST", "/v1/events/analytics")
def analyse_events(call: Call) -> dict[str, Any]:
    """Usage and its unrounded cost per feature of a customer; without a customer, of the whole environment."""
    body = call.bind(_ANALYTICS, _CHECK)
    if body["include_children"] or body["breakdown_bucket"]:
        raise errors.not_implemented("events/analytics with include_children or breakdown_bucket")
    start, end = window(call, body)
    question = Question(
        body["external_customer_id"] or None,
        body["feature_ids"] or (),
        start,
        end,
        _checked_groups(body["group_by"] or []),
        body["sources"] or (),
        body["property_filters"] or {},
        body["window_size"] or "",
        body["expand"] or (),
    )
    return answer(Scope.of(call), question)
