"""Stopping cells of a real kernel: the stop button, ``cancel`` from beside, and what Spark runs meanwhile."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.embedded.kernels import Cell, Kernel
from tests.eventually import eventually

SOON = 60.0
"""What is stopped would run for many minutes; a loaded machine may take its time to start and to stop it."""

OBSERVER = """
import pathlib as _pathlib, threading as _threading, time as _time

def _observe(path=_pathlib.Path({path!r})):
    tracker = sc.statusTracker()
    with path.open("a", buffering=1) as out:
        while True:
            try:
                jobs = tracker.getActiveJobsIds()
                infos = [tracker.getStageInfo(s) for s in tracker.getActiveStageIds()]
            except Exception:
                return
            tasks = sum(info.numActiveTasks for info in infos if info is not None)
            out.write(f"{{_time.time()}} {{len(jobs)}} {{tasks}}\\n")
            _time.sleep(0.02)

_observer = _threading.Thread(target=_observe, daemon=True)
_observer.start()
"""

SLOW = """
import time
def slow(number):
    time.sleep(0.2)
    return number
"""


@dataclass(frozen=True)
class Stopped:
    """What came of a cell that was stopped, and how long that took."""

    cell: Cell
    pressed: float
    ended: float
    jobs_ended: float

    def took(self) -> tuple[float, float]:
        """Seconds from the press to the cell's end, and to the end of its jobs."""
        return (self.ended - self.pressed, self.jobs_ended - self.pressed)


class Pressing:
    """A kernel with a session, whose running jobs are observed in Spark's status store.

    Parameters
    ----------
    kernel : Kernel
    """

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.times: list[tuple[str, float, float]] = []
        self.said_beside = ""
        self._replied: set[str] = set()
        self._path = kernel.directory / "jobs.txt"

    def start(self) -> None:
        """Start a session without running any job on it."""
        self.kernel.run("%sparkk8s start -n 1 --cores 2 --memory 1g")
        self.observe()

    def observe(self) -> None:
        """Observe the jobs of the session that runs."""
        self.kernel.facts()
        self.kernel.run(SLOW)
        self._path.unlink(missing_ok=True)
        self.kernel.run(OBSERVER.format(path=str(self._path)))

    def observed(self) -> tuple[float, int, int]:
        """The newest observation: when, active jobs, running tasks."""
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        if not lines or len(lines[-1].split()) < 3:
            return (0.0, 0, 0)
        when, jobs, tasks = lines[-1].split()
        return (float(when), int(jobs), int(tasks))

    def tasks_run(self) -> bool:
        """Whether tasks run now."""
        return self.observed()[2] > 0

    def quiet_since(self, moment: float) -> float | None:
        """When the last job was gone, if it is, since a moment."""
        lines = [line.split() for line in self._path.read_text().splitlines() if line.count(" ") == 2]
        gone = None
        for when, jobs, _ in lines:
            if float(when) >= moment:
                gone = None if int(jobs) else (gone or float(when))
        return gone

    def stop(
        self, source: str, way: Callable[[], object], *, when: Callable[[], bool] | None = None
    ) -> Stopped:
        """Run a cell that would run very long, and stop it as soon as its tasks run."""
        cell, pressed, ended = self._stop(source, way, when or self.tasks_run)
        assert eventually(lambda: self.quiet_since(pressed) is not None, SOON), self.observed()
        return Stopped(cell, pressed, ended, self.quiet_since(pressed) or 0.0)

    def stop_waiting(
        self, source: str, way: Callable[[], object], *, when: Callable[[], bool] | None = None
    ) -> Cell:
        """Run a cell that waits for something else than jobs, which may go on, and stop it."""
        began = time.monotonic()
        return self._stop(source, way, when or (lambda: time.monotonic() > began + 1.5))[0]

    def _stop(
        self, source: str, way: Callable[[], object], when: Callable[[], bool]
    ) -> tuple[Cell, float, float]:
        """Run a cell and do something to it while it runs, on one thread: a client is not for two."""
        cell = Cell(source)
        client = self.kernel.client
        execution = client.execute(source)
        deadline = time.monotonic() + SOON
        pressed = 0.0
        while True:
            if not pressed and when():
                time.sleep(0.3)
                pressed = time.time()
                way()
                deadline = time.monotonic() + SOON
            if time.monotonic() > deadline:
                self.press_once()
                pytest.fail(f"{'not stopped' if pressed else 'nothing to stop'}: {cell.said}")
            with contextlib.suppress(queue.Empty):
                message = client.get_iopub_msg(timeout=0.02)
                if message["parent_header"].get("msg_id") != execution:
                    self._beside(message)
                elif message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                    break
                else:
                    cell.take(message)
        ended = time.time()
        self._wait_for_reply(execution)
        assert pressed, cell.said
        assert cell.error or "finally" in source, cell.said
        return (cell, pressed, ended)

    def _wait_for_reply(self, request: str) -> None:
        """Cell and subshell answer in any order."""
        while request not in self._replied:
            self._replied.add(self.kernel.client.get_shell_msg(timeout=SOON)["parent_header"]["msg_id"])

    def _beside(self, message: Mapping[str, Any]) -> None:
        if message["msg_type"] == "stream":
            self.said_beside += message["content"]["text"]
        if message["msg_type"] == "error":
            self.said_beside += "\n".join(message["content"]["traceback"])

    def press_once(self) -> None:
        """The stop button: what Jupyter does with a kernel process."""
        os.killpg(os.getpgid(self.kernel.pid), signal.SIGINT)

    def press_twice(self) -> None:
        """An impatient user."""
        self.press_once()
        time.sleep(0.05)
        self.press_once()

    def press_again_and_again(self) -> None:
        """One who goes on when the cell has ended: some presses come while the kernel shows and answers."""
        for _ in range(13):
            self.press_once()
            time.sleep(0.02)

    def run_beside(self, code: str) -> None:
        """Have a subshell run a line while the cell runs; what it prints is in :attr:`said_beside`."""
        client = self.kernel.client
        client.control_channel.send(client.session.msg("create_subshell_request"))
        created = client.get_control_msg(timeout=SOON)["content"]
        assert created["status"] == "ok", created
        content = {"code": code, "silent": False, "store_history": False, "stop_on_error": True}
        message = client.session.msg("execute_request", content)
        message["header"]["subshell_id"] = created["subshell_id"]
        client.shell_channel.send(message)
        self._wait_for_reply(message["header"]["msg_id"])
        gone = {"subshell_id": created["subshell_id"]}
        client.control_channel.send(client.session.msg("delete_subshell_request", gone))
        client.get_control_msg(timeout=SOON)
