"""One invoice's webhook: never sent, for another invoice, failing, acknowledged, processed not at all, once or twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from pytest_flexprice.model.finding import Kind, NotDecided, NotVerified, Severity
from pytest_flexprice.webhooks.delivery import FINALIZED, Delivery, delivery_findings, read_delivery
from pytest_flexprice.webhooks.effects import early_findings
from pytest_flexprice.webhooks.loopback import LoopbackServer, Reply
from pytest_flexprice.webhooks.processed import Processed, as_processed
from pytest_flexprice.webhooks.processed_url import WebPage, ask_processed, get_page, processed_reader
from pytest_flexprice.webhooks.recent import failure_ratio, recent_findings
from pytest_flexprice.webhooks.service import Attempt, Endpoint, Message, State, instant, object_id

from .builders import NOW, URL, attempt, endpoint
from .dripping import Dripping

OURS, THEIRS = "inv_ours", "inv_theirs"


def message(number=1, invoice=OURS, at=NOW, kind=FINALIZED):
    return Message(f"msg_{number}", kind, invoice, at)


def delivery(*attempts, messages=None, **values):
    messages = (message(),) if messages is None else messages
    by_message = {one.id: tuple(each for each in attempts if each.message_id == one.id) for one in messages}
    return Delivery(OURS, NOW, tuple(messages), by_message, endpoint=values.pop("endpoint", endpoint()), **values)


def told(findings):
    assert all(one.item == "7.4" for one in findings)
    return " ".join(one.sentence for one in findings)


def test_processed_once_is_the_end_of_it():
    assert delivery_findings(delivery(attempt()), Processed(1, ("msg_1",))) == []
    assert delivery_findings(delivery(attempt()), Processed(1, counted=False)) == []


@pytest.mark.parametrize("grade", ["delivered", "acknowledged", "processed"])
def test_a_webhook_that_never_came_says_so_with_the_endpoints_state(grade):
    missing = delivery(messages=())
    assert "was sent since it was finalized 30 seconds ago: no attempt" in told(
        delivery_findings(missing, Processed(1), grade, waited=30.0)
    )


@pytest.mark.parametrize(
    ("registered", "state"),
    [
        (None, "not registered"),
        (endpoint(disabled=True), "disabled"),
        (endpoint(event_types=("customer.created",)), "not subscribed"),
        (endpoint(created_at=NOW - timedelta(seconds=30)), "younger than a minute"),
        (endpoint(event_types=None), "enabled and subscribed"),
    ],
)
def test_why_nothing_came(registered, state):
    assert state in told(delivery_findings(delivery(messages=(), endpoint=registered)))


def test_a_webhook_for_another_invoice_names_both():
    text = told(delivery_findings(delivery(messages=(), others=(THEIRS,))))
    assert OURS in text
    assert THEIRS in text
    assert "2 other invoices" in told(delivery_findings(delivery(messages=(), others=(THEIRS, "inv_more"))))


def test_attempts_that_reach_nobody_are_counted_with_their_last_state():
    text = told(delivery_findings(delivery(attempt(1, status=0), attempt(2, status=0))))
    assert "2 attempts" in text
    assert "failed without an answer" in text
    assert "none was begun" in told(delivery_findings(delivery()))
    assert "'pending'" in told(delivery_findings(delivery(attempt(status=0, state=State.PENDING))))


def test_a_refusal_is_not_an_acknowledgement():
    refused = delivery(attempt(1, status=500), attempt(2, status=401))
    assert "failed with 401" in told(delivery_findings(refused, Processed(1)))
    assert delivery_findings(refused, None, "delivered") == []
    assert delivery_findings(delivery(attempt(1, status=500), attempt(2)), None, "acknowledged") == []


def test_success_without_effect_and_effect_twice():
    assert "not processed" in told(delivery_findings(delivery(attempt()), Processed(0)))
    twice = told(delivery_findings(delivery(attempt()), Processed(2, ("msg_1", "msg_9"))))
    assert "processed 2 times" in twice
    assert "'msg_1', 'msg_9'" in twice


def test_a_plan_that_cannot_tell_is_not_decided():
    findings = delivery_findings(delivery(attempt()), None)
    assert [one.kind for one in findings] == [Kind.NOT_DECIDED]
    assert delivery_findings(delivery(attempt()), None, "acknowledged") == []


class FakePortal:
    def __init__(self, messages, attempts):
        self.sent, self.made, self.since = messages, attempts, None

    def endpoints(self):
        return [endpoint(id="ep_2", url="https://other.example/"), endpoint(disabled=True, id="ep_0"), endpoint()]

    def messages(self, since):
        self.since = since
        return [one for one in self.sent if one.at >= since]

    def attempts_of(self, message_id):
        return [one for one in self.made if one.message_id == message_id]


def test_only_this_invoices_messages_after_the_call_to_our_endpoint_count():
    sent = [
        message(1),
        message(2, THEIRS),
        message(3, kind="invoice.update"),
        message(4, at=NOW - timedelta(minutes=5)),
    ]
    portal = FakePortal(
        sent, [attempt(1, message="msg_1", to="ep_2"), attempt(2, message="msg_4"), attempt(3, message="msg_1")]
    )
    seen = read_delivery(portal, URL, OURS, NOW)
    assert [one.id for one in seen.messages] == ["msg_1"]
    assert [one.id for one in seen.tried] == ["atmpt_3"]
    assert seen.others == (THEIRS,)
    assert seen.endpoint is not None
    assert seen.endpoint.id == "ep_1"
    assert portal.since < NOW


def test_another_customers_webhook_is_no_mismatch_but_this_customers_is():
    def seen(*messages):
        return read_delivery(FakePortal(messages, []), URL, OURS, NOW, "cust_ours")

    foreign = Message("msg_1", FINALIZED, THEIRS, NOW, "cust_theirs")
    text = told(delivery_findings(seen(foreign)))
    assert "was sent since it was finalized" in text
    assert f"meanwhile other customers' webhooks were sent (for '{THEIRS}')" in text
    mistaken = Message("msg_2", FINALIZED, "inv_mistaken", NOW, "cust_ours")
    text = told(delivery_findings(seen(mistaken, foreign)))
    assert "only for another invoice" in text
    assert "inv_mistaken" in text
    assert THEIRS not in text


def test_what_was_sent_before_the_finalize_call_is_not_held_against_it():
    early = message(2, THEIRS, at=NOW - timedelta(seconds=3))
    assert read_delivery(FakePortal([early], []), URL, OURS, NOW).others == ()


@pytest.mark.parametrize(
    ("answer", "times", "counted"),
    [
        (True, 1, False),
        (False, 0, False),
        (None, 0, False),
        (3, 3, True),
        (["msg_1", "msg_2"], 2, True),
        ({"times": 2, "message_ids": ["a", "b"]}, 2, True),
        ({"message_ids": ["a"]}, 1, True),
        ({"times": 0}, 0, True),
        ({"processed": False}, 0, False),
        ({"status": "booked"}, 1, False),
        (Processed(2), 2, True),
        ("yes", 1, False),
    ],
)
def test_whatever_a_company_answers_is_understood(answer, times, counted):
    assert (as_processed(answer).times, as_processed(answer).counted) == (times, counted)


@pytest.mark.parametrize(
    ("page", "times"),
    [
        (WebPage(200), 1),
        (WebPage(404), 0),
        (WebPage(204), 0),
        (WebPage(200, '{"times": 2}'), 2),
        (WebPage(200, "yes"), 1),
    ],
)
def test_the_plans_url_is_asked_for_the_invoice(page, times):
    asked = []

    def get(url):
        asked.append(url)
        return page

    assert ask_processed("https://acme.example/p/{invoice_id}", "inv_1/2", get).times == times
    assert asked[0] == "https://acme.example/p/inv_1%2F2"


def test_a_url_that_cannot_be_asked():
    with pytest.raises(NotDecided, match="does not say"):
        ask_processed("", OURS)
    with pytest.raises(NotDecided, match="invoice_id"):
        ask_processed("https://acme.example/p", OURS)
    with pytest.raises(NotVerified, match="it answered 500"):
        ask_processed("https://acme.example/{invoice_id}", OURS, lambda url: WebPage(500))
    with pytest.raises(NotVerified, match="a web page"):
        ask_processed(
            "https://acme.example/{invoice_id}", OURS, lambda url: WebPage(200, "\n<!DOCTYPE html><title>App")
        )

    def broken(url):
        raise requests.ConnectionError("https://acme.example?key=secret")

    with pytest.raises(NotVerified, match="no answer came") as caught:
        ask_processed("https://acme.example/{invoice_id}", OURS, broken)
    assert "secret" not in str(caught.value)


class Elsewhere(LoopbackServer):
    """Another server than the one that knows: 404 everywhere, with the path in its page."""

    def reply(self, request):
        return Reply(404, f"<html>Cannot GET {request.path}</html>".encode(), {"content-type": "text/html"})


class Knows(LoopbackServer):
    """Knows its invoices, and follows nothing else."""

    def reply(self, request):
        if not request.path.startswith("/p/"):
            return Reply(302, headers={"location": "/login"})
        return Reply(404, b'{"times": 0}')


def test_neither_a_proxy_nor_a_netrc_comes_between_a_run_and_this_machine(monkeypatch, tmp_path):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    (tmp_path / "netrc").write_text("default login somebody password else")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with Closed() as server:
        for address in ("127.0.0.1", "localhost"):
            assert get_page(f"{server.origin.replace('127.0.0.1', address)}/p/x").status == 404
        assert get_page(f"{server.origin.replace('//', '//me:mine@')}/p/x").status == 401


class Closed(LoopbackServer):
    """Refuses whoever says who it is."""

    def reply(self, request):
        return Reply(401 if any(name.lower() == "authorization" for name, _ in request.headers) else 404)


def test_a_404_that_is_answered_everywhere_is_doubted_before_the_handler():
    with Elsewhere() as server:
        asked = ask_processed(f"{server.origin}/p/{{invoice_id}}", OURS)
    (finding,) = delivery_findings(delivery(attempt()), asked)
    assert (asked.times, finding.kind) == (0, Kind.NOT_VERIFIED)
    assert "suspected before the handler" in finding.sentence


def test_a_404_of_the_application_itself_speaks_against_the_handler():
    with Knows() as server:
        asked = ask_processed(f"{server.origin}/p/{{invoice_id}}", OURS)
    (finding,) = delivery_findings(delivery(attempt()), asked)
    assert (asked.doubt, finding.kind) == ("", Kind.REQUIREMENT)
    assert "answered with success and not processed" in finding.sentence


def test_a_redirect_is_not_followed_and_a_page_that_drips_is_given_up():
    with Knows() as server, pytest.raises(NotVerified, match="it answered 302"):
        ask_processed(f"{server.origin}/q/{{invoice_id}}", OURS)
    with Dripping() as server, pytest.raises(requests.RequestException):
        get_page(server.url, 0.5)


def test_a_witness_that_says_yes_too_early_is_not_believed():
    assert early_findings(OURS, None) == early_findings(OURS, Processed(0)) == []
    (finding,) = early_findings(OURS, Processed(1, counted=False))
    assert finding.kind is Kind.NOT_VERIFIED
    assert "before it was finalized" in told([finding])


def test_the_companys_own_way_comes_first():
    assert processed_reader("", None) is None
    reader = processed_reader("https://never.example/{invoice_id}", lambda invoice_id: invoice_id == OURS)
    assert reader is not None
    assert (reader(OURS).times, reader(THEIRS).times) == (1, 0)


@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from([200, 204, 0, 401, 500])), max_size=12))
def test_recent_messages_count_by_their_newest_attempt(sent):
    attempts = [attempt(number, status=status, message=f"msg_{which}") for number, (which, status) in enumerate(sent)]
    findings = recent_findings(endpoint(), list(reversed(attempts)))
    last = {which: 200 <= status < 300 for which, status in sent}
    lost = [which for which, arrived in last.items() if not arrived]
    newest = max(last, key=[one for one, _ in sent].index, default=None)
    wrong = newest in lost or 2 * len(lost) > len(last)
    assert any(one.severity is Severity.ERROR for one in findings) == bool(lost and wrong)
    assert any(one.severity is Severity.WARNING for one in findings) == bool(lost and not wrong)
    failed = sum(not 200 <= status < 300 for _, status in sent)
    assert failure_ratio(attempts) == (failed, len(sent))
    assert bool(findings) == (bool(failed) or not sent)


def test_unfinished_attempts_say_nothing():
    pending = [attempt(status=0, state=State.PENDING), attempt(2, status=0, state=State.SENDING)]
    assert [one.severity for one in recent_findings(endpoint(), pending)] == [Severity.INFO]


@given(st.datetimes(min_value=NOW.replace(year=1980, tzinfo=None)))
def test_times_of_the_service_are_read_exactly(moment):
    text = moment.isoformat() + ("" if moment.microsecond else ".000000")
    assert instant(text + "Z").replace(tzinfo=None) == moment


@given(st.one_of(st.none(), st.text(), st.integers(), st.lists(st.integers())))
def test_anything_else_is_no_time(value):
    assert instant(value).tzinfo is not None


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda inner: st.dictionaries(st.text(), inner) | st.lists(inner)
    )
)
def test_reading_never_breaks_on_what_the_service_answers(value):
    assert isinstance(object_id(value), str)
    for kind in (Endpoint, Attempt, Message):
        row = value if isinstance(value, dict) else {"payload": value, "filterTypes": None, "status": value}
        assert kind.read({**row, "channels": None, "responseStatusCode": None})


def test_the_object_of_each_event_is_found():
    assert (
        object_id({"event_type": "invoice.update", "invoice": {"id": "inv_1", "subscription": {"id": "s"}}}) == "inv_1"
    )
    assert object_id({"event_type": "subscription.created", "subscription": {"id": "subs_1"}}) == "subs_1"
    assert object_id({"event_type": "wallet.transaction.created", "transaction": {"id": "wtxn_1"}}) == "wtxn_1"
