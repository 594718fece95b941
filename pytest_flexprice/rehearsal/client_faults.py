"""Faults of the company's own making: what its plan, its keys or its configuration get wrong in a rehearsal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pytest_flexprice.model import catalog_snapshot
from pytest_flexprice.model.declared_customers import DeclaredRow, declared
from pytest_flexprice.model.golive_plan import Client, Customers, GoLivePlan, Invoicing
from pytest_flexprice.model.profile import ProfileError
from pytest_flexprice.rehearsal.demo_log import LOG_FAULTS
from pytest_flexprice.rehearsal.sample_faults import SAMPLE_FAULTS, Lacking, scratch_folder

if TYPE_CHECKING:
    from pytest_flexprice.emulator.seeding.seed import Seeder

Values = dict[str, Any]


def _nothing(live: Seeder, sandbox: Seeder, values: Values) -> None:
    """Most faults need no preparation."""


@dataclass(frozen=True)
class ClientFault:
    """One fault: ``prepare`` acts on the emulator before the run and may leave values; ``change`` on the plan in every process."""

    name: str
    meaning: str
    prepare: Callable[[Seeder, Seeder, Values], None] = _nothing
    change: Callable[[GoLivePlan, Values], GoLivePlan] = lambda plan, values: plan


CLIENT_FAULTS: dict[str, ClientFault] = {}


@contextmanager
def shown(fault: str, plan: GoLivePlan) -> Iterator[None]:
    """While a fault is planted.

    Raises:
        ProfileError: the company lacks what the fault is about.
    """
    try:
        yield
    except Lacking as lacks:
        raise ProfileError(
            f"--flexprice-fault={fault} has nothing to break: {plan.path} has {lacks}; choose another fault"
        ) from None


def _invoicing(plan: GoLivePlan) -> Invoicing:
    if plan.invoicing is None:
        raise Lacking("no table [invoicing]")
    return plan.invoicing


def _customers(plan: GoLivePlan) -> Customers:
    if plan.customers is None:
        raise Lacking("no table [customers]")
    return plan.customers


def _old_keys(values: Values) -> list[str]:
    if not values["old_keys"]:
        raise Lacking("no old_keys in its environment")
    return list(values["old_keys"])


def _fault(name: str, meaning: str, **hooks: Any) -> None:
    CLIENT_FAULTS[name] = ClientFault(name, meaning, **hooks)


def _sandbox_key(live: Seeder, sandbox: Seeder, values: Values) -> None:
    _, values["variables"]["FLEXPRICE_API_KEY"] = sandbox.key("sandbox service")


def _sandbox_key_with_header(live: Seeder, sandbox: Seeder, values: Values) -> None:
    _sandbox_key(live, sandbox, values)
    values["variables"]["FLEXPRICE_ENVIRONMENT_ID"] = values["environment_id"]


def _deployed_old_key(live: Seeder, sandbox: Seeder, values: Values) -> None:
    old = values["variables"][_old_keys(values)[0]]
    deployed = scratch_folder() / "billing.env"
    deployed.write_text(f"LOG_LEVEL=info\nBILLING_FLEXPRICE_KEY={old}\n", encoding="utf-8")
    values["deployed"] = str(deployed)


def _scanned(plan: GoLivePlan, values: Values) -> GoLivePlan:
    return _local(plan, scan=(values["deployed"],))


def _living_old_key(live: Seeder, sandbox: Seeder, values: Values) -> None:
    for name in _old_keys(values):
        _, values["variables"][name] = sandbox.key("forgotten")


def _reading_key(live: Seeder, sandbox: Seeder, values: Values) -> None:
    # No request gives a person's key this role: it comes from the account's roles when the key is made (contract 1.7).
    from pytest_flexprice.emulator.kernel.access import access_of  # noqa: PLC0415 - the emulator is an extra

    key = access_of(live.world).keys[values["variables"]["FLEXPRICE_API_KEY"]]
    key.caller = replace(key.caller, roles=("all_reader",))
    key.row["roles"] = ["all_reader"]


def _ingesting_key(live: Seeder, sandbox: Seeder, values: Values) -> None:
    _role_key(live, values, "event_ingestor")


def _role_key(live: Seeder, values: Values, role: str) -> None:
    account = live.call("POST", "/v1/users", {"type": "service_account", "name": role, "roles": [role]})
    body = {"name": role, "type": "private_key", "service_account_id": account["id"]}
    values["variables"]["FLEXPRICE_API_KEY"] = live.call("POST", "/v1/secrets/api/keys", body)["api_key"]


def _of_the_plan(change: Callable[[GoLivePlan], GoLivePlan]) -> Callable[[GoLivePlan, Values], GoLivePlan]:
    return lambda plan, values: change(plan)


def _without_attestation(plan: GoLivePlan, values: Values) -> GoLivePlan:
    if not plan.attestations:
        raise Lacking("no attestations")
    return plan.model_copy(update={"attestations": plan.attestations[1:]})


def _expired_attestations(plan: GoLivePlan, values: Values) -> GoLivePlan:
    if not plan.attestations:
        raise Lacking("no attestations")
    old = tuple(one.model_copy(update={"on": one.on - timedelta(days=366)}) for one in plan.attestations)
    return plan.model_copy(update={"attestations": old})


def _undecided_collection(plan: GoLivePlan, values: Values) -> GoLivePlan:
    return _collecting(plan, None, _silent)


def _decided_to_collect(plan: GoLivePlan, values: Values) -> GoLivePlan:
    method = "charge_automatically"
    return _collecting(plan, method, lambda row: {**_silent(row), "collection_method": method})


def _collecting(plan: GoLivePlan, method: str | None, change: Callable[[DeclaredRow], dict[str, str]]) -> GoLivePlan:
    """The plan with another decision about all its customers, each row as it is changed."""
    update: dict[str, Any] = {"invoicing": _invoicing(plan).model_copy(update={"collection": method})}
    customers = _customers(plan)
    rows = tuple(change(row) for row in declared(customers, plan.folder) if isinstance(row, DeclaredRow))
    update["customers"] = customers.model_copy(update={"file": "", "declared": rows})
    return plan.model_copy(update=update)


def _silent(row: DeclaredRow) -> dict[str, str]:
    """A row without the column by which a customer decides how it pays."""
    kept = {name: value for name, value in row.values.items() if name != "collection_method"}
    return {"external_id": row.external_id, **kept}


def _missing_evidence(plan: GoLivePlan, values: Values) -> GoLivePlan:
    if not plan.attestations:
        raise Lacking("no attestations")
    first, *rest = plan.attestations
    return plan.model_copy(
        update={"attestations": (first.model_copy(update={"evidence": "golive/minutes.pdf"}), *rest)}
    )


def _client(**update: Any) -> Callable[[GoLivePlan, Values], GoLivePlan]:
    return lambda plan, values: _local(plan, client=_own_client(plan).model_copy(update=update))


def _own_client(plan: GoLivePlan) -> Client:
    """How the application calls Flexprice; as it should where the plan does not say it."""
    local = plan.environments["local"]
    client = local.client or Client()
    return client if client.events_url else client.model_copy(update={"events_url": f"{local.base_url}/v1/events"})


def _local(plan: GoLivePlan, **update: Any) -> GoLivePlan:
    local = plan.environments["local"].model_copy(update=update)
    return plan.model_copy(update={"environments": {**plan.environments, "local": local}})


def _listed_key(live: Seeder, sandbox: Seeder, values: Values) -> None:
    values["old_key_id"], _ = live.key("declared revoked")


def _declared_revoked(plan: GoLivePlan, values: Values) -> GoLivePlan:
    return _local(plan, old_key_ids=(values["old_key_id"],))


def _archived_when_signed_off(plan: GoLivePlan, values: Values) -> GoLivePlan:
    """The first meter of the signed-off snapshot is archived there."""
    catalog = plan.catalog
    if catalog is None or catalog.signed_off in plan.environments:
        raise Lacking("no signed-off snapshot")
    document = catalog_snapshot.signed_off(catalog.signed_off, plan.folder)
    meters = [feature["meter"] for feature in document.get("features", {}).values() if feature.get("meter")]
    if not meters:
        raise Lacking("no meter in its signed-off snapshot")
    meters[0]["status"] = "archived"
    snapshot = scratch_folder() / "catalog.json"
    snapshot.write_text(json.dumps(document), encoding="utf-8")
    return plan.model_copy(update={"catalog": catalog.model_copy(update={"signed_off": str(snapshot)})})


def _decided_to_cancel(plan: GoLivePlan, values: Values) -> GoLivePlan:
    decided = _invoicing(plan).model_copy(update={"auto_cancel": True})
    return plan.model_copy(update={"invoicing": decided})


def _nobody_connected(live: Seeder, sandbox: Seeder, values: Values) -> None:
    connections = live.world.table("connections")
    for one in connections.all(live.environment):
        connections.remove(one)


def _doubled_v1(plan: GoLivePlan, values: Values) -> GoLivePlan:
    return _client(events_url=_own_client(plan).events_url.replace("/v1/", "/v1/v1/"))(plan, values)


def _missing_v1(plan: GoLivePlan, values: Values) -> GoLivePlan:
    return _client(events_url=_own_client(plan).events_url.replace("/v1/", "/"))(plan, values)


_fault("F01", "the Sandbox key is used", prepare=_sandbox_key)
_fault("F02", "the Sandbox key is used, with a header that names Production", prepare=_sandbox_key_with_header)
_fault("F06", "the key may only read", prepare=_reading_key)
_fault("F07", "the key may only send events", prepare=_ingesting_key)
_fault("F08", "the application sends its key as a bearer token", change=_client(header="Authorization"))
_fault("F11", "the application composes /v1 twice", change=_doubled_v1)
_fault("F12", "the application leaves /v1 out", change=_missing_v1)
_fault("F15", "the application does not verify TLS certificates", change=_client(verify_tls=False))
_fault("F16", "a deployed configuration still holds an old key", prepare=_deployed_old_key, change=_scanned)
_fault("F17", "an old key was never revoked", prepare=_living_old_key)
_fault("F18", "a key that was declared revoked is still listed", prepare=_listed_key, change=_declared_revoked)
_fault(
    "F34",
    "a meter that was archived in the Sandbox is published here, as a clone makes it",
    change=_archived_when_signed_off,
)
_fault("F99", "auto-cancel is off though it was decided to be on", change=_decided_to_cancel)
_fault("F101", "nobody decided how invoices are collected", change=_undecided_collection)
_fault(
    "F103",
    "invoices are to be collected, and no payment gateway is connected",
    prepare=_nobody_connected,
    change=_decided_to_collect,
)
_fault("F149", "an attestation is missing", change=_without_attestation)
_fault("F150", "the attestations ran out", change=_expired_attestations)
_fault("F153", "the evidence that a statement names is not there", change=_missing_evidence)
for _sample in SAMPLE_FAULTS:
    _fault(_sample.name, _sample.meaning, change=_of_the_plan(_sample.change))
for _name, (_meaning, _) in LOG_FAULTS.items():
    _fault(_name, _meaning)
