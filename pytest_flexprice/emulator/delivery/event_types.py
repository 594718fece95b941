"""The event types that Flexprice registers with the delivery service (recordings 12_flexprice_seed, webhook_portal_svix).

The server also emits ``event.rejected``, ``subscription.draft.created``, ``subscription.phase.*`` and
``subscription.plan_changed``; nobody can filter on those (contract 6.2). ``invoice.create.drafted`` is registered and
never emitted. Descriptions are the names: the real ones are Flexprice's own sentences.
"""

from __future__ import annotations

_ACTIONS = {
    "checkout.session": "completed expired failed initiated",
    "credit_note": "created updated",
    "customer": "created deleted updated",
    "entitlement": "created deleted grant.exhausted updated",
    "feature": "created deleted updated wallet_balance.alert",
    "invoice": "communication.triggered create.drafted payment.overdue update update.finalized update.payment"
    " update.voided",
    "payment": "created failed pending success updated",
    "subscription": "activated cancelled created group_spend.threshold_reached group_spend.threshold_recovered"
    " line_item_spend.threshold_reached line_item_spend.threshold_recovered paused renewal.due resumed"
    " spend.threshold_reached spend.threshold_recovered updated",
    "wallet": "created credit_balance.dropped credit_balance.recovered ongoing_balance.dropped"
    " ongoing_balance.recovered ongoing_balance.updated terminated transaction.created transaction.updated updated",
}

REGISTERED = tuple(sorted(f"{object_}.{action}" for object_, actions in _ACTIONS.items() for action in actions.split()))
"""Their names, in the order in which they are listed."""
