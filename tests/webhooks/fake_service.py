"""A tiny delivery service: pages of two, tokens checked, every request noted."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

from pytest_flexprice.webhooks.loopback import LoopbackServer, Reply, Request

TOKEN = "appsk_very-secret-token"
APP = "tenant_env"


class FakeService(LoopbackServer):
    """``rows`` by path below the application; ``status`` and ``raw`` override every answer, ``busy`` the next ones."""

    def __init__(self, rows):
        super().__init__()
        self.rows, self.requests, self.status, self.raw, self.busy = rows, [], 200, None, 0

    def reply(self, request: Request) -> Reply:
        self.requests.append(request)
        if self.busy:
            self.busy -= 1
            return Reply(503, headers={"Retry-After": "0"})
        if self.raw is not None or self.status != 200:
            return Reply(self.status, self.raw or b"", {"Location": "https://elsewhere.example/"})
        if request.header("authorization") != f"Bearer {TOKEN}":
            return Reply(401, b'{"code":"authentication_failed","detail":"Invalid token"}')
        parts = urlsplit(request.path)
        path = parts.path.removeprefix(f"/api/v1/app/{APP}/").removeprefix("/api/v1/")
        found = self.rows.get(path)
        if found is None:
            return Reply(404, b'{"code":"not_found","detail":"Entity not found"}')
        if isinstance(found, dict):
            return Reply(200, json.dumps(found).encode())
        start = int((parse_qs(parts.query).get("iterator") or ["0"])[0])
        page = found[start : start + 2]
        body = {"data": page, "iterator": str(start + 2) if page else None, "done": start + 2 >= len(found)}
        return Reply(200, json.dumps(body).encode())
