"""A preview is only judged with usage that stood still while it was read."""

import pytest

from pytest_flexprice.api.errors import ApiError, Refusal
from pytest_flexprice.api.pace import Pace
from pytest_flexprice.api.previews import PreviewReader, read_previews
from pytest_flexprice.model.finding import NotVerified, not_verified
from pytest_flexprice.oracle.invoicing.previews import disputed

PRICE = {
    "id": "price_1",
    "type": "USAGE",
    "billing_model": "FLAT_FEE",
    "amount": "1",
    "currency": "usd",
    "meter_id": "meter_1",
}
SUBSCRIPTION = {
    "id": "subs_1",
    "plan_id": "plan_1",
    "currency": "usd",
    "billing_period": "MONTHLY",
    "start_date": "2026-11-01T00:00:00Z",
    "current_period_start": "2026-11-01T00:00:00Z",
    "current_period_end": "2026-12-01T00:00:00Z",
    "customer": {"external_id": "acct_1"},
    "line_items": [{"id": "line_1", "price_id": "price_1", "meter_id": "meter_1", "price": PRICE}],
}
LINE = {"price_id": "price_1", "meter_id": "meter_1", "subscription_line_item_id": "line_1"}
METER = {"id": "meter_1", "name": "hits", "event_name": "hit", "aggregation": {"type": "COUNT"}}

OTHER_WAYS = 8  # to count, and times to count in, each asked for once: one of them may explain the difference


class Moving:
    """Answers like Flexprice, with a usage that changes ``changes`` times."""

    def __init__(self, changes):
        self.changes, self.asked, self.windows = changes, 0, []

    def get(self, path, **query):
        if path.startswith("/v1/meters/"):
            return METER
        if path.startswith("/v1/plans/"):
            return {"id": "plan_1", "prices": [PRICE]}
        return SUBSCRIPTION

    def search(self, path, body):
        return iter(())

    def list(self, path, **query):
        return iter((METER,))

    def unlogged(self):
        return self

    def post(self, path, body):
        if path == "/v1/meter-usage/query":
            self.asked += 1
            self.windows.append((body["start_time"], body["end_time"]))
            return {"total_value": str(min(self.asked, self.changes)), "event_count": 1}
        moved_on = str(min(self.asked + 1, self.changes))
        return {
            "currency": "usd",
            "subtotal": moved_on,
            "total": moved_on,
            "line_items": [{**LINE, "quantity": moved_on, "amount": moved_on}],
        }


def test_usage_that_moved_on_is_read_again():
    client = Moving(changes=2)
    read = PreviewReader(client).read("subs_1")
    assert (client.asked, read.usages["line_1"].total) == (2, 2)
    assert set(client.windows) == {("2026-11-01T00:00:00.000+00:00", "2026-12-01T00:00:00.000+00:00")}


def test_usage_that_stands_still_and_disagrees_is_a_finding():
    stuck = Stuck(changes=1)
    read = PreviewReader(stuck).read("subs_1")
    assert (read.usages["line_1"].total, stuck.asked) == (1, 2 + OTHER_WAYS)
    assert disputed(read)


class Stuck(Moving):
    """Its previews bill 7 whatever was used."""

    def post(self, path, body):
        if path == "/v1/invoices/preview":
            return {
                "currency": "usd",
                "subtotal": "7",
                "total": "7",
                "line_items": [{**LINE, "quantity": "7", "amount": "7"}],
            }
        return super().post(path, body)


def test_usage_that_never_stands_still_is_not_verified():
    with pytest.raises(NotVerified, match="kept changing while its preview was read"):
        PreviewReader(Moving(changes=99)).read("subs_1")


class Flaky:
    """A reader that fails in the given ways before it answers; ``clock`` ticks once for each attempt."""

    def __init__(self, failures):
        self.failures, self.asked, self.now = failures, [], 0.0

    def clock(self):
        return self.now

    def read(self, subscription_id):
        self.now += 1
        self.asked.append(subscription_id)
        waiting = self.failures.get(subscription_id, [])
        if waiting:
            raise waiting.pop(0)
        return subscription_id


def outage(times):
    return [
        not_verified("", "", "GET /v1/subscriptions answered 503, so nothing can be concluded") for _ in range(times)
    ]


def test_what_could_not_be_read_is_tried_again_after_the_others():
    reader = Flaky({"a": outage(2)})
    assert list(read_previews(reader, ["a", "b", "c"], 100, reader.clock)) == ["b", "c", "a"]
    assert reader.asked == ["a", "b", "c", "a", "a"]


def test_what_never_answers_is_told_with_its_reason():
    reader = Flaky({"a": outage(9), "b": [ApiError("GET", "/v1/x", 404, Refusal("text", message="gone"))]})
    read = {each.subscription_id: each.reason for each in read_previews(reader, ["a", "b"], 100, reader.clock)}
    assert "answered 503" in read["a"]
    assert read["b"] == "Flexprice refused GET /v1/x with 404: gone"
    assert reader.asked.count("b") == 1


def test_the_deadline_stops_reading_and_tells_what_is_left():
    reader = Flaky({})
    read = list(read_previews(reader, ["a", "b", "c", "d"], 2, reader.clock))
    assert read[:2] == ["a", "b"]
    assert [(each.subscription_id, each.reason) for each in read[2:]] == [
        ("c", "the time for previews was over"),
        ("d", "the time for previews was over"),
    ]


def test_the_pace_keeps_requests_apart():
    now, slept = [0.0], []

    def sleep(seconds):
        slept.append(round(seconds, 6))
        now[0] += seconds

    pace = Pace(10, lambda: now[0], sleep)
    for _ in range(3):
        pace.wait()
    now[0] += 5
    pace.wait()
    assert slept == [0.1, 0.1]
