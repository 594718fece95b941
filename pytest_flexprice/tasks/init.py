"""A first plan from what an environment holds: golive.toml, the customers' CSV file and the catalog's snapshot, to be reviewed."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from pytest_flexprice.api.catalog import read_everything
from pytest_flexprice.api.client import Flexprice
from pytest_flexprice.api.customers import read_customers, read_subscriptions
from pytest_flexprice.api.errors import ApiError
from pytest_flexprice.model.finding import NotVerified, not_verified
from pytest_flexprice.model.golive_plan import PLAN_NAME
from pytest_flexprice.model.numbers import names_in
from pytest_flexprice.oracle.catalog.objects import Catalog, Meter
from pytest_flexprice.oracle.customers.register import Register
from pytest_flexprice.run.profile import Profile
from pytest_flexprice.tasks.snapshot import write

CATALOG, CUSTOMERS = "golive/catalog.json", "golive/customers.csv"
COLUMNS = ("external_id", "name", "plan", "currency", "billing_period", "billing_cycle", "collection_method", "status")


def write_first_plan(flexprice: Flexprice, profile: Profile, folder: Path) -> list[Path]:
    """Write the three files below ``folder`` from what the environment holds, and return them; nothing is ever overwritten.

    The plan states what is there and leaves out what only a person can decide: the checklist tells those as *not decided*.

    Raises:
        NotVerified: one of the files is there already, or the environment cannot be read.
        ApiError: Flexprice refused to be read.
    """
    files = [folder / PLAN_NAME, folder / CUSTOMERS, folder / CATALOG]
    for path in files:
        if path.exists():
            raise not_verified(
                "",
                str(path),
                f"{path} is there already and is not overwritten",
                remedy="move it away, then run --flexprice-init again",
            )
    now = datetime.now(UTC)
    catalog = read_everything(flexprice, now)
    with Register() as register:
        register.add_customers(read_customers(flexprice))
        register.add_subscriptions(read_subscriptions(flexprice))
        _write_customers(register, files[1])
    write(catalog, files[2])
    files[0].write_text(_plan(catalog, profile, folder, _settings(flexprice)), encoding="utf-8")
    return files


def _write_customers(register: Register, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        for external_id, customer, subscription in register.every():
            row = {"external_id": external_id, "name": customer.get("name", "")}
            if subscription:
                row.update({key: str(value) for key, value in subscription.items() if key in COLUMNS})
                row["plan"] = subscription.get("plan_key") or ""
                row["status"] = "" if subscription["status"] == "active" else subscription["status"]
            writer.writerow(row)


def _settings(flexprice: Flexprice) -> Mapping[str, object]:
    """What is set about overdue invoices, as a hint; nothing where it cannot be read."""
    try:
        setting = flexprice.get("/v1/settings/subscription_config") or {}
    except (ApiError, NotVerified):
        return {}
    return setting.get("value") or {} if setting.get("id") else {}


def _plan(catalog: Catalog, profile: Profile, folder: Path, settings: Mapping[str, object]) -> str:
    environment = profile.environment
    name = profile.name
    parts = [
        "# The go-live plan, first written by --flexprice-init from what the environment held.",
        "# What is stated below was found there: review it. What is commented out only a person can decide; until then the",
        "# checklist tells it as not decided. Keys never stand here: they come from the environment or from .env.<name>.",
        "",
        "[company]",
        f"name = {_text(folder.resolve().name.replace('-', ' ').replace('_', ' ').title() or 'Company')}  # the company's name",
        "",
        f"[environments.{_key(name)}]",
        f"base_url = {_text(profile.base_url)}",
        *([f"environment_id = {_text(profile.environment_id)}"] if profile.environment_id else []),
        f'type = "{environment.type}"',
        f'allow = "{"smoke" if environment.production else "drill"}"  # the highest level that may ever be run here',
        *_test_plan(catalog),
        *([] if environment.production else _OTHER_ENVIRONMENT),
        "",
        "# What the application sends. Record some events of each kind as it sends them, and name the file as samples.",
        *_events(catalog),
        "[catalog]",
        f'signed_off = "{CATALOG}"  # review this file: it is what the environment sells today',
        "",
        "[customers]",
        f'file = "{CUSTOMERS}"  # review this file: it is who is there today, and on which plan',
        "",
        *_invoicing(settings),
        *_WEBHOOKS,
        *_ATTESTATIONS,
    ]
    return "\n".join(parts) + "\n"


def _test_plan(catalog: Catalog) -> list[str]:
    usable = sorted(key for key, plan in catalog.plans.items() if any(price.usage for price in plan.prices))
    if not usable:
        return ['# test_plan = "…"  # the plan that a test customer subscribes to: one with a usage price']
    return [f"test_plan = {_text(usable[0])}  # the plan that a test customer subscribes to"]


def _events(catalog: Catalog) -> list[str]:
    meters: dict[str, list[Meter]] = {}
    for _, _, meter in catalog.metered():
        if meter.published:
            meters.setdefault(meter.event_name, []).append(meter)
    lines: list[str] = []
    for name, readers in sorted(meters.items()):
        pairs = ", ".join(f'{_key(key)} = "{kind}"' for key, kind in sorted(_properties(readers).items()))
        lines += [
            "[[events]]",
            f"name = {_text(name)}",
            f"properties = {{ {pairs} }}" if pairs else "properties = {}",
            f'# samples = "golive/samples/{_file(name)}.ndjson"',
            "",
        ]
    return lines


def _properties(meters: Iterable[Meter]) -> dict[str, str]:
    found: dict[str, str] = {}
    for meter in meters:
        found.update(dict.fromkeys(meter.filters, "string"))
        found.update(dict.fromkeys(names_in(meter.expression), "number"))
        found.update(dict.fromkeys(meter.properties, "string" if meter.aggregation == "COUNT_UNIQUE" else "number"))
    return found


def _invoicing(settings: Mapping[str, object]) -> list[str]:
    days, cancel = settings.get("grace_period_days"), settings.get("auto_cancellation_enabled")
    today = f" (today: {days} days, {'on' if cancel else 'off'})" if days is not None else " (never set today)"
    return [
        "# [invoicing]",
        f"# grace_period_days = 14            # days an unpaid invoice may be overdue before auto-cancel acts{today}",
        "# auto_cancel = false",
        '# collection = "send_invoice"       # or charge_automatically',
        '# decided_by = "Name, role"',
        "# decided_on = 2026-01-31",
        "",
    ]


_OTHER_ENVIRONMENT = [
    "",
    "# [environments.prod]",
    '# base_url = "https://us.api.flexprice.io"',
    '# environment_id = "env_…"           # the Production key must belong to this one',
    '# type = "production"',
    '# allow = "smoke"',
    '# old_keys = ["OLD_SANDBOX_KEY"]      # names of variables; each of these keys must be dead',
]
_WEBHOOKS = [
    "# [webhooks]",
    '# endpoint = "https://billing.example.com/flexprice"',
    '# handler = { url = "https://billing.example.com/flexprice", secret = "FLEXPRICE_WEBHOOK_SECRET" }',
    '# processed = "https://billing.example.com/internal/processed/{invoice_id}"',
    "",
]
_ATTESTATIONS = [
    "# One for each of 8.1, 8.2, 8.3 and 8.4, by the person who can say so.",
    "# [[attestations]]",
    '# item = "8.1"',
    '# statement = "…"',
    '# by = "Name"',
    '# role = "Role"',
    "# on = 2026-01-31",
    '# environment = "prod"',
]


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _key(name: str) -> str:
    return name if name.replace("-", "").replace("_", "").isalnum() and name.isascii() else _text(name)


def _file(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)
