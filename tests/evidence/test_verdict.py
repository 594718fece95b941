"""The verdict as a table: what was recorded, what the plan says, the day, and what comes of it."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.evidence.headline import spans
from pytest_flexprice.evidence.records import FindingRecord
from pytest_flexprice.evidence.verdict import judge, unfinished, with_attested
from pytest_flexprice.model.checklist import BY_ID, ITEMS, Level
from pytest_flexprice.model.finding import Finding, Severity
from pytest_flexprice.model.statements import is_placeholder

from .samples import TODAY, plan, scenario

WAIVER = {"item": "2.1", "reason": "known", "owner": "Lee Park", "approved_by": "Dana Reyes", "until": TODAY}


def judged(*special, without=(), level=Level.SMOKE, the_plan=None, today=TODAY, **more):
    own = {record.items[0]: record for record in special}
    records = [own.get(item.id) or scenario(item.id) for item in ITEMS if item.id not in without]
    return judge(ITEMS, records, level=level, today=today, plan=the_plan or plan(), environment="prod", **more)


def state(verdict, number):
    return next(item for item in verdict.items if item.id == number)


def failed(number, outcome="failed", **more):
    record = FindingRecord.of(Finding(number, "here", "it is wrong"), number)
    return scenario(number, outcome=outcome, findings=[record], findings_total=1, message="It is wrong.", **more)


def test_all_items_passed_or_attested_is_ready():
    verdict = judged()
    assert (verdict.word, verdict.label, verdict.exit_code) == ("READY", "READY", 0)
    assert verdict.counts == {"passed": 22, "attested": 4}


@pytest.mark.parametrize(
    ("outcome", "expected", "word", "code"),
    [
        ("failed", "failed", "NOT READY", 1),
        ("not decided", "not decided", "NOT READY", 1),
        ("not verified", "not verified", "INCOMPLETE", 6),
        ("not run", "not run", "INCOMPLETE", 6),
    ],
)
@pytest.mark.parametrize("number", ["2.1", "8.2", "1.4"])
def test_one_scenario_that_is_not_green_decides(outcome, expected, word, code, number):
    verdict = judged(failed(number, outcome))
    assert (state(verdict, number).state, verdict.word, verdict.exit_code) == (expected, word, code)


@pytest.mark.parametrize("number", ["8.1", "8.2", "8.3", "8.4"])
def test_what_a_person_states_is_attested_and_never_passed(number):
    item = state(judged(), number)
    assert item.state == "attested"
    assert "Dana Reyes (Billing lead) on 2026-11-02" in item.why


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ({}, True),
        ({"on": TODAY - timedelta(days=90)}, True),
        ({"on": TODAY - timedelta(days=91)}, False),
        ({"on": TODAY - timedelta(days=91), "valid_days": 91}, True),
        ({"on": TODAY + timedelta(days=1)}, False),
        ({"environment": "prod"}, True),
        ({"environment": "sandbox"}, False),
    ],
)
def test_an_attestation_counts_until_its_last_day_and_only_where_it_was_made(change, counts):
    row = {"item": "8.1", "statement": "We read it", "by": "Dana Reyes", "role": "Lead", "on": TODAY} | change
    others = [one.model_dump() for one in plan().attestations if one.item != "8.1"]
    verdict = judged(the_plan=plan(attestations=[*others, row]))
    assert state(verdict, "8.1").state == ("attested" if counts else "not decided")
    assert verdict.word == ("READY" if counts else "NOT READY")


def test_a_green_scenario_without_a_statement_is_not_enough():
    verdict = judged(the_plan=plan(attestations=[]))
    assert state(verdict, "8.3").state == "not decided"
    assert "4 items are not decided: 8.1, 8.2, 8.3 and 8.4" in verdict.headline
    assert "Nobody answers for it" in state(verdict, "8.3").why
    assert state(verdict, "2.2").state == "passed"


def test_placeholders_are_no_statement_even_if_the_plan_let_them_in():
    unchecked = plan()
    blank = [one.model_copy(update={"by": "TODO"}) for one in unchecked.attestations]
    verdict = judged(the_plan=unchecked.model_copy(update={"attestations": tuple(blank)}))
    assert {state(verdict, number).state for number in ("8.1", "8.2", "8.3", "8.4")} == {"not decided"}


@pytest.mark.parametrize("text", ["", "TODO", "tbd", "n/a", "???", "-", "xxx", "None", "someone", "foobar", "(TBD)"])
def test_placeholders(text):
    assert is_placeholder(text)


@pytest.mark.parametrize("name", ["Dana Reyes", "Xu", "O. Nameless", "Toddy", "Ana"])
def test_names_are_no_placeholders(name):
    assert not is_placeholder(name)


@pytest.mark.parametrize(
    ("number", "change"),
    [
        ("5.1", {"invoicing": {"collection": "send_invoice"}}),
        ("5.2", {"invoicing": {"collection": "send_invoice", "decided_by": "Sam Okoye"}}),
        (
            "5.2",
            {
                "invoicing": {
                    "collection": "send_invoice",
                    "decided_by": "Sam Okoye",
                    "decided_on": TODAY + timedelta(1),
                }
            },
        ),
        (
            "5.1",
            {
                "invoicing": {
                    "decided_by": "Sam Okoye",
                    "decided_on": TODAY,
                    "two_names": True,
                    "seconded_by": "sam okoye",
                }
            },
        ),
        ("5.1", {"invoicing": None}),
        ("3.1", {"events": []}),
        ("1.4", {"environments": {"prod": {"base_url": "https://x.example", "type": "production"}}}),
    ],
)
def test_an_item_proved_partly_needs_what_the_plan_must_state(number, change):
    verdict = judged(the_plan=plan(**change))
    assert state(verdict, number).state == "not decided"
    attested = {"item": number, "statement": "Looked into", "by": "Dana Reyes", "role": "Lead", "on": TODAY}
    rows = [*(one.model_dump() for one in plan().attestations), attested]
    with_it = state(judged(the_plan=plan(**change, attestations=rows)), number)
    # Where machines had nothing to look at, a statement is all there is, and it is called so.
    assert with_it.state == ("attested" if number in ("1.4", "3.1") else "passed")
    assert "Dana Reyes" in with_it.why


def test_what_is_not_decided_is_counted_apart_from_what_failed():
    verdict = judged(failed("2.1"), failed("1.4", "not decided"), failed("5.1", "not decided"))
    assert verdict.headline == "1 item failed: 2.1; 2 items are not decided: 1.4 and 5.1."
    assert (verdict.counts["failed"], verdict.counts["not decided"], verdict.exit_code) == (1, 2, 1)


def test_a_waiver_shows_as_waived_and_never_as_passed():
    verdict = judged(failed("2.1"), the_plan=plan(waivers=[WAIVER]))
    item = state(verdict, "2.1")
    assert (item.state, item.without_waiver) == ("waived", "failed")
    assert "Lee Park" in item.why
    assert item.waiver.approved_by == "Dana Reyes"
    assert "It is wrong." in item.why
    assert (verdict.word, verdict.label, verdict.exit_code) == ("READY WITH WAIVERS", "READY WITH 1 WAIVED", 0)


@pytest.mark.parametrize(("today", "counts"), [(TODAY, True), (TODAY + timedelta(days=1), False)])
def test_a_waiver_ends_after_its_last_day(today, counts):
    verdict = judged(failed("2.1", "not verified"), the_plan=plan(waivers=[WAIVER]), today=today)
    assert state(verdict, "2.1").state == ("waived" if counts else "not verified")
    assert verdict.exit_code == (0 if counts else 6)
    assert ("Its waiver ended on 2026-11-22." in state(verdict, "2.1").why) is not counts


def test_a_waiver_of_a_passed_item_or_of_one_that_was_not_run_changes_nothing():
    waived = plan(waivers=[WAIVER, {**WAIVER, "item": "2.2"}])
    verdict = judged(scenario("2.2", outcome="not run", message="Its worker crashed while it ran."), the_plan=waived)
    assert state(verdict, "2.1").state == "passed"
    assert (state(verdict, "2.2").state, verdict.word) == ("not run", "INCOMPLETE")


def test_a_waiver_hides_no_other_failure():
    verdict = judged(failed("2.1"), failed("2.2"), the_plan=plan(waivers=[WAIVER]))
    assert (verdict.word, verdict.exit_code) == ("NOT READY", 1)
    assert "2.2" in verdict.headline
    assert "2.1" not in verdict.headline


def test_a_waiver_that_ended_is_told_of_an_item_that_holds():
    waived = plan(waivers=[{**WAIVER, "until": TODAY - timedelta(days=1)}])
    assert "waiver ended on 2026-11-21" in state(judged(the_plan=waived), "2.1").warnings[0]
    assert state(judged(the_plan=plan(waivers=[WAIVER])), "2.1").warnings == []


@pytest.mark.parametrize(("level", "covered"), [("lint", 5), ("read", 17), ("probe", 19), ("smoke", 26), ("drill", 26)])
def test_a_lower_level_says_what_it_covers_and_leaves_open(level, covered):
    verdict = judged(level=Level.parse(level))
    assert f"Level {level} covers {covered} of 26 items" in verdict.coverage
    opened = [item.id for item in verdict.items if not item.in_level]
    assert len(opened) == 26 - covered
    assert all(span in verdict.coverage for span in spans(opened))
    assert verdict.word == ("READY" if covered == 26 else "INCOMPLETE")
    assert verdict.exit_code == 0


def test_a_failure_below_the_items_level_still_fails_it():
    verdict = judged(failed("5.3", level="read"), level=Level.READ)
    assert state(verdict, "5.3").state == "failed"
    assert verdict.exit_code == 1


def test_a_green_scenario_below_the_items_level_does_not_pass_it():
    verdict = judged(scenario("5.3", level="read"), level=Level.READ)
    assert state(verdict, "5.3").state == "not run"
    assert "Needs level smoke" in state(verdict, "5.3").why


def test_scenarios_above_the_level_do_not_count_against_it():
    extra = scenario("2.2", node_id="extra", level="smoke", outcome="not run", deselected=True)
    records = [*(scenario(item.id) for item in ITEMS), extra]
    verdict = judge(ITEMS, records, level=Level.READ, today=TODAY, plan=plan(), environment="prod")
    assert state(verdict, "2.2").state == "passed"


def test_an_item_without_a_scenario_is_not_run():
    verdict = judged(without=("4.1",))
    assert (state(verdict, "4.1").state, verdict.word, verdict.exit_code) == ("not run", "INCOMPLETE", 6)


def test_what_was_left_out_on_purpose_is_incomplete_but_no_error():
    verdict = judged(scenario("4.1", outcome="not run", deselected=True))
    assert (state(verdict, "4.1").state, verdict.word, verdict.exit_code) == ("not run", "INCOMPLETE", 0)


def test_a_rehearsal_does_not_count_what_was_waived_among_what_holds():
    waiver = {"item": "1.4", "reason": "r", "owner": "Lee Park", "approved_by": "Dana Reyes", "until": TODAY}
    verdict = judged(failed("1.4"), the_plan=plan(waivers=[waiver]), rehearsal=True)
    assert verdict.headline.startswith("All 26 items hold, except 1.4: waived.")


@pytest.mark.parametrize("special", [(), (failed("2.1"),), (failed("2.1", "not verified"),)])
def test_a_rehearsal_is_never_ready(special):
    verdict = judged(*special, rehearsal=True)
    assert (verdict.word, verdict.label) == ("REHEARSAL", "REHEARSAL")
    assert "READY" not in verdict.headline


@pytest.mark.parametrize("special", [(), (failed("2.1"),), (failed("2.1", "not verified"),)])
def test_objects_left_behind_are_an_exit_code_of_their_own(special):
    verdict = judged(*special, leftovers=["subscription subs_1 is still active."])
    assert (verdict.word, verdict.exit_code) == ("NOT READY", 7)
    assert "1 object was left behind" in verdict.headline


def test_a_failed_test_that_proves_no_item_fails_the_run():
    verdict = judged(others_failed=2)
    assert (verdict.word, verdict.exit_code) == ("NOT READY", 1)


def test_the_sentence_is_the_finding_of_that_item_and_counts_the_others():
    findings = [
        FindingRecord.of(Finding(number, path, f"wrong with {number}"), number)
        for number, path in (("4.1", "a"), ("4.2", "b"), ("4.2", "c"), ("4.2", "c"))
    ]
    both = scenario("4.1", items=["4.1", "4.2"], outcome="failed", findings=findings, findings_total=4)
    verdict = judged(both, without=("4.2",))
    assert state(verdict, "4.1").why == "Wrong with 4.1."
    assert state(verdict, "4.2").why == "Wrong with 4.2. (1 more finding)"


def test_a_warning_is_told_and_changes_no_state():
    warning = FindingRecord.of(Finding("8.2", "status", "an incident is open", severity=Severity.WARNING), "8.2")
    item = state(judged(scenario("8.2", findings=[warning], findings_total=1)), "8.2")
    assert (item.state, item.warnings) == ("attested", ["An incident is open."])


def test_only_the_warnings_of_an_item_are_told_with_it_and_equal_ones_counted():
    def told(number, severity=Severity.WARNING):
        return FindingRecord.of(Finding(number, "status", f"{number} is {severity.value}", severity=severity), number)

    findings = [told("8.2"), told("8.2"), told("8.1"), told("8.2", Severity.INFO)]
    item = state(judged(scenario("8.2", findings=findings, findings_total=4)), "8.2")
    assert item.warnings == ["8.2 is warning. (1 more like this)"]


def test_what_failed_has_no_statement_and_what_passes_needs_no_plan():
    assert state(judged(failed("8.2")), "8.2").statement is None
    without = judge(ITEMS, [scenario("2.1")], level=Level.SMOKE, today=TODAY)
    assert state(without, "2.1").state == "passed"


def test_what_was_not_reached_is_told_before_what_was_left_out():
    reached = scenario("4.1", outcome="not run", message="the key was refused.")
    left_out = scenario("4.1", items=["4.1"], outcome="not run", deselected=True)
    verdict = judge(ITEMS, [left_out, reached], level=Level.SMOKE, today=TODAY)
    assert state(verdict, "4.1").why == "The key was refused."
    assert not state(verdict, "4.1").chosen_out
    passed = scenario("4.1")
    assert state(judge(ITEMS, [passed, left_out], level=Level.SMOKE, today=TODAY), "4.1").chosen_out


OUTCOMES = st.sampled_from(["passed", "failed", "not decided", "not verified", "not run"])


@given(
    st.fixed_dictionaries({item.id: OUTCOMES for item in ITEMS}),
    st.sampled_from(list(Level)),
    st.booleans(),
    st.booleans(),
)
def test_ready_means_every_item_is_proved(outcomes, level, rehearsal, waived):
    records = [scenario(number, outcome=outcome) for number, outcome in outcomes.items()]
    the_plan = plan(waivers=[{**WAIVER, "item": number} for number in BY_ID]) if waived else plan()
    verdict = judge(ITEMS, records, level=level, today=TODAY, plan=the_plan, environment="prod", rehearsal=rehearsal)
    states = {item.state for item in verdict.items}
    assert (verdict.word == "READY") == (states <= {"passed", "attested"} and not rehearsal)
    assert verdict.word != "READY WITH WAIVERS" or states <= {"passed", "attested", "waived"}
    assert (verdict.exit_code == 1) == bool({"failed", "not decided"} & states)
    for item in verdict.items:
        assert item.why
        assert item.state != "passed" or outcomes[item.id] == "passed"
        assert item.state != "attested" or BY_ID[item.id].proof != "machine"


def test_today_is_the_given_day_and_not_the_clock():
    long_ago = date(2020, 1, 1)
    assert state(judged(today=long_ago), "8.1").state == "not decided"


def test_what_rests_on_a_persons_word_is_told_apart_from_what_was_seen():
    verdict = judged()
    seen = [scenario("2.1"), scenario("8.1"), failed("8.2"), scenario("8.3", items=["8.3", "2.1"])]
    told = with_attested(verdict, seen)
    assert [record.outcome for record in told] == ["passed", "attested", "failed", "passed"]
    assert [record.items for record in told] == [record.items for record in seen]


def test_an_item_that_holds_names_its_scenarios_and_counts_the_rest():
    records = [scenario("2.1", name=f"Prices are right {number}.") for number in (1, 2, 2, 3, 4)]
    why = judge(ITEMS, records, level=Level.READ, today=TODAY, plan=plan(), environment="prod")
    assert state(why, "2.1").why == "Prices are right 1; Prices are right 2; and 2 more."
    two = judge(ITEMS, records[:3], level=Level.READ, today=TODAY, plan=plan(), environment="prod")
    assert state(two, "2.1").why == "Prices are right 1; Prices are right 2."


def test_findings_beyond_those_that_were_kept_are_counted():
    assert state(judged(failed("2.1")), "2.1").why == "It is wrong."
    kept = [FindingRecord.of(Finding("2.1", f"place {number}", f"wrong {number}"), "2.1") for number in range(2)]
    more = scenario("2.1", outcome="failed", findings=kept, findings_total=7)
    assert state(judged(more), "2.1").why == "Wrong 0. (6 more findings)"
    two = scenario("2.1", outcome="failed", findings=kept, findings_total=2)
    assert state(judged(two), "2.1").why == "Wrong 0. (1 more finding)"
    three = scenario("2.1", outcome="failed", findings=kept, findings_total=3)
    assert state(judged(three), "2.1").why == "Wrong 0. (2 more findings)"
    none = scenario("2.1", outcome="failed", findings=[], findings_total=0, message="")
    assert state(judged(none), "2.1").why == "The scenario failed without a message."


def test_an_item_without_a_scenario_says_whether_one_is_at_another_level():
    assert state(judged(without=["2.1"]), "2.1").why == "No scenario of this run proves it."
    above = judged(scenario("2.1", level="drill"), level=Level.SMOKE)
    assert state(above, "2.1").why == "No scenario at this level proves it."
    left_out = judged(scenario("2.1", outcome="not run", deselected=True))
    assert state(left_out, "2.1").why == "Left out by the selection of this run."
    assert state(left_out, "2.1").chosen_out
    assert left_out.exit_code == 0


def test_a_failure_that_nobody_tells_of_is_no_verdict():
    verdict = judged(untold=1)
    assert (verdict.word, verdict.label, verdict.exit_code) == ("INCOMPLETE", "INCOMPLETE", 6)
    assert verdict.headline == "Pytest counts 1 failure that no scenario tells of, so this verdict cannot be trusted."
    assert "2 failures" in judged(untold=2).headline
    assert judged(failed("2.1"), untold=1).word == "NOT READY"


def test_coverage_says_what_was_not_run_and_what_a_higher_level_would_cover():
    assert judged().coverage == "Level smoke covers 26 of 26 items."
    missed = judged(without=["2.1"])
    assert missed.coverage == "This run at level smoke covered 25 of 26 items, did not run 2.1."
    assert missed.headline == "Nothing failed, but 2.1 is not proved in this run."
    low = judged(level=Level.READ)
    assert low.coverage.startswith("Level read covers ")
    assert low.coverage.endswith("; run at level smoke to cover them.")
    assert "not proved at level read" in low.headline


def test_a_run_that_has_not_ended_proves_nothing():
    verdict = unfinished(Level.SMOKE)
    assert {item.state for item in verdict.items} == {"not run"}
    assert {item.why for item in verdict.items} == {"The run began and has not ended."}
    assert verdict.coverage.startswith("This run at level smoke covered 0 of 26 items")
