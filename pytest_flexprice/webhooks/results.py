"""What became of one probe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_flexprice.webhooks.mint import Probe


@dataclass(frozen=True)
class ProbeResult:
    """What became of a probe: an answer's status, or 0 and why there was none. ``elapsed`` counts seconds.

    ``timed_out``: the handler took the message and did not answer within the delivery service's limit.
    """

    probe: Probe
    status: int = 0
    elapsed: float = 0.0
    location: str = ""
    problem: str = ""
    timed_out: bool = False
    closed: bool = False
    """The handler took the message and closed the connection without an answer."""
    hints: Mapping[str, str] = field(default_factory=dict)
    """What the answer carried that may tell a cause: some headers, and the beginning of its body as ``text``."""
    crowded: bool = False
    """No answer came in time where several messages came at once, and this one did when it came alone."""

    @property
    def accepted(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300

    @property
    def redirected(self) -> bool:
        """3xx."""
        return 300 <= self.status < 400

    @property
    def refused(self) -> bool:
        """4xx, but for 429, which says nothing about the message."""
        return 400 <= self.status < 500 and self.status != 429

    @property
    def crashed(self) -> bool:
        """5xx."""
        return self.status >= 500

    @property
    def preflight(self) -> bool:
        """The answer that frameworks give to OPTIONS by themselves: what is allowed there."""
        return self.probe.way.method == "OPTIONS" and bool({"allow", "access-control-allow-origin"} & set(self.hints))

    @property
    def failed(self) -> bool:
        """5xx, or no answer in time: it will be sent again."""
        return self.crashed or self.timed_out

    @property
    def said(self) -> str:
        """The answer in words."""
        if not self.status:
            return self.problem
        return f"{self.status} to {self.location}" if self.redirected and self.location else str(self.status)
