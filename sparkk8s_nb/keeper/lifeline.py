"""How the keeper knows that the kernel is gone: by the process itself, never by a pipe.

A pipe stays open as long as any forked child of the kernel holds it. A process descriptor (Linux), a kernel
event (macOS), or else the pair of process id and start time speak of the kernel alone; and a kernel that is
stopped, starved or in a debugger is not gone.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable
from typing import Protocol

from sparkk8s_nb.processes import ProcessId, is_alive


class Lifeline(Protocol):
    """Tells whether one process has ended."""

    @property
    def fd(self) -> int | None:
        """A descriptor that becomes readable when it ends; None where one has to ask."""
        ...

    def gone(self) -> bool:
        """Whether it has ended."""
        ...

    def close(self) -> None:
        """Give the descriptor back."""
        ...


class Polled:
    """Asks for the process each time."""

    fd: int | None = None

    def __init__(self, process: ProcessId, *, alive: Callable[[ProcessId], bool] = is_alive) -> None:
        self._process = process
        self._alive = alive

    def gone(self) -> bool:
        """Whether it has ended."""
        return not self._alive(self._process)

    def close(self) -> None:
        """Nothing to give back."""


class Descriptor:
    """A descriptor that is readable once the process has ended: a pidfd or a kqueue."""

    def __init__(self, fd: int, close: Callable[[], None]) -> None:
        self.fd: int | None = fd
        self._fd = fd
        self._close = close

    def gone(self) -> bool:
        """Whether it has ended."""
        return bool(select.select([self._fd], [], [], 0)[0])

    def close(self) -> None:
        """Give the descriptor back."""
        self._close()


def lifeline(process: ProcessId) -> Lifeline:
    """The best that this machine has.

    >>> from sparkk8s_nb.processes import identify
    >>> line = lifeline(identify()); line.gone(); line.close()
    False
    """
    try:
        found = _descriptor(process)
    except OSError:  # not there (any more), or a sandbox without the call: asking tells which
        return Polled(process)
    if found is None:
        return Polled(process)
    if not is_alive(process):  # the descriptor is of whoever has that process id now
        found.close()
        return Polled(process)
    return found


def _descriptor(process: ProcessId) -> Descriptor | None:
    if sys.platform == "linux":
        fd = os.pidfd_open(process.pid)
        return Descriptor(fd, lambda: os.close(fd))
    elif sys.platform == "darwin":  # noqa: RET505 (mypy wants the branches of a platform check together)
        queue = select.kqueue()
        exits = select.kevent(
            process.pid,
            filter=select.KQ_FILTER_PROC,
            flags=select.KQ_EV_ADD,
            fflags=select.KQ_NOTE_EXIT,
        )
        try:
            queue.control([exits], 0)
        except OSError:
            queue.close()
            raise
        return Descriptor(queue.fileno(), queue.close)
    else:
        return None
