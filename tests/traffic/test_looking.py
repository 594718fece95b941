"""What differs is looked into as far as a run allows: what is left is told by its number, and no cause is made up for it."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from pytest_flexprice.evidence.sealed import signed
from pytest_flexprice.model.finding import NotVerified, Severity, not_verified
from pytest_flexprice.model.meters import Aggregation, Event, Meter
from pytest_flexprice.model.times import Window
from pytest_flexprice.run.scheduling import GroupScheduling
from pytest_flexprice.traffic import listing, looking, search, telling
from pytest_flexprice.traffic.alone import outside
from pytest_flexprice.traffic.causes import Cause
from pytest_flexprice.traffic.known import Known
from pytest_flexprice.traffic.metered import Metered
from pytest_flexprice.traffic.money import PriceList
from pytest_flexprice.traffic.reconcile import explain, reconcile, sample
from pytest_flexprice.traffic.search import Search
from tests.traffic.doubles import ListFlexprice, ListLog

START = datetime(2026, 11, 2, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(days=3))
NOW = WINDOW.end + timedelta(hours=6)
SUM = Meter("m_sum", "sum", "use", Aggregation("SUM", "n"))
CUSTOMERS = frozenset({"acct-0", "acct-1", "acct-2"})
SENT = [Event(f"e{n}", "use", START + timedelta(minutes=9 * n), {"n": n}, f"acct-{n % 3}") for n in range(400)]


def _known(*meters, **given):
    metered = [Metered(each, f"feat_{each.id}", each.name) for each in meters or (SUM,)]
    return Known(metered, CUSTOMERS, given.pop("starts", {}), **given)


def _reconciled(arrived, *meters, known=None, flexprice=None, **given):
    known = known or _known(*meters)
    own = flexprice or ListFlexprice(arrived, [one.meter for one in known.metered])
    looked = Search(ListLog(SENT), own, known.metered, **given)
    result = reconcile(looked, known, WINDOW, NOW)
    return result, looked, known


def _causes(result):
    return {tally.cause: tally.events for tally in result.tallies}


def test_without_time_the_number_that_differs_is_told_and_nothing_is_called_lost():
    result, _, known = _reconciled(SENT[20:], is_over=lambda: True)
    assert _causes(result) == {Cause.UNSEEN: 20}
    (finding,) = telling.findings(result, known)
    assert finding.severity is Severity.ERROR
    assert "no time left" in finding.problem


def test_without_time_to_count_every_name_nothing_is_compared():
    other = replace(SUM, id="m_other", event_name="other")
    with pytest.raises(NotVerified, match="no time left once 1 event names had been counted"):
        _reconciled(SENT, SUM, other, is_over=lambda: True)


def test_more_than_one_run_can_read_is_told_by_its_number(monkeypatch):
    monkeypatch.setattr(looking, "MOST_EVENTS", 100)
    result, _, _ = _reconciled([*SENT[:5], *SENT[8:]])
    assert _causes(result) == {Cause.UNSEEN: 3}


def test_a_reader_that_gives_up_leaves_what_was_found_before():
    class Failing(ListFlexprice):
        def post(self, path, body):
            if path == "/v1/events/query" and body["start_time"] >= "2026-11-03":
                raise not_verified("3.1", path, "POST /v1/events/query answered 503")
            return super().post(path, body)

    lost = [one for one in SENT if one.id not in ("e10", "e300")]
    own = Failing(lost, [SUM])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(looking, "MOST_LOOKUPS", 0)
        patch.setattr(search, "PAGE", 1)
        result, _, _ = _reconciled(lost, flexprice=own)
    assert _causes(result) == {Cause.LOST: 1, Cause.UNSEEN: 1}
    assert [one.event_id for one in result.differences] == ["e10"]


def test_what_was_found_stays_when_nothing_more_can_be_read():
    class Tired(ListFlexprice):
        def post(self, path, body):
            if path == "/v1/events/query" and ("event_id" in body or "external_customer_id" in body):
                raise not_verified("3.1", path, "POST /v1/events/query answered 429")
            return super().post(path, body)

    lost = [one for one in SENT if one.id != "e10"]
    result, looked, known = _reconciled(lost, flexprice=Tired(lost, [SUM]))
    explain(looked, known, result, ["acct-1"], NOW)
    assert _causes(result) == {Cause.LOST: 1}
    assert result.notes == [
        "1 events differ, of which 0 were looked for one by one elsewhere",
        "the events of 'acct-1' were not looked into: POST /v1/events/query answered 429",
    ]


def test_one_hour_is_read_of_a_day_that_holds_much():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "PAGE", 1)
        result, _, _ = _reconciled([one for one in SENT if one.id != "e200"])
    (window,) = result.windows
    assert window.end - window.start == timedelta(minutes=1)
    assert _causes(result) == {Cause.LOST: 1}


@pytest.mark.parametrize("size", ["DAY", "WEEK", "MONTH"])
def test_a_sum_of_long_buckets_is_found_although_no_number_of_events_differs(size):
    meter = replace(SUM, aggregation=Aggregation("SUM", "n", bucket_size=size))
    own = BucketedFlexprice([replace(SENT[7], properties={"n": 70}), *SENT[:7], *SENT[8:]], [meter])
    assert _causes(_reconciled([], meter, flexprice=own)[0]) == {Cause.VALUE: 1}
    same, looked, _ = _reconciled([], meter, flexprice=BucketedFlexprice(SENT, [meter]))
    assert _causes(same) == {}
    assert "/v1/events/query" not in looked.flexprice.requests


class BucketedFlexprice(ListFlexprice):
    """Points of a bucketed meter are its buckets', whose start may lie before the window."""

    def _analytics(self, body):
        found = super()._analytics({**body, "window_size": "DAY"})
        for item in found["items"]:
            size = self.meters[0].aggregation.bucket_size
            if size != "DAY":
                points = item["points"]
                total = sum((each["usage"] for each in points), Decimal(0))
                first = "2026-11-01T00:00:00Z"
                count = sum(each["event_count"] for each in points)
                item["points"] = [{"timestamp": first, "usage": total, "event_count": count}]
        return found


def test_an_event_for_another_customer_is_found_in_a_small_log_without_any_bill():
    moved = [replace(one, external_customer_id="acct-9") if one.id == "e77" else one for one in SENT]
    result, looked, known = _reconciled(moved)
    assert _causes(result) == {}
    sample(looked, known, result, NOW)
    assert [(one.cause, one.event_id) for one in result.differences] == [(Cause.CUSTOMER, "e77")]
    assert looked.flexprice.requests.count("/v1/events/query") == 1


def test_what_is_known_already_is_not_told_twice_by_the_sample():
    result, looked, known = _reconciled(SENT[1:])
    before = list(result.differences)
    sample(looked, known, result, NOW)
    assert result.differences == before


def test_every_hour_of_a_large_log_has_its_day():
    hours = {START + timedelta(hours=n): 100 + n % 7 for n in range(72)}
    seen = set()
    for day in range(40):
        stretch = looking.sampled(hours, date(2026, 11, 20) + timedelta(days=day), 600)
        inside = [start for start in hours if stretch.window.holds(start)]
        assert inside
        assert sum(hours[start] for start in inside) == stretch.events <= 600
        seen.update(inside)
    assert seen == set(hours)
    assert looking.sampled({}, date(2026, 11, 20)) is None


def test_several_values_of_one_second_are_no_difference_whichever_won():
    again = replace(SENT[3], properties={"n": 99})
    for winner in (SENT[3], again):
        log = ListLog([*SENT, again])
        arrived = [winner if one.id == "e3" else one for one in SENT]
        known = _known()
        result = reconcile(Search(log, ListFlexprice(arrived, [SUM]), known.metered), known, WINDOW, NOW)
        assert result.differences == []


def test_what_a_running_bill_should_hold_is_grave_and_what_came_before_it_is_not():
    starts = {"m_sum": {"acct-0": START + timedelta(hours=9), "acct-1": START + timedelta(hours=9)}}
    known = _known(starts=starts, began={"acct-0": START, "acct-1": START + timedelta(hours=9)})
    (tally,) = outside(ListLog(SENT), known, WINDOW)
    of_one = [
        one for one in SENT if one.timestamp < START + timedelta(hours=9) and one.external_customer_id == "acct-0"
    ]
    assert tally.grave == len(of_one)
    assert tally.events == 40
    assert tally.by_customer["acct-0", "m_sum"] == sum(one.properties["n"] for one in of_one)
    result, _, _ = _reconciled(SENT, known=known)
    (finding,) = telling.findings(result, known)
    assert finding.severity is Severity.ERROR
    assert f"{len(of_one)} of them while a subscription of the customer ran" in finding.problem


def test_what_lies_behind_the_last_line_is_told_with_its_worth_and_is_a_warning():
    known = _known(ends={"m_sum": {"acct-2": START + timedelta(hours=48)}})
    (tally,) = outside(ListLog(SENT), known, WINDOW)
    behind = [
        one for one in SENT if one.external_customer_id == "acct-2" and one.timestamp >= START + timedelta(hours=48)
    ]
    assert (tally.cause, tally.events, tally.grave) == (Cause.AFTER, len(behind), 0)
    assert tally.quantities == {"m_sum": sum(one.properties["n"] for one in behind)}
    assert [one.event_id for one in tally.examples] == [one.id for one in behind[:3]]
    result, _, known = _reconciled(SENT, known=known)
    assert [each.severity for each in telling.findings(result, known)] == [Severity.WARNING]


def test_a_line_that_goes_on_has_no_end_whatever_came_before_it():
    prices = PriceList(())
    ended = {"meter_id": "m", "start_date": "2026-11-01T00:00:00Z", "end_date": "2026-11-05T00:00:00Z"}
    prices.add("both", ended)
    prices.add("both", {**ended, "end_date": None})
    prices.add("ended", ended)
    prices.add("ended", {**ended, "end_date": "2026-11-03T00:00:00Z"})
    assert prices.ends == {"m": {"ended": datetime(2026, 11, 5, tzinfo=UTC)}}


def test_the_full_list_lies_beside_the_evidence_twice(tmp_path):
    result, _, _ = _reconciled([one for one in SENT if one.id not in ("e5", "e6")])
    text, table = listing.write(result, tmp_path / "run-1")
    with text.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    same = pq.read_table(table).to_pylist()
    assert [row["event_id"] for row in rows] == [row["event_id"] for row in same] == ["e5", "e6"]
    assert [row["quantity"] for row in same] == ["5", "6"]
    assert same[0]["timestamp"] == SENT[5].timestamp
    assert (text.name, table.name) == ("run-1.traffic.csv", "run-1.traffic.parquet")


def test_no_cell_of_the_full_list_is_a_formula_or_steers_a_terminal(tmp_path):
    result, _, _ = _reconciled([one for one in SENT if one.id != "e5"])
    (lost,) = result.differences
    hostile = lost._replace(customer="=HYPERLINK(0)", name="@x\x1b]0;x", detail="\u202egnp", quantity=Decimal("-5"))
    text, _ = listing.write(replace(result, differences=[hostile]), tmp_path / "run-1")
    with text.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["external_customer_id"], row["quantity"]) == ("'=HYPERLINK(0)", "-5")
    assert (row["event_name"], row["detail"]) == ("'@x\\x1b]0;x", "\\u202egnp")


def test_scenarios_of_the_own_log_share_a_worker(tmp_path):
    step = {"name": "the company's own log", "keyword": "Given"}
    rows = [
        {"node_id": "a", "level": "read", "steps": [step]},
        {"node_id": "b", "level": "read", "steps": []},
        {"node_id": "c", "level": "read", "steps": [step]},
    ]
    (tmp_path / "collected-gw0.json").write_text(signed(json.dumps(rows)))
    groups = GroupScheduling.__new__(GroupScheduling)
    groups._folder = tmp_path
    assert [groups._split_scope(each) for each in "abc"] == ["own log", "b", "own log"]


def _spread(lost):
    """What is told of the events that never arrived, in days that hold others."""
    sent = [replace(one, properties={"n": n, "version": "2.1" if n % 7 == 0 else "2.0"}) for n, one in enumerate(SENT)]
    known = _known()
    search_ = Search(
        ListLog(sent), ListFlexprice([one for n, one in enumerate(sent) if not lost(n)], [SUM]), known.metered
    )
    (tally,) = reconcile(search_, known, WINDOW, NOW).tallies
    return tally.spread


@pytest.mark.parametrize(
    ("lost", "told"),
    [
        (lambda n: n % 7 == 0, "of 3 customers, all with version '2.1', from 2026-11-02 00:00:00 to 2026-11-04 11:51:00 UTC"),
        (lambda n: 40 <= n < 46, "of 3 customers, from 2026-11-02 06:00:00 to 06:45:00 UTC"),
        (lambda n: n % 3 == 1 and n < 60, "all of 'acct-1', from 2026-11-02 00:09:00 to 08:42:00 UTC"),
        (lambda n: n in (7, 14), "of 2 customers, from 2026-11-02 01:03:00 to 02:06:00 UTC"),
        (lambda n: n == 7, ""),
    ],
    ids=["a version", "some minutes", "a customer", "too few to say", "one"],
)  # fmt: skip
def test_what_the_events_of_one_cause_share_is_told(lost, told):
    assert _spread(lost) == told
