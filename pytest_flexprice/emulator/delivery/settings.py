"""What can be set about the delivery of webhooks; each field names the value that the real service has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

RETRY_SCHEDULE = (5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 36000.0)
"""Seconds between attempts: 8 attempts in all (recording 09_default_schedule_and_restart)."""


@dataclass(frozen=True)
class DeliverySettings:
    """Settings of the delivery service and of the native sender."""

    wanted_types_cache_seconds: float = 0.0
    """How long Flexprice remembers which event types the endpoints of an application want. Real: 60. Events of a type
    that is new within that time vanish (contract 6.5)."""

    retry_schedule: tuple[float, ...] = RETRY_SCHEDULE
    """Seconds from a failed attempt to the next one. Real: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h."""

    retry_scale: float = 0.1
    """What every waiting time of a retry is multiplied with. Real: 1. The small default shows a retry within a second."""

    retry_jitter: float = 0.2
    """Each waiting time varies by this share in both directions. Real: 0.2."""

    timeout_wait_seconds: float = 60.0
    """After a timeout the next attempt comes no sooner than this (before scale and jitter). Real: 60."""

    timeout_seconds: float = 15.0
    """A receiver that has not answered by then has failed. Real: 15 by the hosted service's documentation, 30 in the
    open-source server and in native mode."""

    delay_seconds: float = 0.0
    """How long an event waits before its body is read and sent. Real: tens of milliseconds on an idle server, minutes
    behind a burst (contract 6.4): late bodies show the later state of the object."""

    per_second: float | None = None
    """Events handed over per second, for all tenants together; ``None`` for no limit. Real: 5."""

    unseen_wait_seconds: float = 0.1
    """How long the queue waits for an invoice that is not there yet, before it tries once more. Real: 15."""

    answer_wait_seconds: float = 0.2
    """The next event waits this long, at most, for the answers to the first attempts of the one before, so that a quick
    receiver gets events in the order in which they happened. Real: 0, and the order is not guaranteed."""

    secret_overlap_seconds: float = 86400.0
    """How long a rotated secret still signs, beside the new one. Real: 24 h."""

    webhook_headers: bool = False
    """Send ``webhook-id/-timestamp/-signature`` in place of ``svix-*``, as a white-labelled service does. Real: off."""

    allowed_hosts: tuple[str, ...] = ()
    """Hosts besides loopback that may be delivered to. An attempt for any other host fails without a packet sent."""

    workers: int = 4
    """Attempts that run at the same time."""

    message_limit: int = 2000
    """Messages kept per application; the oldest are forgotten first. Real: 90 days of them."""

    queue_limit: int = 50_000
    """Events that may wait; those beyond are dropped, so that memory stays bounded. Real: a durable queue."""

    response_limit: int = 20_000
    """Characters of a receiver's answer that an attempt keeps. Real: 20000 (recording 07_retries)."""

    native_url: str | None = None
    """Native mode: the one URL that all environments of all tenants deliver to. Real: server configuration."""

    native_headers: Mapping[str, str] = field(default_factory=dict)
    """Native mode: static headers of every delivery. Real: server configuration."""

    native_excluded: frozenset[str] = frozenset()
    """Native mode: event types that are not sent. Real: server configuration."""

    stale_after_seconds: float = 900.0
    """The job that runs every 2 minutes sends undelivered events again that are older than this. Real: 15 min."""

    stale_failures: int = 5
    """An event that failed this often is given up. Real: 5."""
