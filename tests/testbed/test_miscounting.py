"""Servers that count wrongly are told by the ladder's readers, with what was sent, what was counted, and the rule that explains it."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from pytest_flexprice.model.checklist import Level
from pytest_flexprice.model.finding import Severity
from pytest_flexprice.model.golive_plan import Environment
from pytest_flexprice.model.profile import Profile
from pytest_flexprice.testbed import usage_rungs
from pytest_flexprice.testbed.bench import Bench
from pytest_flexprice.testbed.customer import Testbed
from pytest_flexprice.testbed.sending import send_through_api
from pytest_flexprice.testbed.smoke import Smoke
from pytest_flexprice.testbed.waiting import Eventually

from .price_lists import catalog, feature, fee, usage
from .test_price_lists import served

ODD = catalog(
    {
        "calls": feature("api.call", "COUNT", filters={"tier": ["gold"], "region": ["eu", "us"]}),
        "volume": feature("api.sent", "SUM", "mb", filters={"tier": ["gold"]}),
        "users": feature("user.seen", "COUNT_UNIQUE", "user"),
        "scaled": feature("data.moved", "SUM_WITH_MULTIPLIER", "mb", multiplier="0.5"),
        "seats": feature("seats.set", "LATEST", "seats"),
        "peak": feature("peak.seen", "MAX", "v"),
        "load": feature("cpu.measured", "AVG", "load"),
    },
    pro=(
        {},
        [
            usage("calls", "api.call", amount="1"),
            usage("volume", "api.sent", amount="1"),
            usage("users", "user.seen", amount="1"),
            usage("scaled", "data.moved", amount="1"),
            usage("seats", "seats.set", amount="1"),
            usage("peak", "peak.seen", amount="1"),
            usage("load", "cpu.measured", amount="1"),
        ],
    ),
)


@pytest.fixture(autouse=True)
def _without_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is on its way here: what is wrong at first stays so."""
    monkeypatch.setattr(usage_rungs, "SHORTEST_READERS", 0.3)
    monkeypatch.setattr(usage_rungs, "READERS_DEADLINE", 0.3)
    monkeypatch.setattr(usage_rungs, "SETTLING", 0.0)


def ladder(testbed: Testbed) -> Smoke:
    """The ladder of the test customer."""
    url = testbed.flexprice.base_url
    own = Environment(base_url=url, type="development", test_plan="pro")
    profile = Profile("local", own, Level.SMOKE, url, url, "", "", "", True, testbed.run_id)
    bench = Bench(profile, testbed, lambda events: send_through_api(testbed.flexprice, events), Eventually())
    return Smoke(bench)


def test_a_healthy_server_counts_what_was_sent(tmp_path: Path) -> None:
    with served(ODD, tmp_path) as testbed:
        assert ladder(testbed).metered().findings == []


WRONG = {
    "W51": r"for 'user\.seen' where 7 were sent: 2 too much.* as if .*events are counted",
    "W52": r"says 29\.5 for 'seats\.set' where 17 were sent: .* as if the highest value counts",
    "W53": r"says 97\.25 for 'peak\.seen' where 36\.5 were sent: .* as if the values of events are added up",
    "W54": r"says 67\.75 for 'cpu\.measured' where .* as if the values of events are added up",
    "W55": r"says 9 for 'api\.sent' where 67\.75 were sent: .* as if events are counted",
    "W56": r"for 'api\.sent' where 67\.75 were sent: 77 too much, as if its filter is ignored",
    "W57": r"says 18 for 'api\.call' where 4 were sent: 14 too much, as if .*one of its filters is enough",
    "W147": r"for 'api\.sent' where 67\.75 were sent: 11 too much, as if its filter goes without upper and lower case",
    "W148": r"for 'api\.sent' where 67\.75 were sent: 22 too much, as if its filter compares the beginning only",
    "W122": r"says 11 for 'seats\.set' where 17 were sent: 6 too little, as if the value that arrived last counts",
    "W59": r"says 6 for 'user\.seen' where 7 were sent: 1 too little, as if .*values go without upper and lower case",
    "W151": r"says 38\.25 for 'api\.sent' where 67\.75 were sent: .* as if of the events of one second only the first counts",
    "W153": r"says 161\.75 for 'api\.sent' where 67\.75 were sent: .* as if .*events count whenever they happened",
    "W154": r"says 60\.75 for 'api\.sent' where 67\.75 were sent: .* as if a number that is written as text counts nothing",
    "W155": r"says 56\.75 for 'api\.sent' where 67\.75 were sent: .* as if the first second of the billed time is left out",
    "W156": r"says 121\.25 for 'api\.sent' where 67\.75 were sent: .* as if what happens after the billed time counts too",
    "W157": r"says 108\.25 for 'api\.sent' where 67\.75 were sent: .* as if what happened before the billed time counts too",
    "W158": r"says 108\.25 for 'api\.sent' where 67\.75 were sent: .* as if what happened before the billed time counts too",
    "W175": r"says 61\.45 for 'api\.sent' where 67\.75 were sent: .* as if a number's exponent is ignored",
    "W176": r"says 69\.75 for 'api\.sent' where .* as if an event without a value counts one",
    "W177": r"says 80\.75 for 'api\.sent' where .* as if a value below zero counts without its sign",
    "W178": r"says 68\.75 for 'api\.sent' where .* as if .*a truth value counts one",
    "W179": r"says 8 for 'user\.seen' where 7 were sent: .* as if .*a number and the same one as text are two values",
    "W180": r"says 6 for 'user\.seen' where 7 were sent: .* as if .*values are cut off after 64 characters",
    "W181": r"says 10 for 'api\.call' where 4 were sent: 6 too much, as if events without the property of its filter pass",
    "W210": r"says 72\.75 for 'api\.sent' where .* as if the names of properties go without upper and lower case",
    "W211": r"says 108\.25 for 'api\.sent' where .* as if .*the zone of a time is ignored",
    "W183": r"says 108\.25 for 'api\.sent' where .* as if what happened before the billed time counts too",
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_count_is_told_with_its_rule(fault: str, tmp_path: Path) -> None:
    with served(ODD, tmp_path, fault) as testbed:
        problems = "\n".join(finding.problem for finding in ladder(testbed).metered().findings)
    assert re.search(WRONG[fault], problems), problems


MIXED = {
    "W152": (
        Smoke.neighbour,
        r"60 events of 'api\.sent' count for a second customer who sent 61, .* as if an event counts for one customer only",
    ),
    "W159": (
        Smoke.previewed,
        r"'peak\.seen' shows a usage of 64\.5 where 36\.5 .* as if another customer's usage counts too",
    ),
    "W174": (
        Smoke.neighbour,
        r"60 events of 'peak\.seen' count for .* who sent 61, .* as if one in 5\d events is lost",
    ),
    "W182": (Smoke.neighbour, r"2 events of 'api\.call' .* as if long ids that begin alike are those of one event"),
    "W184": (Smoke.repeated, r"says 50\.75 for 'api\.sent' where 67\.75 were sent: 17 too little \(this event counts"),
    "W160": (
        Smoke.neighbour,
        r"0 events of 'api\.call' count for a second customer who sent 61, one of them of an id and time that",
    ),
    "W161": (Smoke.mismatched, r"an event called 'API\.CALL' is billed, although the application sends 'api\.call'"),
}


@pytest.mark.parametrize("fault", MIXED)
def test_what_is_taken_for_another_is_told_by_its_own_rung(fault: str, tmp_path: Path) -> None:
    climb, words = MIXED[fault]
    with served(ODD, tmp_path, fault) as testbed:
        problems = "\n".join(finding.problem for finding in climb(ladder(testbed)).findings)
    assert re.search(words, problems), problems


def test_a_forgotten_multiplier_shows_at_the_first_event(tmp_path: Path) -> None:
    with served(ODD, tmp_path, "W58") as testbed:
        (finding,) = ladder(testbed).landed().findings
    assert (finding.expected, finding.observed) == (Decimal("1.625"), Decimal("3.25"))
    assert "(and 2 more like it) is processed with another quantity than it must have" in finding.problem


def test_values_that_are_cut_are_told_by_the_event_debugger(tmp_path: Path) -> None:
    with served(ODD, tmp_path, "W97") as testbed:
        problems = "\n".join(finding.problem for finding in ladder(testbed).landed().findings)
    assert "is processed with another quantity than it must have" in problems


GRANTING = catalog(
    {"volume": feature("api.sent", "SUM", "mb")}, pro=({}, [usage("volume", "api.sent", amount="1"), fee("30")])
)
GRANTING["plans"]["pro"]["credit_grants"] = {"Start": {"cadence": "ONETIME", "credits": "20", "currency": "usd"}}
CREDITED = {
    "": "",
    "W149": r"prepaid credits pay 0 usd of the invoice, where .* has 20 and 67\.75 may .* as if there are none",
    "W214": r"a new customer has 40 usd of prepaid credits, and the plan grants 20, as if it is taken 2 times",
    "W150": r"prepaid credits pay 40 usd .* as if they are taken twice \(expected 20, found 40\)",
}


@pytest.mark.parametrize("fault", CREDITED)
def test_credits_pay_what_they_may(fault: str, tmp_path: Path) -> None:
    with served(GRANTING, tmp_path, *filter(None, [fault])) as testbed:
        said = "\n".join(
            finding.sentence for finding in ladder(testbed).finalized().findings if finding.severity is Severity.ERROR
        )
    assert bool(said) is bool(fault)
    assert re.search(CREDITED[fault], said), said


SOLD = catalog(
    {"volume": feature("api.sent", "SUM", "mb")}, pro=({}, [usage("volume", "api.sent", amount="1"), fee("30")])
)
STORED = {
    "W168": [r"finalization changed the discount \(expected 1, found 0\)"],
    "W169 W170": [
        r"finalization changed the discount \(expected 0, found 1\)",
        r"the taxes that it shows come to 0, but its total_tax says 1 \(expected 0, found 1\)",
    ],
    "W185 W186 W187 W190 W217 W218": [
        r"and its total_discount is 0, of which its lines have 2 \(expected 0, found 2\)",
        r"and line 'volume' is of another customer_id \(expected 'cust_.*', found 'cust_other'\)",
        r"finalization changed the invoice's due_date",
        r"nobody did anything but finalize the test invoice, and its payment is SUCCEEDED",
        r"finalization changed line 'volume' \(expected '67\.75 for 67\.75 from .* to .*', found '67\.75 for 67\.75 from .* to",
        r"and its adjustment_amount says 1 \(expected 0, found 1\)",
    ],
}


@pytest.mark.parametrize("faults", STORED)
def test_a_stored_invoice_is_not_discounted_or_taxed_beside_its_preview(faults: str, tmp_path: Path) -> None:
    with served(SOLD, tmp_path, *faults.split()) as testbed:
        said = "\n".join(finding.sentence for finding in ladder(testbed).finalized().findings)
    assert all(re.search(words, said) for words in STORED[faults]), said


def test_nobody_pays_a_draft(tmp_path: Path) -> None:
    with served(SOLD, tmp_path, "W171") as testbed:
        said = "\n".join(finding.sentence for finding in ladder(testbed).drafted().findings)
    assert "nobody pays a draft, but its amount_paid says 1 (expected 0, found 1)" in said


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("W188", "'api.sent' is billed for another time"),
        ("W189", "'api.sent' is in another currency than its invoice"),
        ("W215", "the invoice is of another period than the subscription's running one"),
        ("W216", "line 'api.sent' is called 'Services' (expected 'volume', found 'Services')"),
    ],
)
def test_a_draft_bills_the_time_and_currency_of_its_preview(fault: str, words: str, tmp_path: Path) -> None:
    with served(SOLD, tmp_path, fault) as testbed:
        said = "\n".join(finding.sentence for finding in ladder(testbed).drafted().findings)
    assert words in said


PRICED = catalog(
    {"boxes": feature("box.sent", "SUM", "n"), "steps": feature("step.made", "SUM", "n")},
    pro=(
        {},
        [
            usage("boxes", "box.sent", billing_model="PACKAGE", amount="3", divide_by="10", round="up"),
            usage(
                "steps",
                "step.made",
                billing_model="TIERED",
                tier_mode="SLAB",
                tiers=[{"up_to": 10, "unit_amount": "1"}, {"up_to": None, "unit_amount": "0.35"}],
            ),
        ],
    ),
)
BY_EVENT = (
    r"'box\.sent' has the right quantity and the wrong price.* as if each event opens packages of its own",
    r"'step\.made' has the right quantity and the wrong price.* as if the tiers begin anew with each event",
)


def test_prices_that_begin_anew_with_each_event_are_named(tmp_path: Path) -> None:
    with served(PRICED, tmp_path, "W172", "W173") as testbed:
        said = "\n".join(finding.sentence for finding in ladder(testbed).previewed().findings)
    assert all(re.search(words, said) for words in BY_EVENT), said
