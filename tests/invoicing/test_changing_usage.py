"""A preview is only judged with usage that stood still while it was read."""

import pytest

from pytest_flexprice.api.invoicing import read_preview
from pytest_flexprice.model.finding import NotVerified

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
METER = {"id": "meter_1", "name": "hits", "event_name": "hit", "aggregation": {"type": "COUNT"}}


class Moving:
    """Answers like Flexprice, with a usage that changes ``changes`` times."""

    def __init__(self, changes):
        self.changes, self.asked, self.windows = changes, 0, []

    def get(self, path, **query):
        if path.startswith("/v1/meters/"):
            return METER
        return SUBSCRIPTION

    def search(self, path, body):
        return iter(())

    def post(self, path, body):
        if path == "/v1/meter-usage/query":
            self.asked += 1
            self.windows.append((body["start_time"], body["end_time"]))
            return {"total_value": str(min(self.asked, self.changes)), "event_count": 1}
        return {"line_items": [], "charges": []}


def test_usage_that_settles_is_read_again():
    client = Moving(changes=2)
    reading = read_preview(client, "subs_1")
    assert client.asked == 4
    assert reading.usages["line_1"].total == 2
    assert set(client.windows) == {("2026-11-01T00:00:00.000+00:00", "2026-12-01T00:00:00.000+00:00")}


def test_usage_that_never_stands_still_is_not_verified():
    with pytest.raises(NotVerified, match="kept changing while its preview was read"):
        read_preview(Moving(changes=99), "subs_1")
