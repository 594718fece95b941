"""One billing vector on one emulator: creates what it needs, sends its events, and reads back what was metered and billed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from werkzeug.test import Client

Json = Any
_LINE = ("quantity", "amount", "adjusted_entitlement_quantity", "line_item_discount", "invoice_level_discount")
_INVOICE = ("payment_status", "billing_reason", "subtotal", "total_discount", "total_tax", "total", "amount_due")
_AGGREGATION = ("type", "field", "multiplier", "expression", "bucket_size", "group_by")


def rfc3339(moment: datetime) -> str:
    """A moment in milliseconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


class Api:
    """Calls an emulator's application in this process; a refusal fails the test."""

    def __init__(self, client: Client, key: str, environment: str) -> None:
        self._client = client
        self._headers = {"x-api-key": key, "x-environment-id": environment}

    def ask(self, method: str, path: str, body: Json = None, **query: str) -> tuple[int, Json]:
        """Status and JSON."""
        answer = self._client.open(path, method=method, json=body, query_string=query, headers=self._headers)
        return answer.status_code, answer.get_json(silent=True)

    def __call__(self, method: str, path: str, body: Json = None, **query: str) -> Json:
        status, answer = self.ask(method, path, body, **query)
        assert status < 300, f"{method} {path} {json.dumps(body)} -> {status} {answer}"
        return answer


class Case:
    """A vector's customer with one monthly subscription that started three UTC midnights ago."""

    def __init__(self, api: Api, vector: dict[str, Any]) -> None:
        self._api, self._vector = api, vector
        self._now = datetime.now(UTC)
        self._start = self._now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=3)
        self._tag = f"vector-{vector['id']}"
        self._meters: list[str | None] = []
        self._prices: list[str] = []
        self._overrides: dict[str, set[str]] = {}
        self._subscription = ""

    def create(self) -> None:
        """Customer, plan, addon, meters with features and prices, and the subscription."""
        api, vector, tag = self._api, self._vector, self._tag
        customer = api("POST", "/v1/customers", {"external_id": tag, "name": tag})
        plan = api("POST", "/v1/plans", {"name": tag, "lookup_key": tag})["id"]
        addon = ""
        if any(charge.get("addon") for charge in vector["charges"]):
            addon = api("POST", "/v1/addons", {"name": tag, "lookup_key": tag})["id"]
        for index, charge in enumerate(vector["charges"]):
            owner = ("ADDON", addon) if charge.get("addon") else ("PLAN", plan)
            self._charge(owner, f"{tag} m{index}", charge)
        body = {
            "customer_id": customer["id"],
            "plan_id": plan,
            "currency": vector["charges"][0]["price"]["currency"],
            "billing_period": "MONTHLY",
            "billing_period_count": 1,
            "billing_cycle": "anniversary",
            "start_date": rfc3339(self._start),
            **self._extra(addon),
        }
        self._subscription = api("POST", "/v1/subscriptions", body)["id"]
        self._note_overrides()

    def _extra(self, addon: str) -> dict[str, Any]:
        """What the vector asks for besides, with the coupons and taxes it needs."""
        api, vector, tag = self._api, self._vector, self._tag
        extra: dict[str, Any] = self._filled(vector.get("subscription") or {})
        if addon:
            start = rfc3339(self._start)
            extra["addons"] = [{"addon_id": addon, "start_date": start, **given} for given in extra.get("addons", [{}])]
        commitment = extra.pop("line_item_commitment", None)
        if commitment:
            extra["line_item_commitments"] = {self._prices[0]: commitment}
        if vector.get("coupon"):
            api("POST", "/v1/coupons", {"name": tag, "coupon_code": tag, **vector["coupon"]})
            extra.setdefault("subscription_coupons", [{"coupon_code": tag}])
        if vector.get("tax"):
            api("POST", "/v1/taxes/rates", {"name": tag, "code": tag, **vector["tax"]})
            extra["tax_rate_overrides"] = [{"tax_rate_code": tag, "currency": "usd", "auto_apply": True}]
        return extra

    def _filled(self, value: Json) -> Json:
        """A part of a request with ``{tag}``, ``{price0}`` and ``{start+seconds}`` replaced."""
        if isinstance(value, dict):
            return {key: self._filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        if not isinstance(value, str):
            return value
        value = value.replace("{tag}", self._tag)
        value = re.sub(r"\{price(\d+)\}", lambda hit: self._prices[int(hit.group(1))], value)
        return re.sub(
            r"\{start\+(\d+)\}", lambda hit: rfc3339(self._start + timedelta(seconds=int(hit.group(1)))), value
        )

    def _note_overrides(self) -> None:
        """The subscription's own prices, by the price that they stand for."""
        wanted = {"entity_type": "SUBSCRIPTION", "entity_ids": [self._subscription], "limit": 100}
        for price in self._api("POST", "/v1/prices/search", wanted)["items"]:
            self._overrides.setdefault(price["parent_price_id"], set()).add(price["id"])

    def _charge(self, owner: tuple[str, str], tag: str, charge: dict[str, Any]) -> None:
        spec = charge.get("meter")
        meter = self._metered(owner, tag, charge) if spec else None
        kind = {"type": "USAGE", "meter_id": meter} if meter else {"type": "FIXED"}
        price = {
            "entity_type": owner[0],
            "entity_id": owner[1],
            **kind,
            "invoice_cadence": "ARREAR",
            "billing_period": "MONTHLY",
            "billing_period_count": 1,
            "start_date": rfc3339(self._start - timedelta(days=7)),
            **charge["price"],
        }
        self._meters.append(meter)
        self._prices.append(self._api("POST", "/v1/prices", price)["id"])

    def _metered(self, owner: tuple[str, str], tag: str, charge: dict[str, Any]) -> str:
        """A new meter with its feature and, where there is one, its entitlement."""
        api, spec = self._api, charge["meter"]
        body = {
            "name": tag,
            "event_name": self._tag,
            "reset_usage": "BILLING_PERIOD",
            "aggregation": {key: spec[key] for key in _AGGREGATION if spec.get(key) is not None},
            "filters": spec.get("filters") or [],
        }
        meter: str = api("POST", "/v1/meters", body)["id"]
        feature = api("POST", "/v1/features", {"name": tag, "type": "metered", "meter_id": meter, "lookup_key": tag})
        if charge.get("entitlement"):
            granted = {"entity_type": owner[0], "entity_id": owner[1], "feature_id": feature["id"]}
            api("POST", "/v1/entitlements", {**granted, "feature_type": "metered", **charge["entitlement"]})
        return meter

    def send(self) -> None:
        """The events, in one call."""
        events = [
            {
                "event_name": self._tag,
                "external_customer_id": self._tag,
                "event_id": f"{self._tag}-{event['event_id']}",
                "timestamp": rfc3339(self._start + timedelta(seconds=event["offset"])),
                **({"properties": event["properties"]} if "properties" in event else {}),
            }
            for event in self._vector["events"]
        ]
        if events:
            self._api("POST", "/v1/events/bulk", {"events": events})

    def read(self) -> dict[str, Any]:
        """Lookups, usage and preview, in the shape of the vector's results."""
        wanted = self._vector["results"]
        results: dict[str, Any] = {"usage": [], "preview": self._preview()}
        if "lookup" in wanted:
            results["lookup"] = {event: self._lookup(event) for event in wanted["lookup"]}
        for charge, meter in zip(self._vector["charges"], self._meters, strict=True):
            if meter is None:
                results["usage"].append(None)
                continue
            body = {
                "external_customer_id": self._tag,
                "meter_id": meter,
                "start_time": rfc3339(self._start),
                "end_time": rfc3339(self._now + timedelta(hours=1)),
                "aggregation_type": charge["meter"]["type"],
            }
            answer = self._api("POST", "/v1/meter-usage/query", body)
            results["usage"].append({key: answer[key] for key in ("total_value", "event_count")})
        return results

    def _lookup(self, event: str) -> dict[str, Any]:
        answer = self._api("GET", "/v1/events/lookup", id=f"{self._tag}-{event}")
        found = {"status": answer["status"]}
        if answer.get("processed_events"):
            found["qty_total"] = answer["processed_events"][0]["qty_total"]
        elif answer["debug_tracker"]["failure_point"]:
            found["failure_point"] = answer["debug_tracker"]["failure_point"]["failure_point_type"]
        return found

    def _preview(self) -> dict[str, Any]:
        answer = self._api("POST", "/v1/invoices/preview", {"subscription_id": self._subscription})
        found = {key: answer[key] for key in ("subtotal", "total", "currency")}
        found |= {key: answer[key] for key in ("total_discount", "total_tax") if answer.get(key) not in (None, "0")}
        return {**found, **self._lines(answer)}

    def bill(self) -> dict[str, Any] | None:
        """Cancel at once with a final invoice; ``None`` when none is listed."""
        body = {"cancellation_type": "immediate", "cancel_immediately_inovice_policy": "generate_invoice"}
        self._api("POST", f"/v1/subscriptions/{self._subscription}/cancel", body)
        found = self._api("POST", "/v1/invoices/search", {"subscription_id": self._subscription})["items"]
        if not found:
            return None
        invoice = self._api("GET", f"/v1/invoices/{found[0]['id']}")
        return {"status": invoice["invoice_status"], **{key: invoice[key] for key in _INVOICE}, **self._lines(invoice)}

    def _lines(self, invoice: dict[str, Any]) -> dict[str, Any]:
        rest = list(invoice.get("line_items") or [])
        if "phases" in (self._vector.get("subscription") or {}):  # the first phase's line is the charge's
            rest.sort(key=lambda line: (line["period_start"] or "", line["price_id"] in self._prices))
        rows: list[dict[str, Any] | None] = []
        for price in self._prices:
            own = {price} | self._overrides.get(price, set())
            hit = next((line for line in rest if line.get("price_id") in own), None)
            if hit is None:
                rows.append(None)
                continue
            rest.remove(hit)
            row = {key: hit[key] for key in _LINE if hit.get(key) not in (None, "")}
            rows.append({**row, **({"commitment_info": hit["commitment_info"]} if hit.get("commitment_info") else {})})
        keys = ("display_name", "quantity", "amount", "commitment_info")
        return {
            "lines": rows,
            "other_lines": [{key: line[key] for key in keys if line.get(key) is not None} for line in rest],
        }

    def named(self, results: Json) -> Json:
        """Results with the vector's own names as they stand in the file."""
        return json.loads(json.dumps(results).replace(self._tag, "<vector>"))


def differences(want: Json, got: Json, path: str = "") -> Iterator[str]:
    """Where two results differ; decimals are compared by value."""
    if isinstance(want, dict) and isinstance(got, dict):
        for key in sorted(want.keys() | got.keys()):
            yield from differences(want.get(key), got.get(key), f"{path}.{key}")
    elif isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        for index, (one, other) in enumerate(zip(want, got, strict=True)):
            yield from differences(one, other, f"{path}.{index}")
    elif want != got and not _equal_decimals(want, got):
        yield f"{path}: recorded {want!r}, got {got!r}"


def _equal_decimals(want: Json, got: Json) -> bool:
    try:
        return Decimal(str(want)) == Decimal(str(got))
    except InvalidOperation:
        return False
