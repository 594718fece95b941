"""Routes that the real server has and the emulator has not: 501 by name, so that nobody takes silence for an answer."""

from __future__ import annotations

from typing import Any

from ..kernel import errors
from ..kernel.call import Call
from ..kernel.routing import ROUTER, Route

_PATTERNS = """
POST                     users/chat/verify events/huggingface-billing meter-usage/detailed-analytics invoices/internal/preview
POST                     subscriptions/:id/change/preview subscriptions/:id/change/v2/preview
POST                     usage-records/search costs/search costs/analytics dashboard/revenues dashboard/revenue-dashboard
POST                     alerts/search alerts/setting/search
GET                      alerts/setting/:id checkout/sessions/:id costs/:id costs/active customers/portal/:external_id
GET                      integrations/config integrations/mappings payments/customers/:id/methods
GET                      tasks/:id tasks/:id/download tasks/scheduled tasks/scheduled/:id
POST PUT DELETE          alertsettings:write alerts/setting alerts/setting/:id
POST                     ai:write ai/pricing/parse-gemini
POST                     checkoutsession:write checkout/sessions
DELETE                   checkoutsession:write checkout/sessions/:id
POST                     connection:write connections
PUT DELETE               connection:write connections/:id
POST                     costsheet:write costs
PUT DELETE               costsheet:write costs/:id
POST                     event:write events/raw/bulk events/raw/reprocess/all events/raw/reprocess/pending
POST                     integration:write integrations/sync marketplace/agreements
POST DELETE              integration:write integrations/link
POST                     invoice:write invoices/:id/comms/trigger invoices/:id/recalculate invoices/:id/recalculate-v2
POST                     oauth:write oauth/init oauth/complete
POST                     payment:write payments/customers/:id/setup/intent
POST                     portal:write portal/onboarding/events portal/onboarding/setup
POST                     subscription:write subscriptions/:id/change/execute subscriptions/:id/change/v2/execute
POST                     subscription:write subscriptions/temporal/:id/trigger-workflow
POST                     subscription:write subscriptions/temporal/schedule-draft-finalization
POST                     subscription:write subscriptions/temporal/schedule-update-billing-period
POST                     task:write tasks/scheduled tasks/scheduled/:id/run
PUT                      task:write tasks/:id/status
PUT DELETE               task:write tasks/scheduled/:id
GET                      customer/portal/info customer/portal/usage customer/portal/config customer/portal/subscriptions/:id
GET                      customer/portal/invoices/:id customer/portal/invoices/:id/pdf customer/portal/wallets/:id
GET                      customer/portal/wallets/:id/transactions
POST                     customer/portal/subscriptions customer/portal/invoices customer/portal/wallets
POST                     customer/portal/analytics/revenue customer/portal/analytics/cost
PUT                      customer:write customer/portal/info
POST                     wallet:write wallets/:id/modify wallets/:id/debit
GET                      workflow:read workflows/:id/:run workflows/:id/:run/timeline
POST                     workflow:read workflows/search workflows/batch
"""
"""Methods, the permission if one is asked for, and paths; what no row names is unknown to the real server, too."""


def refuse(call: Call) -> Any:
    """501 with the name of the operation."""
    raise errors.not_implemented(f"{call.method} {call.pattern}")


def register() -> None:
    """Add every pattern that no handler has taken; to be called when all other modules are imported."""
    for line in _PATTERNS.strip().splitlines():
        words = line.split()
        methods = [word for word in words if word.isupper()]
        permission = next((word for word in words if word.endswith((":read", ":write"))), None)
        for path in (word for word in words if word not in methods and word != permission):
            for method in methods:
                ROUTER.add(Route(method, f"/v1/{path}", refuse, permission=permission), replace=False)
