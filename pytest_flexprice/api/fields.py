"""The fields that are read: which type each has, and which an object must have; both are held by the recordings of the real server.

Flexprice gives a name one type in all of its answers, and shows some fields of an object always. One that has another type, or is not
there, comes from something else: what is read of it would be a crash at best, and at worst a check that holds because there is nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from pytest_flexprice.model.decimals import if_number
from pytest_flexprice.model.finding import NotVerified, not_verified
from pytest_flexprice.model.times import instant

_TEXTS = """
    id name key lookup_key external_id customer_id subscription_id plan_id price_id meter_id feature_id invoice_id environment_id entity_id
    entity_type tenant_id display_id display_name event_name event_type external_customer_id subscription_status
    parent_subscription_id invoicing_customer_id collection_method payment_terms billing_cycle billing_period billing_cadence billing_model
    billing_reason currency invoice_number invoice_cadence price_type price_unit_type tier_mode aggregation.group_by meter_display_name
    type field expression bucket_size aggregation_type aggregation_mode reset_usage static_value usage_reset_period feature_type
    unit_singular unit_plural round source coupon_code coupon_id tax_rate_id tax_rate_type subscription_phase_id parent_price_id
    subscription_line_item_id sub_line_item_id cancellation_type cadence commitment_type pause_status plan_display_name timezone
    app_id token url workflow_id status window_size provider_type iter_last_key msgId endpointId eventType iterator failure_point_type
    wallet_status wallet_type tax_rate_status commitment_duration
"""
_NUMBERS = """
    amount quantity min_quantity unit_amount flat_amount up_to divide_by multiplier usage_limit usage total_usage qty_total cost
    price_unit_amount conversion_rate subtotal total total_tax total_discount total_value balance point.value auto_invoice_threshold
    amount_due amount_paid amount_remaining adjustment_amount refunded_amount total_prepaid_credits_applied prepaid_credits_applied
    invoice_level_discount line_item_discount discount tax_amount taxable_amount percentage_value fixed_value amount_off percentage_off
    commitment_amount commitment_quantity commitment_overage_factor overage_factor adjusted_entitlement_quantity
    computed_commitment_utilized_amount computed_overage_amount computed_true_up_amount credits
"""
_INTEGERS = """
    event_count total_count limit offset total_redemptions max_redemptions finalization_delay_seconds
    responseStatusCode rateLimit throttleRate attempt.status
"""
_SPANS = "billing_period_count trial_period_days grace_period_days due_date_days"
#: Words that decide something; another one is a state that nobody here knows.
_WORD_OF = {
    "subscription_status": "active paused cancelled incomplete trialing draft",
    "subscription_type": "standalone delegated_invoicing parent inherited grouped_invoicing",
    "invoice_status": "DRAFT FINALIZED VOIDED SKIPPED",
    "invoice_type": "SUBSCRIPTION ONE_OFF CREDIT",
    "payment_status": "INITIATED PENDING PROCESSING SUCCEEDED OVERPAID FAILED REFUNDED PARTIALLY_REFUNDED VOIDED",
    "billing_period": "MONTHLY ANNUAL WEEKLY DAILY QUARTERLY HALF_YEARLY ONETIME",
}
_TIMES = """
    start_date end_date start_time end_time current_period_start current_period_end period_start period_end billing_anchor trial_end
    cancel_at cancelled_at created_at updated_at due_date finalized_at issue_date paid_at timestamp expires_at effective_date
    createdAt updatedAt last_computed_at
"""
_FLAGS = """
    auto_apply cancel_at_period_end commitment_true_up_enabled commitment_windowed enable_true_up true_up_enabled is_enabled is_soft_limit
    is_overage is_windowed svix_enabled has_more is_window_commitment auto_cancellation_enabled disabled done
"""
_OBJECTS = """
    aggregation coupon customer event feature meter pagination plan price subscription tax_rate transform_quantity latest_invoice
    debug_tracker failure_point config cancelling.value invoicing.value setting.value
"""
_LISTS = """
    items charges coupon_associations credit_grants entitlements environments events filters line_items phases points prices taxes tiers
    connections results coupon_applications processed_events data
"""
_WORDS = "roles values filterTypes eventTypes channels allowed_price_types"
#: The largest exponent of a number that an invoice can be calculated with; Flexprice's own have at most 38 digits.
LARGEST = 40
MOST_SECONDS, MOST_SPANS = 10**12, 1000


class _Kind(NamedTuple):
    """A type: what it is called, whether a value is one, and whether there are fields of this table in it."""

    called: str
    fits: Callable[[Any], bool]
    holds_fields: bool = False


def _is_number(value: Any) -> bool:
    number = if_number(value)
    return value == "" or (number is not None and (not number or abs(number.adjusted()) <= LARGEST))


def _is_count(most: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and 0 <= value <= most


@lru_cache(maxsize=4096)
def _is_instant(text: str) -> bool:
    try:
        return not text or bool(instant(text))
    except (ValueError, OverflowError):
        return False


KINDS: dict[str, _Kind] = {
    name: kind
    for names, kind in (
        (_TEXTS, _Kind("a text", lambda value: isinstance(value, str))),
        (_NUMBERS, _Kind("a number", _is_number)),
        (_INTEGERS, _Kind("a whole number, 0 or more", _is_count(MOST_SECONDS))),
        (_SPANS, _Kind("a whole number from 0 on that a date can hold", _is_count(MOST_SPANS))),
        (_TIMES, _Kind("a time with its zone", lambda value: isinstance(value, str) and _is_instant(value))),
        (_FLAGS, _Kind("true or false", lambda value: isinstance(value, bool))),
        (_OBJECTS, _Kind("an object", lambda value: isinstance(value, dict), holds_fields=True)),
        (_LISTS, _Kind("a list of objects", lambda value: _is_list(value, dict), holds_fields=True)),
        ("metadata", _Kind("an object", lambda value: isinstance(value, dict))),
        (_WORDS, _Kind("a list of texts", lambda value: _is_list(value, str))),
    )
    for name in names.split()
}
KINDS |= {
    name: _Kind(f"one of {', '.join(words.split())}", lambda value, words=words: value == "" or value in words.split())  # type: ignore[misc]
    for name, words in _WORD_OF.items()
}


def _is_list(value: Any, of: type) -> bool:
    return isinstance(value, list) and all(isinstance(each, of) for each in value)


#: What an object of a kind always has; a name with a question mark may be null.
NEEDED: dict[str, tuple[str, ...]] = {
    kind: tuple(names.split())
    for kind, names in {
        "customer": "id external_id",
        "subscription": "id customer_id plan_id subscription_status subscription_type currency billing_period billing_period_count"
        " start_date current_period_start current_period_end collection_method",
        "subscription line": "id price_id price_type quantity start_date entity_type currency billing_period",
        "plan": "id name status",
        "feature": "id name type status",
        "meter": "id name event_name aggregation filters reset_usage status",
        "aggregation": "type",
        "filter": "key values",
        "price": "id type currency amount billing_model billing_period billing_period_count invoice_cadence entity_id entity_type"
        " price_unit_type transform_quantity",
        "tier": "unit_amount up_to?",
        "entitlement": "id feature_id feature_type entity_id entity_type is_enabled is_soft_limit usage_limit? usage_reset_period",
        "invoice": "id customer_id currency invoice_status invoice_type payment_status subtotal total total_tax total_discount"
        " amount_due amount_paid amount_remaining",
        "invoice line": "id amount quantity currency price_type",
        "tax": "tax_rate_id tax_amount taxable_amount",
        "coupon": "id name type cadence status",
        "addon": "id name status",
        "charge": "amount quantity currency price",
        "event": "id event_name timestamp external_customer_id",
        "lookup": "event status",
        "processed event": "customer_id subscription_id price_id meter_id qty_total",
        "point": "timestamp event_count",
        "environment": "id name type",
        "key": "id display_id roles",
        "user": "id roles",
        "coupon association": "id subscription_id coupon start_date",
        "tax rate": "id name tax_rate_type percentage_value fixed_value",
        "tax association": "id tax_rate_id entity_id entity_type auto_apply currency start_date",
        "dashboard": "svix_enabled url",
        "cancelling": "id value",
        "invoicing": "id value",
        "cancelling policy": "grace_period_days auto_cancellation_enabled",
        "invoicing policy": "due_date_days finalization_delay_seconds",
        "endpoint": "id url disabled filterTypes?",
        "attempt": "id msgId endpointId status timestamp",
        "wallet": "id customer_id currency balance wallet_status wallet_type",
        "message": "id eventType timestamp payload?",
        "event type": "name",
    }.items()
}
#: What a field holds, by its own name or by the kind of what it stands in.
_HELD = {
    "customer": "customer", "subscription": "subscription", "plan": "plan", "feature": "feature", "meter": "meter", "price": "price",
    "prices": "price", "aggregation": "aggregation", "filters": "filter", "tiers": "tier", "entitlements": "entitlement",
    "latest_invoice": "invoice", "taxes": "tax", "coupon": "coupon", "charges": "charge", "events": "event", "event": "event",
    "processed_events": "processed event", "points": "point", "environments": "environment", "tax_rate": "tax rate",
    "coupon_associations": "coupon association", "cancelling.value": "cancelling policy", "invoicing.value": "invoicing policy",
    "subscription.line_items": "subscription line", "invoice.line_items": "invoice line",
}  # fmt: skip
#: What a request answers with, itself or in its list.
_ANSWERED = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in {
        r"(GET|POST) /v1/customers(/search|/external/[^/]+|/cust_[^/]+)?": "customer",
        r"(GET|POST) /v1/subscriptions(/search|/subs_[^/]+)?": "subscription",
        r"POST /v1/subscriptions/lineitems/search": "subscription line",
        r"(GET|POST) /v1/plans(/search|/plan_[^/]+)?": "plan",
        r"(GET|POST) /v1/features(/search|/feat_[^/]+)?": "feature",
        r"GET /v1/meters(/meter_[^/]+)?": "meter",
        r"(GET|POST) /v1/prices(/search|/price_[^/]+)?": "price",
        r"(GET|POST) /v1/entitlements(/search)?": "entitlement",
        r"(GET|POST) /v1/invoices(/search|/preview|/inv_[^/]+)?": "invoice",
        r"GET /v1/events/lookup": "lookup",
        r"GET /v1/(customers/[^/]+/wallets|wallets/[^/]+)": "wallet",
        r"GET /v1/coupons": "coupon",
        r"GET /v1/addons": "addon",
        r"GET /v1/coupons/associations": "coupon association",
        r"GET /v1/taxes/rates": "tax rate",
        r"GET /v1/taxes/associations": "tax association",
        r"GET /v1/users/me": "user",
        r"GET /v1/webhooks/dashboard": "dashboard",
        r"GET /v1/settings/subscription_config": "cancelling",
        r"GET /v1/settings/invoice_config": "invoicing",
        r"GET /v1/settings/[^/]+": "setting",
        r"GET /api/v1/app/[^/]+/endpoint": "endpoint",
        r"GET /api/v1/app/[^/]+/attempt/(endpoint|msg)/[^/]+": "attempt",
        r"GET /api/v1/app/[^/]+/msg(/[^/]+)?": "message",
        r"GET /api/v1/event-type": "event type",
        r"GET /v1/secrets/api/keys": "key",
    }.items()
)

#: By which field what is listed in an object names it.
_HANGING = {
    "plan.prices": "entity_id", "plan.entitlements": "entity_id", "addon.prices": "entity_id",
    "subscription.line_items": "subscription_id", "invoice.line_items": "invoice_id",
}  # fmt: skip

MISSING, NULL = "has no", "says null as"
_WITH_OWN_TYPES = ("cancelling", "invoicing", "setting", "attempt", "point", "aggregation")


def checked(answer: Any, where: str) -> Any:
    """The answer to ``where``, such as "GET /v1/plans", as it is.

    Raises:
        NotVerified: a field of it has another type than Flexprice gives it, or is missing; the sentence names request, row and field.
    """
    wrong = next(wrong_fields(answer, where), None)
    if wrong is not None:
        raise _told(where, *wrong)
    return answer


def wrong_fields(answer: Any, where: str) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Each field that is wrong in the answer to ``where``: its path, the object that it belongs to, and the problem."""
    kind = next((kind for pattern, kind in _ANSWERED if pattern.fullmatch(where)), "")
    return _wrong(answer, kind if _is_one(answer) or isinstance(answer, list) else "", kind)


def _is_one(answer: Any) -> bool:
    """Whether an answer is the object itself, and no list of them."""
    return isinstance(answer, dict) and not {"items", "pagination", "data", "done"} & set(answer)


def _told(where: str, path: str, row: dict[str, Any], problem: str) -> NotVerified:
    named = f"'{row['id']}' in the" if isinstance(row.get("id"), str) and not path.endswith("id") else "the"
    return not_verified(
        "",
        f"{where}: {path}",
        f"{named} answer to {where} {problem} '{path}', so nothing can be concluded from it",
        remedy="see what stands between this machine and Flexprice",
    )


def _wrong(answer: Any, kind: str, listed: str, path: str = "") -> Iterator[tuple[str, dict[str, Any], str]]:
    """``kind`` is what an object is, ``listed`` what the rows of its ``items`` are."""
    if isinstance(answer, list):
        for each in answer:
            yield from _wrong(each, kind, listed, path)
    elif isinstance(answer, dict):
        for name in NEEDED.get(kind, ()):
            bare = name.removesuffix("?")
            if bare not in answer or (answer[bare] is None and bare == name):
                yield _at(path, bare), answer, NULL if bare in answer else MISSING
        for name, value in answer.items():
            known = (KINDS.get(f"{kind}.{name}") if kind in _WITH_OWN_TYPES else None) or KINDS.get(name)
            if known is None or value is None:
                continue
            if not known.fits(value):
                yield _at(path, name), answer, f"has {_shown(value)} instead of {known.called} as"
            elif known.holds_fields:
                held = listed if name in ("items", "data") else _HELD.get(f"{kind}.{name}") or _HELD.get(name, "")
                yield from _wrong(value, held, "", _at(path, name))
        for name, value in answer.items():
            if other := _other(kind, answer, name, value):
                yield _at(path, name), answer, f"has {other!r}, which is another one than it names, as"


def _other(kind: str, answer: dict[str, Any], name: str, value: Any) -> str:
    """The id of what stands in an object and belongs to another one, or "": its customer is not that of its ``customer_id``."""
    if isinstance(value, dict):
        named, found = answer.get(f"{name}_id"), [value.get("id")]
    else:
        by, rows = _HANGING.get(f"{kind}.{name}", ""), value if isinstance(value, list) else ()
        named, found = answer.get("id"), [row.get(by) for row in rows if by and isinstance(row, dict)]
    return next((str(each) for each in found if isinstance(each, str) and each and named and each != named), "")


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return repr(value)[:60]
