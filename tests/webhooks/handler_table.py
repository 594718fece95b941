"""Every handler that the probes are tried on: name, handler, the words that must be said, whether it can be asked what it processed."""

from __future__ import annotations

from .handlers import Handler, Wanted
from .handlers_believing import BELIEVING
from .handlers_first import FIRST
from .handlers_losing import LOSING
from .handlers_public import PUBLIC
from .handlers_refusing import REFUSING
from .handlers_sound import SOUND
from .handlers_strange import STRANGE
from .handlers_unusual import UNUSUAL

TABLE: dict[str, tuple[type[Handler], Wanted, bool]] = {
    **FIRST,
    **BELIEVING,
    **LOSING,
    **REFUSING,
    **PUBLIC,
    **SOUND,
    **UNUSUAL,
    **STRANGE,
}
