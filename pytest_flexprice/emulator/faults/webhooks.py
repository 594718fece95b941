"""Faults of the webhooks: how the endpoint is registered, and what of an event arrives (checklist sections 6 and 7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..delivery.publishing import Event
from ..delivery.service import INTERCEPTORS
from ..kernel.world import World
from .registry import fault, hooking

if TYPE_CHECKING:
    from ..seeding.seed import Seeder

STAGING_HOST = "hooks.staging.example.com"


def _for_each_endpoint(seeder: Seeder, method: str, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
    """Change every registered endpoint as a person does in the portal."""
    door = seeder.call("GET", "/v1/webhooks/dashboard")
    headers = {"authorization": f"Bearer {door['token']}"}
    base = f"/api/v1/app/{door['app_id']}/endpoint"
    for endpoint in seeder.call("GET", base, headers=headers)["data"]:
        seeder.call(method, f"{base}/{endpoint['id']}", change(endpoint), headers)


fault("F113", "no webhook endpoint is registered in Production", "seeded")(
    lambda seeder: _for_each_endpoint(seeder, "DELETE", lambda endpoint: None)
)
fault("F115", "the registered endpoint was disabled", "seeded")(
    lambda seeder: _for_each_endpoint(seeder, "PATCH", lambda endpoint: {"disabled": True})
)


@fault("F114", "the registered endpoint is the one of the staging system", "seeded")
def staging_endpoint(seeder: Seeder) -> None:
    """The same path at another host, to which nothing of this machine can deliver."""
    host = f"https://{STAGING_HOST}"
    _for_each_endpoint(seeder, "PATCH", lambda endpoint: {"url": host + urlsplit(endpoint["url"]).path})


@fault("F116", "the endpoint is not subscribed to one of the events", "seeded")
def missing_type(seeder: Seeder) -> None:
    """The last of the types is gone from the filter; an endpoint without a filter gets one."""

    def without_one(endpoint: dict[str, Any]) -> dict[str, Any]:
        types = sorted(endpoint["filterTypes"] or ["invoice.update.finalized", "subscription.created"])
        return {"filterTypes": types[:-1] or ["customer.created"]}

    _for_each_endpoint(seeder, "PATCH", without_one)


intercepting = hooking(INTERCEPTORS)
intercepting("F139", "webhooks are never sent")(lambda world, event, body: None)


@intercepting("F140", "the webhook tells about another invoice")
def another_invoice(world: World, event: Event, body: bytes | None) -> bytes | None:
    """The invoice's id is replaced by another one's, the environment's newest beside it or one that is not there."""
    if body is None or event.kind != "invoice":
        return body
    others = [row["id"] for row in world.table("invoices").all(event.environment) if row["id"] != event.object_id]
    return body.replace(event.object_id.encode(), str(others[-1] if others else world.new_id("inv")).encode())
