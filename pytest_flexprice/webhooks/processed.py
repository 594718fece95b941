"""How often the company's side processed an invoice's webhook, as far as it tells, and what that says (checklist 7.4); pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_flexprice.model.finding import Finding, Kind

ITEM = "7.4"


@dataclass(frozen=True)
class Processed:
    """How often the company processed an invoice's webhook, and by which messages, as far as it tells.

    Attributes:
        counted: whether ``times`` is a count, or merely says whether it happened.
        doubt: why a "no" may not be about the invoice at all, as the end of "webhooks.processed …", or "".
    """

    times: int
    message_ids: tuple[str, ...] = ()
    counted: bool = True
    doubt: str = ""


def processed_findings(
    invoice_id: str, processed: Processed | None, *, item: str = ITEM, how: str = ""
) -> list[Finding]:
    """Whether the company's side processed a webhook exactly once; pure. ``how`` says in which case, for the sentence."""
    if processed is None:
        return [undecided(item)]
    if processed.times == 0 and processed.doubt:
        return [_doubtful(invoice_id, processed, item)]
    if processed.times == 0:
        return [
            Finding(
                item,
                f"invoice {invoice_id}",
                f"the webhook of invoice '{invoice_id}' was answered with success and not processed",
                expected="processed once",
                observed="not processed",
                consequence="the company's own books do not know of the invoice",
                remedy="look into what the handler does after it answers: its queue, its errors, the types it handles",
            )
        ]
    return list(_twice(invoice_id, processed, item, how))


def _doubtful(invoice_id: str, processed: Processed, item: str) -> Finding:
    return Finding(
        item,
        "golive.toml: webhooks.processed",
        f"whether the webhook of invoice '{invoice_id}' was processed cannot be told: webhooks.processed {processed.doubt}, so its URL "
        "is to be suspected before the handler, which answered with success",
        expected="200 for a processed invoice",
        observed="404",
        remedy="open the URL for an invoice that was processed, correct it, and let it answer an invoice that was not with JSON "
        'such as {"times": 0}',
        kind=Kind.NOT_VERIFIED,
    )


def _twice(invoice_id: str, processed: Processed, item: str, how: str) -> Iterator[Finding]:
    if processed.counted and processed.times > 1:
        ids = ", ".join(f"'{one}'" for one in processed.message_ids)
        yield Finding(
            item,
            f"invoice {invoice_id}",
            f"the webhook of invoice '{invoice_id}' was processed {processed.times} times"
            + (f" {how}" if how else "")
            + (f" (messages {ids})" if ids else ""),
            expected="once",
            observed=f"{processed.times} times",
            consequence="retries keep the message id and are part of every day, and each books the invoice again",
            remedy="remember the svix-id of each message that was processed, and the event type with the invoice id, in one step "
            "that only one of two requests can win (a unique key), and skip repeats",
        )


def as_processed(answer: Any) -> Processed:
    """What ``handler_has_processed`` may return: a bool, a count, the message ids, a ``Processed``, or JSON with ``times``
    and ``message_ids``; None means that it was not processed."""
    if isinstance(answer, Processed):
        return answer
    if answer is None or isinstance(answer, bool):
        return Processed(int(bool(answer)), counted=False)
    if isinstance(answer, int):
        return Processed(max(0, answer))
    if isinstance(answer, Mapping):
        return _from_json(answer)
    if isinstance(answer, (list, tuple, set, frozenset)):
        return Processed(len(answer), _ids(answer))
    return Processed(int(bool(answer)), counted=False)


def _from_json(answer: Mapping[str, Any]) -> Processed:
    ids, times, done = _ids(answer.get("message_ids")), answer.get("times"), answer.get("processed")
    if isinstance(times, int) and not isinstance(times, bool):
        return Processed(max(0, times), ids)
    if ids:
        return Processed(len(ids), ids)
    return Processed(int(done) if isinstance(done, bool) else 1, counted=False)


def undecided(item: str) -> Finding:
    """Nobody can tell."""
    return Finding(
        item,
        "golive.toml: webhooks.processed",
        "the plan does not say how to see that the handler processed a webhook",
        remedy="name a URL in webhooks.processed, override the fixture handler_has_processed, or lower webhooks.grade",
        kind=Kind.NOT_DECIDED,
    )


def _ids(values: Any) -> tuple[str, ...]:
    return tuple(map(str, values)) if isinstance(values, (list, tuple, set, frozenset)) else ()
