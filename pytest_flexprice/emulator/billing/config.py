"""The settings that steer billing, with the server's defaults where nobody saved any (contract 4.6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..kernel import errors, settings
from ..kernel.tables import Row
from .scope import Scope

_FORMATS = {"YYYYMM": "%Y%m", "YYYYMMDD": "%Y%m%d", "YYMMDD": "%y%m%d", "YY": "%y", "YYYY": "%Y"}
_TERMS = " NET"
_INDIA = {"IST": "Asia/Kolkata"}

PRORATIONS = ("create_prorations", "none")
PAYMENT_TERMS = tuple(f"{days}{_TERMS}" for days in (15, 30, 45, 60, 75, 90))


def check_proration(given: str | None) -> None:
    """Refuse a behaviour that is none, wherever one is asked for; a cancellation has words of its own."""
    errors.require_allowed(PRORATIONS, given, "Invalid proration behavior", "proration_behavior")


def invoice_config(scope: Scope) -> dict[str, Any]:
    """``invoice_config`` as it is in force."""
    return settings.value(scope.world, "invoice_config", scope.environment, scope.tenant)


def finalization_delay(scope: Scope) -> timedelta:
    """How long a computed draft waits before the job may finalize it."""
    return timedelta(seconds=int(invoice_config(scope)["finalization_delay_seconds"]))


def due_date(scope: Scope, subscription: Row | None, period_end: datetime) -> datetime:
    """When an invoice of a period is due: the subscription's payment terms, else ``due_date_days`` after its end."""
    terms = subscription.get("payment_terms") if subscription else None
    days = int(terms.removesuffix(_TERMS)) if terms else int(invoice_config(scope)["due_date_days"])
    return period_end + timedelta(days=days)


def invoice_number(scope: Scope) -> str:
    """The next number of the environment, such as ``INV-202611-00741``."""
    config = invoice_config(scope)
    local = scope.now.astimezone(zone(str(config["timezone"])))
    count = scope.world.next(f"invoice_number:{scope.tenant}:{scope.environment}")
    number = str(int(config["start_sequence"]) + count - 1).zfill(int(config["suffix_length"]))
    stamp = local.strftime(_FORMATS.get(str(config["format"]), "%Y%m"))
    return str(config["separator"]).join((str(config["prefix"]), stamp, number))


def zone(name: str) -> ZoneInfo:
    """The time zone of a customer or setting; UTC for a name that is none."""
    try:
        return ZoneInfo(_INDIA.get(name, name))
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
