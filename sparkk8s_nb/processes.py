"""Processes of this machine, by an identity that survives the reuse of process ids.

A process id alone proves nothing: it is given to somebody else once the process is gone. The pair of
id and start time is unique on one boot of one machine.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from sparkk8s_nb.model.record import SessionRecord, is_orphan

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
PID_NAMESPACE = Path("/proc/self/ns/pid")

KILLED_WITHIN = 5.0
"""Seconds that the kernel may take to end what was killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessId:
    """One process: its id and when it started.

    ``started`` is in seconds since the machine's boot on Linux, since the epoch elsewhere. It is only ever
    compared: on Linux the time since the epoch of one and the same process moves when the clock is set
    (a laptop that wakes up, a virtual machine that was paused), and a living process would look dead.
    """

    pid: int
    started: float

    def as_dict(self) -> dict[str, float]:
        """As JSON: ``{"pid": 7, "started": 1700000000.01}``."""
        return {"pid": self.pid, "started": self.started}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> ProcessId:
        """Read what :meth:`as_dict` gave; whatever else stands there is passed over.

        Raises
        ------
        KeyError, ValueError, TypeError
            If it is no process.
        """
        return cls(pid=int(plain["pid"]), started=float(plain["started"]))


def module_command(module: str, *words: str) -> list[str]:
    """The command that runs a module of this package in a process of its own, by this very Python.

    ``-P``: a file ``json.py`` beside the notebook is not Python's.

    >>> module_command("sparkk8s_nb.keeper", "7")[1:]
    ['-P', '-m', 'sparkk8s_nb.keeper', '7']
    """
    return [sys.executable, "-P", "-m", module, *words]


def module_environ() -> dict[str, str]:
    """The environment for :func:`module_command`: this package is found wherever it was imported from."""
    search = [str(Path(__file__).resolve().parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(search)}


def say_and_detach(line: str, *descriptors: int) -> None:
    """Tell whoever started this process a line, and let go of its pipes: it waits for their end.

    Parameters
    ----------
    line : str
    *descriptors : int
        The pipes: 0 and 1, and 2 where standard error is not a file.
    """
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


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
        return ProcessId(pid=process.pid, started=_started(process))
    except psutil.NoSuchProcess as error:
        raise ProcessLookupError(f"no process {pid}") from error


def _started(process: psutil.Process) -> float:
    """When a process started, on a clock that is never set."""
    if sys.platform != "linux":
        return process.create_time()
    try:
        stat = Path(f"/proc/{process.pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError) as error:
        raise psutil.NoSuchProcess(process.pid) from error
    # proc(5): field 22, in ticks; counted from behind the command's name, which may hold anything.
    return int(stat.rpartition(b")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")


def is_alive(process: ProcessId) -> bool:
    """Whether exactly that process still exists (a zombie is dead: it runs nothing any more).

    >>> import os; is_alive(identify()), is_alive(ProcessId(pid=os.getpid(), started=1.0))
    (True, False)
    """
    try:
        found = psutil.Process(process.pid)
        same = abs(_started(found) - process.started) < 0.02
        return same and found.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def proven_dead(record: SessionRecord) -> bool:
    """Whether a session's process ran on this boot of this machine and is gone."""
    return is_orphan(
        record,
        boot=boot_id(),
        alive=lambda pid, started: is_alive(ProcessId(pid=pid, started=started)),
    )


def end(process: ProcessId, *, grace: float) -> bool:
    """End a process: TERM, up to ``grace`` seconds, KILL. Returns whether KILL was needed.

    Works for processes that are not our children. Does nothing if it is gone already.
    """
    return bool(end_all((process,), grace=grace))


def end_all(processes: Iterable[ProcessId], *, grace: float) -> Sequence[ProcessId]:
    """End processes side by side; ``grace`` seconds are for all of them together. Returns those that needed KILL."""
    handles: dict[ProcessId, psutil.Process] = {}
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            handle = psutil.Process(process.pid)
            if is_alive(process):
                handles[process] = handle
    _signal(handles.values(), signal.SIGTERM)
    deadline = time.monotonic() + grace
    left = {
        process: handle
        for process, handle in handles.items()
        if not _has_ended(process, handle, within=deadline - time.monotonic())
    }
    _signal(left.values(), signal.SIGKILL)
    deadline = time.monotonic() + KILLED_WITHIN
    for process, handle in left.items():
        _has_ended(process, handle, within=deadline - time.monotonic())
    return tuple(left)


def _signal(handles: Iterable[psutil.Process], number: int) -> None:
    for handle in handles:
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            handle.send_signal(number)


def _has_ended(process: ProcessId, handle: psutil.Process, *, within: float) -> bool:
    """Whether it ends in time. A zombie has ended: who knows when its parent, if not we, will wait for it."""
    deadline = time.monotonic() + within
    pause = 0.01
    while is_alive(process):
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        with contextlib.suppress(psutil.TimeoutExpired):
            handle.wait(min(pause, left))
        pause = min(0.2, pause * 2)
    with contextlib.suppress(psutil.TimeoutExpired):
        handle.wait(0)  # a child of ours does not stay a zombie
    return True


def boot_id() -> str:
    """Where process ids mean what they mean here: this boot of this machine, and this process namespace.

    Containers of one node share the boot id and not their process ids, so the namespace belongs to it.
    Empty where there is none, and then nothing is proven.
    """
    if BOOT_ID.is_file():
        return f"{BOOT_ID.read_text().strip()}/{PID_NAMESPACE.readlink()}"
    if sys.platform == "darwin":
        command = ["sysctl", "-n", "kern.bootsessionuuid"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
        return result.stdout.strip()
    return ""
