"""Bodies of the simple kinds of objects: a few published fields, empty ones left out.

Invoices and subscriptions are richer and belong to billing. Which fields a kind shows is documented by the real
server's API description; deliveries of these kinds were not recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..kernel.world import World
from .publishing import webhook_body

CUSTOMER = (
    "id external_id environment_id name email address_line1 address_line2 address_city address_state"
    " address_postal_code address_country timezone metadata"
)


@dataclass(frozen=True)
class _Simple:
    """Shows ``fields`` of a row of ``table``."""

    table: str
    fields: tuple[str, ...]

    def __call__(self, world: World, environment: str, identifier: str) -> Mapping[str, Any] | None:
        row = world.table(self.table).get(identifier, environment)
        return None if row is None else filled(row, self.fields)


def filled(row: Mapping[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    """Those of ``fields`` that have a value other than ``None``, an empty text or an empty object."""
    return {name: row[name] for name in fields if row.get(name) not in (None, "", {}, [])}


def customer(row: Mapping[str, Any]) -> dict[str, Any]:
    """A customer as webhooks of subscriptions show it too (contract 6.3)."""
    return filled(row, tuple(CUSTOMER.split()))


def _simple(kind: str, table: str, fields: str) -> None:
    webhook_body(kind)(_Simple(table, tuple(fields.split())))


_simple("customer", "customers", CUSTOMER)
_simple(
    "feature", "features", "id name lookup_key description type meter_id group_id unit_singular unit_plural metadata"
)
_simple(
    "entitlement",
    "entitlements",
    "id feature_id feature_type entity_type entity_id is_enabled usage_limit usage_reset_period is_soft_limit"
    " static_value",
)
_simple(
    "payment",
    "payments",
    "id destination_type destination_id payment_method_type payment_gateway amount currency payment_status"
    " invoice_number error_message succeeded_at failed_at refunded_at voided_at",
)
_simple(
    "wallet",
    "wallets",
    "id customer_id name currency wallet_type wallet_status balance credit_balance conversion_rate",
)
_simple(
    "wallet_transaction",
    "wallet_transactions",
    "id wallet_id customer_id type amount credit_amount currency transaction_status transaction_reason reference_type"
    " reference_id description credit_balance_before credit_balance_after expiry_date metadata",
)
_simple(
    "credit_note",
    "credit_notes",
    "id credit_note_number invoice_id customer_id subscription_id credit_note_status credit_note_type refund_status reason"
    " memo currency total_amount metadata finalized_at voided_at",
)
