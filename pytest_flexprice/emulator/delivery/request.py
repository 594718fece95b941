"""One request to the delivery service's API, after its token was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .model import Application, Endpoint, Message
from .paging import Query
from .replies import entity_not_found
from .serde import Field, read
from .svix import Svix


@dataclass
class Request:
    """What a handler sees. ``application`` is the one that the path names and the token is for."""

    svix: Svix
    query: Query
    body: bytes
    params: Mapping[str, str] = field(default_factory=dict)
    scope: Application | None = None

    @property
    def application(self) -> Application:
        """The application of the path, if the token is for it; else 404."""
        found = self.svix.applications.get(self.params["app"])
        if found is None or found is not self.scope:
            raise entity_not_found()
        return found

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint of the path; else 404."""
        found = self.application.endpoint(self.params["endpoint"])
        if found is None:
            raise entity_not_found()
        return found

    @property
    def message(self) -> Message:
        """The message of the path; else 404."""
        found = self.application.message(self.params["message"])
        if found is None:
            raise entity_not_found()
        return found

    @property
    def now(self) -> datetime:
        """The server's time."""
        return self.svix.now()

    def read(self, fields: Mapping[str, Field], name: str) -> dict[str, Any]:
        """The body's fields; see :func:`serde.read`."""
        return read(self.body, fields, name)
