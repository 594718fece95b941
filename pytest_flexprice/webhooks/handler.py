"""What the probes' results say of the handler's checking of signatures (checklist 6.2); pure.

Negative results count only beside a positive control of the same run: a handler that refuses everything verifies nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_flexprice.model.finding import Finding, Kind, Severity
from pytest_flexprice.webhooks.causes import causes
from pytest_flexprice.webhooks.forged import forged_findings
from pytest_flexprice.webhooks.mint import Expect
from pytest_flexprice.webhooks.probes import COMPOSED, CONTROL, CONTROL_AGAIN, DECOMPOSED, NOW, REFUSED_BEFORE
from pytest_flexprice.webhooks.real_ids import only_real_ids, takes_only_real_ids
from pytest_flexprice.webhooks.results import ProbeResult

ITEM = "6.2"
PATH = "webhook handler"


def signature_findings(results: Sequence[ProbeResult], processed: Mapping[str, int] | None = None) -> list[Finding]:
    """What the results of ``sending.try_signatures`` say; see ``handler_findings``."""
    control = next((result for result in results if result.probe.name == CONTROL), None)
    if takes_only_real_ids(results):
        return [only_real_ids(ITEM)]
    if control is None or not (control.accepted or control.refused):
        return [_unjudged(control)]
    if control.refused:
        return [_refused(control, results)]
    shut = next((result for result in results if result.probe.name == CONTROL_AGAIN and not result.accepted), None)
    valid = _valid(results) if shut is None else [_shut_out(shut, results)]
    return [*valid, *forged_findings(results, processed or {})]


def secret_findings(shown: str, fingerprint: str, fingerprints: Mapping[str, str]) -> list[Finding]:
    """Whether the signing secret that the plan names is an endpoint's (checklist 6.2).

    Args:
        shown: the plan's variable.
        fingerprint: that of the variable's value.
        fingerprints: those of the plan's endpoints that could be read, by endpoint id.
    """
    if not fingerprints:
        return [
            Finding(
                ITEM,
                "webhook endpoints",
                "the signing secret of the plan's endpoint could not be read, so only the probes speak for it",
                severity=Severity.INFO,
            )
        ]
    if fingerprint in fingerprints.values():
        return []
    return [
        Finding(
            ITEM,
            f"variable {shown}",
            f"the signing secret in {shown} is not the registered endpoint's (compared by fingerprint)",
            expected=" or ".join(sorted(set(fingerprints.values()))),
            observed=fingerprint,
            consequence="a handler with this secret refuses every real webhook, and the probes of this run prove nothing about them",
            remedy="copy the signing secret of this environment's endpoint from the webhook portal; another environment's looks alike",
        )
    ]


def _unjudged(control: ProbeResult | None) -> Finding:
    said = control.said if control else "it was not sent"
    return Finding(
        ITEM,
        PATH,
        "whether the webhook handler verifies signatures could not be tried, because it did not take a correctly signed message",
        expected="2xx",
        observed=said,
        remedy=f"{_unjudged_remedy(control)}, then run again",
        kind=Kind.NOT_VERIFIED,
    )


def _unjudged_remedy(control: ProbeResult | None) -> str:
    if control is not None and control.crashed:
        return "mend the error that the handler, or what stands before it, logs for this message"
    if control is not None and control.redirected:
        return "name the final URL in webhooks.handler.url, slash and scheme included"
    if control is not None and control.status == 429:
        return "let the probes through: something limits how often the handler is called, or shuts out who sent forged ones before"
    if control is not None and control.closed:
        return "let the handler answer 2xx itself, over HTTP, and shut out nobody who has sent forged messages, as an earlier run has"
    return "make the handler's URL reachable from here and let it answer 2xx itself"


def _refused(control: ProbeResult, results: Sequence[ProbeResult]) -> Finding:
    found = causes(control, results)
    return Finding(
        ITEM,
        PATH,
        f"the webhook handler refuses correctly signed messages{' or'.join(cause.words for cause in found)}",
        expected=f"2xx for a message signed with {control.probe.key}",
        observed=control.said,
        consequence="it will refuse every webhook, and no invoice or payment reaches the company's systems",
        remedy="; or ".join(dict.fromkeys(cause.remedy for cause in found)),
    )


def _shut_out(shut: ProbeResult, results: Sequence[ProbeResult]) -> Finding:
    forged = [result for result in results if result.probe.expect is Expect.REFUSED]
    after = "a forged one" if len(forged) == 1 else "forged ones"
    return Finding(
        ITEM,
        PATH,
        f"the webhook handler, or something before it, takes true messages from here no longer after {after} and answers"
        f" {shut.status or 'nothing'}, so not all could be tried: is the tester shut out?",
        expected="2xx",
        observed=shut.said,
        consequence="what was refused after that was refused for where it came from",
        remedy="let the address that this run comes from send as many forged messages as it likes, then run again",
        kind=Kind.NOT_VERIFIED,
    )


def _valid(results: Sequence[ProbeResult]) -> list[Finding]:
    by_name = {result.probe.name: result for result in results}
    one_way = [name for name in (COMPOSED, DECOMPOSED) if name in by_name and by_name[name].accepted]
    findings = []
    for name in _BYTES:
        result = by_name.get(name)
        if result is not None and not result.accepted and result.status != 429:  # item 6.4 tells of limits
            undated = by_name.get(f"{name}{NOW}")
            if undated is not None and undated.accepted:
                findings.append(_not_taken(result, *_DATED[name]))
                continue
            findings.append(_not_taken(result, *(_NORMALISED if name == "letters" and one_way else _BYTES[name])))
            if name in ("extra field", "odd bytes"):
                break  # what refuses these refuses the others for the same reason
    known = by_name.get(REFUSED_BEFORE)
    if known is not None and not known.accepted and known.status != 429:
        problem = f"the webhook handler does not take {known.probe.title}"
        findings.append(
            _not_taken(known, problem, "anybody who guesses an id can have a webhook refused", VERIFY_FIRST)
        )
    rotation = [
        result for result in results if result.probe.kind == "rotation" and not result.accepted and result.status != 429
    ]
    if rotation:
        findings.append(
            _not_taken(
                rotation[0],
                f"the webhook handler does not take {rotation[0].probe.title}",
                "every webhook is lost while the secret is rotated",
                "split the svix-signature header at blanks and accept the message if any of its v1 signatures matches",
            )
        )
    return findings


VERIFY_FIRST = "verify before remembering an id"
_FIVE_MINUTES = "take messages whose svix-timestamp is up to five minutes off, either way"
_RAW = "verify the raw body as received, before parsing it"
#: a correctly signed message that is refused: what that shows, what it costs, what to do
_BYTES: Mapping[str, tuple[str, str, str]] = {
    "extra field": (
        "the webhook handler does not take a message that has one field more than it knows",
        "Flexprice adds fields without notice",
        "ignore fields that are not known",
    ),
    "odd bytes": (
        "the webhook handler refuses a correctly signed message in unusual bytes (white space, key order, escapes, 1.0), so it "
        "verifies a parsed and re-encoded body",
        "a webhook is lost as soon as the sender writes a character differently",
        _RAW,
    ),
    "white space": (
        "the webhook handler refuses a correctly signed message with white space at its end, so it, or something before it, trims "
        "the body or reads it line by line before verifying",
        "a webhook is lost as soon as the sender ends it with a line break",
        _RAW,
    ),
    "letters": (
        "the webhook handler does not take a correctly signed message with letters beyond ASCII, so it decodes the body otherwise "
        "than as UTF-8",
        "every webhook about a customer such as 'Zoë' is lost",
        f"{_RAW}, and decode it as UTF-8",
    ),
}


#: the same where it is taken dated now
_DATED: Mapping[str, tuple[str, str, str]] = {
    "extra field": (
        "the webhook handler refuses a correctly signed message of half a minute ago",
        "a webhook is lost, and sent again and again, as soon as the network or a queue delays it",
        _FIVE_MINUTES,
    ),
    "white space": (
        "the webhook handler refuses a correctly signed message dated ten seconds ahead",
        "webhooks are lost, and sent again and again, as soon as two clocks differ a little",
        _FIVE_MINUTES,
    ),
}
_NORMALISED = (
    "the webhook handler does not take a correctly signed message with accents in both of Unicode's ways, and takes it with one of them, "
    "so it, or something before it, normalises the text before verifying",
    "webhooks about customers whose names are written otherwise are lost",
    _RAW,
)


def _not_taken(result: ProbeResult, problem: str, consequence: str, remedy: str) -> Finding:
    unclear = not result.status
    return Finding(
        ITEM,
        f"{PATH}: {result.probe.name}",
        problem,
        expected="2xx",
        observed=result.said,
        consequence=consequence,
        remedy=remedy,
        kind=Kind.NOT_VERIFIED if unclear else Kind.REQUIREMENT,
    )
