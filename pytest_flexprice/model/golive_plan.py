"""The plan, ``golive.toml``: what a company has decided about its go-live, typed.

People write and review it; it holds no secrets (keys and signing secrets are named by their variable). What the plan is silent
about fails as *not decided*, so nearly every part is optional here and asked for by the scenario that needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pytest_flexprice.model.plan_values import (
    BillingPeriod,
    Cell,
    Collection,
    EventType,
    FileName,
    Given,
    ItemId,
    LevelName,
    Named,
    Variable,
)
from pytest_flexprice.model.snapshot_values import Currency
from pytest_flexprice.model.traffic_plan import Traffic

PLAN_NAME = "golive.toml"
MOST_PREVIEWS = 1_000_000
CHECKLIST_EVENT_TYPES = (
    "invoice.update.finalized",
    "invoice.update.payment",
    "subscription.created",
    "subscription.cancelled",
)


class PlanTable(BaseModel):
    """What all tables of the plan share: unknown keys are mistakes, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Company(PlanTable):
    """Who goes live."""

    name: Named


class Client(PlanTable):
    """How the company's own application calls Flexprice, as its configuration says (checklist 1.3)."""

    events_url: str = ""
    header: str = "x-api-key"
    verify_tls: bool = True


class Handler(PlanTable):
    """The company's webhook handler: its URL and the *name* of the variable that holds its signing secret."""

    url: str
    secret: Variable


class Webhooks(PlanTable):
    """What the company decided about webhooks (checklist section 6 and item 7.4).

    ``processed`` is a URL with ``{invoice_id}`` that answers 200 once the handler has processed that invoice's webhook;
    ``grade`` is how far item 7.4 must be proved. ``transport`` says which one the server uses: ``native`` is unsigned.
    """

    endpoint: str
    handler: Handler | None = None
    processed: str = ""
    grade: Literal["delivered", "acknowledged", "processed"] = "processed"
    transport: Literal["svix", "native"] = "svix"
    event_types: Annotated[tuple[EventType, ...], Field(min_length=1)] = CHECKLIST_EVENT_TYPES


class Customers(PlanTable):
    """The customers that must exist: a CSV file, rows in the plan, or both (checklist section 4)."""

    file: FileName = ""
    declared: tuple[dict[str, Cell], ...] = ()
    undeclared: Literal["fail", "allow"] = "fail"
    ignore_prefixes: tuple[str, ...] = ()


class Invoicing(PlanTable):
    """What was decided about invoices and unpaid ones (checklist section 5).

    Where it takes ``two_names``, the decision counts only when somebody else than ``decided_by`` stands behind it, too.
    """

    grace_period_days: Annotated[int, Field(gt=0)] | None = None
    auto_cancel: bool | None = None
    collection: Collection | None = None
    decided_by: Named | None = None
    decided_on: date | None = None
    seconded_by: Named | None = None
    two_names: bool = False
    due_date_days: Annotated[int, Field(ge=0)] | None = None
    finalization_delay_seconds: Annotated[int, Field(gt=0)] | None = None

    @property
    def lacks_a_second_name(self) -> bool:
        """Whether somebody else has to stand behind the decision, and nobody does."""
        second = (self.seconded_by or "").casefold()
        return self.two_names and second in ("", (self.decided_by or "").casefold())


class Environment(PlanTable):
    """One environment of Flexprice that the plan knows.

    ``test_plans`` are the plans whose prices are proved, as many at once as the run has workers; ``test_events`` and ``test_amount``
    are the budget of that proof (events in all, and the most that one line may come to); ``unproved`` says of which events a price
    need not be proved, and why.
    ``previews`` is how many active subscriptions have their next invoice previewed each run, and ``preview_minutes`` how long that
    may take (checklist 5.3).
    ``allow`` is the highest level it may ever see; ``old_keys`` and ``old_key_ids`` name variables and key ids that must no longer
    work; ``scan`` lists deployed configuration files and folders. ``customers``, ``invoicing`` and ``webhooks`` replace the plan's
    own tables for this environment. ``requests_per_second`` is the most that a run sends to it, all its processes together; by default
    only what the server asks for by ``Retry-After`` is waited for.
    """

    base_url: str
    environment_id: Given = ""
    type: Literal["production", "development"]
    allow: LevelName | None = None
    test_plan: str = ""
    test_currency: Currency = ""
    test_billing_period: BillingPeriod | None = None
    test_invoice: Literal["draft", "cancel_and_bill"] = "draft"
    test_plans: Literal["all"] | tuple[str, ...] = ()
    test_events: Annotated[int, Field(gt=0)] | None = None
    test_amount: Annotated[Decimal, Field(gt=0)] | None = None
    unproved: dict[str, Named] = {}
    previews: Annotated[int, Field(gt=0, le=MOST_PREVIEWS)] | Literal["all"] | None = None
    preview_minutes: Annotated[int, Field(gt=0, le=24 * 60)] = 30
    requests_per_second: Annotated[float, Field(ge=0.1, le=1000)] | None = None
    old_keys: tuple[Variable, ...] = ()
    old_key_ids: tuple[str, ...] = ()
    scan: tuple[str, ...] = ()
    svix_url: str = ""
    accept_connections: tuple[str, ...] = ()
    allow_duplicates: bool = False
    probe_handler: bool = False
    probe_other_region: bool = False
    client: Client | None = None
    customers: Customers | None = None
    invoicing: Invoicing | None = None
    webhooks: Webhooks | None = None

    @property
    def production(self) -> bool:
        """Whether real customers are billed here."""
        return self.type == "production"


class EventKind(PlanTable):
    """One kind of event that the application sends (checklist 2.2, 3.1).

    ``properties`` gives the type of each property; ``samples`` names files (globs allowed) with events as the application
    sends them: NDJSON, JSON, CSV or Parquet.
    """

    name: str
    properties: dict[str, Literal["number", "string", "boolean", "object", "array"]] = {}
    samples: FileName | tuple[FileName, ...] = ()
    unbilled: Named | None = None

    @property
    def sample_files(self) -> tuple[str, ...]:
        """The sample files' names or globs, relative to the plan."""
        return (self.samples,) if isinstance(self.samples, str) else self.samples


class AcceptedDifference(PlanTable):
    """A difference to the signed-off catalog that somebody accepted until a day (``until`` is the last one)."""

    path: str
    reason: Named
    owner: Named
    until: date


class CatalogTable(PlanTable):
    """The signed-off catalog: a snapshot's file name, or the name of an environment to compare with (checklist 2.1).

    The key of such an environment comes from ``FLEXPRICE_<NAME>_API_KEY``. ``price_keys`` says that somebody looks prices up by
    their lookup key; a clone of an environment clears those keys.
    """

    signed_off: FileName
    price_keys: bool = False
    accepted: tuple[AcceptedDifference, ...] = ()


class Waiver(PlanTable):
    """An item that the company accepts although it failed or could not be verified; it stops counting after ``until``."""

    item: ItemId
    reason: Named
    owner: Named
    approved_by: Named
    until: date


class Attestation(PlanTable):
    """A person's statement that an item holds (checklist sections 1, 5 and 8).

    ``evidence`` is a link or a file beside the plan, ``evidence_sha256`` that file's SHA-256: of another file the statement is not.
    """

    item: ItemId
    statement: Named
    by: Named
    role: Named
    on: date
    valid_days: Annotated[int, Field(gt=0, le=366)] = 90
    environment: str = ""
    evidence: str = ""
    evidence_sha256: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")] = ""


class GoLivePlan(PlanTable):
    """The whole of ``golive.toml``. ``path`` is the file it came from; files it names are relative to that."""

    company: Company
    environments: dict[str, Environment] = {}
    events: tuple[EventKind, ...] = ()
    catalog: CatalogTable | None = None
    customers: Customers | None = None
    invoicing: Invoicing | None = None
    webhooks: Webhooks | None = None
    traffic: Traffic | None = None
    waivers: tuple[Waiver, ...] = ()
    attestations: tuple[Attestation, ...] = ()
    path: Path = Field(default=Path(PLAN_NAME), exclude=True)

    @model_validator(mode="after")
    def _event_names_are_unique(self) -> GoLivePlan:
        names = [event.name for event in self.events]
        double = sorted({name for name in names if names.count(name) > 1})
        if double:
            raise ValueError(f"events: '{double[0]}' is listed twice; list each event name once")
        return self

    @property
    def folder(self) -> Path:
        """The folder that the plan's own file names start from."""
        return self.path.parent

    @property
    def one_environment(self) -> bool:
        """Whether what names no environment can only mean one; a rehearsal's own table is none."""
        return len(self.environments.keys() - {"local"}) <= 1

    def files(self, *patterns: str) -> Iterator[Path]:
        """The files that names or globs of the plan stand for, sorted; a name without a match is yielded as it is."""
        for pattern in patterns:
            found = sorted(self.folder.glob(pattern)) if not Path(pattern).is_absolute() else [Path(pattern)]
            yield from found or [self.folder / pattern]

    def for_environment(self, name: str) -> GoLivePlan:
        """The plan as that environment sees it: its own customers, invoicing and webhooks tables in place of the plan's."""
        own = self.environments.get(name)
        if own is None:
            return self
        parts = {part: getattr(own, part) for part in ("customers", "invoicing", "webhooks")}
        return self.model_copy(update={part: value for part, value in parts.items() if value is not None})
