"""Ctrl-C in IPython in a terminal."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sparkk8s_nb.embedded.lifecycle import EmbeddedCluster

SOON = 120.0
CODES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\r")

LAUNCHER = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "IPython", "--no-banner", "--simple-prompt", "--no-confirm-exit"])
"""
"""Makes the terminal the controlling one, whose Ctrl-C is a signal, and becomes IPython."""


class Terminal:
    """IPython on a terminal of its own: Ctrl-C reaches the whole foreground process group."""

    def __init__(self, directory: Path) -> None:
        self._master, slave = os.openpty()
        environment = {
            **os.environ,
            "TERM": "dumb",
            "IPYTHONDIR": str(directory / "ipython"),
            "COLUMNS": "200",
            "TMPDIR": str(directory),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            cwd=directory,
            start_new_session=True,
        )
        os.close(slave)
        self.said = ""

    def type(self, text: str) -> None:
        """Keys; ``\\x03`` is Ctrl-C."""
        os.write(self._master, text.encode())

    def read_until(self, pattern: str) -> str:
        """What is printed until a pattern comes."""
        deadline = time.monotonic() + SOON
        while not (found := re.search(pattern, self.said)):
            assert time.monotonic() < deadline, self.said
            if select.select([self._master], [], [], 0.1)[0]:
                self.said += CODES.sub("", os.read(self._master, 65536).decode(errors="replace"))
        before, self.said = self.said[: found.end()], self.said[found.end() :]
        return before

    def close(self) -> None:
        """End it, whatever it does."""
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(self.process.pid).send_signal(signal.SIGHUP)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        os.close(self._master)


@pytest.fixture
def terminal(embedded_cluster: EmbeddedCluster, tmp_path: Path) -> Iterator[Terminal]:
    """A terminal with IPython."""
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.close()


def test_ctrl_c_ends_what_a_line_waits_for_and_the_session_lives_on(terminal: Terminal):
    """The JVM and the keeper are in other process groups; the next line works."""
    terminal.read_until(r"In \[1\]: ")
    terminal.type("%load_ext sparkk8s_nb\n")
    terminal.read_until(r"In \[2\]: ")
    terminal.type("%sparkk8s start -n 1 --cores 2 --memory 1g\n")
    terminal.read_until(r"In \[3\]: ")
    terminal.type("import time, threading\n")
    terminal.read_until(r"In \[4\]: ")
    terminal.type(
        "slow = lambda n: (__import__('time').sleep(0.2), n)[1]; "
        "told = threading.Thread(target=lambda: ([time.sleep(0.1) for _ in iter(lambda: "
        "any(sc.statusTracker().getStageInfo(s).numActiveTasks "
        "for s in sc.statusTracker().getActiveStageIds()), True)], print('tasks' + ' run')))\n"
    )
    terminal.read_until(r"In \[5\]: ")
    terminal.type("told.start(); sc.parallelize(range(10**5), 4).map(slow).sum()\n")
    terminal.read_until("tasks run")
    terminal.type("\x03")
    said = terminal.read_until(r"In \[6\]: ")
    assert "KeyboardInterrupt" in said
    # Spark tells of a job's end a moment after it has ended it.
    terminal.type(
        "print(any(time.sleep(0.1) or not sc.statusTracker().getActiveJobsIds() for _ in range(300)), "
        "spark.range(9).count())\n"
    )
    assert "True 9\n" in terminal.read_until(r"In \[7\]: ")
    terminal.type("%sparkk8s stop\n")
    assert "Nothing left." in terminal.read_until(r"In \[8\]: ")
    terminal.type("exit\n")
    terminal.process.wait(60)
