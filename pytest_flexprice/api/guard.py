"""The write guard: what may be sent at all, decided before a request leaves.

Reads pass. A write passes when the level allows it, the environment has been proved, and every existing object it touches was made by
this run. Anything else never leaves (design rule: safety in production is enforced here, not by discipline).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_flexprice.api.errors import WriteRefused
from pytest_flexprice.model.checklist import Level

#: POST routes that change nothing (contract 1.10, 3.7, 3.9, 4.3, 4.5, 5.3).
_READING_POSTS = re.compile(
    r"/v1/(?:[a-z/]*search|events/(?:query|usage|usage/meter|analytics)|meter-usage/(?:query|analytics)"
    r"|subscriptions/usage|invoices/preview)"
)
#: Create routes whose permission is checked before their body (contract 1.7): `{}` probes it without effect.
_PROBED_ROUTES = ("/v1/events", "/v1/customers")


@dataclass(frozen=True)
class Rule:
    """One kind of write that smoke may send: ``owned`` names the groups of the path that must be this run's ids."""

    method: str
    path: re.Pattern[str]
    body: Callable[[Mapping[str, Any], WriteGuard], str | None] = lambda body, guard: None


def _owned_customer(body: Mapping[str, Any], guard: WriteGuard) -> str | None:
    external_id = str(body.get("external_id", ""))
    return None if guard.owns(external_id) else f"customer '{external_id}' is not in this run's ledger"


def _owned_subscription(body: Mapping[str, Any], guard: WriteGuard) -> str | None:
    customer = str(body.get("customer_id") or body.get("external_customer_id") or "")
    if not guard.owns(customer):
        return f"customer '{customer}' was not made by this run"
    if body.get("collection_method") != "send_invoice":
        return "test subscriptions must use collection_method send_invoice"
    return None


def _owned_event(body: Mapping[str, Any], guard: WriteGuard) -> str | None:
    customer = str(body.get("external_customer_id", ""))
    return None if guard.owns(customer) else f"event for customer '{customer}', which was not made by this run"


def _owned_events(body: Mapping[str, Any], guard: WriteGuard) -> str | None:
    events = body.get("events")
    for event in events if isinstance(events, list) else []:
        reason = _owned_event(event, guard)
        if reason:
            return reason
    return None


_SMOKE_RULES = (
    Rule("POST", re.compile(r"/v1/customers"), _owned_customer),
    Rule("DELETE", re.compile(r"/v1/customers/(?P<id>[^/]+)")),
    Rule("POST", re.compile(r"/v1/subscriptions"), _owned_subscription),
    Rule("POST", re.compile(r"/v1/subscriptions/(?P<id>[^/]+)/(?:cancel|activate)")),
    Rule("POST", re.compile(r"/v1/subscriptions/temporal/(?P<id>[^/]+)/draft-and-compute")),
    Rule("POST", re.compile(r"/v1/events"), _owned_event),
    Rule("POST", re.compile(r"/v1/events/bulk"), _owned_events),
    Rule("POST", re.compile(r"/v1/invoices/(?P<id>[^/]+)/(?:compute|finalize|void)")),
    Rule("POST", re.compile(r"/v1/wallets/(?P<id>[^/]+)/terminate")),
)


@dataclass
class WriteGuard:
    """Decides for one run.

    ``owns`` answers whether an id (or external id) is in the run's ledger; ``proved`` becomes true once the server has shown that
    the key belongs to the declared environment; ``blocked`` holds the reason when that proof failed.
    """

    level: Level
    production: bool
    owns: Callable[[str], bool] = lambda _id: False
    proved: bool = False
    blocked: str = ""
    refused: list[str] = field(default_factory=list)

    def check(self, method: str, path: str, body: Any) -> None:
        """Let a request pass.

        Raises:
            WriteRefused: it may not be sent; the message says why.
        """
        reason = self._reason(method, path, body)
        if reason:
            self.refused.append(f"{method} {path}")
            raise WriteRefused(f"{method} {path} was not sent: {reason}.")

    def _reason(self, method: str, path: str, body: Any) -> str | None:
        if is_read(method, path) or is_permission_probe(method, path, body):
            return None
        if self.level < Level.SMOKE:
            return f"level {self.level.word} does not write; run with --flexprice-level=smoke"
        if self.blocked:
            return self.blocked
        if not self.proved:
            return "the environment has not been proved yet"
        if self.level is Level.DRILL and not self.production:
            return None
        return self._smoke_reason(method, path, body)

    def _smoke_reason(self, method: str, path: str, body: Any) -> str | None:
        for rule in _SMOKE_RULES:
            match = rule.path.fullmatch(path)
            if rule.method != method or not match:
                continue
            identifier = match.groupdict().get("id")
            if identifier is not None and not self.owns(identifier):
                return f"'{identifier}' was not made by this run"
            return rule.body(body if isinstance(body, dict) else {}, self)
        return "a smoke test never sends this request"


def is_read(method: str, path: str) -> bool:
    """Whether a request changes nothing."""
    return method in ("GET", "HEAD", "OPTIONS") or (method == "POST" and _READING_POSTS.fullmatch(path) is not None)


def is_permission_probe(method: str, path: str, body: Any) -> bool:
    """Whether a request probes write permission without effect: an empty body on a validated create route."""
    return method == "POST" and path in _PROBED_ROUTES and body == {}
