"""An interrupted comparison goes on where it was, with what a whole one would find, and believes nothing that is not its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from pytest_flexprice.model.times import Window
from pytest_flexprice.traffic.causes import Cause
from pytest_flexprice.traffic.reconcile import reconcile, sample
from pytest_flexprice.traffic.search import Search
from pytest_flexprice.traffic.state import LONGEST, ResumeState, digest
from tests.traffic.doubles import ListFlexprice, ListLog
from tests.traffic.test_reconcile import METERS, NOW, SENT, WINDOW, _known

OWN = [one for one in SENT if one.name == "use"]
FIRST, LAST = OWN[2], OWN[-2]
VALUE = replace(FIRST, properties={"n": Decimal("0.5"), "kind": {"a": [Decimal("1.50")]}})
ARRIVED = [*(one for one in SENT if one not in (FIRST, LAST)), VALUE]
ABOUT = {"plan": digest("plan"), "environment": digest("here")}


class Clock:
    """Time that is over once a stretch was read."""

    def __init__(self, flexprice, most):
        self.flexprice, self.most = flexprice, most

    def __call__(self):
        return self.flexprice.requests.count("/v1/events/query") >= self.most


def _run(
    tmp_path, most=99, *, sent=SENT, arrived=ARRIVED, name="run-1", at=NOW, window=WINDOW, secret="key", about=ABOUT
):
    flexprice, known = ListFlexprice(arrived, METERS), _known()
    is_over = Clock(flexprice, most)
    state = ResumeState(tmp_path / "env" / "traffic-state.json", secret, dict(about), name, at)
    search = Search(ListLog(sent), flexprice, known.metered, is_over=is_over, state=state)
    result = reconcile(search, known, window, at)
    result.notes += state.end(finished=not is_over())
    return result, flexprice.requests.count("/v1/events/query"), state


def _told(result):
    return sorted((one.cause, one.event_id, one.quantity) for one in result.differences)


def test_the_next_run_reads_only_what_was_not_read_and_finds_what_a_whole_one_finds(tmp_path):
    whole, needed, _ = _run(tmp_path / "other")
    assert [each[:2] for each in _told(whole)] == [(Cause.LOST, LAST.id), (Cause.VALUE, FIRST.id)]
    cut, read, state = _run(tmp_path, 1)
    assert (read, state.path.exists(), len(cut.differences)) == (1, True, 1)
    assert Cause.UNSEEN in {each.cause for each in cut.tallies}
    again, asked, _ = _run(tmp_path, name="run-2", at=NOW + timedelta(hours=1))
    assert (_told(again), asked) == (_told(whole), needed - 1)
    (note,) = again.notes
    assert (
        note
        == "what was read of 1 stretch was carried over from run run-1 of 2026-11-05 06:00 UTC, which was interrupted"
    )
    assert not state.path.exists()


def test_what_a_run_read_itself_is_not_carried_over(tmp_path):
    known, flexprice = _known(), ListFlexprice(ARRIVED[:20], METERS)
    state = ResumeState(tmp_path / "traffic-state.json", "key", dict(ABOUT), "run-1", NOW)
    search = Search(ListLog(SENT[:21]), flexprice, known.metered, state=state)
    result = reconcile(search, known, WINDOW, NOW)
    sample(search, known, result, NOW)
    assert result.differences
    assert (state.carried, state.end(finished=True)) == (0, [])


def test_nobody_else_can_read_what_is_kept(tmp_path):
    assert _run(tmp_path, 1)[2].path.stat().st_mode & 0o077 == 0


FOREIGN = {
    "another window": ({"window": Window(WINDOW.start - timedelta(days=1), WINDOW.end)}, "it is of another window"),
    "another log": ({"sent": [*SENT, replace(SENT[3], id="more")]}, "it is of another log"),
    "another plan": ({"about": {**ABOUT, "plan": digest("other")}}, "it is of another plan"),
    "another environment": ({"about": {**ABOUT, "environment": digest("there")}}, "it is of another environment"),
    "another key": ({"secret": "other"}, "was changed, cut short, or written with another key"),
    "two days later": ({"at": NOW + LONGEST + timedelta(hours=1)}, "it is older than a day"),
    "the day before": ({"at": NOW - timedelta(hours=1)}, "its time lies in the future"),
}


@pytest.mark.parametrize(("given", "said"), FOREIGN.values(), ids=FOREIGN)
def test_what_is_not_of_the_same_comparison_is_said_and_not_used(tmp_path, given, said):
    _run(tmp_path, 1)
    again, asked, _ = _run(tmp_path, **given)
    assert [note for note in again.notes if said in note and "this one started anew" in note]
    assert asked == _run(tmp_path / "other", **given)[1]


SPOILT = {
    "cut short": lambda held: held[:-9],
    "another value": lambda held: held.replace(b"0.5", b"9.5"),
    "empty": lambda held: b"",
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_state_that_was_changed_is_said_and_not_used(tmp_path, spoil):
    *_, state = _run(tmp_path, 1)
    state.path.write_bytes(spoil(state.path.read_bytes()))
    again, asked, _ = _run(tmp_path)
    assert "was changed, cut short, or written with another key" in again.notes[0]
    assert asked == _run(tmp_path / "other")[1]


def test_a_stretch_in_which_something_arrived_since_is_read_again(tmp_path):
    _run(tmp_path, 1)
    again, asked, _ = _run(tmp_path, arrived=[*ARRIVED, replace(FIRST, id="new")])
    assert Cause.FOREIGN in {one.cause for one in again.differences}
    assert asked == _run(tmp_path / "other", arrived=[*ARRIVED, replace(FIRST, id="new")])[1]
