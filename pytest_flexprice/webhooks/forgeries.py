"""Forged messages of every type, in both families of headers and several content types (checklist 6.2, contract 6.2, 6.8).

Handlers that verify only some messages are caught by pairs: event type, family of headers, content type and kind of forgery are crossed
so that each two values meet. A forgery that is accepted counts only beside its twin, the same message with a true signature, which is
sent then.
"""

from __future__ import annotations

import dataclasses

from pytest_flexprice.webhooks import bodies, signatures
from pytest_flexprice.webhooks.mint import Expect, Mint, Probe, fresh_secret
from pytest_flexprice.webhooks.pairs import Combination, all_pairs

TYPES = (*bodies.KNOWN_TYPES, bodies.UNKNOWN_TYPE)
CONTENT_TYPES = ("application/json", "text/plain", "application/x-www-form-urlencoded", "")
FORMS = ("unsigned", "wrong secret", "tampered")
_DIMENSIONS = (TYPES, signatures.HEADER_FAMILIES, CONTENT_TYPES, FORMS)
_SAID = {
    "unsigned": "an unsigned {}",
    "wrong secret": "{} with a wrong signature",
    "tampered": "{} changed after signing",
}


def crossed(mint: Mint) -> list[Probe]:
    """Forged messages that cross type, family of headers, content type and form in pairs; of further types one each."""
    plain = [(0, 0, 0, form) for form in range(len(FORMS))]  # sent as they are
    rows = all_pairs([len(values) for values in _DIMENSIONS], [*plain, *_one_unlike()])[len(plain) :]
    chosen = [tuple(values[number] for values, number in zip(_DIMENSIONS, row, strict=True)) for row in rows]
    further = [(event_type, "svix", CONTENT_TYPES[0], "wrong secret") for event_type in bodies.OTHER_TYPES]
    return [_crossed(mint, *values) for values in [*chosen, *further]]


def _one_unlike() -> list[Combination]:
    """Each forgery of a message that is unlike the usual one in a single dimension, so that nothing else has it refused."""
    usual = (0, 0, 0)
    changed = [
        (*usual[:dimension], value, *usual[dimension + 1 :])
        for dimension in range(len(usual))
        for value in range(1, len(_DIMENSIONS[dimension]))
    ]
    forms = [FORMS.index(form) for form in ("unsigned", "wrong secret")]
    return [(*row, form) for row in changed for form in forms]


def _crossed(mint: Mint, event_type: str, family: str, content_type: str, form: str) -> Probe:
    name = f"{form} {event_type} in {family} headers as {content_type or 'no content type'}"
    about = {"type": event_type, "headers": f"{family}-*", "content type": content_type or "none", "form": form}
    body = bodies.encode(mint.message(name, event_type))
    article = "" if form == "unsigned" else "an " if event_type.startswith("invoice") else "a "
    title = _SAID[form].format(f"{article}`{event_type}`")
    forged = mint.made(
        name, "crossed", title, body, headers=_forged_headers(mint, name, body, form, family), event_type=event_type
    )
    forged = _typed(dataclasses.replace(forged, about=about), content_type)
    twin = mint.signed(
        f"signed {name}",
        "twin",
        "",
        bodies.encode(mint.message(f"signed {name}", event_type)),
        expect=Expect.TOLD,
        event_type=event_type,
        family=family,
    )
    return dataclasses.replace(forged, twin=_typed(twin, content_type))


def _forged_headers(mint: Mint, name: str, body: bytes, form: str, family: str) -> dict[str, str]:
    """The three headers, without a signature, with one of another secret, or with one of another body."""
    message_id = mint.message_id(name)
    if form == "unsigned":
        sent = signatures.headers(message_id, signatures.timestamp(mint.now), "", family)
        return {header: value for header, value in sent.items() if value}
    if form == "wrong secret":
        return signatures.sign(fresh_secret(), message_id, mint.now, body, family=family)
    return signatures.sign(mint.secret, message_id, mint.now, body + b" ", family=family)


def _typed(probe: Probe, content_type: str) -> Probe:
    rest = {header: value for header, value in probe.headers.items() if header != "content-type"}
    return dataclasses.replace(probe, headers={**({"content-type": content_type} if content_type else {}), **rest})
