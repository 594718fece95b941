"""Filling an emulator through its own API: a catalog, customers with subscriptions, settings, keys and a webhook endpoint.

A seed only ever does what a company could do with requests, so a seeded emulator is in a state that the real one could be in.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from pytest_flexprice.model.customer_columns import DEALS
from pytest_flexprice.model.near_miss import NearMisses
from pytest_flexprice.model.spoken import several

from ..billing.rollover import roll_over
from ..billing.trials import end_trials
from ..delivery.event_types import REGISTERED
from ..faults.registry import Place, rules
from ..kernel import wsgi
from ..kernel.app import SEEDING
from ..kernel.options import PRODUCTION, SANDBOX
from ..kernel.server import FlexpriceServer
from ..metering.pipeline import pipeline
from . import bodies
from .cataloguing import Cataloguing, Seeded
from .made_up import coupon
from .subscribing import Row, SeedError, deal, moment_of, place, refusal, refused, rfc3339, wanted

__all__ = ["SeedError", "Seeded", "Seeder"]

#: Prices are older than every subscription (contract 4.2).
PRICES_SINCE = timedelta(days=60)
_SHOWN = 10


class Seeder:
    """Seeds one environment of a server as its super admin; the server need not be listening."""

    def __init__(self, server: FlexpriceServer, environment: str = PRODUCTION) -> None:
        self._server = server
        self.world = server.world
        self._app = server.application()
        self._headers = {"x-api-key": server.api_key, "x-environment-id": environment}
        self._now = datetime.now(UTC)
        self.seeded = Seeded(environment)
        self._lost_plans: set[str] = set()  # what active faults took away: nobody can be subscribed to it
        self._terms: dict[str, dict[str, str]] = {}
        self.collection = ""
        """How money is collected where a customer's row does not say it."""
        self._since = self._now - PRICES_SINCE

    @property
    def environment(self) -> str:
        """The id of the environment that is seeded."""
        return self.seeded.environment

    def older_than(self, rows: Iterable[Row]) -> None:
        """Let the prices that are seeded be older than every subscription of these rows."""
        starts = (moment_of(row, "start_date") or moment_of(row, "trial_end") for row in rows)
        self._since = min([self._since, *(start - PRICES_SINCE for start in starts if start)])

    def beside(self) -> Seeder:
        """A seeder of the Sandbox, for what is there only."""
        return Seeder(self._server, SANDBOX)

    def _spoil(self, place: Place, *parts: Any) -> None:
        """Let the active faults change what is about to be seeded; the Sandbox is always as it should be."""
        if self.seeded.environment == PRODUCTION:
            for rule in rules(self.world, place):
                rule(*parts)

    def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """One request.

        Raises:
            SeedError: it was refused.
        """
        status, answer = wsgi.ask(self._app, method, path, body, headers or self._headers, **{SEEDING: True})
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            raise SeedError(refusal(f"{method} {path}", status, answer))
        return answer

    def settle(self) -> None:
        """Let everything that was sent be metered now, whatever the lag."""
        with self.world.lock:
            pipeline(self.world).release()

    def key(self, name: str) -> tuple[str, str]:
        """A new API key pinned to the environment: its id and the key."""
        body = {"name": name, "type": "private_key"}
        self._spoil("key", body)
        made = self.call("POST", "/v1/secrets/api/keys", body)
        return str(made["secret"]["id"]), str(made["api_key"])

    def revoke(self, identifier: str) -> None:
        """Delete an API key; one that was never used is dead at once (contract 1.7)."""
        self.call("DELETE", f"/v1/secrets/api/keys/{identifier}")

    def setting(self, key: str, value: Row) -> None:
        """Save a setting."""
        body = dict(value)
        self._spoil("setting", key, body)
        self.call("PUT", f"/v1/settings/{key}", {"value": body})

    def gateway(self, provider: str = "stripe") -> None:
        """A connected payment gateway. It has no request: a real one is connected with the provider's own secrets."""
        made = rfc3339(self._now)
        row = {"id": "conn_rehearsed", "name": provider, "provider_type": provider, "status": "published"}
        row |= {"environment_id": self.environment, "created_at": made, "updated_at": made}
        self.world.table("connections").insert(row)

    def catalog(self, catalog: Row) -> None:
        """A catalog in its canonical JSON form: features with meters, plans with prices and entitlements."""
        catalog = copy.deepcopy(dict(catalog))
        wanted = set(catalog.get("plans") or ())
        self._spoil("catalog", catalog)
        self._lost_plans = wanted - set(catalog.get("plans") or ())
        Cataloguing(self.call, self.setting, self.seeded, self._since).make(catalog)
        self._terms |= {key: bodies.terms(plan) for key, plan in (catalog.get("plans") or {}).items()}

    def customers(self, rows: Iterable[Row]) -> None:
        """Customers with their subscriptions, as rows of the customers file: external_id, plan, currency, billing_period, …

        What an active fault makes impossible is not there, as a company's own request was refused.

        Raises:
            SeedError: some rows cannot be made; all of them are told.
        """
        rows = [dict(row) for row in rows]
        self._spoil("customers", rows)
        for row in rows:
            external_id = row["external_id"]
            body = {"external_id": external_id, "name": row.get("name") or external_id}
            body.update({name: row[name] for name in ("timezone", "metadata") if row.get(name)})
            if external_id not in self.seeded.customers:
                self.seeded.customers[external_id] = self.call("POST", "/v1/customers", body)["id"]
        sold = [row for row in rows if row.get("plan") and str(row["plan"]) not in self._lost_plans]
        problems: list[str] = []
        for row in sorted(sold, key=lambda row: bool(row.get("parent"))):
            try:
                (self._inherit if row.get("parent") else self._subscription)(row)
            except SeedError as error:
                problems.append(str(error))
        if problems and not any(rules(self.world, place) for place in ("catalog", "customers")):
            raise SeedError(several(problems, "of the declared customers cannot be made"))
        settle_past(self)
        self._spoil("seeded", self)

    def endpoint(self, url: str, event_types: Iterable[str]) -> str:
        """Register a webhook endpoint for those of the types that there are, or for all; its signing secret."""
        door = self.call("GET", "/v1/webhooks/dashboard")
        headers = {"authorization": f"Bearer {door['token']}"}
        base = f"/api/v1/app/{door['app_id']}/endpoint"
        types = sorted({*event_types} & {*REGISTERED})
        made = self.call("POST", base, {"url": url, "filterTypes": types or None}, headers)
        return str(self.call("GET", f"{base}/{made['id']}/secret", headers=headers)["key"])

    def _subscription(self, row: Row) -> None:
        customer = row["external_id"]
        plan_id = self._plan_id(row)
        row = {**self._terms.get(str(row["plan"]), {}), **{name: value for name, value in row.items() if value}}
        want = wanted(row, self.seeded.customers[customer], plan_id, self._now, self.collection)
        try:
            made = self.call("POST", "/v1/subscriptions", {**want.body, **self._deal(row, plan_id)})
            for method, path, body in want.afterwards:
                self.call(method, f"/v1/subscriptions/{made['id']}{path}", body)
        except SeedError as error:
            raise SeedError(f"{place(row)}: {error}") from None
        self.seeded.subscriptions[customer] = made["id"]

    def _deal(self, row: Row, plan_id: str) -> dict[str, Any]:
        """What was agreed with one customer; a coupon of which only the code is known takes off a tenth."""
        if not any(row.get(name) for name in DEALS):
            return {}
        known = {str(each.get("coupon_code")) for each in self.call("GET", "/v1/coupons?limit=1000")["items"]}
        for code in filter(None, str(row.get("coupon") or "").split("; ")):
            if code not in known:
                self.call("POST", "/v1/coupons", coupon(code))
        return deal(row, self.call("GET", f"/v1/plans/{plan_id}").get("prices") or ())

    def _inherit(self, row: Row) -> None:
        """Let a customer inherit the subscription of the one that its row names."""
        parent = self.seeded.subscriptions.get(str(row["parent"]))
        if parent is None:
            raise refused(row, "parent", "the external id of a customer of this file with a subscription of its own")
        params = {"external_customer_ids_to_inherit_subscription": [row["external_id"]]}
        body = {"type": "inheritance", "inheritance_params": params}
        try:
            self.call("POST", f"/v1/subscriptions/{parent}/modify/execute", body)
        except SeedError as error:
            raise SeedError(f"{place(row)}: {error}") from None

    def _plan_id(self, row: Row) -> str:
        key = str(row["plan"])
        if key not in self.seeded.plans:
            known = ", ".join(sorted(self.seeded.plans)[:_SHOWN]) or "it has none"
            hint = NearMisses(self.seeded.plans).hint(key)
            if row["external_id"] in self.seeded.plans:
                hint = ", and its external_id is one: the two columns seem to be swapped"
            raise refused(row, "plan", f"the lookup key of a plan of the signed-off catalog: {known}{hint}")
        return self.seeded.plans[key]


def settle_past(seeder: Seeder) -> None:
    """Run the jobs that are due, take back the empty drafts of finished periods, and have paid what would be overdue.

    A backdated subscription is overdue at once in the real server (contract 4.7). A customers file names dates on which customers
    really began, and they have paid since.
    """
    world = seeder.world
    now = world.clock.now()
    with world.lock:
        end_trials(world, now)
        roll_over(world, now)
        rows = [row for row in world.table("invoices").all(seeder.environment) if row["subscription_id"]]
    for row in rows:
        if row["invoice_status"] == "DRAFT":
            seeder.call("POST", f"/v1/invoices/{row['id']}/void", {})
        elif _overdue(row, seeder):
            seeder.call("PUT", f"/v1/invoices/{row['id']}/payment", {"payment_status": "SUCCEEDED"})


def _overdue(row: Row, seeder: Seeder) -> bool:
    open_ = row["invoice_status"] == "FINALIZED" and row["amount_remaining"] > 0
    return bool(open_ and row["due_date"] and row["due_date"] <= seeder.world.clock.now())
