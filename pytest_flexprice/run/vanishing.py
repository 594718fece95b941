"""A process that leaves by ``os._exit(0)``, or becomes another program, before its run has ended: nothing would be reported.

While a run is under way that ends with *not verified*. Whoever leaves through C is still not noticed here; then ``golive.json`` says
INCOMPLETE, and ``verify`` refuses it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NoReturn

from pytest_flexprice.evidence.headline import EXIT_NOT_VERIFIED

_TOLD = "\nThe process left by os.{how} before the run had ended: INCOMPLETE.\n"
#: Those in which all of os.exec* end.
_REPLACING = ("execv", "execve")


class Vanishing:
    """Watches ``os._exit`` and ``os.exec*`` of this process; a child that was forked leaves as it wants."""

    def __init__(self) -> None:
        self._leave, self._process = os._exit, os.getpid()
        self._replace = {name: getattr(os, name) for name in _REPLACING}
        # pytest captures the descriptors themselves while tests run; this one is from before.
        self._terminal = os.dup(2)

    def install(self) -> None:
        """Begin to watch."""
        os._exit = self._leaving
        for name, replace in self._replace.items():
            setattr(os, name, self._becoming(name, replace))

    def remove(self) -> None:
        """Give it back: the run has ended."""
        os._exit = self._leave
        for name, replace in self._replace.items():
            setattr(os, name, replace)
        os.close(self._terminal)

    def _leaving(self, status: int) -> NoReturn:
        if status == 0 and os.getpid() == self._process:
            self._tell("_exit(0)")
            status = EXIT_NOT_VERIFIED
        self._leave(status)

    def _becoming(self, name: str, replace: Callable[..., NoReturn]) -> Callable[..., NoReturn]:
        def becoming(*program: Any) -> NoReturn:
            if os.getpid() != self._process:
                replace(*program)
            self._tell(name)
            self._leave(EXIT_NOT_VERIFIED)

        return becoming

    def _tell(self, how: str) -> None:
        os.write(self._terminal, _TOLD.format(how=how).encode())
