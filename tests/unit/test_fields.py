"""Each field of each recorded answer, one by one: as Flexprice gives it, it is read; missing or of another type, it is told by its name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_flexprice.api.fields import KINDS, NEEDED, checked, wrong_fields
from pytest_flexprice.model.finding import NotVerified

RECORDINGS = Path(__file__).parents[1] / "recordings"
#: Nobody reads these two; their fields have other types under the same names.
UNREAD = ("/v1/rbac/roles", "/api/v1/app/{app}/endpoint/{ep}/msg")
IDS = {"plan": "plan_1", "sub": "subs_1", "s": "subs_1", "cust": "cust_1", "c": "cust_1", "inv": "inv_1", "i": "inv_1"}
OTHERS: tuple[Any, ...] = ("x y", "", 7, True, ["x"], [7], [None], {"a": 1}, [{"a": 1}])
Path_ = tuple[str | int, ...]


def _where(method: str, path: str) -> str:
    path = path.partition("?")[0].replace("{svix}", "")
    return f"{method} " + re.sub(r"\{([a-z]+)[^}]*\}", lambda match: IDS.get(match[1], match[1]), path)


def answers() -> Iterator[tuple[str, Any]]:
    """Every recorded answer, with its placeholders filled in."""
    for file in sorted(RECORDINGS.glob("*.json")):
        for step in json.loads(file.read_text(encoding="utf-8"))["steps"]:
            path, response = step["request"]["path"], step.get("response") or {}
            if response.get("status", 0) >= 300 or "json" not in response or path.removeprefix("{svix}") in UNREAD:
                continue
            text = json.dumps(response["json"])
            text = re.sub(r'"(\{(now|day|price_start)[^}]*\}|<time>)"', '"2026-01-01T00:00:00Z"', text)
            yield _where(step["request"]["method"], path), json.loads(text)


def places(answer: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Where the fields of an answer stand; those of objects that are anybody's own are none."""
    if isinstance(answer, list):
        for number, each in enumerate(answer):
            yield from places(each, (*path, number))
    elif isinstance(answer, dict):
        for name, value in answer.items():
            yield (*path, name)
            if name in KINDS and KINDS[name].holds_fields:
                yield from places(value, (*path, name))


def _holder(answer: Any, path: Path_) -> dict[str, Any]:
    for step in path[:-1]:
        answer = answer[step]
    held: dict[str, Any] = answer
    return held


def test_every_recorded_answer_is_read() -> None:
    for where, answer in answers():
        assert checked(answer, where) is answer


def changes() -> Iterator[tuple[str, Any, dict[str, Any], str, str]]:
    """Each field of each kind of answer once: request, answer, the object it stands in, its name and its place."""
    seen: set[tuple[str, str]] = set()
    for where, answer in answers():
        for path in list(places(answer)):
            dotted = ".".join(step for step in path if isinstance(step, str))
            if (where, dotted) not in seen:
                seen.add((where, dotted))
                yield where, answer, _holder(answer, path), str(path[-1]), dotted


def told(where: str, answer: Any) -> str:
    """What is said of an answer; nothing where it is read."""
    try:
        checked(answer, where)
    except NotVerified as error:
        return str(error)
    return ""


def test_a_field_of_another_type_is_told_by_request_and_name() -> None:
    tried = 0
    for where, answer, holder, name, dotted in changes():
        if name not in KINDS or (where.startswith("GET /api/") and name == "status"):
            continue
        true = holder[name]
        for other in OTHERS:
            if KINDS[name].fits(other):
                continue
            holder[name] = other
            said = told(where, answer)
            assert f"answer to {where} has " in said
            assert f" as '{dotted}', so nothing can be concluded" in said
            tried += 1
        holder[name] = true
    assert tried > 3000


def test_a_field_that_must_be_there_is_told_by_request_and_name() -> None:
    missed = set()
    for where, answer, holder, name, dotted in changes():
        true = holder.copy()
        holder.pop(name)
        said = told(where, answer)
        holder[name] = None
        null = told(where, answer)
        holder.update(true)
        assert not said or f"{where} has no '{dotted}'" in said
        assert not null or f"{where} says null as '{dotted}'" in null
        missed |= {name} if said else set()
    policies = ("cancelling policy", "invoicing policy")  # those are told below
    needed = {name.removesuffix("?") for kind, names in NEEDED.items() if kind not in policies for name in names}
    assert missed == needed


@pytest.mark.parametrize(
    ("where", "answer", "told"),
    [
        (
            "GET /v1/settings/subscription_config",
            {"id": "", "value": {"grace_period_days": 3}},
            "value.auto_cancellation_enabled",
        ),
        (
            "GET /v1/settings/subscription_config",
            {"id": "", "value": {"auto_cancellation_enabled": False}},
            "value.grace_period_days",
        ),
        (
            "GET /v1/settings/invoice_config",
            {"id": "", "value": {"due_date_days": "1", "finalization_delay_seconds": 1}},
            "value.due_date_days",
        ),
        (
            "GET /v1/settings/invoice_config",
            {"id": "", "value": {"due_date_days": 1}},
            "value.finalization_delay_seconds",
        ),
        ("GET /v1/settings/customer_onboarding", {"id": "", "value": ["x"]}, "value"),
        ("GET /v1/events/lookup", {"status": "processed"}, "event"),
        ("GET /v1/events/lookup", {"status": "processed", "event": {"id": "e"}}, "event.event_name"),
        ("POST /v1/subscriptions/search", {"items": [{"id": "subs_1"}], "pagination": {}}, "items.customer_id"),
        ("GET /v1/meters", {"items": [{"filters": [None]}]}, "items.id"),
    ],
)
def test_a_missing_field_is_named_from_the_answer_down(where: str, answer: Any, told: str) -> None:
    with pytest.raises(NotVerified, match=rf"'{told}'"):
        checked(answer, where)


@pytest.mark.parametrize(
    "answer", [None, "hi", 7, [], [7], {"error": 7}, {"items": None}, {"value": 1, "metadata": {"id": 7}}]
)
def test_what_holds_no_field_of_ours_is_left_to_its_reader(answer: Any) -> None:
    assert checked(answer, "GET /v1/anything") is answer


@pytest.mark.parametrize(
    ("where", "row", "told"),
    [
        ("GET /v1/invoices", {"customer_id": "cust_1", "customer": {"id": "cust_2"}}, "items.customer"),
        ("GET /v1/plans", {"prices": [{"entity_id": "plan_2"}]}, "items.prices"),
        ("GET /v1/subscriptions", {"line_items": [{"subscription_id": "subs_2"}]}, "items.line_items"),
    ],
)
def test_what_belongs_to_another_object_is_told(where: str, row: dict[str, Any], told: str) -> None:
    found = list(wrong_fields({"items": [{"id": "x_1", **row}]}, where))
    assert [path for path, _, problem in found if "another one than it names" in problem] == [told]


@pytest.mark.parametrize(
    ("name", "value"),
    [("subtotal", "1e999"), ("subtotal", 10**60), ("due_date_days", 10**30), ("billing_period_count", 1001),
     ("finalization_delay_seconds", 10**30), ("payment_status", "PAID?"), ("invoice_status", "x y"), ("invoice_type", "x y"),
     ("subscription_status", "ACTIVE"), ("billing_period", "FORTNIGHTLY")],
)  # fmt: skip
def test_a_value_that_nobody_can_calculate_with_is_told(name: str, value: Any) -> None:
    with pytest.raises(NotVerified, match=f"as '{name}'"):
        checked({name: value}, "GET /v1/anything")
