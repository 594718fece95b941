"""What each fault must turn red, and the words by which its message names the cause."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A fault: the items that turn red and a pattern that the messages must match.

    ``fails`` is False where nothing is wrong but something could not be verified, ``refused`` where the run cannot start,
    ``leaves`` where objects stay behind.
    """

    name: str
    items: tuple[str, ...]
    says: str
    fails: bool = True
    refused: bool = False
    leaves: bool = False


FAULTS = (
    Fault("F01", ("1.1",), r"key belongs to Sandbox '.*' \(development\), expected '.*' \(production\)"),
    Fault("F06", ("1.2",), r"Read, but no Write"),
    Fault("F08", ("1.3",), r"x-api-key"),
    Fault("F11", ("1.3",), r"composes /v1 twice"),
    Fault("F12", ("1.3",), r"without /v1"),
    Fault("F15", ("1.3",), r"does not verify TLS"),
    Fault("F17", ("1.4",), r"old key sk_\w\w\*\*\*\w\w from NIMBUS_SANDBOX_KEY still authenticates"),
    Fault("F23", ("2.1",), r"amount"),
    Fault("F31", ("2.1", "2.2"), r"differs only in upper and lower case"),
    Fault("F81", ("4.1",), r"acct_\d+"),
    Fault("F84", ("4.2",), r"plan"),
    Fault("F98", ("5.1",), r"auto"),
    Fault("F116", ("6.3",), r"invoice\.update\.payment|subscription\.c"),
    Fault("F118", ("6.2",), r"unsigned|without a signature"),
    Fault("F139", ("7.4",), r"no invoice\.update\.finalized webhook"),
    Fault("F143", ("7.4",), r"not processed"),
    Fault("F149", ("8.1",), r"nobody answers for item 8\.1"),
)

#: False alarms: these must stay green.
GREEN: tuple[str, ...] = ()
