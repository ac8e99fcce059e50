"""One process of the cluster: started with its output in a file, watched while others wait, ended for sure."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from sparkk8s_nb.processes import ProcessId, identify, is_alive
from tests.cluster.cleanup import Run

STOP_SECONDS = 15.0
LOG_TAIL = 3000


class BrokenClusterError(Exception):
    """A part of the cluster did not come up, or died: the tests that need it fail."""


class Daemon:
    """A process of the cluster.

    Parameters
    ----------
    run : Run
        Remembers the process, for the next run should this one be killed.
    name : str
    command : sequence of str
    inside : sequence of str
        A command before it that enters the node's namespaces; it forks, and its child is the process.
    """

    def __init__(self, run: Run, name: str, command: Sequence[str], *, inside: Sequence[str] = ()) -> None:
        self.name = name
        self.log = run.directory / f"{name}.log"
        self._run = run
        self._inside = inside
        # The kernel ends it with this process, however that ends; elsewhere the next run does.
        ended_with_us = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
        self._command = [*ended_with_us, *inside, *command]
        self.start()

    def start(self) -> None:
        """Start it, also again after :meth:`stop`."""
        with self.log.open("ab") as output:
            self._started = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._run.remember_process(identify(self._started.pid))
        self.process: ProcessId = self._child() if self._inside else identify(self._started.pid)
        self._run.remember_process(self.process)

    def _child(self) -> ProcessId:
        found: list[psutil.Process] = []

        def forked() -> bool:
            self.check()
            with contextlib.suppress(psutil.NoSuchProcess):
                found[:] = psutil.Process(self._started.pid).children()
            return bool(found)

        wait_until(forked, 10, f"{self.name} to start")
        return identify(found[0].pid)

    def check(self) -> None:
        """Raise if it has ended."""
        if self._started.poll() is not None:
            raise BrokenClusterError(f"{self.name} ended with {self._started.returncode}:\n{tail(self.log)}")

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process itself."""
        os.kill(self.process.pid, number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it, with force if it does not go."""
        if is_alive(self.process):
            self.send(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._started.wait(STOP_SECONDS)
            return
        if is_alive(self.process):
            self.send(signal.SIGKILL)
        self._started.kill()
        self._started.wait()


def tail(log: Path) -> str:
    """The end of a log."""
    return log.read_text(errors="replace")[-LOG_TAIL:]


def wait_until(done: Callable[[], bool], seconds: float, what: str, daemons: Sequence[Daemon] = ()) -> None:
    """Wait until something holds; fails with the logs' ends when a daemon dies, or after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not done():
        for daemon in daemons:
            daemon.check()
        if time.monotonic() > deadline:
            logs = "\n".join(f"--- {daemon.name}\n{tail(daemon.log)}" for daemon in daemons)
            raise BrokenClusterError(f"Waited {seconds:.0f} s in vain for {what}.\n{logs}")
        time.sleep(0.05)
