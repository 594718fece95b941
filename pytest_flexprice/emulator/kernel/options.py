"""What may be set about one emulator; the defaults make it fast, the documented values are the real server's."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..delivery.settings import DeliverySettings

DEFAULT_KEY = "sk_local_flexprice_test_key"
DEFAULT_TENANT = "00000000-0000-0000-0000-000000000000"
SANDBOX = "00000000-0000-0000-0000-000000000000"
PRODUCTION = "00000000-0000-0000-0000-000000000001"


@dataclass
class EmulatorOptions:
    """Switches of one emulator. All durations are seconds."""

    host: str = "127.0.0.1"
    """Where to listen: the loopback, unless told otherwise."""
    port: int = 0
    """0 takes a free one."""
    api_key: str = DEFAULT_KEY
    """The server-config key: a super_admin user bound to no environment."""
    lag: float | None = 0.1
    """Seconds from an accepted event to its being stored and metered (real: 0.08–4.6); ``None`` holds events until
    the control route releases them; 0 is at once. Small, but not zero, so that a caller has to wait as with the real one."""
    key_cache_seconds: float = 5.0
    """How long a deleted key that was used lives on, from its first use (real: 120)."""
    meter_cache_seconds: float = 600.0
    """How long meters are remembered by event name (real: 600)."""
    svix: bool = True
    """Whether the delivery service is switched on (``False``: the native sender)."""
    delivery: DeliverySettings = field(default_factory=DeliverySettings)
    """Caches, retries, timeouts and allowed receivers of webhooks; its fields name the real values."""
    jobs: bool = True
    """Whether the periodic jobs run by themselves."""
    threads: int = 8
    """Requests answered at a time."""
    faults: tuple[str, ...] = ()
    """Names of the faults that are on from the start."""
    extra: dict[str, object] = field(default_factory=dict)
    """Settings of one part that nobody else needs to know."""
