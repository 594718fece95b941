"""Settings: their defaults, what a PUT may hold, and reading one for the emulator's own use (contract 4.6)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import alerts, errors
from .alerts import ALERTS
from .binding import BindError, Schema, boolean, field, integer
from .checks import is_timezone
from .setting_defaults import DEFAULTS
from .tables import Row
from .world import World

KEYS = (
    "invoice_config", "subscription_config", "invoice_pdf_config", "tenant_config", "customer_onboarding",
    "wallet_balance_alert_config", "prepare_processed_events_config", "custom_analytics_config",
    "customer_portal_config", "event_ingestion_filter", "bonus_credits_topup_config", "payment_mandate_limits",
    "draft_invoice_recompute_config", "saml_config",
)  # fmt: skip
"""Every key, in the order in which the server names them."""

TENANT_WIDE = ("tenant_config",)
INVOICE_FORMATS = ("YYYYMM", "YYYYMMDD", "YYMMDD", "YY", "YYYY")
_ABBREVIATED_ZONES = ("IST", "PST", "PDT", "CST", "CDT", "EDT", "JST", "AEST", "CET", "BST", "SGT", "KST", "AWST")

Value = dict[str, Any]


@dataclass(frozen=True)
class _Typed:
    """A setting with a Go type of its own: what is required, and what zero values become."""

    schema: Schema
    finish: Callable[[Value], Value]


def _invoice_config(given: Value) -> Value:
    if given["format"] not in INVOICE_FORMATS:
        raise errors.validation(f"Invoice config format must be one of [{' '.join(INVOICE_FORMATS)}]")
    zone = given["timezone"]
    errors.refuse(not is_timezone(zone) and zone.upper() not in _ABBREVIATED_ZONES, f"Invalid timezone: {zone}")
    default = DEFAULTS["invoice_config"]
    for name in ("separator", "finalization_delay_seconds"):
        given[name] = given[name] or default[name]
    return given


def _alert_config(given: Value) -> Value:
    alerts.check(given)
    return given


_TYPED = {
    "subscription_config": _Typed(
        Schema(
            "SubscriptionConfig",
            field("grace_period_days", integer, "required,min=1"),
            field("auto_cancellation_enabled", boolean),
        ),
        lambda given: given,
    ),
    "invoice_config": _Typed(
        Schema(
            "InvoiceConfig",
            field("prefix", rules="required", go="InvoiceNumberPrefix"),
            field("format", rules="required", go="InvoiceNumberFormat"),
            field("start_sequence", integer, "required,min=0", go="InvoiceNumberStartSequence"),
            field("timezone", rules="required", go="InvoiceNumberTimezone"),
            field("separator", go="InvoiceNumberSeparator"),
            field("suffix_length", integer, "required,min=1,max=10", go="InvoiceNumberSuffixLength"),
            field("due_date_days", integer, "min=0"),
            field("finalization_delay_seconds", integer, "min=0"),
        ),
        _invoice_config,
    ),
    "wallet_balance_alert_config": _Typed(ALERTS, _alert_config),
}


def _wrong_type() -> errors.ApiError:
    return errors.validation("Failed to unmarshal JSON to struct")


def _loosely_typed(key: str, given: Value) -> Value:
    """The given fields that the setting has, of the JSON type of their default."""
    out: Value = {}
    for name, default in DEFAULTS[key].items():
        value = given.get(name)
        if value is None:
            continue
        fits = isinstance(value, bool) == isinstance(default, bool) and (
            isinstance(value, type(default)) or default is None
        )
        if not fits:
            raise _wrong_type()
        out[name] = value
    return out


def merged(key: str, given: Value, current: Value) -> Value:
    """What is stored when ``given`` is PUT over ``current``; raises 400 for what the server refuses.

    Fields that are left out keep their value; those the setting's type requires must be given every time.
    """
    typed = _TYPED.get(key)
    if typed is None:
        return {**current, **_loosely_typed(key, given)}
    try:
        values = typed.schema(given)
    except BindError as error:
        raise _wrong_type() from error
    failures = typed.schema.failures(values)
    if failures:
        raise errors.failed(typed.schema.name, *failures)
    values = typed.finish(values)
    return {**current, **{name: value for name, value in values.items() if value is not None}}


def _place(key: str, environment: str, tenant: str) -> str:
    return f"tenant:{tenant}" if key in TENANT_WIDE else environment


def saved(world: World, key: str, environment: str, tenant: str) -> Row | None:
    """The saved row of a setting, or ``None`` when it was never set here."""
    return world.table("settings").first(_place(key, environment, tenant), key=key)


def value(world: World, key: str, environment: str, tenant: str = "") -> Value:
    """The value in force: the saved one, else the default (a copy)."""
    row = saved(world, key, environment, tenant)
    return copy.deepcopy(row["value"] if row else DEFAULTS[key])


def store(world: World, key: str, row: dict[str, Any], environment: str, tenant: str) -> Row:
    """Insert a new row of a setting at its place."""
    return world.table("settings").insert(row, _place(key, environment, tenant))
