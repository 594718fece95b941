"""A server whose readers do not answer what they were asked: nothing is believed, nobody is accused, and nothing is green."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pytest_flexprice.model.finding import Kind, NotVerified
from pytest_flexprice.model.meters import Aggregation, Event, Meter
from pytest_flexprice.model.times import Window
from pytest_flexprice.traffic import looking, telling
from pytest_flexprice.traffic.causes import Cause
from pytest_flexprice.traffic.known import Known
from pytest_flexprice.traffic.metered import Metered
from pytest_flexprice.traffic.reconcile import reconcile, sample
from pytest_flexprice.traffic.search import Search
from tests.traffic.doubles import ListFlexprice, ListLog

START = datetime(2026, 11, 2, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(days=3))
NOW = WINDOW.end + timedelta(hours=6)
SUM = Meter("m_sum", "sum", "use", Aggregation("SUM", "n"))
CUSTOMERS = frozenset({"acct-0", "acct-1", "acct-2"})
SENT = [Event(f"e{n}", "use", START + timedelta(minutes=3 * n), {"n": n}, f"acct-{n % 3}") for n in range(1400)]
LOST = [one for one in SENT if one.id != "e10"]
LONG_AGO = [replace(one, id=f"old-{one.id}", timestamp=one.timestamp - timedelta(days=9)) for one in SENT[:900]]


class Altered(ListFlexprice):
    """What a list answers, altered by ``change(path, body, answer)``."""

    change = staticmethod(lambda path, body, answer: answer)

    def post(self, path, body):
        return self.change(path, body, super().post(path, body))


def _compared(held, change=None, meters=(SUM,)):
    known = Known([Metered(each, f"feat_{each.id}", each.name) for each in meters], CUSTOMERS, {})
    flexprice = Altered(held, list(meters))
    if change:
        flexprice.change = change
    looked = Search(ListLog(SENT), flexprice, known.metered)
    result = reconcile(looked, known, WINDOW, NOW)
    return result, looked, known


def _of(reader, change):
    return lambda path, body, answer: change(body, answer) if path.endswith(reader) else answer


def _asked_again(**changed):
    """The same answer whatever a part of the question is."""

    def change(path, body, answer):
        if path.endswith("/query") and any(body.get(key) not in (None, value) for key, value in changed.items()):
            return ListFlexprice([*SENT, *LONG_AGO], [SUM]).post(path, {**body, **changed})
        return answer

    return change


WITHOUT_WINDOW = {"start_time": "2020-01-01T00:00:00Z", "end_time": "2030-01-01T00:00:00Z"}
LIES = {
    "counts of other days": _of(
        "/usage", lambda body, answer: ListFlexprice(LONG_AGO, [SUM])._usage({**body, **WITHOUT_WINDOW})
    ),
    "points of other days": _of(
        "/analytics",
        lambda body, answer: ListFlexprice([*LONG_AGO, *LOST], [SUM])._analytics({**body, **WITHOUT_WINDOW}),
    ),
    "a stretch twice": _of("/usage", lambda body, answer: {"results": answer["results"] * 2}),
    "counts that are no numbers": _of(
        "/usage", lambda body, answer: {"results": [{"window_size": "x", "value": "many"}]}
    ),
    "points without times": _of("/analytics", lambda body, answer: {"items": [{"meter_id": "m_sum", "points": [{}]}]}),
    "no list": _of("/analytics", lambda body, answer: ["nothing"]),
}


@pytest.mark.parametrize("change", LIES.values(), ids=LIES)
def test_totals_that_were_not_asked_for_are_not_believed(change):
    with pytest.raises(NotVerified, match="cannot tell what arrived"):
        _compared(LOST, change)


READERS = {
    "events of other days": _asked_again(**WITHOUT_WINDOW),
    "the first page again and again": _asked_again(iter_last_key="0"),
    "pages that overlap": lambda path, body, answer: (
        ListFlexprice(SENT, [SUM]).post(path, {**body, "iter_last_key": str(int(body["iter_last_key"]) - 40)})
        if "iter_last_key" in body
        else answer
    ),
    "the last page left out": _of(
        "/query", lambda body, answer: {**answer, "total_count": len(answer["events"]) + 400, "has_more": False}
    ),
    "rows without a time": _of("/query", lambda body, answer: {**answer, "events": [{"id": "e1"}]}),
}


@pytest.mark.parametrize("change", READERS.values(), ids=READERS)
def test_events_that_were_not_asked_for_or_are_not_all_make_no_cause(monkeypatch, change):
    monkeypatch.setattr("pytest_flexprice.api.traffic.PAGE", 100)
    result, _, known = _compared(LOST, change)
    assert {tally.cause for tally in result.tallies} == {Cause.UNSEEN}
    assert "cannot tell what arrived" in telling.findings(result, known)[0].problem


def test_a_smaller_page_than_was_asked_for_is_only_a_page():
    def smaller(path, body, answer):
        if path.endswith("/query") and len(answer["events"]) > 7:
            first = int(body.get("iter_last_key", 0))
            return {"events": answer["events"][:7], "has_more": True, "iter_last_key": str(first + 7)}
        return answer

    result, _, _ = _compared(LOST, smaller)
    assert [(one.cause, one.event_id) for one in result.differences] == [(Cause.LOST, "e10")]


def test_events_that_a_window_does_not_show_and_that_are_there_are_not_called_lost(monkeypatch):
    monkeypatch.setattr(looking, "MOST_LOOKUPS", 5)

    def forgetful(path, body, answer):
        if path.endswith("/query") and "event_id" not in body:
            return {**answer, "events": [row for row in answer["events"] if int(row["id"][1:]) % 4]}
        return answer

    result, _, _ = _compared(LOST, forgetful)
    assert Cause.LOST not in {tally.cause for tally in result.tallies}
    assert [tally.cause for tally in result.tallies if tally.events] == [Cause.UNSEEN]


STALE = {
    "a sum that holds more": _of("/analytics", lambda body, answer: _points(answer, usage=lambda each: each * 2)),
    "a number that lacks one": _of(
        "/analytics", lambda body, answer: _points(answer, event_count=lambda each: each - 1)
    ),
    "a count that lacks one": _of(
        "/usage", lambda body, answer: {"results": [{**row, "value": row["value"] - 1} for row in answer["results"]]}
    ),
    "nothing was counted": _of("/analytics", lambda body, answer: {"items": []}),
}


def _points(answer, **changed):
    return {
        "items": [
            {
                **item,
                "points": [
                    {**row, **{key: change(row[key]) for key, change in changed.items()}} for row in item["points"]
                ],
            }
            for item in answer["items"]
        ]
    }


@pytest.mark.parametrize("held", [SENT, LOST], ids=["nothing else differs", "one is lost"])
@pytest.mark.parametrize("change", STALE.values(), ids=STALE)
def test_a_total_that_no_event_explains_is_not_verified_and_accuses_nobody(change, held):
    result, _, known = _compared(held, change)
    causes = {tally.cause: tally.events for tally in result.tallies}
    assert causes.pop(Cause.UNCOUNTED) >= 2
    assert causes == ({Cause.LOST: 1} if held is LOST else {})
    (finding,) = [each for each in telling.findings(result, known) if each.path == "traffic.uncounted"]
    assert finding.kind is Kind.NOT_VERIFIED
    assert finding.problem.startswith(
        "events of the log arrived unchanged, yet Flexprice's totals are others than the log's"
    )


def test_a_total_that_is_right_when_it_is_read_again_was_only_stale():
    asked = []

    def stale(path, body, answer):
        if path.endswith("/analytics") and body["window_size"] == "DAY" and "feature_ids" not in body:
            asked.append(path)
            return answer if len(asked) > 1 else _points(answer, usage=lambda each: each + 1)
        return answer

    result, _, _ = _compared(SENT, stale)
    assert result.tallies == []
    assert result.notes == [
        "totals that differed from the log although no event did were those of the log when they were read again"
    ]


def test_what_was_sent_again_in_its_second_explains_a_sum_that_holds_it_twice():
    again = replace(SENT[5], timestamp=SENT[5].timestamp + timedelta(milliseconds=300))
    result, looked, known = _compared([*SENT, again])
    sample(looked, known, result, NOW)
    assert result.tallies == []


def test_events_of_runs_like_this_explain_what_is_counted_more():
    own = replace(SENT[5], id="flexprice-test-1")
    known = Known(
        [Metered(SUM, "feat_m_sum", "sum")],
        CUSTOMERS,
        {},
        is_test=lambda event: event["event_id"].startswith("flexprice"),
    )
    result = reconcile(Search(ListLog(SENT), ListFlexprice([*SENT, own], [SUM]), known.metered), known, WINDOW, NOW)
    assert result.tallies == []
