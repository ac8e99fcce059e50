"""Starting a process of ours that goes on by itself: told its plan through stdin, it says a line and detaches."""

from __future__ import annotations

import contextlib
import fcntl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from sparkk8s_nb.localfiles import write_private
from sparkk8s_nb.processes import module_command, module_environ


def start_detached(module: str, plan: str, log_file: Path, *, seconds: float) -> str:
    """Start a module, in a process session of its own, and return what it said before it let go of its pipes.

    Parameters
    ----------
    module : str
    plan : str
        One line, for its stdin: arguments are for all to read.
    log_file : Path
        Takes its standard error; made anew, 0600.
    seconds : float
        How long it may take.

    Returns
    -------
    str
        Empty if it ended without a word; the last line of its log says why (:func:`~sparkk8s_nb.localfiles.last_line`).

    Raises
    ------
    TimeoutError
        If it says nothing in time; it is ended then.
    """
    write_private(log_file, b"")
    with (
        log_file.open("ab") as log,
        subprocess.Popen(
            module_command(module),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd="/",
            env=module_environ(),
            start_new_session=True,
            umask=0o077,
            text=True,
        ) as process,
    ):
        try:
            said, _ = process.communicate(plan + "\n", timeout=seconds)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise TimeoutError(f"{module} did not start in time") from error
    return said


@contextlib.contextmanager
def alone(lock_file: Path, *, seconds: float) -> Iterator[None]:
    """One at a time: two cells or two processes that ask at once share one process.

    Raises
    ------
    TimeoutError
        If somebody else does not come to an end.
    """
    deadline = time.monotonic() + seconds
    with lock_file.open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise TimeoutError("another process is starting it and does not end") from error
                time.sleep(0.05)
        yield
