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

from sparkk8s_nb.embedded import linux, shim
from sparkk8s_nb.embedded.descendants import below, parents


def main(handle: int) -> NoReturn:
    """Fork shims until the daemon closes its end of the socket ``handle``."""
    orders = socket.socket(fileno=handle)
    shims: set[int] = set()
    linux.become_subreaper()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: _reap(shims))
    gc.collect()
    gc.freeze()
    gc.disable()
    while True:
        data, handles, _, _ = socket.recv_fds(orders, 1, 1)
        if not data:
            os._exit(0)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        pid = os.fork()
        if pid == 0:
            orders.close()
            shims.clear()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            shim.main(socket.socket(fileno=handles[0]))
        shims.add(pid)
        os.close(handles[0])
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})


def _reap(shims: set[int]) -> None:
    """Wait for what has ended. A shim that was killed leaves us its pod's processes: end them."""
    orphaned = False
    while True:
        try:
            pid, code = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            break
        orphaned = orphaned or pid not in shims or code != 0
        shims.discard(pid)
    if not orphaned:
        return
    of = parents()
    for pid, parent in of.items():
        if parent == os.getpid() and pid not in shims:
            for each in (pid, *below(pid, of)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)
