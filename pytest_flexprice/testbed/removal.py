"""Taking one object away: its state is read first, then it is acted on, then it is read back (contract 8.1 step 11, recording cleanup)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pytest_flexprice.api import ApiError, Flexprice, WriteRefused, path_of
from pytest_flexprice.model.finding import NotVerified
from pytest_flexprice.testbed.customer import rfc3339
from pytest_flexprice.testbed.ownership import NotOurs, Owner, foreign, owner_of


@dataclass(frozen=True)
class Removal:
    """How one kind of object goes: where it is, what its state is called, when it is gone, what takes it away, and that in words.

    ``again``: what is gone is only refused (contract 4.1, 5.1), so that it is acted on whatever a first answer says of its state.
    """

    segment: str
    state: str
    gone: Callable[[str], bool]
    act: Callable[[Flexprice, str, str], None]
    words: str
    again: bool = False


def _void(flexprice: Flexprice, identifier: str, state: str) -> None:
    flexprice.post(path_of("invoices", identifier, "void"), {})


def _cancel(flexprice: Flexprice, identifier: str, state: str) -> None:
    if state == "draft":  # a draft cannot be cancelled (contract 8.1)
        flexprice.post(path_of("subscriptions", identifier, "activate"), {"start_date": rfc3339(datetime.now(UTC))})
    flexprice.post(path_of("subscriptions", identifier, "cancel"), {"cancellation_type": "immediate"})


def _terminate(flexprice: Flexprice, identifier: str, state: str) -> None:
    flexprice.post(path_of("wallets", identifier, "terminate"), {})


def _delete(flexprice: Flexprice, identifier: str, state: str) -> None:
    flexprice.delete(path_of("customers", identifier))


REMOVALS = {
    "invoice": Removal("invoices", "invoice_status", lambda state: state == "VOIDED", _void, "voiding", again=True),
    "subscription": Removal(
        "subscriptions", "subscription_status", lambda state: state == "cancelled", _cancel, "cancelling"
    ),
    "wallet": Removal("wallets", "wallet_status", lambda state: state not in ("", "active"), _terminate, "terminating"),
    "customer": Removal(
        "customers", "status", lambda state: state in ("archived", "deleted"), _delete, "deleting", again=True
    ),
}


def remove(
    flexprice: Flexprice, kind: str, identifier: str, owner: Owner, read: Mapping[str, Any] | None = None
) -> str:
    """Take an object of that customer (or the customer itself) away; returns why it is still there, or "".

    ``read`` is the object as Flexprice has just answered it, whose it is already compared; without it, it is read first.

    An answer that was lost, and a refusal because it is gone already, count for nothing: what is read back does.

    Raises:
        NotOurs: what stands under that id belongs to somebody else; nothing was done to it.
        ApiError, NotVerified: it cannot be read, or taking it away failed and it is still there.
    """
    how = REMOVALS[kind]
    state = str((read or {}).get(how.state) or "") or _state(flexprice, kind, identifier, owner)
    if how.gone(state) and not how.again:
        return ""
    failed: Exception | None = None
    try:
        how.act(flexprice, identifier, state)
    except (ApiError, NotVerified, WriteRefused) as error:
        failed = error
    state = _state(flexprice, kind, identifier, owner)
    if how.gone(state):
        return ""
    if failed is not None:
        raise failed
    return f"{how.words} was accepted, but its status is {state}"


def read_own(flexprice: Flexprice, kind: str, identifier: str, owner: Owner, **same: Any) -> Mapping[str, Any]:
    """An object as Flexprice answers it by its id, proved to be that customer's (or that customer); ``same`` as in ``foreign``.

    Raises:
        NotOurs: it belongs to somebody else.
        ApiError, NotVerified: it cannot be read.
    """
    path = path_of(REMOVALS[kind].segment, identifier)
    row: Mapping[str, Any] = flexprice.get(path)
    if kind == "customer":
        owner_of(row, owner.external_id, f"GET {path}", identifier)
        return row
    problem = foreign(row, owner, id=identifier, **same)
    if problem:
        raise NotOurs(f"GET {path}", f"answered an object {problem}")
    return row


def _state(flexprice: Flexprice, kind: str, identifier: str, owner: Owner) -> str:
    return str(read_own(flexprice, kind, identifier, owner).get(REMOVALS[kind].state) or "")
