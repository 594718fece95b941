"""What is said of the forged messages that a handler believed (checklist 6.2); pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pytest_flexprice.model.finding import Finding, Kind, Severity
from pytest_flexprice.webhooks.beliefs import Belief, beliefs, in_common, plainest
from pytest_flexprice.webhooks.mint import Expect
from pytest_flexprice.webhooks.quiet_refusals import quiet_refusals
from pytest_flexprice.webhooks.results import ProbeResult

ITEM = "6.2"
PATH = "webhook handler"
PAYMENT = "invoice.update.payment"
_FORGERY = "whoever knows its URL can report invoices as finalized or paid"
_VERIFY = (
    "verify the svix-signature header over the raw body of every request first, and answer 401 where it does not hold"
)
_REPLAY = "a message that somebody recorded can be sent again as a new one"
_GUESSED = "a signature can be guessed piece by piece"
_WHOLE = "compare the whole signature with the one that was calculated, byte for byte and in constant time"
_CONTENT = "sign '<svix-id>.<svix-timestamp>.<raw body>' of the request at hand, and compare with that"
_LOAD = "load the endpoint's signing secret, and refuse to start without it"
_NEAR = {"beginning", "cut off", "other case", "other version", "no id", "no timestamp", "known invoice", "not ASCII"}
#: a kind that is believed: the kinds of which nothing new is said then
_IMPLIED = {
    "wrong secret": {"tampered", "exchanged time", "exchanged id", "empty key", "other environment", *_NEAR},
    "unsigned": {"no id", "no timestamp"},
}
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
    "beginning": (_GUESSED, _WHOLE),
    "cut off": (_GUESSED, _WHOLE),
    "other case": (_GUESSED, _WHOLE),
    "other version": (
        _FORGERY,
        "refuse a message unless one of its v1 signatures matches, whatever other versions it carries",
    ),
    "no id": (_FORGERY, _VERIFY),
    "no timestamp": (_FORGERY, _VERIFY),
    "not ASCII": (_FORGERY, "answer 401 to whatever the verification raises, and let no error of it end in success"),
    "known invoice": (
        "whoever knows an invoice's id can report it as paid",
        "verify every message, also about invoices that are known",
    ),
}


def forged_findings(results: Sequence[ProbeResult], processed: Mapping[str, int]) -> list[Finding]:
    """One finding for each way in which a forgery is believed, or makes the handler fail, or could not be judged.

    Args:
        processed: how often the company's side processed each invoice that it was asked about, by its id.
    """
    forged = [result for result in results if result.probe.expect in (Expect.REFUSED, Expect.NO_EFFECT)]
    became = beliefs(results, processed)
    plain = [result for result in forged if result.probe.kind not in _MATRIX]
    answered = [result for result in forged if result.probe.expect is Expect.REFUSED and result.probe.kind != "carried"]
    if answered and all(became[result.probe.name] is Belief.BELIEVED for result in answered):
        return [_everything(answered, results, processed)]
    kinds = list(dict.fromkeys(result.probe.kind for result in plain))
    told = {result.probe.kind for result in plain if became[result.probe.name] is Belief.BELIEVED}
    if any(result.probe.event_type == PAYMENT for result in forged if _believed_crossed(result, became)):
        kinds = [kind for kind in kinds if kind != "known invoice"]
    for kind, implied in _IMPLIED.items():
        if kind in told:
            kinds, told = [other for other in kinds if other not in implied], told | implied
    alive = any(result.accepted and result.probe.kind != "control" for result in results)
    groups = [[result for result in plain if result.probe.kind == kind] for kind in kinds]
    return [
        *(finding for group in groups for finding in _of_kind(group, became, processed)),
        *_unseen(_unclear(group, became, alive) for group in groups),
        *_crossed(forged, became, told, processed),
        *_carried(forged, became, told, processed),
        *quiet_refusals(forged, became),
    ]


_MATRIX = ("crossed", "carried")


def _believed_crossed(result: ProbeResult, became: Mapping[str, Belief]) -> bool:
    return result.probe.kind == "crossed" and became[result.probe.name] is Belief.BELIEVED


def _crossed(
    forged: Sequence[ProbeResult], became: Mapping[str, Belief], told: set[str], processed: Mapping[str, int]
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
    forged: Sequence[ProbeResult], became: Mapping[str, Belief], told: set[str], processed: Mapping[str, int]
) -> Iterable[Finding]:
    """A finding for each unusual way in which a forgery is believed."""
    for result in forged:
        probe = result.probe
        if (
            probe.kind != "carried"
            or ("tampered" if probe.name.startswith(("duplicate keys", "batch after")) else "wrong secret") in told
        ):
            continue
        if probe.name == "forged gzip" and _as_no_text(result, became, processed):
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
                severity=Severity.INFO if probe.way.method in ("HEAD", "OPTIONS") else Severity.WARNING,
            )


def _as_no_text(gzip: ProbeResult, became: Mapping[str, Belief], processed: Mapping[str, int]) -> bool:
    """Whether what is compressed is believed only as any bytes are that are no text."""
    return became.get("forged bytes") is Belief.BELIEVED and not processed.get(gzip.probe.invoice_id)


def _processed(results: Sequence[ProbeResult], processed: Mapping[str, int]) -> str:
    done = [result.probe.invoice_id for result in results if processed.get(result.probe.invoice_id, 0) > 0]
    return f" and was processed as {done[0]}" if done else ""


def _everything(forged: Sequence[ProbeResult], results: Sequence[ProbeResult], processed: Mapping[str, int]) -> Finding:
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


def _of_kind(
    group: Sequence[ProbeResult], became: Mapping[str, Belief], processed: Mapping[str, int]
) -> Iterable[Finding]:
    """What is believed, or makes the handler fail, of one kind."""
    kind = group[0].probe.kind
    accepted = [result for result in group if became[result.probe.name] is Belief.BELIEVED]
    group = [result for result in group if result.probe.expect is Expect.REFUSED]
    crashed = [result for result in group if result.crashed]
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


def _unclear(group: Sequence[ProbeResult], became: Mapping[str, Belief], alive: bool) -> list[ProbeResult]:
    """Of one kind: what neither a success nor a refusal answered; ``alive``: other messages were taken meanwhile, so that a closed
    connection is a refusal."""
    if any(became[result.probe.name] is Belief.BELIEVED for result in group):
        return []
    return [
        result
        for result in group
        if result.probe.expect is Expect.REFUSED
        and not (result.accepted or result.refused or result.redirected or result.crashed or (result.closed and alive))
    ]


def _unseen(groups: Iterable[Sequence[ProbeResult]]) -> Iterable[Finding]:
    """One finding for each answer that says nothing, however many kinds of forgeries it was given to."""
    said: dict[str, list[ProbeResult]] = {}
    for group in filter(None, groups):
        said.setdefault(group[0].said, []).append(group[0])
    for answer, kinds in said.items():
        titles = kinds[0].probe.title
        if len(kinds) > 1:
            titles += f" and {len(kinds) - 1} other {'kinds' if len(kinds) > 2 else 'kind'} of forged messages"
        yield Finding(
            ITEM,
            f"{PATH}: {kinds[0].probe.name}",
            f"whether the webhook handler refuses {titles} could not be seen",
            expected="4xx",
            observed=answer,
            remedy="let the probes through to the handler and run again",
            kind=Kind.NOT_VERIFIED,
        )


def _accepted(kind: str, accepted: Sequence[ProbeResult], processed: Mapping[str, int]) -> Finding:
    probe = accepted[0].probe
    consequence, remedy = _ACCEPTED.get(kind, (_FORGERY, _VERIFY))
    if accepted[0].refused:
        remedy = "verify before anything is done with a message"
    done = [result.probe.invoice_id for result in accepted if processed.get(result.probe.invoice_id, 0) > 0]
    verb = "refuses" if accepted[0].refused else "accepts"
    return Finding(
        ITEM,
        f"{PATH}: {probe.name}",
        f"the webhook handler {verb} {probe.title}" + (f" and processed it as {done[0]}" if done else ""),
        expected="4xx, and nothing done" if accepted[0].refused else "4xx",
        observed=accepted[0].said,
        consequence=consequence,
        remedy=remedy,
    )
