"""A process that leaves by ``os._exit(0)``, or becomes another program: that would hide how its run ended, or that it never did.

Until the run has ended that ends with *not verified*, afterwards with the code that the run came to. Whoever leaves through C is
not noticed here; then ``golive.json`` says what was reached, and ``verify`` refuses it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NoReturn

from pytest_flexprice.evidence.headline import EXIT_NOT_VERIFIED

_TOLD = "\nThe process left by os.{how} before the run had ended: INCOMPLETE.\n"
_TOLD_AFTER = "\nos.{how} would have hidden how the run ended: {code}.\n"
#: Those in which all of os.exec* end.
_REPLACING = ("execv", "execve")
#: ``os`` has its functions from here; both names lead to them.
_HOMES = (os, __import__(os.name))


class Vanishing:
    """Watches ``os._exit`` and ``os.exec*`` of this process; a child that was forked leaves as it wants."""

    def __init__(self) -> None:
        self._leave, self._process = os._exit, os.getpid()
        self._replace = {name: getattr(os, name) for name in _REPLACING}
        self._ended: int | None = None
        # pytest captures the descriptors themselves while tests run; this one is from before.
        self._terminal = os.dup(2)

    def install(self) -> None:
        """Begin to watch."""
        self._set("_exit", self._leaving)
        for name, replace in self._replace.items():
            self._set(name, self._becoming(name, replace))

    def remove(self) -> None:
        """Give it back."""
        for name, function in {"_exit": self._leave, **self._replace}.items():
            self._set(name, function)
        os.close(self._terminal)

    def ended(self, code: int) -> None:
        """The run has come to an end, and to this exit code."""
        self._ended = code

    def _set(self, name: str, function: Callable[..., Any]) -> None:
        for home in _HOMES:
            setattr(home, name, function)

    @property
    def _due(self) -> int:
        """The exit code that this process has to leave with; 0 where it may do as it wants."""
        if os.getpid() != self._process:
            return 0
        return EXIT_NOT_VERIFIED if self._ended is None else self._ended

    def _leaving(self, status: int) -> NoReturn:
        if status == 0 and self._due:
            self._tell("_exit(0)")
            status = self._due
        self._leave(status)

    def _becoming(self, name: str, replace: Callable[..., NoReturn]) -> Callable[..., NoReturn]:
        def becoming(*program: Any) -> NoReturn:
            if not self._due:
                replace(*program)
            self._tell(name)
            self._leave(self._due)

        return becoming

    def _tell(self, how: str) -> None:
        told = _TOLD if self._ended is None else _TOLD_AFTER
        os.write(self._terminal, told.format(how=how, code=self._ended).encode())
