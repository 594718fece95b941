"""Faults of the settings that decide about invoices (checklist section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .registry import fault

if TYPE_CHECKING:
    from ..seeding.seed import Seeder

Value = dict[str, Any]


def _change_invoice_config(seeder: Seeder, **changes: int) -> None:
    """Save the setting as it is in force, with changes."""
    value = seeder.call("GET", "/v1/settings/invoice_config")["value"]
    seeder.setting("invoice_config", {**value, **changes})


@fault("F97", "the grace period differs from what was decided", "setting")
def other_grace(key: str, value: Value) -> None:
    """Two days less, or two more where that would be too few."""
    if key == "subscription_config":
        days = value["grace_period_days"]
        value["grace_period_days"] = days - 2 if days > 2 else days + 2


@fault("F98", "auto-cancel is on though nobody decided so", "setting")
def cancels(key: str, value: Value) -> None:
    if key == "subscription_config":
        value["auto_cancellation_enabled"] = True


@fault("F100", "nobody ever saved the settings: the defaults are in force", "seeded")
def never_saved(seeder: Seeder) -> None:
    if seeder.call("GET", "/v1/settings/subscription_config").get("id"):
        seeder.call("DELETE", "/v1/settings/subscription_config")


fault("F104", "finished invoices wait for days before they are finalized", "seeded")(
    lambda seeder: _change_invoice_config(seeder, finalization_delay_seconds=30 * 24 * 3600)
)
fault("F105", "invoices are due only after 90 days", "seeded")(
    lambda seeder: _change_invoice_config(seeder, due_date_days=90)
)
