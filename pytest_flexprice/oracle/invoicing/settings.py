"""The declared invoicing policy against the environment's settings (checklist 5.1, 5.2; contract 4.6–4.8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from pytest_flexprice.model.decimals import decimal, quotient, words
from pytest_flexprice.model.finding import Finding, Kind, Severity, show
from pytest_flexprice.model.golive_plan import Invoicing
from pytest_flexprice.oracle.invoicing.auto_cancel import Cancellation, CancelPolicy

LONG_FINALIZATION = timedelta(hours=24)
UNUSUAL_DUE_DAYS = (0, 60)
_NAMED = 20


def counted(number: int, noun: str) -> str:
    """A number with its noun: ``1 day``, ``14 days``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def grace_findings(declared: Invoicing | None, setting: Mapping[str, Any]) -> list[Finding]:
    """Grace period and auto-cancel: what the plan says against ``GET /v1/settings/subscription_config``.

    An ``id`` of "" means that nobody ever saved the setting here, and its values are Flexprice's defaults (contract 4.6).
    """
    policy = CancelPolicy.from_api(setting)
    found = [*_switch(declared, policy), *_grace_period(declared, policy)]
    if not policy.saved and not found:
        found.append(
            Finding(
                "5.1",
                "settings.subscription_config",
                "the setting was never saved in this environment; Flexprice's defaults agree with the plan today",
                remedy="save it once, so that a change of defaults cannot change it",
                severity=Severity.WARNING,
            )
        )
    return found


def _grace_period(declared: Invoicing | None, policy: CancelPolicy) -> list[Finding]:
    path = "settings.subscription_config.grace_period_days"
    if declared is None or declared.grace_period_days is None:
        return [
            _undecided("5.1", "invoicing.grace_period_days", "the grace period", policy.saved, policy.grace_period_days)
        ]
    if declared.grace_period_days == policy.grace_period_days:
        return []
    return [
        Finding(
            "5.1",
            path,
            f"the grace period is {counted(policy.grace_period_days, 'day')}{_never_saved(policy.saved)}",
            expected=declared.grace_period_days,
            observed=policy.grace_period_days,
            consequence=f"auto-cancel{'' if policy.enabled else ', once on,'} acts "
            f"{counted(policy.grace_period_days, 'day')} after an invoice is due",
            remedy="save the declared number of days, or correct the plan",
        )
    ]


def _switch(declared: Invoicing | None, policy: CancelPolicy) -> list[Finding]:
    path = "settings.subscription_config.auto_cancellation_enabled"
    if declared is None or declared.auto_cancel is None:
        return [_undecided("5.1", "invoicing.auto_cancel", "auto-cancel", policy.saved, policy.enabled)]
    if declared.auto_cancel == policy.enabled:
        return []
    grace = counted(policy.grace_period_days, "day")
    if policy.enabled:
        problem, cost = (
            "auto-cancel is on, although the plan says it is off",
            f"a subscription ends {grace} after its unpaid",
        )
        cost += " invoice is due, and the usage of its running period is never billed"
    else:
        problem, cost = "auto-cancel is off, although the plan says it is on", "unpaid subscriptions go on for ever"
    return [
        Finding(
            "5.1",
            path,
            problem + _never_saved(policy.saved),
            expected=declared.auto_cancel,
            observed=policy.enabled,
            consequence=cost,
            remedy="save the declared value, or correct the plan",
        )
    ]


def due_date_findings(declared: Invoicing | None, setting: Mapping[str, Any]) -> list[Finding]:
    """Due days and finalization delay: the plan against ``GET /v1/settings/invoice_config``.

    Where the plan is silent, only unusual values are findings: no days or 60 and more to pay, more than a day as a draft.
    """
    value = setting.get("value") or {}
    days, delay = int(value.get("due_date_days", 0)), int(value.get("finalization_delay_seconds", 0))
    found = []
    wanted = declared.due_date_days if declared else None
    if days != wanted and (wanted is not None or days <= UNUSUAL_DUE_DAYS[0] or days >= UNUSUAL_DUE_DAYS[1]):
        found.append(
            Finding(
                "5.1",
                "settings.invoice_config.due_date_days",
                f"invoices are due {counted(days, 'day')} after their period ends",
                expected=wanted if wanted is not None else "a number of days that the plan declares",
                observed=days,
                consequence="the grace period counts from that day",
                remedy="save the declared number of days, or declare invoicing.due_date_days",
            )
        )
    wanted = declared.finalization_delay_seconds if declared else None
    if delay != wanted and (wanted is not None or timedelta(seconds=delay) > LONG_FINALIZATION):
        found.append(
            Finding(
                "5.1",
                "settings.invoice_config.finalization_delay_seconds",
                f"invoices stay drafts for {hours(delay)} after they are computed",
                expected=hours(wanted) if wanted is not None else "a delay that the plan declares",
                observed=f"{delay} seconds",
                consequence="nobody is asked to pay before that, and due dates may be past by then",
                remedy="save a shorter delay, or declare invoicing.finalization_delay_seconds",
            )
        )
    return found


def hours(seconds: int) -> str:
    """A duration in hours, such as ``720 hours``."""
    number = quotient(decimal(seconds), decimal(3600))
    return f"{words(round(number, 2))} hour" + ("" if number == 1 else "s")


def sign_off_findings(declared: Invoicing | None, item: str, today: date) -> list[Finding]:
    """Who decided the invoicing policy, and when: both must be in the plan, and the day must not lie ahead."""
    missing = [key for key in ("decided_by", "decided_on") if declared is None or getattr(declared, key) is None]
    if missing:
        return [
            Finding(
                item,
                f"golive.toml: invoicing.{missing[0]}",
                f"nobody signed off the invoicing policy: the plan lacks {' and '.join(f'invoicing.{key}' for key in missing)}",
                remedy="let the person who decided put name and day there",
                kind=Kind.NOT_DECIDED,
            )
        ]
    if declared is not None and declared.lacks_a_second_name:
        return [
            Finding(
                item,
                "golive.toml: invoicing.seconded_by",
                f"the invoicing policy takes two names, and only {declared.decided_by} signed it off",
                remedy="let somebody else who decides about money put their name into invoicing.seconded_by",
                kind=Kind.NOT_DECIDED,
            )
        ]
    if declared is not None and declared.decided_on is not None and declared.decided_on > today:
        return [
            Finding(
                item,
                "golive.toml: invoicing.decided_on",
                "the invoicing policy is signed off for a day that has not come",
                expected=f"a day until {today.isoformat()}",
                observed=declared.decided_on,
                remedy="correct the day",
            )
        ]
    return []


def policy_sentence(setting: Mapping[str, Any], invoice_setting: Mapping[str, Any], example: datetime) -> str:
    """What the settings do, with the number of days, and the day on which a bill of a period ending at ``example`` cancels."""
    policy = CancelPolicy.from_api(setting)
    due = int((invoice_setting.get("value") or {}).get("due_date_days", 0))
    day = example + timedelta(days=due + policy.grace_period_days)
    text = (
        f"An invoice is due {counted(due, 'day')} after its period ends; its grace period lasts"
        f" {counted(policy.grace_period_days, 'day')} more"
    )
    if not policy.acts:
        return f"{text}; auto-cancel is off, so nothing is cancelled."
    return (
        f"{text}; then auto-cancel ends the subscription, {counted(due + policy.grace_period_days, 'day')} after the period's"
        f" end: for a period ending on {example.date().isoformat()} on {day.date().isoformat()}."
    )


def cancellation_findings(
    declared: Invoicing | None, policy: CancelPolicy, due: Iterable[Cancellation], now: datetime
) -> list[Finding]:
    """Who is about to be cancelled, 20 by name: an error if auto-cancel is on or declared on, a note if not."""
    switched_on = policy.acts or bool(declared and declared.auto_cancel)
    today = [each for each in due if each.at.date() <= now.date()]
    found = []
    for each in today[:_NAMED]:
        found.append(
            Finding(
                "5.1",
                f"subscriptions.{each.subscription.id}",
                each.sentence if switched_on else f"{each.sentence}, were auto-cancel on",
                consequence="it ends at the next quarter of an hour, without a final invoice" if switched_on else "",
                remedy="get the invoice paid or its due date moved ahead before" if switched_on else "",
                severity=_weight(switched_on, each.due),
            )
        )
    if len(today) > _NAMED:
        rest = today[_NAMED:]
        problem = f"{counted(len(rest), 'more subscription')} would be cancelled today"
        worst = _weight(switched_on, any(each.due for each in rest))
        found.append(Finding("5.1", "subscriptions", problem, severity=worst))
    return found


def _weight(switched_on: bool, due: bool) -> Severity:
    if not switched_on:
        return Severity.INFO
    return Severity.ERROR if due else Severity.WARNING


def _undecided(item: str, key: str, what: str, saved: bool, value: Any) -> Finding:
    where = "which is saved in the environment" if saved else "Flexprice's default, which nobody ever saved here"
    return Finding(
        item,
        f"golive.toml: {key}",
        f"{what} is not decided, as the plan is silent",
        consequence=f"what applies is {show(value)}, {where}",
        remedy=f"decide, and declare {key}",
        kind=Kind.NOT_DECIDED,
    )


def _never_saved(saved: bool) -> str:
    return "" if saved else " (never saved here: Flexprice's default)"
