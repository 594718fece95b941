"""What the probes' results say of the handler's answers to valid messages (checklist 6.4); pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_flexprice.model.finding import Finding, Kind, Severity
from pytest_flexprice.webhooks.probes import CONTROL
from pytest_flexprice.webhooks.real_ids import only_real_ids, takes_only_real_ids
from pytest_flexprice.webhooks.results import ProbeResult
from pytest_flexprice.webhooks.sending import TIME_ADVICE, TIME_LIMIT

ITEM = "6.4"
PATH = "webhook handler"
_RETRIED = "the delivery service takes everything but a 2xx as a failure and tries again"
_FAILURES = "webhooks fail until the endpoint is switched off"


def answer_findings(results: Sequence[ProbeResult]) -> list[Finding]:
    """What the results of ``sending.try_answers`` say: non-2xx by cause, slowness, and what could not be tried."""
    control = next((result for result in results if result.probe.name == CONTROL), None)
    if control is None or not (control.status or control.timed_out):
        return [_unjudged(control)]
    if takes_only_real_ids(results):
        return [only_real_ids(ITEM)]
    if control.refused:
        return [_control_refused(control)]
    judged = [result for result in results if result.probe.kind != "empty"]
    same = _same_answer(judged)
    if same is not None:
        return [same]
    again = {result.status for result in judged if result.probe.kind == "repeated" and not result.accepted}
    judged = [result for result in judged if result.probe.name != "later state" or result.status not in again]
    limited = [result for result in judged if result.status == 429]
    told = [result for result in judged if result.status != 429]
    findings = [*map(_limited, limited[:1]), *_types(told), *_others(told)]
    return [*findings, *_empty(results), *_slow(results)]


def repeated_findings(results: Sequence[ProbeResult]) -> list[Finding]:
    """What the results of ``sending.try_twice`` say of the answers to repeats and to another order; see 6.2 where nothing is taken."""
    if not any(result.accepted for result in results):
        return []
    judged = [result for result in results if result.probe.kind in ("repeated", "out of order", "restart", "memory")]
    again = {result.status for result in judged if result.probe.kind == "repeated" and not result.accepted}
    judged = [result for result in judged if result.probe.name != "later state" or result.status not in again]
    limited = [result for result in judged if result.status == 429]
    return [*map(_limited, limited[:1]), *_others([result for result in judged if result.status != 429])]


def retry_conflict() -> Finding:
    """Where the checklist and the delivery service disagree; told, never asserted (checklist 6.4, delivery service: retries)."""
    return Finding(
        ITEM,
        "delivery service",
        "the checklist says that a 4xx answer permanently stops retries (Go-Live Checklist, Webhooks), while the delivery service, "
        "as recorded, retries every answer but a 2xx alike, 400, 401, 403, 404, 405, 410 and 422 included (open-source server "
        "1.100.0, eight attempts over about 28 hours)",
        remedy="count on neither, and answer 2xx to everything that carries a valid signature",
        severity=Severity.INFO,
    )


def memory_unseen() -> Finding:
    """What the repeats of a run cannot show; told, never asserted."""
    return Finding(
        ITEM,
        PATH,
        "repeats came within seconds and few messages: whether the handler still knows a message after hours, thousands of others or a "
        "restart was not tried",
        remedy="keep what was processed in the database for at least three days (the delivery service tries for about 28 hours, and an "
        "operator may send again), and try both in the company's CI: webhook_probes(…, remembers=1000, restart=…)",
        severity=Severity.INFO,
    )


def _unjudged(control: ProbeResult | None) -> Finding:
    return Finding(
        ITEM,
        PATH,
        "the webhook handler's answers could not be tried",
        expected="an answer to a correctly signed message",
        observed=control.said if control else "the message was not sent",
        remedy="make the handler's URL reachable from here, or correct webhooks.handler.url",
        kind=Kind.NOT_VERIFIED,
    )


def _control_refused(control: ProbeResult) -> Finding:
    return Finding(
        ITEM,
        PATH,
        "the webhook handler refuses a correctly signed message, so no event gets a 2xx from it",
        expected="2xx",
        observed=control.said,
        consequence=_FAILURES,
        remedy="see item 6.2 for the cause",
    )


def _same_answer(results: Sequence[ProbeResult]) -> Finding | None:
    """One finding where the handler answers everything in one way that is not 2xx."""
    redirected = [result for result in results if result.redirected]
    if redirected and len(redirected) == len(results):
        return _redirect(redirected[0], "every message")
    if all(result.crashed for result in results):
        return _finding(
            results[0], "the webhook handler fails on every message", "mend the error that the handler logs for it"
        )
    sent = [result for result in results if result.status or result.timed_out]
    if all(result.timed_out for result in sent):
        return _finding(
            sent[0],
            f"the webhook handler does not answer within the {TIME_LIMIT:g} seconds that the delivery service waits",
            "put the message into a queue and answer at once",
        )
    return None


def _types(results: Sequence[ProbeResult]) -> Iterator[Finding]:
    known = [result for result in results if result.probe.kind == "known type"]
    native = [result for result in known if result.probe.name.endswith("native")]
    refused = [result for result in known if result.refused]
    if len(native) > 1 and refused == native:
        yield _finding(
            native[0],
            "the webhook handler refuses every message with its keys in the server's own order, so it verifies its own re-encoding",
            "verify the raw body as received, before parsing it",
        )
        return
    for event_type in dict.fromkeys(result.probe.event_type for result in known):
        tried = [result for result in known if result.probe.event_type == event_type]
        failed = [result for result in tried if not result.accepted]
        if not failed:
            continue
        if failed[0].redirected:
            yield _redirect(failed[0], event_type)
            continue
        order = (
            "" if len(failed) == len(tried) else f" with its keys in {_ORDER[failed[0].probe.name.split()[-1]]} order"
        )
        yield _finding(
            failed[0],
            f"the webhook handler does not answer 2xx to {event_type}{order}",
            "answer 2xx to this event type, whether or not its object is known, and read fields by name whatever their order is",
        )


_ORDER = {"svix": "alphabetical", "native": "the server's own"}
_RETRIES = "answer 2xx to a message that was already processed: retries keep its id"
_REMEDIES = {
    "unknown type": "answer 2xx to event types that are not known, and ignore them: Flexprice adds types without notice",
    "large": "accept bodies of at least 1 MiB in the handler and in the proxy before it: each line of an invoice may weigh 9 KB",
    "large letters": "put the raw bytes together first, verify those, and decode them once, as UTF-8",
    "repeated": _RETRIES,
    "restart": _RETRIES,
    "memory": _RETRIES,
    "received": _RETRIES,
    "out of order": "answer 2xx whatever came before: the order of webhooks is not guaranteed, and each carries the whole invoice",
    CONTROL: "mend the error that the handler logs for it",
}


_IN_PIECES = (
    ", though it does to one without: it decodes the body otherwise than as UTF-8, or piece by piece as it arrives, which breaks "
    "letters"
)


def _others(results: Sequence[ProbeResult]) -> Iterator[Finding]:
    taken = {result.probe.kind for result in results if result.accepted}
    for result in results:
        if result.accepted or result.probe.kind == "known type":
            continue
        title = result.probe.title
        if result.probe.kind == "large letters":
            if "large" not in taken:
                continue  # its size is what counts
            title += _IN_PIECES
        if result.redirected:
            yield _redirect(result, title)
        elif result.probe.kind in _REMEDIES:
            yield _finding(result, f"the webhook handler does not answer 2xx to {title}", _REMEDIES[result.probe.kind])


def _redirect(result: ProbeResult, what: str) -> Finding:
    return Finding(
        ITEM,
        f"{PATH}: {result.probe.name}",
        f"the webhook handler redirects {what}, and the delivery service never follows a redirect",
        expected="2xx",
        observed=result.said,
        consequence=f"{_RETRIED}, in vain",
        remedy="register the final URL"
        + (f" {result.location}" if result.location else "")
        + ", slash and scheme included",
    )


def _finding(result: ProbeResult, problem: str, remedy: str) -> Finding:
    unclear = not (result.status or result.timed_out)
    return Finding(
        ITEM,
        f"{PATH}: {result.probe.name}",
        problem,
        expected="2xx",
        observed=result.said,
        consequence="" if unclear else _RETRIED,
        remedy=remedy,
        kind=Kind.NOT_VERIFIED if unclear else Kind.REQUIREMENT,
    )


def _limited(result: ProbeResult) -> Finding:
    return Finding(
        ITEM,
        f"{PATH}: {result.probe.name}",
        "the webhook handler, or something before it, limits how often it is called, and answers 429",
        expected="2xx",
        observed=result.said,
        consequence="a burst of invoices at the end of a period is answered with 429, and comes again only minutes later",
        remedy="allow the delivery service hundreds of requests a minute at this URL, then run again",
        kind=Kind.NOT_VERIFIED,
    )


def _empty(results: Sequence[ProbeResult]) -> Iterator[Finding]:
    for result in results:
        if result.probe.kind == "empty" and result.crashed:
            yield Finding(
                ITEM,
                f"{PATH}: {result.probe.name}",
                f"the webhook handler fails on {result.probe.title}",
                expected="2xx or 4xx",
                observed=result.said,
                remedy="answer 400 to a body that is no JSON",
                severity=Severity.WARNING,
            )


def _slow(results: Sequence[ProbeResult]) -> Iterator[Finding]:
    crowded = [result for result in results if result.crowded]
    if crowded:
        yield Finding(
            ITEM,
            f"{PATH}: {crowded[0].probe.name}",
            f"the webhook handler works on one message at a time: where several came at once, {len(crowded)} of them got no answer within "
            f"{TIME_LIMIT:g} seconds, and one when they came alone",
            expected=f"an answer within {TIME_ADVICE:g} seconds, as Flexprice advises, also where several messages come at once",
            observed=f"an answer after {crowded[0].elapsed:.1f} seconds where it came alone",
            consequence=f"invoices are finalized together, and {_RETRIED}",
            remedy="put the message into a queue and answer at once, or give the handler more threads or processes",
            severity=Severity.WARNING,
        )
    slowest = max((result for result in results if result.status), key=lambda one: one.elapsed, default=None)
    if slowest is not None and slowest.elapsed > TIME_ADVICE:
        yield Finding(
            ITEM,
            f"{PATH}: {slowest.probe.name}",
            f"the webhook handler took {slowest.elapsed:.1f} seconds to answer",
            expected=f"an answer within {TIME_ADVICE:g} seconds, as Flexprice advises",
            observed=f"{slowest.elapsed:.1f} seconds",
            consequence=f"after {TIME_LIMIT:g} seconds the delivery service counts a failure and sends it again",
            remedy="put the message into a queue and answer at once",
            severity=Severity.WARNING,
        )
