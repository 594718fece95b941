"""What a difference between two catalogs means for a bill, and what to do about it (checklist 2.1, contract 2.1 to 2.6)."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_flexprice.model.finding import Severity

SIGN_OFF = "or sign the new value off with --flexprice-snapshot"
NEW_METER = "make a feature with a new meter that is right and archive this one, because a meter cannot be changed"
CHANGE_PRICE = f"correct the price of the plan and sync it to its subscriptions, {SIGN_OFF}"
CHANGE_ENTITLEMENT = f"correct the entitlement of the plan, {SIGN_OFF}"
CHANGE_TEXT = f"correct it, {SIGN_OFF}"


def since(changed: str) -> str:
    """When something was changed last, as a clause; empty where that is not known."""
    return f" since {changed}" if changed else ""


@dataclass(frozen=True)
class FieldWords:
    """The words for one field: what it is called, what it costs, what to do, and how much it weighs."""

    noun: str
    consequence: str
    remedy: str
    severity: Severity = Severity.ERROR


_TEXT = Severity.WARNING

METER = {
    "event_name": FieldWords(
        "event name",
        "events sent under the signed-off name are accepted and never billed; a clone keeps a feature whose lookup key exists, "
        "and the prices it copies hang on that feature's meter",
        NEW_METER,
    ),
    "aggregation": FieldWords("aggregation", "the same events add up to another quantity", NEW_METER),
    "field": FieldWords("aggregation field", "another property is counted, and events without it count 0", NEW_METER),
    "expression": FieldWords("expression", "the same events add up to another quantity", NEW_METER),
    "multiplier": FieldWords("multiplier", "every quantity is multiplied by another number", NEW_METER),
    "bucket_size": FieldWords("bucket size", "peaks are added up over other stretches of time", NEW_METER),
    "group_by": FieldWords("grouping", "peaks are taken over other groups", NEW_METER),
    "filters": FieldWords(
        "filter",
        "events that should count do not, or the other way round",
        "add the missing filter values (they can be added, never removed), or make a new meter",
    ),
    "reset_usage": FieldWords("reset", "usage is carried over, or not, from one billing period to the next", NEW_METER),
    "status": FieldWords(
        "status",
        "an archived meter counts nothing, and a published one counts what it was switched off for",
        "decide whether events of this name are to be billed, then publish or archive the meter in both environments",
    ),
}
FEATURE = {
    "type": FieldWords(
        "type",
        "the feature is metered in one catalog and not in the other",
        "make the feature again with the right type",
    ),
    "meter": FieldWords(
        "meter", "the feature counts in one catalog and not in the other", "make the feature again with its meter"
    ),
    "name": FieldWords("name", "customers read another name", CHANGE_TEXT, _TEXT),
    "unit_singular": FieldWords("unit", "customers read another unit", CHANGE_TEXT, _TEXT),
    "unit_plural": FieldWords("unit", "customers read another unit", CHANGE_TEXT, _TEXT),
}
PRICE = {
    "amount": FieldWords("amount", "whoever was subscribed or synced with it is billed the wrong amount", CHANGE_PRICE),
    "currency": FieldWords(
        "currency", "subscriptions in the signed-off currency drop this price without a word", CHANGE_PRICE
    ),
    "billing_period": FieldWords(
        "billing period", "subscriptions of the signed-off period drop this price without a word", CHANGE_PRICE
    ),
    "billing_period_count": FieldWords(
        "billing period count", "the price reads as another stretch of time", CHANGE_PRICE
    ),
    "billing_model": FieldWords("billing model", "the same quantity costs another amount", CHANGE_PRICE),
    "invoice_cadence": FieldWords("invoice cadence", "it is billed at the other end of the period", CHANGE_PRICE),
    "tier_mode": FieldWords(
        "tier mode", "the tiers are applied another way, and without a mode they bill zero", CHANGE_PRICE
    ),
    "tiers": FieldWords(
        "list of tiers", "quantities beyond a tier's bound are billed at the wrong price", CHANGE_PRICE
    ),
    "up_to": FieldWords(
        "tier boundary", "quantities around it are billed at the price of the wrong tier", CHANGE_PRICE
    ),
    "unit_amount": FieldWords(
        "unit amount of the tier", "every unit in this tier is billed at the wrong price", CHANGE_PRICE
    ),
    "flat_amount": FieldWords(
        "flat amount of the tier", "everybody who reaches this tier pays another amount", CHANGE_PRICE
    ),
    "divide_by": FieldWords("package size", "the number of packages billed is wrong", CHANGE_PRICE),
    "round": FieldWords("rounding of packages", "a package begun is billed in one catalog only", CHANGE_PRICE),
    "end_date": FieldWords("end date", "from that day on it bills nothing", CHANGE_PRICE),
    "event_name": FieldWords("event name", "it bills other events than was signed off", CHANGE_PRICE),
    "feature": FieldWords("feature", "it bills what another feature counts", CHANGE_PRICE),
    "lookup_key": FieldWords(
        "lookup key",
        "whoever looks the price up by key does not find it; a clone of an environment clears the keys of prices",
        "set the key on the price again",
    ),
    "display_name": FieldWords("display name", "invoices show another text", CHANGE_TEXT, _TEXT),
}
ENTITLEMENT = {
    "usage_limit": FieldWords(
        "allowance", "customers get more or less for free than was signed off", CHANGE_ENTITLEMENT
    ),
    "is_soft_limit": FieldWords(
        "kind of limit", "a hard limit blocks what a soft one lets through (both bill the same)", CHANGE_ENTITLEMENT
    ),
    "usage_reset_period": FieldWords(
        "reset period", "the allowance is granted more or less often than was signed off", CHANGE_ENTITLEMENT
    ),
    "is_enabled": FieldWords("switch", "customers get the feature in one catalog only", CHANGE_ENTITLEMENT),
    "static_value": FieldWords("value", "customers get another value of the feature", CHANGE_ENTITLEMENT),
}
OTHER = FieldWords("value", "invoices may come out differently", CHANGE_TEXT)
GRANT = FieldWords("value", "customers get other credits, which lowers what they pay", CHANGE_TEXT)
NAME = FieldWords("name", "invoices show another name", CHANGE_TEXT, _TEXT)
LEFT_BEHIND = "a clone of an environment carries no addons, coupons, tax rates, price units and settings"
