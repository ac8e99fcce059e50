"""The small process that forks a shim for each pod. Standard library only.

Starting a Python interpreter for each pod would cost 20 ms and 8 MB each; a fork of this one costs 1 ms
and shares its memory. The daemon sends one byte and one end of a socket for each shim.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
from typing import NoReturn

from sparkk8s_nb import linux
from sparkk8s_nb.embedded import shim
from sparkk8s_nb.embedded.descendants import below, parents


class _Children:
    """The shims; ``None`` in a shim itself, which has children of its own."""

    def __init__(self) -> None:
        self.shims: set[int] | None = set()
        self._forking = False
        self._ended = False

    def fork(self) -> int:
        """``os.fork``, during which the end of a shim is only noted."""
        self._forking = True
        pid = os.fork()
        if pid == 0:
            self.shims = None
            return 0
        if self.shims is not None:
            self.shims.add(pid)
        self._forking = False
        if self._ended:
            self.reap()
        return pid

    def reap(self) -> None:
        """Wait for what has ended. A shim that was killed leaves us its pod's processes: end them."""
        self._ended = self._forking
        if self.shims is None or self._forking:
            return
        orphaned = False
        while True:
            try:
                pid, code = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                break
            orphaned = orphaned or pid not in self.shims or code != 0
            self.shims.discard(pid)
        if orphaned:
            self._end_orphans(self.shims)

    @staticmethod
    def _end_orphans(shims: set[int]) -> None:
        of = parents()
        for pid, parent in of.items():
            if parent == os.getpid() and pid not in shims:
                for each in (pid, *below(pid, of)):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(each, signal.SIGKILL)


def main(handle: int) -> NoReturn:
    """Fork shims until the daemon closes its end of the socket ``handle``."""
    orders = socket.socket(fileno=handle)
    children = _Children()
    linux.become_subreaper()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: children.reap())
    shim.warm_up()
    gc.collect()
    gc.freeze()
    gc.disable()
    while True:
        data, handles, _, _ = socket.recv_fds(orders, 1, 1)
        if not data:
            os._exit(0)
        if children.fork() == 0:
            os.close(handle)
            shim.main(handles[0])
        os.close(handles[0])
