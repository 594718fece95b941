"""What each setting says when nobody ever saved it (recording settings)."""

from __future__ import annotations

from typing import Any


def _tab(identifier: str, order: int, kind: str, **more: Any) -> dict[str, Any]:
    return {"id": identifier, "enabled": True, "order": order, "type": kind, **more}


def _section(identifier: str, order: int, *tabs: dict[str, Any]) -> dict[str, Any]:
    return {"id": identifier, "label": identifier.title(), "enabled": True, "order": order, "tabs": list(tabs)}


def _graph(presets: list[str], mode: str) -> dict[str, Any]:
    return {
        "allow_custom_date_range": True,
        "date_presets": presets,
        "default_preset": "last_7_days",
        "feature_filter_mode": mode,
    }


_CARDS = {"show_cost_metrics": False, "show_custom_metrics": True, "show_revenue_metric": True}
_DAYS = ["last_7_days", "last_30_days"]
_ALL_PRESETS = ["today", *_DAYS, "current_month", "last_month"]

_PORTAL = {
    "version": "1.0",
    "theme": {},
    "sections": [
        _section(
            "usage",
            1,
            _tab("1", 1, "metric_cards", metric_cards=_CARDS),
            _tab("2", 2, "usage_graph", usage_graph=_graph(_ALL_PRESETS, "inc")),
            _tab("4", 3, "current_usage"),
            _tab("3", 4, "usage_breakdown"),
        ),
        _section("credits", 2, _tab("6", 1, "wallet_balance"), _tab("7", 2, "wallet_transactions")),
        _section("invoices", 3, _tab("8", 1, "invoices")),
        _section(
            "overview",
            4,
            _tab("9", 1, "wallet_balance"),
            _tab("10", 2, "subscriptions"),
            _tab("11", 3, "usage_graph", usage_graph=_graph(_DAYS, "all")),
        ),
    ],
}

DEFAULTS: dict[str, dict[str, Any]] = {
    "invoice_config": {
        "prefix": "INV",
        "format": "YYYYMM",
        "start_sequence": 1,
        "timezone": "UTC",
        "separator": "-",
        "suffix_length": 5,
        "due_date_days": 1,
        "finalization_delay_seconds": 7200,
    },
    "subscription_config": {"grace_period_days": 3, "auto_cancellation_enabled": False},
    "invoice_pdf_config": {"template_name": "invoice.typ", "group_by": []},
    "tenant_config": {"production": 0, "development": 2, "max_users": 10},
    "customer_onboarding": {"workflow_type": "customer_onboarding", "actions": []},
    "wallet_balance_alert_config": {
        "alert_enabled": False,
        "critical": {"condition": "below", "threshold": "0"},
        "info": None,
        "warning": None,
    },
    "prepare_processed_events_config": {"workflow_type": "prepare_processed_events", "actions": []},
    "custom_analytics_config": {"rules": []},
    "customer_portal_config": _PORTAL,
    "event_ingestion_filter": {"enabled": False, "allowed_external_customer_ids": []},
    "bonus_credits_topup_config": {"enabled": False, "slabs": []},
    "payment_mandate_limits": {"mandate_limits": {"UPI": {"currency": "INR", "max_amount": "100000"}}},
    "draft_invoice_recompute_config": {"enabled": False},
}
