"""The workers of a run with ``-n``, forked before it begins: they cost no imports either.

execnet starts a worker as ``python -c "exec what the standard input says"``. Here a process that was forked when nothing had begun is asked
instead: it forks, and its child does what the standard input says.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from typing import Any

from execnet import gateway_io
from execnet.gateway_base import Popen2IO

LONGEST = 1 << 17
"""Of a request: the environment of a worker."""


class Nursery:
    """The process that is asked for workers, and this process's way to it."""

    def __init__(self) -> None:
        self._way, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = os.fork()
        if self._process == 0:
            self._way.close()
            _bear(theirs)
        theirs.close()
        gateway_io.Popen2IOMaster = self._worker  # type: ignore[misc,assignment] # execnet has no other way in

    def close(self) -> None:
        """Wait until it and all workers are gone."""
        self._way.close()
        os.waitpid(self._process, 0)

    def _worker(self, _: Any, execmodel: Any) -> _Worker:
        (read, to_it), (from_it, write) = os.pipe(), os.pipe()
        socket.send_fds(self._way, [json.dumps(dict(os.environ)).encode()], [read, write])
        os.close(read)
        os.close(write)
        return _Worker(int(self._way.recv(LONGEST)), to_it, from_it, execmodel)


class _Worker(Popen2IO):
    """What execnet asks of a worker's process."""

    def __init__(self, process: int, to_it: int, from_it: int, execmodel: Any) -> None:
        self._process = process
        super().__init__(os.fdopen(to_it, "wb"), os.fdopen(from_it, "rb"), execmodel)

    def wait(self) -> None:
        """Its parent waits for it."""

    def kill(self) -> None:
        """End it."""
        os.kill(self._process, signal.SIGKILL)


def _bear(way: socket.socket) -> None:
    while (asked := socket.recv_fds(way, LONGEST, 2))[0]:
        child = os.fork()
        if child == 0:
            way.close()
            _work(json.loads(asked[0]), asked[1])
        for descriptor in asked[1]:
            os.close(descriptor)
        way.send(str(child).encode())
    try:
        while True:
            os.wait()
    except ChildProcessError:
        os._exit(0)


def _work(environ: dict[str, str], streams: list[int]) -> None:
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = ["-c"]
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    exec(eval(sys.stdin.readline()), {"__name__": "__main__"})
    sys.exit()
