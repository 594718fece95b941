"""A process that leaves by ``os._exit(0)`` before its run has ended: nothing is reported, and pytest's exit code would be 0.

While a run is under way that 0 becomes *not verified*. Whoever leaves through C, or replaces the process, is still not noticed here; then
``golive.json`` says INCOMPLETE, and ``verify`` refuses it.
"""

from __future__ import annotations

import os
from typing import NoReturn

from pytest_flexprice.evidence.headline import EXIT_NOT_VERIFIED

_TOLD = b"\nThe process left by os._exit(0) before the run had ended: INCOMPLETE.\n"


class Vanishing:
    """Watches ``os._exit`` of this process; a child that was forked leaves as it wants."""

    def __init__(self) -> None:
        self._leave, self._process = os._exit, os.getpid()
        # pytest captures the descriptors themselves while tests run; this one is from before.
        self._terminal = os.dup(2)

    def install(self) -> None:
        """Begin to watch."""
        os._exit = self._leaving

    def remove(self) -> None:
        """Give it back: the run has ended."""
        os._exit = self._leave
        os.close(self._terminal)

    def _leaving(self, status: int) -> NoReturn:
        if status == 0 and os.getpid() == self._process:
            os.write(self._terminal, _TOLD)
            status = EXIT_NOT_VERIFIED
        self._leave(status)
