"""Sending probes to the company's handler, one after the other, as the delivery service would: no redirects, 15 seconds at most."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests

from pytest_flexprice.webhooks import probes
from pytest_flexprice.webhooks.mint import Mint, Probe

TIME_LIMIT = 15.0  # the delivery service gives up then (contract 6.1)
TIME_ADVICE = 5.0  # what Flexprice advises
TIME_BUDGET = 240.0  # the probes' signatures are as old as the run of probes; five minutes would make them stale
SILENT_AT_MOST = 2


@dataclass(frozen=True)
class Result:
    """What became of a probe: an answer's status, or 0 and why there was none. ``elapsed`` counts seconds.

    ``timed_out``: the handler took the message and did not answer within the delivery service's limit.
    """

    probe: Probe
    status: int = 0
    elapsed: float = 0.0
    location: str = ""
    problem: str = ""
    timed_out: bool = False

    @property
    def accepted(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300

    @property
    def redirected(self) -> bool:
        """3xx."""
        return 300 <= self.status < 400

    @property
    def refused(self) -> bool:
        """4xx, but for 429, which says nothing about the message."""
        return 400 <= self.status < 500 and self.status != 429

    @property
    def crashed(self) -> bool:
        """5xx."""
        return self.status >= 500

    @property
    def said(self) -> str:
        """The answer in words."""
        if not self.status:
            return self.problem
        return f"{self.status} to {self.location}" if self.redirected and self.location else str(self.status)


def try_signatures(
    url: str, mint: Mint, others: Mapping[str, str], *, user_agent: str = "", time_limit: float = TIME_LIMIT
) -> list[Result]:
    """Send the probes of checklist 6.2; where the handler refuses the control, what tells the cause instead."""
    first, *rest = probes.signature_probes(mint, others)
    line = Line(url, user_agent, time_limit)
    control = line.send(first)
    if control.accepted:
        return [control, *line.send_all(rest)]
    return [control, *line.send_all(probes.diagnoses(mint, others) if control.refused else [])]


def try_answers(url: str, mint: Mint, *, user_agent: str = "", time_limit: float = TIME_LIMIT) -> list[Result]:
    """Send the probes of checklist 6.4; the rest of them only where the control is not refused."""
    first, *rest = probes.answer_probes(mint)
    line = Line(url, user_agent, time_limit)
    control = line.send(first)
    if control.refused or not control.status:
        return [control]
    return [control, *line.send_all(rest)]


def try_twice(url: str, mint: Mint, *, user_agent: str = "", time_limit: float = TIME_LIMIT) -> list[Result]:
    """Send one message twice, as a retry of the delivery service would."""
    return Line(url, user_agent, time_limit).send_all(probes.repeated(mint))


def wanted(results: Iterable[Result]) -> dict[str, str]:
    """What a sound handler does with each probe, for people to read."""
    return {result.probe.name: result.probe.expect.value for result in results}


def told(results: Iterable[Result]) -> dict[str, str]:
    """What the handler did with each probe, for people to read."""
    return {result.probe.name: f"{result.said} ({result.elapsed:.3f} s)" for result in results}


@dataclass(frozen=True)
class Line:
    """The way to one handler. Each probe has a connection of its own: one that the handler closes must not spoil the next."""

    url: str
    user_agent: str = ""
    time_limit: float = TIME_LIMIT

    def send(self, probe: Probe) -> Result:
        """Send one probe; never raises for what the handler does."""
        began = time.monotonic()
        with _session(self.url, self.user_agent) as session:
            try:
                reply = session.post(
                    self.url,
                    data=probe.body,
                    headers=probe.headers,
                    timeout=(min(10.0, self.time_limit), self.time_limit),
                    allow_redirects=False,
                    stream=True,  # the answer's body is of no interest, and may be without end
                )
            except requests.RequestException as error:
                late = isinstance(error, requests.exceptions.ReadTimeout)
                reason = _reason(error, self.time_limit)
                return Result(probe, elapsed=time.monotonic() - began, problem=reason, timed_out=late)
            with reply:
                return Result(probe, reply.status_code, time.monotonic() - began, reply.headers.get("location", ""))

    def send_all(self, wanted: Iterable[Probe]) -> list[Result]:
        """Send probes one after the other, and stop where the handler is silent or their signatures would grow stale."""
        results: list[Result] = []
        began = time.monotonic()
        for probe in wanted:
            silent = sum(not one.status for one in results)
            if silent >= SILENT_AT_MOST or time.monotonic() - began > TIME_BUDGET:
                results.append(
                    Result(probe, problem="not sent, because the handler had not answered or was too slow before")
                )
            else:
                results.append(self.send(probe))
        return results


def _session(url: str, user_agent: str) -> requests.Session:
    session = requests.Session()
    session.headers.update({"user-agent": user_agent or "pytest-flexprice", "accept": "*/*", "connection": "close"})
    if "@" not in urlsplit(url).netloc:
        session.auth = lambda request: request  # a ~/.netrc entry must not add an Authorization header
    session.trust_env = (urlsplit(url).hostname or "") not in ("127.0.0.1", "localhost", "::1")
    return session


def _reason(error: requests.RequestException, time_limit: float) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "its TLS certificate could not be verified"
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "no connection"
    if isinstance(error, requests.exceptions.Timeout):
        return f"no answer within {time_limit:g} seconds"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "no connection, or it was closed without an answer"
    if isinstance(error, ValueError):
        return "its URL cannot be used"
    return "no usable answer"
