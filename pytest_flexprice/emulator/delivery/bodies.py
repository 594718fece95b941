"""Bodies of the simple kinds of objects: a few published fields, empty ones left out.

Invoices and subscriptions are richer and belong to billing. Which fields a kind shows is documented by the real
server's API description; deliveries of these kinds were not recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..kernel.world import World
from .publishing import webhook_body

_SHOWN = {
    "customer": "id external_id environment_id name email address_line1 address_line2 address_city address_state"
    " address_postal_code address_country timezone metadata",
    "feature": "id name lookup_key description type meter_id group_id unit_singular unit_plural metadata",
    "entitlement": "id feature_id feature_type entity_type entity_id is_enabled usage_limit usage_reset_period is_soft_limit"
    " static_value",
    "payment": "id destination_type destination_id payment_method_type payment_gateway amount currency payment_status"
    " invoice_number error_message succeeded_at failed_at refunded_at voided_at",
    "wallet": "id customer_id name currency wallet_type wallet_status balance credit_balance conversion_rate",
    "wallet_transaction": "id wallet_id customer_id type amount credit_amount currency transaction_status transaction_reason"
    " reference_type reference_id description credit_balance_before credit_balance_after expiry_date metadata",
    "credit_note": "id credit_note_number invoice_id customer_id subscription_id credit_note_status credit_note_type"
    " refund_status reason memo currency total_amount metadata finalized_at voided_at",
}
"""What each kind shows; its table has the kind's name with an s."""


def shown(kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a kind that have a value other than ``None``, an empty text or an empty object."""
    return {name: row[name] for name in _SHOWN[kind].split() if row.get(name) not in (None, "", {}, [])}


def _body(kind: str, world: World, environment: str, identifier: str) -> Mapping[str, Any] | None:
    row = world.table(f"{kind}s").get(identifier, environment)
    return None if row is None else shown(kind, row)


for _kind in _SHOWN:
    webhook_body(_kind)(partial(_body, _kind))
