"""`local`: an embedded Flexprice that holds what the plan declares, and a demo webhook handler, so that a plan can be rehearsed.

The rehearsed company's real addresses are replaced by loopback ones; everything else of its plan stays as it is.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pytest_flexprice.emulator import EmulatorOptions, FlexpriceServer
from pytest_flexprice.emulator.faults.agreed import DEALS
from pytest_flexprice.emulator.faults.all import FAULTS as EMULATOR_FAULTS
from pytest_flexprice.emulator.kernel.access import access_of
from pytest_flexprice.emulator.kernel.options import PRODUCTION, SANDBOX
from pytest_flexprice.emulator.seeding.planned import customers_of, fill, why_made_up
from pytest_flexprice.emulator.seeding.seed import SeedError
from pytest_flexprice.model.golive_plan import Environment, GoLivePlan, Handler, Webhooks
from pytest_flexprice.model.profile import LOCAL, ProfileError
from pytest_flexprice.oracle.catalog.signed_off import key_variable
from pytest_flexprice.rehearsal import demo, demo_log, own_log
from pytest_flexprice.rehearsal.client_faults import CLIENT_FAULTS, ClientFault, shown
from pytest_flexprice.rehearsal.handler import FAULTS as HANDLER_FAULTS
from pytest_flexprice.rehearsal.handler import WRONG_SECRET, DemoHandler, together
from pytest_flexprice.rehearsal.usage import use

#: Small, but never zero: what is asynchronous in the real one stays asynchronous here.
LAG = 0.05
STATED_DAYS_AGO = 20
OWN_WEBHOOKS = Webhooks(
    endpoint="https://handler.rehearsal.example/flexprice",
    handler=Handler(url="https://handler.rehearsal.example/flexprice", secret="REHEARSED_WEBHOOK_SECRET"),  # noqa: S106 - a variable's name
    processed="https://handler.rehearsal.example/processed/{invoice_id}",
)
"""What is rehearsed where the plan decides nothing about webhooks, so that everything else can be."""


@dataclass
class Rehearsal:
    """A running rehearsal: its servers, and the values by which processes join it."""

    server: FlexpriceServer
    handler: DemoHandler
    values: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def start(cls, plan: GoLivePlan, faults: Iterable[str] = ()) -> Rehearsal:
        """Start the servers and fill them with what the plan declares.

        Raises:
            ProfileError: a fault is unknown, or the plan's catalog or customers cannot be rehearsed.
        """
        chosen = sort_faults(faults)
        options = EmulatorOptions(lag=LAG, key_cache_seconds=0.0, faults=tuple(chosen.emulator))
        server = FlexpriceServer(options).start()
        handler = DemoHandler("whsec_" + secrets.token_hex(12), chosen.handler)
        handler.start()
        rehearsal = cls(server, handler)
        try:
            rehearsal._fill(plan, chosen)
        except SeedError as error:
            rehearsal.stop()
            raise ProfileError(f"{plan.path}: what the plan declares cannot be rehearsed: {error}") from None
        except BaseException:
            rehearsal.stop()
            raise
        return rehearsal

    def handover(self) -> dict[str, Any]:
        """What another process needs to join, JSON-ready."""
        return json.loads(json.dumps(self.values))  # type: ignore[no-any-return]

    def stop(self) -> None:
        """Stop both servers."""
        self.handler.stop()
        self.server.stop()

    def _fill(self, plan: GoLivePlan, chosen: Chosen) -> None:
        own = rehearsed_environment(plan)
        here = plan.for_environment(name_of(plan, own))
        # No request changes a type: the embedded Production stands for whatever environment the plan has.
        access_of(self.server.world).environments[PRODUCTION]["type"] = own.type
        live, sandbox = fill(self.server, here, own)
        _, key = live.key("billing service")
        variables = {"FLEXPRICE_API_KEY": key}
        for name in own.old_keys:
            identifier, variables[name] = sandbox.key(f"old key {name}")
            sandbox.revoke(identifier)
        for name in _sandboxes(plan):
            _, variables[key_variable(name)] = sandbox.key(f"reader of {name}")
        webhooks = here.webhooks or OWN_WEBHOOKS
        secret = live.endpoint(self.handler.url, webhooks.event_types)
        if "F125" not in self.handler.faults:
            self.handler.secret = secret
        if webhooks.handler:
            variables[webhooks.handler.secret] = secret
        for other in plan.environments.values():
            if other is not own and other.webhooks and other.webhooks.handler:
                variables.setdefault(other.webhooks.handler.secret, WRONG_SECRET)
        live.customers(customers_of(here))
        if chosen.only_calculates:
            use(live, here)
        self.values = {
            "url": self.server.url,
            "environment_id": PRODUCTION,
            "sandbox_id": SANDBOX,
            "handler": self.handler.url,
            "processed": self.handler.processed_url,
            "variables": variables,
            "old_keys": list(own.old_keys),
            "faults": [fault.name for fault in chosen.client],
        }
        if plan.path == demo.PLAN and plan.traffic:
            names = [fault.name for fault in chosen.client]
            self.values["traffic"] = demo_log.prepare(live, plan, datetime.now(UTC), names)
        elif plan.traffic:
            names = [fault.name for fault in chosen.client]
            self.values["own_log"] = own_log.prepare(live, plan, datetime.now(UTC), names)
        for fault in chosen.client:
            with shown(fault.name, plan):
                fault.prepare(live, sandbox, self.values)


@dataclass
class Chosen:
    """The faults of a rehearsal by where they live."""

    emulator: list[str] = field(default_factory=list)
    handler: list[str] = field(default_factory=list)
    client: list[ClientFault] = field(default_factory=list)

    @property
    def only_calculates(self) -> bool:
        """Whether nothing is wrong, or only what is billed: then customers may have used something, and each fault shows itself."""
        return (
            not self.handler
            and not self.client
            and all(name.startswith("W") or name == DEALS for name in self.emulator)
        )


def sort_faults(names: Iterable[str]) -> Chosen:
    """Find out where each fault lives.

    Raises:
        ProfileError: there is no such fault, or two of them exclude each other.
    """
    chosen = Chosen()
    for name in names:
        if name in CLIENT_FAULTS:
            chosen.client.append(CLIENT_FAULTS[name])
        if name in HANDLER_FAULTS:
            chosen.handler.append(name)
        if name in EMULATOR_FAULTS:
            chosen.emulator.append(name)
        if name not in known_faults():
            known = "\n".join(f"  {each}  {meaning}" for each, meaning in sorted(known_faults().items()))
            raise ProfileError(f"--flexprice-fault={name}: there is no such fault; the known ones are\n{known}")
    try:
        together(chosen.handler)
    except ValueError as error:
        raise ProfileError(f"--flexprice-fault: {error}") from None
    return chosen


def known_faults() -> dict[str, str]:
    """Every fault that a rehearsal can show, with what it means."""
    return {
        **{name: fault.meaning for name, fault in EMULATOR_FAULTS.items()},
        **HANDLER_FAULTS,
        **{name: fault.meaning for name, fault in CLIENT_FAULTS.items()},
    }


def rehearsed_environment(plan: GoLivePlan) -> Environment:
    """The environment of the plan that a rehearsal stands for: its own ``local``, else the production one, else the first.

    Raises:
        ProfileError: the plan has none.
    """
    choices = [plan.environments[LOCAL]] if LOCAL in plan.environments else list(plan.environments.values())
    if not choices:
        raise ProfileError(f"{plan.path}: environments is missing; add a table such as [environments.prod]")
    return next((environment for environment in choices if environment.production), choices[0])


def name_of(plan: GoLivePlan, environment: Environment) -> str:
    """The name under which the plan has this environment."""
    return next(name for name, one in plan.environments.items() if one is environment)


def rehearsed_plan(plan: GoLivePlan, values: dict[str, Any]) -> GoLivePlan:
    """The plan with loopback addresses in an environment ``local``; the demo company's statements are kept recent."""
    own = rehearsed_environment(plan)
    stood_for = name_of(plan, own)
    webhooks = own.webhooks or plan.webhooks or OWN_WEBHOOKS
    update: dict[str, Any] = {
        "base_url": values["url"],
        "environment_id": values["environment_id"],
        "svix_url": values["url"],
        "probe_handler": True,
        "allow": None,
        "webhooks": _loopback(webhooks, values),
    }
    if own.client and own.client.events_url:
        events_url = own.client.events_url.replace(own.base_url.rstrip("/"), values["url"])
        update["client"] = own.client.model_copy(update={"events_url": events_url})
    local = own.model_copy(update=update)
    others = {name: one for name, one in plan.environments.items() if name != LOCAL}
    for name in _sandboxes(plan):
        others[name] = others[name].model_copy(update={"base_url": values["url"]})
    attestations = tuple(
        one.model_copy(update={"environment": LOCAL}) if one.environment == stood_for else one
        for one in plan.attestations
    )
    result = plan.model_copy(update={"environments": {**others, LOCAL: local}, "attestations": attestations})
    if plan.path == demo.PLAN:
        result = _recent(result, datetime.now(UTC).date())
    if plan.path == demo.PLAN:
        result = demo_log.with_log(result, values.get("traffic", ""))
    result = own_log.with_copy(result, values.get("own_log", {}))
    for name in values["faults"]:
        with shown(name, plan):
            result = CLIENT_FAULTS[name].change(result, values)
    return result


def stand_ins(plan: GoLivePlan) -> list[tuple[str, str, str]]:
    """What a rehearsal puts in place of what the plan leaves open: name, value and where it is from, for the run's header."""
    found = []
    if not (rehearsed_environment(plan).webhooks or plan.webhooks):
        reason = "the rehearsal, as the plan is silent about webhooks; decide them before a real run"
        found.append(("webhooks", "a handler of the rehearsal's own", reason))
    if why_made_up(plan):
        found.append(
            ("catalog", "made up from the plan's events and customers", f"the rehearsal, as {why_made_up(plan)}")
        )
    return found


def _sandboxes(plan: GoLivePlan) -> list[str]:
    """The environments of the plan that the embedded Sandbox stands for: they can be compared with."""
    own = rehearsed_environment(plan)
    return [name for name, one in plan.environments.items() if not one.production and one is not own and name != LOCAL]


def _loopback(webhooks: Webhooks, values: dict[str, Any]) -> Webhooks:
    handler = Handler(url=values["handler"], secret=webhooks.handler.secret) if webhooks.handler else None
    return webhooks.model_copy(
        update={
            "endpoint": values["handler"],
            "handler": handler,
            "processed": values["processed"] if webhooks.processed else "",
            "transport": "svix",
        }
    )


def _recent(plan: GoLivePlan, today: date) -> GoLivePlan:
    stated = today - timedelta(days=STATED_DAYS_AGO)
    attestations = tuple(one.model_copy(update={"on": stated}) for one in plan.attestations)
    invoicing = plan.invoicing.model_copy(update={"decided_on": stated}) if plan.invoicing else None
    return plan.model_copy(update={"attestations": attestations, "invoicing": invoicing})
