"""Sending probes to the company's handler as the delivery service would: no redirects, 15 seconds at most, several at a time.

A handler that takes six seconds an answer is tried in a minute; one that says 429 is asked again, later and one at a time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from pytest_flexprice.webhooks import bodies, diagnoses, probes
from pytest_flexprice.webhooks.mint import Expect, Mint, Probe
from pytest_flexprice.webhooks.results import ProbeResult
from pytest_flexprice.webhooks.wire import HandlerAnswer, ask

TIME_LIMIT = 15.0  # the delivery service gives up then (contract 6.1)
TIME_ADVICE = 5.0  # what Flexprice advises
TIME_BUDGET = 360.0
FRESH = 20.0  # seconds after which signatures are made anew
SILENT_AT_MOST = 2
AT_ONCE = 6
LATER = 0.02  # seconds after messages that come at the same moment
LONGEST_PAUSE = 20.0  # what is waited for a handler that says 429, in seconds
PAUSES = (0.25, 0.5, 1.0, 2.0)


def try_signatures(
    url: str, mint: Mint, others: Mapping[str, str], *, user_agent: str = "", time_limit: float = TIME_LIMIT
) -> list[ProbeResult]:
    """Send the probes of checklist 6.2; where the handler refuses the control, what tells the cause instead.

    What was forged and accepted is sent once more with a true signature, so that its acceptance can be told from indifference. Where a
    true one is refused after a forged one, nothing more is forged.
    """
    first, *rest = probes.signature_probes(mint, others)
    line = HandlerLine(url, user_agent, time_limit)
    control = line.send(first)
    if not control.accepted:
        return [control, *line.send_all(_to_find_out(control, mint, others))]
    renew = Renewal(lambda now: probes.signature_probes(mint.renewed(now), others), mint.now)
    *true, after_one, after_all = [probe for probe in rest if probe.expect is Expect.ACCEPTED]
    forgery, *forgeries = [probe for probe in rest if probe.expect is not Expect.ACCEPTED]
    results = [
        control,
        *line.send_all(true, renew),
        line.send(renew(forgery)),
        *_true_again(line, mint, renew(after_one)),
    ]
    if results[-1].accepted or results[-1].probe.name != probes.CONTROL_AGAIN:
        results += [*line.send_all(forgeries, renew), *_true_again(line, mint, renew(after_all))]
    return [*results, *line.send_all(_twins(results), renew)]


def _to_find_out(control: ProbeResult, mint: Mint, others: Mapping[str, str]) -> list[Probe]:
    """What tells why a handler does not take the control."""
    if control.refused:
        return diagnoses.diagnoses(mint, others)
    return [diagnoses.of_real_form(mint)] if control.crashed else []


def _true_again(line: HandlerLine, mint: Mint, probe: Probe) -> list[ProbeResult]:
    """A true message after forged ones; where it is refused, another that tells whether any is taken, and then the first once more."""
    result = line.send(probe)
    if result.accepted:
        return [result]
    other = line.send(probes.control_again(mint.renewed(datetime.now(UTC))))
    return [other, line.send(probe)] if other.accepted else [result, other]


class Renewal:
    """Signs probes anew where sending takes long, so that a handler that takes messages of the last minute only is not accused.

    Args:
        make: makes the same probes for a later time.
        signed: when they were signed.
    """

    def __init__(self, make: Callable[[datetime], Iterable[Probe]], signed: datetime) -> None:
        self._make, self._signed, self._lock = make, signed, threading.Lock()
        self._newest: dict[str, Probe] = {}

    def __call__(self, probe: Probe) -> Probe:
        """The probe as it should be sent now; one that repeats the headers of an earlier message stays as it is."""
        if probe.expect is Expect.NO_EFFECT:
            return probe
        with self._lock:
            now = datetime.now(UTC)
            if (now - self._signed).total_seconds() > FRESH:
                made = [each for first in self._make(now) for each in (first, first.twin, first.nonsense)]
                self._signed, self._newest = now, {each.name: each for each in made if each is not None}
        return self._newest.get(probe.name, probe)


def _twins(results: Sequence[ProbeResult]) -> list[Probe]:
    """The positive controls of the forgeries that were accepted; none where everything was, since that says enough.

    And of a true message that was refused, those that tell why.
    """
    forged = [result for result in results if result.probe.expect is Expect.REFUSED]
    believed = [result.probe for result in forged if result.accepted and not result.preflight]
    if all(result.accepted for result in forged if result.probe.kind != "carried"):
        return []
    believed += [result.probe for result in results if result.probe.expect is Expect.ACCEPTED and result.refused]
    sent = [twin for probe in believed for twin in (probe.twin, probe.nonsense) if twin is not None]
    return list({twin.name: twin for twin in sent}.values())


def try_answers(url: str, mint: Mint, *, user_agent: str = "", time_limit: float = TIME_LIMIT) -> list[ProbeResult]:
    """Send the probes of checklist 6.4; the rest of them only where the control is not refused."""
    first, *rest = probes.answer_probes(mint)
    line = HandlerLine(url, user_agent, time_limit)
    control = line.send(first)
    if control.refused or not control.status:
        return [control, *line.in_turn([diagnoses.of_real_form(mint)] if control.refused else [])]
    if control.crashed:
        of_real_form = line.send(diagnoses.of_real_form(mint))
        if of_real_form.accepted:
            return [control, of_real_form]
    apart = [probe for probe in rest if probe.kind != "received"]
    sent = line.send_all(apart)
    return [control, *sent, *line.in_turn(probe for probe in rest if probe not in apart), *_retried(line, mint, sent)]


def _retried(line: HandlerLine, mint: Mint, sent: Sequence[ProbeResult]) -> list[ProbeResult]:
    """One message about a finalized invoice that failed, once more, as the delivery service would send it."""
    failed = [result.probe for result in sent if result.failed and result.probe.event_type == bodies.INVOICE_TYPES[0]]
    wanted = [probe for probe in failed if probe.expect is Expect.ACCEPTED]
    return line.in_turn(
        replace(mint.again(probe, f"{probe.name} again", "after failure"), title=f"{probe.title} that failed before")
        for probe in wanted[:1]
    )


def try_twice(url: str, mint: Mint, *, user_agent: str = "", time_limit: float = TIME_LIMIT) -> list[ProbeResult]:
    """Send one message again as a retry of the delivery service would, with others between the two, unless it is refused at first.

    Between are one message several times at the same moment, and an invoice's payment before its finalization, which the delivery
    service does not exclude (contract 6.4), with a later state of it at the end. None of them is forged.
    """
    line = HandlerLine(url, user_agent, time_limit)
    first, second = probes.repeated(mint)
    begun = line.send(first)
    if begun.refused:
        return []
    between = [*line.at_once(probes.simultaneous(mint)), *line.in_turn(probes.out_of_order(mint))]
    return [begun, *between, line.send(second)]


def try_restart(
    url: str, mint: Mint, restart: Callable[[], object], settle: Callable[[ProbeResult], object]
) -> list[ProbeResult]:
    """Send one message before the handler is restarted, and again after, as the delivery service would.

    Args:
        restart: restarts it, and returns once it answers again.
        settle: waits until the message was processed; what a queue loses in a restart is another matter.
    """
    line = HandlerLine(url)
    before, after = probes.before_and_after(mint)
    first = line.send(before)
    if not first.accepted:
        return [first]
    settle(first)
    restart()
    return [first, line.send(after)]


def try_memory(url: str, mint: Mint, count: int) -> list[ProbeResult]:
    """Send one message, so many others, and the first again; the first and the last are what counts."""
    line = HandlerLine(url)
    first, *others, again = probes.crowd(mint, count)
    begun = line.send(first)
    return [begun, *([line.send(again)] if begun.accepted and line.send_all(others) else [])]


def wanted(results: Iterable[ProbeResult]) -> dict[str, str]:
    """What a sound handler does with each probe, for people to read."""
    return {result.probe.name: result.probe.expect.value for result in results}


def told(results: Iterable[ProbeResult]) -> dict[str, str]:
    """What the handler did with each probe, for people to read."""
    return {result.probe.name: f"{result.said} ({result.elapsed:.3f} s)" for result in results}


def _as_it_is(probe: Probe) -> Probe:
    return probe


@dataclass(frozen=True)
class HandlerLine:
    """The way to one handler. Each probe has a connection of its own: one that the handler closes must not spoil the next."""

    url: str
    user_agent: str = ""
    time_limit: float = TIME_LIMIT

    def send(self, probe: Probe) -> ProbeResult:
        """Send one probe, again after a 429, later each time; never raises for what the handler does."""
        result = self._once(probe)
        for pause in PAUSES:
            if result.status != 429 or _asked(result) > LONGEST_PAUSE:
                break
            threading.Event().wait(max(pause, _asked(result)))
            result = self._once(probe)
        return result

    def in_turn(self, wanted: Iterable[Probe]) -> list[ProbeResult]:
        """Send probes one after the other."""
        return [self.send(probe) for probe in wanted]

    def at_once(self, wanted: Sequence[Probe]) -> list[ProbeResult]:
        """Send probes at the same moment, as near as this machine can, and the last while those are worked on.

        One process of a server may take all that come together and work on one after the other; what comes a little later, another takes.
        """
        gate = threading.Barrier(len(wanted))

        def sent(probe: Probe) -> ProbeResult:
            gate.wait()
            if probe is wanted[-1]:
                threading.Event().wait(LATER)
            return self._once(probe)

        with ThreadPoolExecutor(len(wanted)) as pool:
            return list(pool.map(sent, wanted))

    def send_all(self, wanted: Sequence[Probe], renew: Callable[[Probe], Probe] = _as_it_is) -> list[ProbeResult]:
        """Send probes, several at a time, and stop where the handler is silent or too slow; ``renew`` signs them anew."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(_Sender(self, time.monotonic(), renew).send, wanted))

    def _once(self, probe: Probe) -> ProbeResult:
        began = time.monotonic()
        answer: HandlerAnswer = ask(self.url, probe, self.user_agent, self.time_limit)
        return ProbeResult(
            probe,
            answer.status,
            time.monotonic() - began,
            answer.hints.get("location", ""),
            answer.problem,
            answer.timed_out,
            answer.closed,
            answer.hints,
        )


@dataclass
class _Sender:
    """Sends for one batch: gives up on a silent handler, and slows down to one at a time once it said 429 or was late, until waiting
    was in vain."""

    line: HandlerLine
    began: float
    renew: Callable[[Probe], Probe]
    silent: int = 0
    limited: bool = False
    in_vain: bool = False
    alone: threading.Lock = field(default_factory=threading.Lock)

    def send(self, probe: Probe) -> ProbeResult:
        if self.silent >= SILENT_AT_MOST or time.monotonic() - self.began > TIME_BUDGET:
            return ProbeResult(probe, problem="not sent, because the handler had not answered or was too slow before")
        result = self._slowly(probe) if self.limited else self.line._once(self.renew(probe))
        if result.status == 429:
            self.limited = True
            result = self._slowly(probe)
        elif result.timed_out:
            self.limited = True
            result = self._alone(probe)
        self.silent += not result.status and not result.closed
        return result

    def _alone(self, probe: Probe) -> ProbeResult:
        """Once more by itself, twice at most: what came before may still be worked on."""
        with self.alone:
            for _ in range(2):
                result = self.line._once(self.renew(probe))
                if not result.timed_out or self.silent >= SILENT_AT_MOST:
                    break
        return replace(result, crowded=bool(result.status))

    def _slowly(self, probe: Probe) -> ProbeResult:
        with self.alone:
            result = (self.line._once if self.in_vain else self.line.send)(self.renew(probe))
            self.in_vain = result.status == 429
            return result


def _asked(result: ProbeResult) -> float:
    asked = result.hints.get("retry-after", "")
    return float(asked) if asked.isdigit() else 0.0
