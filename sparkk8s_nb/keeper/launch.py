"""The session's side of the keeper: starting it, telling it, letting it go. Imports nothing heavy."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sparkk8s_nb.errors import SessionError
from sparkk8s_nb.keeper.plan import KeeperPlan
from sparkk8s_nb.localfiles import last_line, write_private
from sparkk8s_nb.processes import ProcessId, identify, module_command, module_environ

READY_SECONDS = 20.0
"""A Python with urllib3 starts in half a second; a notebook server that swaps needs longer."""


def launch(plan: KeeperPlan, hold: Sequence[int] = ()) -> KeeperHandle:
    """Start the keeper, tell it the plan and return at once; it will find a kernel gone that dies meanwhile.

    The keeper has a process session of its own: whoever kills the kernel's process group does not hit it.

    Parameters
    ----------
    plan : KeeperPlan
    hold : sequence of int
        Descriptors that it keeps open as long as it lives, such as a lock on the session's directory.

    Examples
    --------
    >>> keeper = launch(plan)                                  # doctest: +SKIP
    >>> keeper.ready()                                         # doctest: +SKIP
    >>> keeper.lease("spark-a-1", uid)                         # doctest: +SKIP
    >>> keeper.release(timeout=5)                              # doctest: +SKIP
    True
    """
    write_private(plan.log_file, b"")
    ready, ready_write = os.pipe()
    try:
        with plan.log_file.open("ab") as log:
            process = subprocess.Popen(
                module_command("sparkk8s_nb.keeper", str(ready_write)),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=(ready_write, *hold),
                cwd="/",
                env=module_environ(),
                start_new_session=True,
                umask=0o077,
            )
    except OSError:
        os.close(ready)
        raise
    finally:
        os.close(ready_write)
    handle = KeeperHandle(process, ready, plan.log_file)
    try:
        handle.begin(plan)
    except BaseException:
        handle.release(timeout=0)
        raise
    return handle


class KeeperHandle:
    """The kernel's hold on its keeper (the :class:`~sparkk8s_nb.ports.Keeper` protocol). Thread-safe.

    In a forked child of the kernel every method does nothing: the session is not the child's to end.
    """

    def __init__(self, process: subprocess.Popen[bytes], ready: int, log: Path) -> None:
        self._process = process
        self._ready: int | None = ready
        self._log = log
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._closed = False
        self.process: ProcessId = identify(process.pid)

    @property
    def alive(self) -> bool:
        """Whether the keeper runs."""
        return not self._foreign and self._process.poll() is None

    def begin(self, plan: KeeperPlan) -> None:
        """Pass the plan; it can be longer than the pipe, so this one may wait for the keeper."""
        pipe = self._process.stdin
        assert pipe is not None
        with contextlib.suppress(BrokenPipeError):  # it died: its silence is noticed
            pipe.write(plan.as_json().encode() + b"\n")
            pipe.flush()
        os.set_blocking(pipe.fileno(), False)

    def ready(self, timeout: float = READY_SECONDS) -> None:
        """Wait until it watches the kernel; returns at once the second time.

        Parameters
        ----------
        timeout : float
            Seconds it may take.

        Raises
        ------
        SessionError
            If it does not start, and is ended; with the last line of its log.
        """
        if self._ready is None or self._foreign:
            return
        try:
            _wait_ready(self._ready, self._log, timeout)
        except BaseException:
            self.release(timeout=0)
            raise
        finally:
            self._forget_ready()

    def _forget_ready(self) -> None:
        ready, self._ready = self._ready, None
        if ready is not None:
            os.close(ready)

    def lease(self, name: str, uid: str) -> None:
        """The Lease exists from now on: renew it, and delete it when the kernel is gone.

        Again with a new uid when it was made anew.
        """
        self._tell(do="lease", name=name, uid=uid)

    def annotate(self, key: str, value: str) -> None:
        """Write that annotation to the Lease, with its next renewal; the last value wins."""
        self._tell(do="annotate", key=key, value=value)

    def driver(self, process: ProcessId) -> None:
        """The JVM to end when the kernel is gone."""
        self._tell(do="driver", **process.as_dict())

    def cleanup(self, path: Path) -> None:
        """A file or directory outside the session's own to remove when the kernel is gone."""
        self._tell(do="cleanup", path=str(path))

    def release(self, timeout: float) -> bool:
        """All is cleaned up: the keeper ends without touching anything. Idempotent.

        Returns whether it ended by itself within ``timeout`` seconds; if not it was killed.
        """
        if self._foreign:
            return True
        self._tell(do="release")
        self._close()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return False
        return True

    def finish(self) -> None:
        """The interpreter exits: the keeper cleans up now; does not wait. Idempotent."""
        if self._foreign:
            return
        self._tell(do="finish")
        self._close()
        # Nobody will wait for it: without this, subprocess warns of a child that outlives us.
        if self._process.poll() is None:
            self._process.returncode = 0

    @property
    def _foreign(self) -> bool:
        return os.getpid() != self._owner

    def _tell(self, **message: Any) -> None:
        """Send one line. A keeper that is gone hears nothing: :attr:`alive` says so."""
        with self._lock:
            pipe = self._process.stdin
            if self._closed or self._foreign or pipe is None:
                return
            line = json.dumps(message).encode() + b"\n"
            # Below PIPE_BUF a write is whole or not at all, and never blocks the kernel.
            with contextlib.suppress(BrokenPipeError, BlockingIOError):
                os.write(pipe.fileno(), line)

    def _close(self) -> None:
        self._forget_ready()
        with self._lock:
            pipe = self._process.stdin
            if not self._closed and pipe is not None:
                self._closed = True
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def _wait_ready(ready: int, log: Path, timeout: float) -> None:
    """Wait for the keeper's word; its end without a word is heard at once."""
    with selectors.DefaultSelector() as selector:  # select(2) refuses descriptors above 1023
        selector.register(ready, selectors.EVENT_READ)
        heard = bool(selector.select(timeout))
    if heard and os.read(ready, 16):
        return
    raise SessionError(
        f"The keeper process did not start{f': {last_line(log)}' if heard else ' in time'}.",
        fix="Start again; if it happens again, check that this machine has free memory and processes.",
    )
