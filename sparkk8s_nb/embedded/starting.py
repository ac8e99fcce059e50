"""Starting the daemon as a process of its own, and hearing whether it came up."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from sparkk8s_nb.embedded.homefiles import pods_directory, remove_files
from sparkk8s_nb.errors import EmbeddedError
from sparkk8s_nb.processes import module_command, module_environ

_LOG_LINES = 20


def start(home: Path, settings: Mapping[str, object], deadline: float) -> None:
    """Start the daemon in a process session of its own and wait until it says that it is ready.

    Raises
    ------
    EmbeddedError
        If it does not, with the last lines of its log.
    """
    ready, ready_end = os.pipe()
    log = os.open(home / "daemon.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    command = module_command(
        "sparkk8s_nb.embedded",
        "--directory", str(home),
        "--pods", str(pods_directory()),
        "--ready-fd", str(ready_end),
        "--settings", json.dumps(dict(settings)),
    )  # fmt: skip
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=(ready_end,),
            cwd="/",
            env=_environment(),
        )
    finally:
        os.close(log)
        os.close(ready_end)
    process.wait()
    try:
        told = list(_lines(ready, deadline))
    finally:
        os.close(ready)
    if "ready" in told:
        return
    for line in told:
        if line.startswith("error "):
            problem, _, fix = line.removeprefix("error ").partition("\t")
            remove_files(home)
            raise EmbeddedError(problem, fix=fix)
    why = "ended at once"
    if time.monotonic() >= deadline:
        why = "did not answer in time"
        for line in told:
            if line.startswith("pid "):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(line.removeprefix("pid ")), signal.SIGKILL)
    raise no_start(home, why)


def _environment() -> dict[str, str]:
    """The daemon's environment: the caller's, able to import this package, without Spark's gateway."""
    return {key: value for key, value in module_environ().items() if not key.startswith("PYSPARK_GATEWAY")}


def _lines(handle: int, deadline: float) -> Iterator[str]:
    """What the daemon says on the pipe, up to ``ready``, its end or the deadline."""
    data = b""
    while (left := deadline - time.monotonic()) > 0 and select.select([handle], [], [], left)[0]:
        piece = os.read(handle, 4096)
        *lines, data = (data + piece).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace")
            if line == b"ready":
                return
        if not piece:
            return


def no_start(home: Path, why: str) -> EmbeddedError:
    """The error that says why, with the last lines of the log; the daemon's files are removed."""
    try:
        lines = (home / "daemon.log").read_text(errors="replace").splitlines()[-_LOG_LINES:]
    except OSError:
        lines = []
    remove_files(home)
    told = ("\nThe last lines of its log:\n" + "\n".join(lines)) if lines else ""
    return EmbeddedError(
        f"The embedded cluster's daemon did not start: {why}.{told}",
        fix="Try `sparkk8s-nb cluster up` in a terminal, or name a cluster with --context.",
    )
