"""``/v1/prices`` (contract 2.4; recordings prices, price_changes)."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from ..kernel import errors, pricing_rules
from ..kernel.binding import Schema, array, decimal, field, instant, integer, mapping, several, strings, text
from ..kernel.call import Call, Reply, created
from ..kernel.catalog import find_meter, is_ended, with_group, with_meter
from ..kernel.lists import Page
from ..kernel.pricing_rules import UNIT_FIELDS, check_price, check_values, published
from ..kernel.resource import Filter, Resource, Values, among, amongs, equal, flag, idle, storable
from ..kernel.routing import route
from ..kernel.tables import Row
from .deal_requests import IN_UNIT, TIER, TRANSFORM
from .groups import require_group

_COLUMNS = ("amount", "currency", "type", "billing_period", "billing_model", "entity_type", "entity_id", "lookup_key")
_COSTLY = ("amount", "billing_model", "tier_mode", "tiers", "transform_quantity", *pricing_rules.OF_UNITS)
_MAX_BULK = 100

_CREATE = Schema(
    "CreatePriceRequest",
    *several(text, "entity_type entity_id type billing_period billing_model invoice_cadence", "required"),
    field("currency", rules="required,len=3"),
    *several(integer, "billing_period_count min_quantity trial_period_days"),
    *several(text, "price_unit_type meter_id tier_mode display_name description lookup_key group_id"),
    field("price_unit_config", IN_UNIT),
    field("amount", decimal),
    field("tiers", array(TIER)),
    field("transform_quantity", TRANSFORM),
    *several(instant, "start_date end_date"),
    field("metadata", strings),
    field("filter_values", mapping),
)
_BULK = Schema("CreateBulkPriceRequest", field("items", array(_CREATE)))
_UPDATE = Schema(
    "UpdatePriceRequest",
    *several(text, "display_name description lookup_key group_id billing_model tier_mode"),
    field("metadata", strings),
    field("effective_from", instant),
    *several(decimal, "amount price_unit_amount"),
    *several(array(TIER), "tiers price_unit_tiers"),
    field("transform_quantity", TRANSFORM),
)
_DELETE = Schema("DeletePriceRequest", field("end_date", instant))


def _shown(call: Call, row: Row, expand: Container[str | None]) -> dict[str, Any]:
    return with_group(call, row, with_meter(call, row, "meters" in expand), "groups" in expand)


PRICES = Resource(
    "prices",
    _COLUMNS,
    (
        idle("plan_ids"),
        among("price_ids", "id"),
        *amongs("meter_ids entity_ids"),
        among("billing_periods", "billing_period"),
        equal("entity_type"),
        equal("parent_price_id"),
        equal("subscription_id", "entity_id"),
        Filter("start_date_lt", instant, lambda row, given: row["start_date"] < given),
        flag("allow_expired_prices", lambda _row, _given: True),
    ),
    sort="name",
    conditions=False,
    view=lambda call, row, page: _shown(call, row, page.expand),
    full=lambda call, row, _page: _shown(call, row, ("meters", call.query.get("expand"))),
)


def _entity_name(call: Call, kind: str, identifier: str) -> str:
    """The name of what a price belongs to; 404 when there is none."""
    noun = kind.lower()
    message, details = f"The specified {noun} does not exist", {f"{noun}_id": identifier}
    row = call.found(f"{noun}s", identifier, message, details, any_status=True)
    return str(row.get("name", ""))


def _require_free(call: Call, lookup_key: str | None, own: Row | None = None) -> None:
    """Refuse a key that another price in force has; an update's as well, as of plans (recording plans)."""
    rows = call.find("prices", lookup_key=lookup_key, status="published")
    if lookup_key and any(not is_ended(row, call.now) and row is not own for row in rows):
        raise _taken(call, lookup_key)


def _taken(call: Call, lookup_key: str) -> errors.ApiError:
    details = {"lookup_key": lookup_key, "price_id": call.world.new_id("price")}
    return errors.conflict("A price with this identifier already exists", details)


def _fields(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """The published fields of a new price, checked."""
    unit = pricing_rules.priced(call, body)
    check_price(body)
    require_group(call, body["group_id"], "price")
    owner = _entity_name(call, body["entity_type"], body["entity_id"])
    meter = find_meter(call, body["meter_id"]) if body["type"] == "USAGE" else None
    return {
        **published(body, body["currency"].lower(), meter, owner),
        **unit,
        "entity_type": body["entity_type"],
        "entity_id": body["entity_id"],
        "start_date": body["start_date"] or call.now,
        **({"group_id": body["group_id"]} if body["group_id"] else {}),
    }


def _insert(call: Call, fields: dict[str, Any]) -> Row:
    _require_free(call, fields["lookup_key"])
    storable("create price", fields, "lookup_key", "display_name")
    return call.insert("prices", "price", **fields, sequence=call.world.next("price"))


def _created_view(row: Row, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """A price as the answer of its creation: its place in the server's sequence is not known yet."""
    return {name: value for name, value in row.public().items() if name not in ("sequence", *without)}


route("POST", "/v1/prices", permission="price:write")(
    lambda call: created(_created_view(_insert(call, _fields(call, call.bind(_CREATE)))))
)


@route("POST", "/v1/prices/bulk", permission="price:write")
def create_prices(call: Call) -> Reply:
    """Several prices, or none of them."""
    body = call.bind(_BULK)
    items = [item for item in body["items"] or [] if item is not None]
    errors.refuse(not items, "Please provide at least one price to create")
    errors.refuse(len(items) > _MAX_BULK, f"Please provide at most {_MAX_BULK} prices to create")
    checked: list[dict[str, Any]] = []
    for index, item in enumerate(items):
        with errors.at_index(index):
            if failures := _CREATE.failures(item):
                raise errors.failed(_CREATE.name, *failures)
            fields = _fields(call, item)
            _require_free(call, fields["lookup_key"])
            if fields["lookup_key"] and any(one["lookup_key"] == fields["lookup_key"] for one in checked):
                raise _taken(call, fields["lookup_key"])
        checked.append(fields)
    rows = [_insert(call, fields) for fields in checked]
    return created({"items": [_created_view(row, without=tuple(UNIT_FIELDS)) for row in rows]})


@route("GET", "/v1/prices/lookup/:lookup_key")
def lookup_price(call: Call) -> Any:
    """The current price of a lookup key: the newest that has begun and not ended, else the newest not ended."""
    key = call.params["lookup_key"]
    now = call.now
    rows = call.find("prices", lookup_key=key, status="published")
    current = [row for row in rows if not is_ended(row, now)]
    begun = [row for row in current if row["start_date"] <= now]
    if not current:
        raise errors.not_found(f"Price with lookup key {key} was not found", {"lookup_key": key})
    return (begun or current)[-1]


def _page(call: Call, values: Values, page: Page) -> dict[str, Any]:
    """Prices in force, unless ended ones are asked for."""
    rows = [row for row in PRICES.all(call) if values["allow_expired_prices"] or not is_ended(row, call.now)]
    return PRICES.answer(call, values, page, rows)


PRICES.serve("/v1/prices", one=True, answer=_page)


def _check_update(body: dict[str, Any]) -> None:
    fiat = {name: body[name] is not None for name in ("amount", "tiers")}
    unit = {name: body[name] is not None for name in pricing_rules.OF_UNITS}
    if any(fiat.values()) and any(unit.values()):
        message = (
            "Cannot provide both FIAT fields (amount, tiers) and custom price unit fields "
            "(price_unit_amount, price_unit_tiers) in the same request"
        )
        raise errors.validation(message, {f"has_{name}": given for name, given in {**fiat, **unit}.items()})
    if body["effective_from"] and not any(body[name] is not None for name in _COSTLY):
        message = (
            "When providing effective_from, you must also provide one of: amount, billing_model, tier_mode, tiers, "
            "transform_quantity, price_unit_amount, or price_unit_tiers"
        )
        raise errors.validation(message)
    check_values(body)


def _successor(call: Call, old: Row, body: dict[str, Any], words: dict[str, Any]) -> Row:
    """End ``old`` and make the price that follows it."""
    since = body["effective_from"] or call.now
    merged = {f.name: old.get(f.name) for f in _CREATE.fields} | words
    merged |= {name: body[name] for name in _COSTLY if name in merged and body[name] is not None}
    if merged["billing_model"] != "TIERED":
        merged["tiers"] = merged["tier_mode"] = None
    merged["tiers"] = merged["tiers"] and [{"flat_amount": None, **tier} for tier in merged["tiers"]]
    merged |= {"start_date": since, "end_date": None, "lookup_key": ""}
    merged["min_quantity"] = old.get("min_quantity")
    config = pricing_rules.following(old, body)
    if config:
        merged |= {"price_unit_config": config, "amount": None, "tiers": None}
    fields = _fields(call, merged) | {"parent_price_id": old.get("parent_price_id") or old["id"]}
    call.touch(old, end_date=since, sequence=call.world.next("price"))
    fields["lookup_key"] = words.get("lookup_key", old["lookup_key"])
    return call.insert("prices", "price", **fields, sequence=call.world.next("price"))


@route("PUT", "/v1/prices/:id", permission="price:write")
def update_price(call: Call) -> Any:
    """Change names in place; an amount, model or tiers end the price and make a new one."""
    body = call.bind(_UPDATE)
    _check_update(body)
    require_group(call, body["group_id"], "price")
    row = PRICES.found(call, call.params["id"])
    names = ("display_name", "description", "lookup_key", "metadata", "group_id")
    words = {name: body[name] for name in names if body[name] is not None}
    errors.refuse(row.get("end_date") is not None, "Cannot update a terminated price", price_id=row["id"])
    _require_free(call, body["lookup_key"], row)
    if any(body[name] is not None for name in _COSTLY):
        return _created_view(_successor(call, row, body, words))
    call.touch(row, **words)
    return _shown(call, row, ())


@route("DELETE", "/v1/prices/:id", permission="price:write")
def delete_price(call: Call) -> dict[str, str]:
    """End a price now or at ``end_date``; its status stays."""
    body = call.bind(_DELETE)
    row = PRICES.found(call, call.params["id"])
    if row.get("end_date") is not None:
        details = {"price_id": row["id"], "end_date": row["end_date"]}
        raise errors.validation("Cannot terminate a price that has already been terminated", details)
    end = body["end_date"] or call.now
    if end < row["start_date"]:
        raise errors.validation("End date must be after start date", {"end_date": end, "start_date": row["start_date"]})
    call.touch(row, end_date=end, sequence=call.world.next("price"))
    return {"message": "price deleted successfully"}
