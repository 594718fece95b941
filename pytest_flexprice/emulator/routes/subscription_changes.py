"""Changes of a running subscription: addons, lines, belonging, quantities, prices of its plan (contract 11.2)."""

from __future__ import annotations

from typing import Any

from ..billing import attachments, config, line_changes, line_items, modifications, price_sync, transaction, views
from ..billing.scope import Scope, subscription_by_id
from ..kernel import errors
from ..kernel.binding import Schema, array, decimal, field, instant, mapping, several, text
from ..kernel.call import Call, Reply, created, started
from ..kernel.routing import route
from .deal_requests import ADD_ADDON, ADDON, LINE, LINE_UPDATE, REMOVE_ADDON

_END_LINE = Schema("DeleteSubscriptionLineItemRequest", field("effective_from", instant), field("proration_behavior"))
_MODIFY = Schema(
    "ExecuteSubscriptionModifyRequest",
    field("type", rules="required"),
    field(
        "inheritance_params",
        Schema(
            "SubModifyInheritanceRequest",
            field("action"),
            field("external_customer_ids_to_inherit_subscription", array(text)),
            field("external_customer_ids_to_remove", array(text)),
        ),
    ),
    field(
        "quantity_change_params",
        Schema(
            "SubModifyQuantityChangeRequest",
            field(
                "line_items",
                array(
                    Schema(
                        "LineItemQuantityChange",
                        field("id", rules="required"),
                        field("quantity", decimal),
                        field("effective_date", instant),
                    )
                ),
                "dive",
            ),
        ),
    ),
    field(
        "grouped_invoicing_params",
        Schema(
            "SubModifyGroupedInvoicingParams",
            *several(text, "action parent_subscription_id"),
            field("child_subscription_ids", array(text)),
        ),
    ),
    field(
        "addon_params",
        Schema("SubModifyAddonParams", field("action"), field("add", ADDON), field("remove", REMOVE_ADDON)),
    ),
    field(
        "coupon_params",
        Schema(
            "SubModifyCouponParams",
            *several(text, "action coupon_code coupon_association_id subscription_id subscription_line_item_id"),
            *several(instant, "start_date end_date"),
        ),
    ),
    field(
        "tax_params",
        Schema(
            "SubModifyTaxParams",
            *several(text, "action tax_rate_id tax_association_id"),
            field("effective_date", instant),
        ),
    ),
    field("trial_end_params", Schema("SubModifyTrialEndRequest", field("action"), field("new_trial_end", instant))),
    field("checkout", mapping),
)


@route("POST", "/v1/subscriptions/addon", permission="subscription:write")
def add_addon(call: Call) -> dict[str, Any]:
    """Give a subscription an addon; a fee of the running period is not billed."""
    body = call.bind(ADD_ADDON)
    if body["checkout"]:
        raise errors.not_implemented("checkout on POST /v1/subscriptions/addon")
    row = subscription_by_id(call, body["subscription_id"])
    with transaction.all_or_nothing(call) as deal:
        association, _made = attachments.add_addon(deal, row, body)
    call.publish("subscription.updated", row)
    return views.shown(association)


@route("DELETE", "/v1/subscriptions/addon", permission="subscription:write")
def remove_addon(call: Call) -> dict[str, str]:
    """Take an addon away, at the period's end unless a date is given."""
    body = call.bind(REMOVE_ADDON)
    association, _made = attachments.remove_addon(call, body)
    call.publish("subscription.updated", call.need("subscriptions", association["entity_id"]))
    return {"message": "addon removed from subscription successfully"}


@route("POST", "/v1/subscriptions/:id/lineitems", permission="subscription:write")
def add_line_item(call: Call) -> Reply:
    """One more line, by an existing price or one made for the subscription."""
    body = call.bind(LINE)
    config.check_proration(body["proration_behavior"])
    row = subscription_by_id(call, call.params["id"])
    with transaction.all_or_nothing(call) as deal:
        item = line_changes.add(deal, row, body)
        attachments.prorate(deal, row, body, begun=[item])
    call.publish("subscription.updated", row)
    return created(views.line_item(call, item))


@route("PUT", "/v1/subscriptions/lineitems/:id", permission="subscription:write")
def change_line_item(call: Call) -> dict[str, Any]:
    """Another price or commitment from a date on (a new line), or other metadata."""
    body = call.bind(LINE_UPDATE)
    item = line_items.by_id(call, call.params["id"])
    with transaction.all_or_nothing(call) as deal:
        changed = line_changes.change(deal, item, body)
    call.publish("subscription.updated", call.need("subscriptions", item["subscription_id"]))
    return views.line_item(call, changed)


@route("DELETE", "/v1/subscriptions/lineitems/:id", permission="subscription:write")
def end_line_item(call: Call) -> dict[str, Any]:
    """Let a line end, now or on a date."""
    body = call.bind(_END_LINE)
    config.check_proration(body["proration_behavior"])
    item = line_changes.end(call, line_items.by_id(call, call.params["id"]), body["effective_from"])
    row = call.need("subscriptions", item["subscription_id"])
    attachments.prorate(call, row, body, ended=[item])
    call.publish("subscription.updated", row)
    return views.line_item(call, item)


@route("POST", "/v1/subscriptions/:id/modify/execute", permission="subscription:write")
def modify_subscription(call: Call) -> dict[str, Any]:
    """Children, grouped invoices and quantities of a subscription."""
    body = call.bind(_MODIFY)
    with transaction.all_or_nothing(call) as deal:
        done = modifications.execute(deal, call.params["id"], body)
    for row in done.updated:
        call.publish("subscription.updated", row)
    return _modified(call, done)


def _modified(scope: Scope, done: modifications.Modified) -> dict[str, Any]:
    shown = views.full_subscription(scope, done.row) if done.row is not None else None
    return {"subscription": shown, "changed_resources": done.changed}


@route("POST", "/v1/subscriptions/:id/modify/preview")
def preview_modification(call: Call) -> dict[str, Any]:
    """What such a change would come to, without making it."""
    return _modified(call, modifications.preview(call, call.params["id"], call.bind(_MODIFY)))


@route("POST", "/v1/plans/:id/sync/subscriptions", permission="plan:write")
def sync_plan(call: Call) -> dict[str, str]:
    """Push changed prices of a plan to its subscriptions; again only after the lock of the first is gone."""
    price_sync.start(call, call.named("plans", call.params["id"], any_status=True))
    return started(call, "PriceSyncV2Workflow", "price sync v2 workflow started")
