"""Which forged messages a handler believed, and what those have in common (checklist 6.2); pure.

An answer of success alone proves little: a handler may verify after it answered, another server may answer at another path. What the
company's side did with a message decides where it can be asked; else a forgery counts where its twin with a true signature is accepted
and nothing at all is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import Enum

from pytest_flexprice.webhooks.mint import Expect
from pytest_flexprice.webhooks.results import ProbeResult

UNASKABLE = ("exchanged id", "known invoice")
"""Probes about an invoice that was processed before, so that nobody can tell what became of them."""
DIMENSIONS = ("type", "headers", "content type", "form")


class Belief(Enum):
    """What became of a forged message."""

    REFUSED = "refused, or no answer that says anything"
    BELIEVED = "believed"
    IN_WORDS = "answered with success and a body that refuses it"
    WITHOUT_EFFECT = "answered with success and not processed, while true messages are"
    UNCLEAR = "answered with success, as is anything sent so"


def beliefs(results: Sequence[ProbeResult], processed: Mapping[str, int]) -> dict[str, Belief]:
    """What became of each forged message, by its probe's name.

    Args:
        processed: how often the company's side processed each invoice, by its id, as far as it was asked and can be trusted.
    """
    by_name = {result.probe.name: result for result in results}
    forged = [result for result in results if result.probe.expect in (Expect.REFUSED, Expect.NO_EFFECT)]
    said = {_text(result) for result in results if result.accepted and result.probe.expect is Expect.ACCEPTED}
    found = {result.probe.name: _belief(result, by_name, processed, said) for result in forged}
    without = {
        _form(by_name[name])
        for name, belief in found.items()
        if belief is Belief.WITHOUT_EFFECT and by_name[name].probe.kind not in ("crossed", "carried")
    }
    # A message that nobody can tell about gets the benefit of one that is forged alike, is answered alike, and had no effect.
    unproven = [
        name for name, belief in found.items() if belief is Belief.BELIEVED and not _proven(by_name[name], processed)
    ]
    found.update({name: Belief.WITHOUT_EFFECT for name in unproven if _form(by_name[name]) in without})
    return found


def _proven(result: ProbeResult, processed: Mapping[str, int]) -> bool:
    return processed.get(result.probe.invoice_id, 0) > 0


def _form(result: ProbeResult) -> str:
    """How a message is forged, whatever its type and the way it is carried."""
    probe = result.probe
    if probe.kind in ("carried", "known invoice"):
        return "wrong secret"
    if probe.kind in ("exchanged id", "exchanged time"):
        return "tampered"
    return probe.about.get("form", probe.kind)


_REFUSING = re.compile(
    r"invalid|error|fail|unauthori[sz]ed|forbidden|denied|mismatch|reject|refus|bad signature|not verif|"
    r"\"?(ok|success|valid|verified)\"?\s*[:=]\s*(false|0)",
    re.IGNORECASE,
)


def refusing_words(result: ProbeResult) -> str:
    """What in an answer's body says that it refuses, or ""."""
    found = _REFUSING.search(_text(result))
    return found[0] if found else ""


def _text(result: ProbeResult) -> str:
    return result.hints.get("text", "")


def _belief(
    result: ProbeResult, by_name: Mapping[str, ProbeResult], processed: Mapping[str, int], said: set[str]
) -> Belief:
    probe = result.probe
    if _proven(result, processed) and probe.name not in UNASKABLE:
        return Belief.BELIEVED
    if not result.accepted or probe.expect is Expect.NO_EFFECT or result.preflight:
        return Belief.REFUSED
    if refusing_words(result) and _text(result) not in said:
        return Belief.IN_WORDS
    twin = by_name.get(probe.twin.name) if probe.twin else None
    asked = probe.invoice_id in processed and probe.name not in UNASKABLE
    if asked and twin is not None and processed.get(twin.probe.invoice_id, 0) > 0:
        return Belief.WITHOUT_EFFECT
    nothing = by_name.get(probe.nonsense.name) if probe.nonsense else None
    return Belief.UNCLEAR if nothing is not None and nothing.accepted else Belief.BELIEVED


def in_common(believed: Sequence[ProbeResult], tried: Sequence[ProbeResult]) -> str:
    """In which dimensions the believed messages differ from those that were refused, as an end of a sentence."""
    parts = []
    for dimension in DIMENSIONS:
        seen = dict.fromkeys(result.probe.about[dimension] for result in believed)
        every = {result.probe.about[dimension] for result in tried}
        if set(seen) != every:
            parts.append(f"{dimension} {_either(list(seen))}")
    return f" (seen with {'; '.join(parts)})" if parts else ""


def _either(values: Sequence[str]) -> str:
    quoted = [f"`{value}`" for value in values]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def plainest(results: Sequence[ProbeResult]) -> ProbeResult:
    """The message that is least unlike a usual one, to be shown for its kind."""
    usual = {"type": "invoice.update.finalized", "headers": "svix-*", "content type": "application/json"}
    return min(results, key=lambda result: sum(result.probe.about.get(key) != value for key, value in usual.items()))
