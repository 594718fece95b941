"""Webhooks as Flexprice's own API shows them: the portal, sending again, triggering (contract 6.7)."""

from __future__ import annotations

from typing import Any

from ..billing import invoices
from ..delivery.service import service_of
from ..kernel import binding, errors
from ..kernel.call import Call
from ..kernel.routing import route

PORTAL_URL = "https://docs.svix.com/app-portal/oss"
"""What the open-source delivery service answers; the hosted one gives a magic link, which is a secret."""

TRIGGERS = (
    "invoice.update.finalized",
    "invoice.update.payment",
    "invoice.update.voided",
    "invoice.communication.triggered",
)


_SHOWN = 1000
_HOLD = binding.Schema("Hold", binding.field("hold", binding.boolean))
_RETRY = binding.Schema("RetryWebhookRequest", binding.field("system_event_id", rules="required", bound=True))


@route("GET", "/v1/webhooks/dashboard")
def dashboard(call: Call) -> dict[str, Any]:
    """A token for the environment's application; the call that creates it names it by ``app_…``, later ones by uid."""
    if not call.world.options.svix:
        return {"svix_enabled": False, "url": ""}
    svix = service_of(call.world).svix
    application, created = svix.application(call.tenant, call.environment)
    return {
        "app_id": application.id if created else application.uid,
        "svix_enabled": True,
        "token": svix.tokens.issue(application.id, call.now),
        "url": PORTAL_URL,
    }


@route("POST", "/v1/webhooks/retry")
def retry(call: Call) -> dict[str, Any]:
    """Send a system event again at once."""
    given = call.bind(_RETRY, "Provide a JSON body with system_event_id (system_events.id).")
    service = service_of(call.world)
    event = service.find(given["system_event_id"], call.tenant, call.environment)
    if event is None:
        raise errors.not_found("Verify the id and that it belongs to the current tenant and environment.")
    service.deliver_now(event)
    return {"success": event.done}


@route("POST", "/v1/invoices/:id/webhook/trigger")
def trigger(call: Call) -> dict[str, Any]:
    """Publish an invoice event by hand, whatever the invoice's state."""
    name = call.query.get("event_name")
    errors.refuse(not name, "Please provide event_name query parameter")
    if name not in TRIGGERS:
        raise errors.validation(
            f"Event must be one of: {', '.join(TRIGGERS)}", {"event_name": name, "valid_events": list(TRIGGERS)}
        )
    call.publish(name, invoices.by_id(call, call.params["id"]))
    return {"event_name": name, "message": "webhook triggered successfully"}


@route("GET", "/_emulator/webhooks", public=True)
def queue(call: Call) -> dict[str, Any]:
    """Only here: what was published, newest first, with the system event ids that the real server shows nowhere."""
    service = service_of(call.world)
    fields = ("id", "tenant", "environment", "name", "kind", "object_id", "at", "done", "failures")
    events = [{name: getattr(event, name) for name in fields} for event in reversed(service.events.values())]
    return {"held": service.held, "idle": service.idle(), "events": events[:_SHOWN]}


@route("POST", "/_emulator/webhooks", public=True)
def hold_queue(call: Call) -> dict[str, Any]:
    """Only here: ``{"hold": true}`` keeps events back, as a backlog does, until ``{"hold": false}``."""
    expected = 'expected {"hold": true} or {"hold": false}'
    wanted = call.bind(_HOLD, expected)["hold"]
    if wanted is None:
        raise errors.validation(expected)
    service = service_of(call.world)
    if wanted:
        service.hold()
    else:
        service.release()
    return {"held": service.held}
