"""What a meter makes of a whole log is what the oracle makes of the same events, one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import ibis
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.model.meters import AGGREGATIONS, Aggregation, Event, Meter
from pytest_flexprice.model.times import Window
from pytest_flexprice.oracle.metering.meters import expected_usage
from pytest_flexprice.traffic.dialects import dialect
from pytest_flexprice.traffic.metering import counted, metering
from tests.oracle.vectors import VECTORS, Case
from tests.traffic.logs import EXPRESSIONS, FILTERS, NAME, ODD_KEY, START, a_log, aggregation, apart, table

WINDOW = Window(START - timedelta(days=1), START + timedelta(days=40))
DUCKDB = dialect("duckdb")


@pytest.fixture(scope="module")
def connection():
    return ibis.duckdb.connect()


def _oracle(meter, sent):
    """What the oracle says of each customer who has rows."""
    found = {}
    for customer in sorted({one.external_customer_id for one in sent}):
        own = [one for one in sent if one.external_customer_id == customer]
        usage = expected_usage(meter, own, WINDOW)
        if usage.rows:
            found[customer,] = (usage.total, usage.event_count)
    return found


def _log(connection, meter, sent):
    log = table(connection, sent)
    groups = counted(metering(log, meter, DUCKDB), log, "customer")
    return {key: (one.value, one.event_count) for key, one in groups.items()}


SEEDS = st.integers(0, 2**32)
FEW = settings(max_examples=2, phases=[Phase.explicit, Phase.generate])  # a smaller log says no more


@pytest.mark.parametrize("kind", AGGREGATIONS)
@given(seed=SEEDS, field=st.sampled_from(["n", ODD_KEY]), filters=st.sampled_from(FILTERS))
@FEW
def test_every_aggregation_counts_what_the_oracle_counts(connection, kind, seed, field, filters):
    meter, sent = Meter("m", "meter", NAME, aggregation(kind, field), filters), a_log(seed)
    if kind == "LATEST":
        sent = apart(sent)
    if kind == "SUM_WITH_MULTIPLIER":
        sent = [replace(one, properties={**one.properties, field: one.properties.get("n") and 2.5}) for one in sent]
    assert _log(connection, meter, sent) == _oracle(meter, sent)


def _finite(sent):
    """Without texts that stand for no finite number, of which the oracle takes some and the server none, and without huge ones."""
    return [one for one in sent if all(_tame(value) for value in one.properties.values())]


def _tame(value):
    return str(value) not in ("NaN", "Infinity", "123456789012345678901.5") and not (
        isinstance(value, int | float) and abs(value) > 1e10
    )


@pytest.mark.parametrize("expression", EXPRESSIONS)
@given(seed=SEEDS, kind=st.sampled_from(["SUM", "MAX"]))
@FEW
def test_expressions_count_what_the_oracle_counts(connection, seed, expression, kind):
    meter, sent = Meter("m", "meter", NAME, Aggregation(kind, expression=expression)), _finite(a_log(seed, 400))
    assert _log(connection, meter, sent) == _oracle(meter, sent)


@pytest.mark.parametrize(
    ("first", "second", "properties"),
    [(0, 1, {}), (0, 0, {"n": 1e300}), (0, 0, {"n": "2e99"})],
)
def test_what_cannot_be_known_is_said(connection, first, second, properties):
    sent = [Event(f"e{n}", NAME, START, {"n": n, **properties}, "acct") for n in (first, second)]
    kind = "LATEST" if not properties else "SUM"
    meter = Meter("m", "meter", NAME, aggregation(kind, "n"))
    with pytest.raises(NotVerified, match="meter 'meter'"):
        _log(connection, meter, sent)


def _recorded():
    """Of all recorded vectors: by meter, who uses it (the vector's id) with what and when; and all events."""
    users, sent, until = {}, [], datetime(2026, 11, 22, 13, tzinfo=UTC)
    for vector in VECTORS:
        case = Case(vector)
        window = Window(case.subscription.start, until)
        own = [replace(one, external_customer_id=vector["id"]) for one in case.events if window.holds(one.timestamp)]
        sent += own
        for meter in case.meters:
            key = replace(meter, id="", name="recorded")
            users.setdefault(key, {})[vector["id"],] = (meter, own, window)
    return users, sent


USERS, SENT = _recorded()


@pytest.mark.parametrize("meter", USERS, ids=[f"{n}-{one.aggregation.type}" for n, one in enumerate(USERS)])
def test_the_logs_of_all_recorded_vectors_count_as_recorded(connection, meter):
    known = {key: expected_usage(*used) for key, used in USERS[meter].items()}
    recorded = {key: (usage.total, usage.event_count) for key, usage in known.items()}
    found = _log(connection, meter, [one for one in SENT if (one.external_customer_id,) in recorded])
    nothing = {key: usage for key, usage in recorded.items() if not usage[1]}
    assert {**nothing, **found} == recorded


def test_groups_are_counted_apart(connection):
    sent = [Event(f"e{n}", NAME, START + timedelta(hours=12 * n), {"n": n}, f"acct-{n % 2}") for n in range(6)]
    log = table(connection, sent)
    log = log.mutate(day=log.second - log.second % 86400)
    own = metering(log, Meter("m", "meter", NAME, Aggregation("SUM", "n")), DUCKDB)
    assert {key: each.value for key, each in counted(own, log, "customer").items()} == {
        ("acct-0",): Decimal(6),
        ("acct-1",): Decimal(9),
    }
    assert sorted(each.event_count for each in counted(own, log, "customer", "day").values()) == [1] * 6
