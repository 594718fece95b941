"""Signatures hold for what the delivery service itself sent: rotation, own secrets, the other header family."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_flexprice.webhooks import signatures

SVIX = Path(__file__).parents[1] / "svix"
ROWS = [
    row
    for name in ("02_deliveries.json", "08_extras.json")
    for row in json.loads((SVIX / name).read_text(encoding="utf-8"))
    if "delivery" in row
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_the_services_deliveries_verify_with_each_of_their_secrets(row):
    sent, body = dict(row["delivery"]["headers"]), row["delivery"]["body"].encode()
    lower = {name.lower(): value for name, value in sent.items()}
    stamp = lower.get("svix-timestamp") or lower["webhook-timestamp"]
    at = datetime.fromtimestamp(int(stamp), UTC)
    secrets = row.get("secrets") or {"secret": row["secret"]}
    for secret in secrets.values():
        assert signatures.verify(sent, body, secret, now=at) in lower.values()
    with pytest.raises(signatures.SignatureError):
        signatures.verify(sent, body + b"\n", list(secrets.values()), now=at)


def test_a_rotation_and_the_other_headers_are_among_them():
    headers = [dict(row["delivery"]["headers"]) for row in ROWS]
    assert any(" " in one.get("svix-signature", "") for one in headers)
    assert any("webhook-signature" in one for one in headers)
