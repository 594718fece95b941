"""What a request may say of a deal: overrides, addons, phases, lines, belonging, coupons and taxes (contract 11.2)."""

from __future__ import annotations

from typing import Any

from ..kernel.binding import (
    Field,
    Schema,
    array,
    boolean,
    decimal,
    field,
    go_name,
    instant,
    integer,
    mapping,
    several,
    strings,
    text,
)
from .credit_grants import GRANT

TIER = Schema("CreatePriceTier", field("up_to", integer), *several(decimal, "unit_amount flat_amount"))
TRANSFORM = Schema("TransformQuantity", field("divide_by", integer), field("round"))
IN_UNIT = Schema(
    "PriceUnitConfig",
    field("price_unit", rules="required"),
    field("amount", decimal),
    field("price_unit_tiers", array(TIER)),
)
_TARIFF = (
    field("amount", decimal),
    field("tier_mode"),
    field("tiers", array(TIER)),
    field("transform_quantity", TRANSFORM),
)
_PRICING = (*_TARIFF, field("billing_model"))
OVERRIDE = Schema(
    "OverrideLineItemRequest",
    field("price_id", rules="required"),
    *several(decimal, "quantity price_unit_amount"),
    *_PRICING,
    field("price_unit_tiers", array(TIER)),
)
_COMMITMENT = Schema(
    "LineItemCommitmentConfig",
    *several(decimal, "commitment_amount commitment_quantity overage_factor"),
    *several(text, "commitment_type commitment_duration"),
    *several(boolean, "enable_true_up is_window_commitment"),
    field("commitment_time_buckets", array(mapping)),
)


def commitments(value: Any) -> dict[str, dict[str, Any] | None]:
    """Commitments by price."""
    return {key: None if item is None else _COMMITMENT(item) for key, item in mapping(value).items()}


COUPONS = (
    field("coupons", array(text)),
    field("line_item_coupons", mapping),
    field(
        "subscription_coupons",
        array(
            Schema(
                "SubscriptionCouponInput",
                field("coupon_code", rules="required"),
                field("price_id"),
                *several(instant, "start_date end_date"),
            )
        ),
        "dive",
    ),
)
TAX_OVERRIDE = Schema(
    "TaxRateOverride",
    *several(text, "tax_rate_code currency", "required"),
    field("auto_apply", boolean),
    field("priority", integer),
    field("metadata", strings),
)
_LINE_COMMITMENT = (
    *several(decimal, "commitment_amount commitment_quantity commitment_overage_factor"),
    *several(text, "commitment_type commitment_duration"),
    *several(boolean, "commitment_true_up_enabled commitment_windowed"),
    field("commitment_time_buckets", array(mapping)),
)
_OWN_PRICE = Schema(
    "SubscriptionPriceCreateRequest",
    *several(text, "type billing_period invoice_cadence billing_model", "required"),
    *several(text, "price_unit_type meter_id lookup_key description display_name"),
    *several(integer, "billing_period_count trial_period_days min_quantity"),
    field("price_unit_config", IN_UNIT),
    *_TARIFF,
    field("metadata", strings),
    *several(instant, "start_date end_date"),
)
LINE = Schema(
    "CreateSubscriptionLineItemRequest",
    *several(text, "price_id display_name subscription_phase_id proration_behavior"),
    field("price", _OWN_PRICE),
    field("quantity", decimal),
    *several(instant, "start_date end_date"),
    field("metadata", strings),
    *_LINE_COMMITMENT,
)
LINE_UPDATE = Schema(
    "UpdateSubscriptionLineItemRequest",
    field("effective_from", instant),
    *_PRICING,
    field("metadata", strings),
    *_LINE_COMMITMENT,
)
_OVERRIDES = field("override_line_items", array(OVERRIDE), "dive")
_ADDON_FIELDS = (
    field("addon_id", rules="required"),
    *several(text, "cadence proration_behavior"),
    field("start_date", instant),
    field("metadata", mapping),
    field("line_item_commitments", commitments),
    _OVERRIDES,
)
ADDON = Schema("AddAddonToSubscriptionRequest", *_ADDON_FIELDS)
ADD_ADDON = Schema(
    "AddAddonRequest", field("subscription_id", rules="required"), field("checkout", mapping), *_ADDON_FIELDS
)
REMOVE_ADDON = Schema(
    "RemoveAddonRequest",
    field("addon_association_id", rules="required"),
    *several(text, "reason proration_behavior"),
    field("effective_date", instant),
)
PHASE = Schema(
    "SubscriptionPhaseCreateRequest",
    field("start_date", instant, "required"),
    field("end_date", instant),
    *COUPONS,
    _OVERRIDES,
    field("line_items", array(LINE), "dive"),
    field("metadata", strings),
)


def _embedded(name: str, schema: Schema) -> Field:
    """A list of objects that the server's request embeds from another type."""
    return field(name, array(schema), "dive", go=f"SubscriptionCreationConfig.{go_name(name)}")


_ENTITLEMENT = Schema(
    "OverrideEntitlementRequest",
    field("entitlement_id", rules="required"),
    field("usage_limit", integer),
    field("is_enabled", boolean),
    field("static_value"),
    field("config_value", mapping),
)
AGREED = (
    field("trial_period_days", integer),
    field("credit_grants", array(GRANT)),
    *several(decimal, "commitment_amount overage_factor"),
    field("commitment_duration"),
    field("enable_true_up", boolean),
    field("tax_rate_overrides", array(TAX_OVERRIDE), "dive"),
    *COUPONS,
    field("line_item_commitments", commitments),
    _embedded("override_line_items", OVERRIDE),
    _embedded("override_entitlements", _ENTITLEMENT),
    _embedded("addons", ADDON),
    _embedded("line_items", LINE),
    _embedded("phases", PHASE),
)
"""What can be agreed for a subscription beside its plan and its schedule."""
_CHILD = Schema(
    "GroupedInvoicingChildRequest",
    *several(text, "plan_id external_customer_id", "required"),
    *AGREED,
)
INHERITANCE = Schema(
    "SubscriptionInheritanceConfig",
    field("external_customer_ids_to_inherit_subscription", array(text)),
    field("subscriptions_ids_for_grouped_invoicing", array(text)),
    *several(text, "parent_subscription_id invoicing_customer_external_id"),
    field("grouped_invoicing_children_to_create", array(_CHILD), "dive"),
)
