"""The ladder as a line of time, and a catalog's differences as a code review."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pytest_flexprice.evidence import catalog_review, timeline
from pytest_flexprice.evidence.history import line_of
from pytest_flexprice.evidence.records import ObservationRecord
from pytest_flexprice.evidence.report import as_html
from pytest_flexprice.testbed.ladder import Rung, Times
from pytest_flexprice.testbed.timeline import stages
from pytest_flexprice.webhooks.delivery import Delivery
from pytest_flexprice.webhooks.service import Attempt, State

from . import samples

ZERO = datetime(2026, 11, 22, 14, 3, 8, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return ZERO + timedelta(seconds=seconds)


def climbed() -> dict[Rung, Times]:
    ends = {Rung.ACCEPTED: 0.5, Rung.LANDED: 2.5, Rung.METERED: 8, Rung.PREVIEWED: 9, Rung.FINALIZED: 30}
    return {
        rung: Times(ZERO if rung is Rung.ACCEPTED else after(end - 0.1), after(end), False)
        for rung, end in ends.items()
    }


def test_the_whole_ladder_has_its_seconds() -> None:
    tried = tuple(
        Attempt("a", "m", "e", state, code, after(at))
        for state, code, at in ((State.FAIL, 500, 31), (State.SUCCESS, 204, 36))
    )
    told = stages(climbed(), after(20), Delivery("inv", after(20), attempts={"m": tried}), after(38))
    line = timeline.read(None, told)
    assert line is not None
    assert [(one.name, one.seconds, one.took) for one in line.stages] == [
        ("sent", 0.0, 0.0),
        ("landed", 2.5, 2.5),
        ("counted", 8.0, 5.5),
        ("previewed", 9.0, 1.0),
        ("finalized", 20.0, 11.0),
        ("delivered", 31.0, 11.0),
        ("acknowledged", 36.0, 5.0),
        ("processed", 38.0, 2.0),
    ]
    assert line.stages[1].at == "14:03:10"
    assert timeline.paces(told) == {
        "from sent to counted": 8.0,
        "from sent to finalized": 20.0,
        "from finalized to delivered": 11.0,
        "from finalized to processed": 18.0,
    }


def test_a_ladder_that_broke_says_where() -> None:
    times = {Rung.ACCEPTED: Times(ZERO, after(1), False), Rung.LANDED: Times(after(1), after(50), True)}
    line = timeline.read(None, stages(times))
    assert line is not None
    assert [one.state for one in line.stages] == ["reached", "broke here", *["not reached"] * 6]
    assert [one.seconds for one in line.stages] == [0.0, *[None] * 7]
    assert timeline.paces(stages(times)) == {}
    nothing = timeline.read(None, stages({}))
    assert nothing is not None
    assert {one.state for one in nothing.stages} == {"not reached"}
    assert nothing.bars == []


def test_a_clock_that_is_behind_gives_no_time_before_zero() -> None:
    delivery = Delivery("inv", after(20), attempts={"m": (Attempt("a", "m", "e", State.SUCCESS, 204, after(19)),)})
    line = timeline.read(None, stages(climbed(), after(20), delivery))
    assert line is not None
    assert [one.took for one in line.stages[5:7]] == [0.0, 0.0]
    assert all(begin >= 0 and width > 0 for _, begin, width in line.bars)


@pytest.mark.parametrize(
    "observed", [None, {}, {"ladder": []}, {"ladder": "x"}, {"ladder": [1]}, {"ladder": [{}]}, [1]]
)
def test_what_is_no_ladder_is_none(observed: object) -> None:
    assert timeline.read(None, observed) is None
    assert timeline.paces(observed) == {}


def test_the_paces_go_into_the_history() -> None:
    ladder = ObservationRecord(title="the ladder", at=ZERO, observed=stages(climbed(), after(20)))
    document = samples.run(samples.scenario("7.4", observations=[ladder]))
    line = line_of(document.run, document.verdict, document.scenarios)
    assert line.waits["from sent to counted"] == 8.0


def test_the_page_shows_both_layouts_and_escapes_them() -> None:
    page = as_html(samples.laid_out())
    assert '<tr class="differs"><th scope="row">counted</th><td colspan="3">broke here</td>' in page
    assert "<td>amount = 0.15</td>" in page
    assert "<td>currency = eur</td>" in page
    assert "features.&lt;b&gt;" in page
    assert "features.<b>" not in page


def test_a_catalogs_differences_are_old_and_new_lines_per_object() -> None:
    record = samples.reviewed()
    seen = record.observations[0]
    review = catalog_review.read(seen.expected, seen.observed, record.findings)
    assert review is not None
    assert {one.path: [(line.sign, line.text) for line in one.lines] for one in review.objects} == {
        "features.<b>": [("+", "the whole object")],
        "plans.old": [("·", "the plan is kept for old customers")],
        "plans.pro.entitlements.seats": [("−", "the whole object")],
        "plans.pro.prices.api.call": [
            ("−", "amount = 0.15"),
            ("+", "amount = 1.5"),
            ("−", "currency = usd"),
            ("+", "currency = eur"),
        ],
    }
    assert review.words == "4 objects differ from what was signed off"
    assert [line.accepted for line in review.objects[1].lines] == [True]


def test_what_compares_no_two_catalogs_is_no_review() -> None:
    record = samples.event_names()
    assert catalog_review.read(["a"], ["b"], record.findings) is None
    assert catalog_review.read({"a": 1}, {"a": 1}, []) is None
    assert catalog_review.read(None, {"a": 1}, samples.reviewed().findings) is None
