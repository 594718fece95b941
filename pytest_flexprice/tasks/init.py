"""A first plan from what an environment holds: golive.toml, customers, samples and the catalog's snapshot, to be reviewed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from pytest_flexprice.api.client import Flexprice
from pytest_flexprice.model.finding import not_verified
from pytest_flexprice.model.golive_plan import PLAN_NAME
from pytest_flexprice.model.meters import Meter
from pytest_flexprice.model.profile import Profile
from pytest_flexprice.model.values import names_in
from pytest_flexprice.oracle.catalog import canonical
from pytest_flexprice.tasks import found as reading
from pytest_flexprice.tasks.found import Found

CATALOG, CUSTOMERS, SAMPLES = "golive/catalog.json", "golive/customers.csv", "golive/samples"
_CLOUD = ("us.api.flexprice.io", "api.cloud.flexprice.io")


@dataclass
class FirstPlan:
    """A plan that is ready to be written: what was found, and each file's content by its name relative to the folder."""

    found: Found
    name: str
    production: bool
    files: dict[str, str] = field(default_factory=dict)

    @property
    def toml(self) -> str:
        """The plan itself."""
        return self.files[PLAN_NAME]

    def write(self, folder: Path) -> list[Path]:
        """Write the files that are new, the plan first, and return them; nothing is ever overwritten.

        Raises:
            NotVerified: one of the files is there already; nothing was written.
        """
        paths = {folder / name: content for name, content in self.files.items()}
        for path in paths:
            if path.exists():
                raise not_verified(
                    "",
                    str(path),
                    f"{path} is there already and is not overwritten",
                    remedy="move it away, then run --flexprice-init again",
                )
        for path, content in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8", newline="")
        return list(paths)


def first_plan(flexprice: Flexprice, profile: Profile, folder: Path) -> FirstPlan:
    """The plan that describes an environment.

    Raises:
        NotVerified, ApiError: the environment cannot be read.
    """
    found = reading.read(flexprice, profile)
    plan = FirstPlan(found, profile.name, profile.environment.production)
    plan.files[PLAN_NAME] = _render(found, profile, folder)
    plan.files[CUSTOMERS] = _csv(found)
    plan.files[CATALOG] = canonical.dumps(found.catalog)
    for name, events in sorted(found.samples.items()):
        lines = (json.dumps(event, ensure_ascii=False, sort_keys=True) + "\n" for event in events)
        plan.files[_sample_file(name)] = "".join(lines)
    return plan


def _csv(found: Found) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, found.columns, extrasaction="ignore", restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(found.customers)
    return text.getvalue()


def _render(found: Found, profile: Profile, folder: Path) -> str:
    template = Environment(
        loader=PackageLoader("pytest_flexprice.tasks", "."),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - TOML
    )
    template.filters.update(text=_text, key=_key, table=_table, list_=_list)
    environment = profile.environment
    return template.get_template("first_plan.toml.j2").render(
        company=folder.resolve().name.replace("-", " ").replace("_", " ").title() or "Company",
        name=profile.name,
        base_url=profile.base_url,
        environment_id=profile.environment_id,
        type=environment.type,
        production=environment.production,
        test_plan=found.cheapest(),
        self_hosted=urlsplit(profile.base_url).hostname not in _CLOUD,
        events=_events(found),
        catalog=CATALOG,
        customers=CUSTOMERS,
        invoicing=_invoicing(found),
        collection=sorted(found.collection),
        webhooks=_webhooks(found),
    )


def _events(found: Found) -> list[dict[str, Any]]:
    meters: dict[str, list[Meter]] = {}
    for _, _, meter in found.catalog.metered():
        if meter.published:
            meters.setdefault(meter.event_name, []).append(meter)
    return [
        {
            "name": name,
            "properties": _properties(readers),
            "file": _sample_file(name),
            "samples": _sample_file(name) if name in found.samples else "",
        }
        for name, readers in sorted(meters.items())
    ]


def _properties(meters: Iterable[Meter]) -> dict[str, str]:
    found: dict[str, str] = {}
    for meter in meters:
        found.update(dict.fromkeys(meter.allowed, "string"))
        found.update(dict.fromkeys(names_in(meter.aggregation.expression), "number"))
        found.update(
            dict.fromkeys(meter.properties, "string" if meter.aggregation.type == "COUNT_UNIQUE" else "number")
        )
    return found


def _invoicing(found: Found) -> dict[str, Any]:
    values = {key: dict(value) for key, (value, _) in found.settings.items()}
    subscription, invoice = values.get("subscription_config", {}), values.get("invoice_config", {})
    saved = found.settings.get("subscription_config", ({}, False))[1]
    return {
        "subscription_config": subscription if subscription.get("grace_period_days") else None,
        "invoice_config": invoice if invoice.get("finalization_delay_seconds") and "due_date_days" in invoice else None,
        "never_saved": "" if saved else "# Flexprice's defaults, which nobody ever saved here: save what is decided.\n",
    }


def _webhooks(found: Found) -> dict[str, Any] | None:
    if found.endpoint is None:
        return None
    parts = urlsplit(found.endpoint.url)
    return {
        "endpoint": found.endpoint.url,
        "event_types": found.event_types,
        "others": found.other_endpoints,
        "processed": f"{parts.scheme}://{parts.netloc}/internal/processed/{{invoice_id}}",
    }


def _text(value: str) -> str:
    """A TOML text: of JSON's escapes TOML knows all, but not DEL as it is."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(values: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, values))}]"


def _table(values: Mapping[str, str]) -> str:
    pairs = ", ".join(f"{_key(name)} = {_text(kind)}" for name, kind in sorted(values.items()))
    return f"{{ {pairs} }}" if pairs else "{}"


def _key(name: str) -> str:
    return name if name.replace("-", "").replace("_", "").isalnum() and name.isascii() else _text(name)


def _sample_file(name: str) -> str:
    safe = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)
    return f"{SAMPLES}/{safe}.ndjson"
