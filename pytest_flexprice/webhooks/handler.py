"""What the probes' results say of the handler's checking of signatures (checklist 6.2); pure.

Negative results count only beside a positive control of the same run: a handler that refuses everything verifies nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pytest_flexprice.model.finding import Finding, Kind, Severity
from pytest_flexprice.webhooks.beliefs import Belief, beliefs, in_common, plainest
from pytest_flexprice.webhooks.causes import causes
from pytest_flexprice.webhooks.mint import Expect
from pytest_flexprice.webhooks.probes import CONTROL
from pytest_flexprice.webhooks.sending import Result

ITEM = "6.2"
PATH = "webhook handler"
_FORGERY = "whoever knows its URL can report invoices as finalized or paid"
_VERIFY = (
    "verify the svix-signature header over the raw body of every request first, and answer 401 where it does not hold"
)
_REPLAY = "a message that somebody recorded can be sent again as a new one"
_CONTENT = "sign '<svix-id>.<svix-timestamp>.<raw body>' of the request at hand, and compare with that"
_LOAD = "load the endpoint's signing secret, and refuse to start without it"
_IMPLIED = {"tampered", "exchanged time", "exchanged id", "empty key", "other environment"}
_ACCEPTED: Mapping[str, tuple[str, str]] = {
    "unsigned": (_FORGERY, _VERIFY),
    "tampered": ("amounts and states can be changed on the way or replaced at will", _CONTENT),
    "exchanged time": (_REPLAY, _CONTENT),
    "exchanged id": (f"{_REPLAY} and is processed twice", _CONTENT),
    "wrong secret": (
        f"any secret will do, changed messages pass as well, and {_FORGERY}",
        "compare the signature itself with one made from the endpoint's secret, in constant time",
    ),
    "empty key": (_FORGERY, _LOAD),
    "other environment": (
        "another environment's events are booked as this one's",
        "keep only this environment's signing secret in the handler's configuration",
    ),
    "stale": (_REPLAY, "refuse messages whose svix-timestamp is more than five minutes off"),
    "future": (_REPLAY, "refuse messages whose svix-timestamp is more than five minutes off, ahead as well"),
    "malformed": (_FORGERY, _VERIFY),
}


def signature_findings(results: Sequence[Result], processed: Mapping[str, int] | None = None) -> list[Finding]:
    """What the results of ``sending.try_signatures`` say; see ``handler_findings``."""
    control = next((result for result in results if result.probe.name == CONTROL), None)
    if control is None or not (control.accepted or control.refused):
        return [_unjudged(control)]
    if control.refused:
        return [_refused(control, results)]
    return [*_valid(results), *_forged(results, processed or {})]


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


def _unjudged(control: Result | None) -> Finding:
    said = control.said if control else "it was not sent"
    return Finding(
        ITEM,
        PATH,
        "whether the webhook handler verifies signatures could not be tried, because it did not take a correctly signed message",
        expected="2xx",
        observed=said,
        remedy="make the handler's URL reachable from here and answer 2xx itself, then run again",
        kind=Kind.NOT_VERIFIED,
    )


def _refused(control: Result, results: Sequence[Result]) -> Finding:
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


def _valid(results: Sequence[Result]) -> list[Finding]:
    by_name = {result.probe.name: result for result in results}
    findings = []
    extra, odd = by_name.get("extra field"), by_name.get("odd bytes")
    if extra and not extra.accepted:
        findings.append(
            _not_taken(
                extra,
                "the webhook handler does not take a message that has one field more than it knows",
                "Flexprice adds fields without notice",
                "ignore fields that are not known",
            )
        )
    elif odd and not odd.accepted:
        findings.append(
            _not_taken(
                odd,
                "the webhook handler refuses a correctly signed message in unusual bytes (white space, key order, escapes, "
                "1.0), so it verifies a parsed and re-encoded body",
                "a webhook is lost as soon as the sender writes a character differently",
                "verify the raw body as received, before parsing it",
            )
        )
    rotation = [result for result in results if result.probe.kind == "rotation" and not result.accepted]
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


def _not_taken(result: Result, problem: str, consequence: str, remedy: str) -> Finding:
    unclear = not result.status or result.status == 429
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


def _forged(results: Sequence[Result], processed: Mapping[str, int]) -> list[Finding]:
    forged = [result for result in results if result.probe.expect in (Expect.REFUSED, Expect.NO_EFFECT)]
    became = beliefs(results, processed)
    plain = [result for result in forged if result.probe.kind not in _MATRIX]
    answered = [result for result in forged if result.probe.expect is Expect.REFUSED and result.probe.kind != "carried"]
    if answered and all(became[result.probe.name] is Belief.BELIEVED for result in answered):
        return [_everything(answered, results, processed)]
    kinds = list(dict.fromkeys(result.probe.kind for result in plain))
    told = {result.probe.kind for result in plain if became[result.probe.name] is Belief.BELIEVED}
    if "wrong secret" in told:
        kinds, told = [kind for kind in kinds if kind not in _IMPLIED], told | set(_IMPLIED)
    groups = [[result for result in plain if result.probe.kind == kind] for kind in kinds]
    return [
        *(finding for group in groups for finding in _of_kind(group, became, processed)),
        *_crossed(forged, became, told, processed),
        *_carried(forged, became, told, processed),
        *_without_effect(forged, became),
    ]


_MATRIX = ("crossed", "carried")


def _crossed(
    forged: Sequence[Result], became: Mapping[str, Belief], told: set[str], processed: Mapping[str, int]
) -> Iterable[Finding]:
    """One finding for what is believed of some types, headers or content types only."""
    tried = [result for result in forged if result.probe.kind == "crossed" and result.probe.about["form"] not in told]
    believed = [result for result in tried if became[result.probe.name] is Belief.BELIEVED]
    if not believed:
        return
    shown = plainest(believed)
    yield Finding(
        ITEM,
        f"{PATH}: {shown.probe.name}",
        "the webhook handler verifies only some messages: "
        f"{shown.probe.title} is answered {shown.status}{_processed(believed, processed)}{in_common(believed, tried)}",
        expected="4xx for each forged message, whatever its type, headers and content type",
        observed=f"2xx for {len(believed)} of {len(tried)} forged messages",
        consequence=_FORGERY,
        remedy=_VERIFY,
    )


def _carried(
    forged: Sequence[Result], became: Mapping[str, Belief], told: set[str], processed: Mapping[str, int]
) -> Iterable[Finding]:
    """A finding for each unusual way in which a forgery is believed."""
    implied = {"duplicate keys": "tampered"}
    for result in forged:
        probe = result.probe
        if probe.kind != "carried" or implied.get(probe.name, "wrong secret") in told:
            continue
        if became[probe.name] is Belief.BELIEVED:
            yield Finding(
                ITEM,
                f"{PATH}: {probe.name}",
                f"the webhook handler believes {probe.title}: it is answered {result.status}{_processed([result], processed)}",
                expected="4xx",
                observed=result.said,
                consequence=_FORGERY,
                remedy=f"{_VERIFY}; let no way around that check be left",
            )
        elif became[probe.name] is Belief.UNCLEAR:
            yield Finding(
                ITEM,
                f"{PATH}: {probe.name}",
                f"whether {probe.title} would be believed could not be seen, because anything {probe.about['way']} is answered "
                "with success",
                observed=result.said,
                remedy="answer 404 or 405 there, or name webhooks.processed, which tells",
                severity=Severity.INFO if probe.way.method == "HEAD" else Severity.WARNING,
            )


def _without_effect(forged: Sequence[Result], became: Mapping[str, Belief]) -> Iterable[Finding]:
    found = [result for result in forged if became[result.probe.name] is Belief.WITHOUT_EFFECT]
    if found:
        yield Finding(
            ITEM,
            f"{PATH}: {found[0].probe.name}",
            f"the webhook handler answers success to {len(found)} forged messages, and processed none of those that it was asked about: "
            "it verifies after it answers",
            observed=found[0].said,
            consequence="its answers say nothing of whether a webhook was taken, so the delivery service cannot send it again",
            remedy="verify before answering: it takes microseconds",
            severity=Severity.WARNING,
        )


def _processed(results: Sequence[Result], processed: Mapping[str, int]) -> str:
    done = [result.probe.invoice_id for result in results if processed.get(result.probe.invoice_id, 0) > 0]
    return f" and was processed as {done[0]}" if done else ""


def _everything(forged: Sequence[Result], results: Sequence[Result], processed: Mapping[str, int]) -> Finding:
    asked = [result.probe.invoice_id for result in results if result.probe.invoice_id in processed]
    effect = ""
    if asked:
        done = sum(processed[invoice] > 0 for invoice in asked)
        effect = (
            f", and processed {done} of {len(asked)} of these messages"
            if done
            else ", and had processed none of them when asked right after"
        )
    return Finding(
        ITEM,
        PATH,
        f"the webhook handler answers success to everything, also to all {len(forged)} forged messages{effect}",
        expected="4xx for each forged message",
        observed=", ".join(sorted({result.said for result in forged})),
        consequence=f"a 2xx of this handler proves nothing, and {_FORGERY}",
        remedy=_VERIFY,
    )


def _of_kind(group: Sequence[Result], became: Mapping[str, Belief], processed: Mapping[str, int]) -> Iterable[Finding]:
    kind = group[0].probe.kind
    accepted = [result for result in group if became[result.probe.name] is Belief.BELIEVED]
    group = [result for result in group if result.probe.expect is Expect.REFUSED]
    crashed = [result for result in group if result.crashed]
    unclear = [result for result in group if not (result.accepted or result.refused or result.crashed)]
    if accepted:
        yield _accepted(kind, accepted, processed)
    if crashed:
        yield Finding(
            ITEM,
            f"{PATH}: {crashed[0].probe.name}",
            f"the webhook handler fails on {crashed[0].probe.title} instead of refusing it",
            expected="4xx",
            observed=crashed[0].said,
            consequence="forged requests show up as errors of the company's own systems",
            remedy="catch what the signature library raises (also ValueError) and answer 401",
            severity=Severity.ERROR if kind == "malformed" else Severity.WARNING,
        )
    if unclear and not accepted:
        yield Finding(
            ITEM,
            f"{PATH}: {unclear[0].probe.name}",
            f"whether the webhook handler refuses {unclear[0].probe.title} could not be seen",
            expected="4xx",
            observed=unclear[0].said,
            remedy="let the probes through to the handler and run again",
            kind=Kind.NOT_VERIFIED,
        )


def _accepted(kind: str, accepted: Sequence[Result], processed: Mapping[str, int]) -> Finding:
    probe = accepted[0].probe
    consequence, remedy = _ACCEPTED.get(kind, (_FORGERY, _VERIFY))
    done = [result.probe.invoice_id for result in accepted if processed.get(result.probe.invoice_id, 0) > 0]
    return Finding(
        ITEM,
        f"{PATH}: {probe.name}",
        f"the webhook handler accepts {probe.title}" + (f" and processed it as {done[0]}" if done else ""),
        expected="4xx",
        observed=accepted[0].said,
        consequence=consequence,
        remedy=remedy,
    )
