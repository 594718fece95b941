"""A company's log and an environment as plain lists of events, answering what a comparison asks of them; requests are counted."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from pytest_flexprice.model.times import Window, instant
from pytest_flexprice.oracle.metering.attribution import why_zero
from pytest_flexprice.oracle.metering.meters import expected_usage
from pytest_flexprice.traffic.causes import worth
from pytest_flexprice.traffic.log import at, epoch
from pytest_flexprice.traffic.metering import Counted

SECONDS = {"DAY": 86_400, "HOUR": 3_600, "MINUTE": 60}


def _stretches(events, window, size, shift=0):
    found = defaultdict(list)
    for one in events:
        if window.holds(one.timestamp):
            second = epoch(one.timestamp)
            found[at(second - (second + shift) % size)].append(one)
    return found


@dataclass
class ListLog:
    """What ``Log`` answers, of a list."""

    sent: list

    def counts(self, window, size, names=()):
        found = {}
        for start, events in _stretches(self.sent, window, size).items():
            for name in {one.name for one in events}:
                if not names or name in names:
                    found[name, start] = len({one.id for one in events if one.name == name})
        return found

    def metered(self, meter, window, size, shift=0):
        found = {}
        for start, events in _stretches(self.sent, window, size, shift).items():
            usage = expected_usage(meter, events, window)
            if usage.rows:
                found[start] = Counted(usage.total, usage.event_count)
        return found

    def usages(self, meter, windows, owners=None):
        found = {}
        for owner in dict.fromkeys((owners or {}).get(each, each) for each in windows):
            members = [each for each in windows if (owners or {}).get(each, each) == owner]
            events = [one for each in members for one in self.events_of(each, windows[each], len(self.sent))]
            usage = expected_usage(meter, events, windows[members[0]])
            found[owner] = Counted(usage.total, usage.event_count)
        return found

    def hours(self, window):
        return {start: len(events) for start, events in _stretches(self.sent, window, 3600).items()}

    def customers(self, window):
        found = defaultdict(int)
        for one in self._of(window):
            found[one.external_customer_id] += 1
        return dict(found)

    def ids_of(self, customers, window):
        found = defaultdict(set)
        for one in self._of(window):
            if one.external_customer_id in customers:
                found[one.external_customer_id, one.name].add(one.id)
        return {key: len(ids) for key, ids in found.items()}

    def _of(self, window):
        return [one for one in self.sent if window.holds(one.timestamp)]

    def events(self, window, most):
        return self._of(window)[:most]

    def events_of(self, customer, window, most):
        return [one for one in self._of(window) if one.external_customer_id == customer][:most]

    def worthless(self, meter, window, most):
        found = [one for one in self._of(window) if meter.accepts(one) and why_zero(meter, one)]
        return len(found), found[:most]

    def within(self, name, windows, most):
        own = [one for one in self.sent if one.name == name and one.external_customer_id in windows]
        return [one for one in own if windows[one.external_customer_id].holds(one.timestamp)][:most]

    def events_by_id(self, ids, most):
        return [one for one in self.sent if one.id in set(ids)][:most]


@dataclass
class ListFlexprice:
    """What the readers of a comparison are answered by an environment that holds a list of events."""

    held: list
    meters: list
    answers: dict = field(default_factory=dict)
    requests: list = field(default_factory=list)

    def get(self, path, **_query):
        self.requests.append(path)
        return self.answers[path]

    def search(self, path, _body):
        self.requests.append(path)
        return iter(self.answers.get(path, ()))

    def post(self, path, body):
        self.requests.append(path)
        known = {
            "/v1/events/usage": self._usage,
            "/v1/events/analytics": self._analytics,
            "/v1/events/query": self._query,
        }
        return known[path](body) if path in known else self.answers[path]

    def _usage(self, body):
        assert body["aggregation_type"] == "COUNT"
        own = [one for one in self.held if one.name == body["event_name"]]
        if "external_customer_id" in body:
            ids = {one.id for one in own if one.external_customer_id == body["external_customer_id"]}
            return {"value": len(ids)} if ids else {}
        found = _stretches(own, _window(body), SECONDS[body["window_size"]])
        rows = [{"window_size": _text(at), "value": len({one.id for one in each})} for at, each in found.items()]
        return {"results": rows} if rows else {}

    def _analytics(self, body):
        wanted = body.get("feature_ids")
        own = [one for one in self.meters if wanted is None or f"feat_{one.id}" in wanted]
        return {"items": [self._item(meter, body) for meter in own]}

    def _item(self, meter, body):
        accepted = [one for one in self.held if meter.accepts(one)]
        points = [
            {
                "timestamp": _text(start),
                "usage": sum((worth(meter, one) for one in each), Decimal(0)),
                "event_count": len({one.id for one in each}),
            }
            for start, each in _stretches(accepted, _window(body), SECONDS[body["window_size"]]).items()
        ]
        return {"meter_id": meter.id, "points": points}

    def _query(self, body):
        window = _window(body, timedelta(milliseconds=1))
        own = [one for one in self.held if window.holds(one.timestamp)]
        for key, attribute in (("event_id", "id"), ("external_customer_id", "external_customer_id")):
            own = [one for one in own if body.get(key) in (None, getattr(one, attribute))]
        first = int(body.get("iter_last_key", 0))
        page = sorted(own, key=lambda one: one.timestamp, reverse=True)[first : first + body["page_size"]]
        last = first + len(page)
        return {"events": [_row(one) for one in page], "has_more": last < len(own), "iter_last_key": str(last)}


def _window(body, more=timedelta(0)):
    return Window(instant(body["start_time"]), instant(body["end_time"]) + more)


def _text(moment: datetime) -> str:
    return moment.isoformat()


def _row(one):
    return {
        "id": one.id,
        "event_name": one.name,
        "external_customer_id": one.external_customer_id,
        "timestamp": _text(one.timestamp),
        "properties": one.properties,
    }
