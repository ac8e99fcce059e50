"""Processes of this machine, by an identity that survives the reuse of process ids.

A process id alone proves nothing: it is given to somebody else once the process is gone. The pair of
id and start time is unique on one boot of one machine.
"""

from __future__ import annotations

import contextlib
import signal
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessId:
    """One process: its id and when it started (seconds since the epoch, as the kernel tells it)."""

    pid: int
    started: float

    def as_dict(self) -> dict[str, float]:
        """As JSON: ``{"pid": 7, "started": 1700000000.01}``."""
        return {"pid": self.pid, "started": self.started}


def identify(pid: int | None = None) -> ProcessId:
    """The identity of a running process (default: this one).

    Raises
    ------
    ProcessLookupError
        If there is no such process.

    Examples
    --------
    >>> import os; identify().pid == os.getpid()
    True
    """
    try:
        process = psutil.Process(pid)
        return ProcessId(pid=process.pid, started=process.create_time())
    except psutil.NoSuchProcess as error:
        raise ProcessLookupError(f"no process {pid}") from error


def is_alive(process: ProcessId) -> bool:
    """Whether exactly that process still exists (a zombie is dead: it runs nothing any more).

    >>> import os; is_alive(identify()), is_alive(ProcessId(pid=os.getpid(), started=1.0))
    (True, False)
    """
    try:
        found = psutil.Process(process.pid)
        same = abs(found.create_time() - process.started) < 0.02
        return same and found.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end(process: ProcessId, *, grace: float) -> bool:
    """End a process: TERM, up to ``grace`` seconds, KILL. Returns whether KILL was needed.

    Works for processes that are not our children. Does nothing if it is gone already.
    """
    if not is_alive(process):
        return False
    handle = psutil.Process(process.pid)
    with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
        handle.send_signal(signal.SIGTERM)
    gone, alive = psutil.wait_procs([handle], timeout=grace)
    if gone or not is_alive(process):
        return False
    with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
        handle.kill()
    psutil.wait_procs(alive, timeout=5)
    return True
