"""The kernel's side of the Spark UI's local proxy: a link, and its end. Imports nothing heavy."""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sparkk8s_nb.errors import SessionError
from sparkk8s_nb.localfiles import remove_quietly, write_private
from sparkk8s_nb.processes import ProcessId, end, is_alive
from sparkk8s_nb.server.ui_address import (
    ADDRESS_FILE,
    LOCK_FILE,
    LOG_FILE,
    TICKET_PATH,
    UiProxyAddress,
    UiProxyPlan,
    read_address,
)
from sparkk8s_nb.server.ui_target import read_record, target_of

START_SECONDS = 40.0
"""Longer than the proxy itself takes to give up."""
ASK_SECONDS = 5.0
END_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UiLink:
    """A link to the Spark UI.

    Parameters
    ----------
    url : str
        Opens it once, within five minutes; from then on the browser is known by a cookie.
    """

    url: str


def open_ui(record: Path) -> UiLink:
    """A fresh one-time link to a session's Spark UI; starts its proxy if none runs yet.

    The proxy ends with the session; nothing needs to be closed.

    Parameters
    ----------
    record : Path
        The session's ``record.json``.

    Raises
    ------
    NoSessionError
        If the session has stopped.
    SessionError
        If it has no UI, or the proxy does not start.

    Examples
    --------
    >>> open_ui(Path("/run/user/7/sparkk8s/sessions/spark-a-1/record.json")).url      # doctest: +SKIP
    'http://127.0.0.1:40123/?token=...'
    """
    known = read_record(record)
    target_of(known)
    kernel = ProcessId(pid=known.holder.pid, started=known.holder.started)
    with _alone(record.parent):
        address = _running(record.parent)
        if address is not None:
            # One that is alive and does not answer (stopped, starved) is of no use.
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError, KeyError):
                return _link(address)
            end(address.process, grace=END_SECONDS)
        address = _start(UiProxyPlan(record=record.absolute(), kernel=kernel))
        try:
            return _link(address)
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            raise _no_proxy("it does not answer") from error


def stop_ui(record: Path) -> bool:
    """End the proxy of a session, if one runs; returns whether one did."""
    address = _running(record.parent)
    if address is None:
        return False
    end(address.process, grace=END_SECONDS)
    remove_quietly(record.parent / ADDRESS_FILE)
    return True


def _running(directory: Path) -> UiProxyAddress | None:
    address = read_address(directory)
    return address if address is not None and is_alive(address.process) else None


def _link(address: UiProxyAddress) -> UiLink:
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=ASK_SECONDS)
    with contextlib.closing(connection):
        connection.request("POST", TICKET_PATH, headers={"Authorization": f"Bearer {address.secret}"})
        ticket = json.loads(connection.getresponse().read())["ticket"]
    return UiLink(url=f"http://127.0.0.1:{address.port}/?token={ticket}")


def _start(plan: UiProxyPlan) -> UiProxyAddress:
    """Start the proxy, in a process session of its own, and return once it listens."""
    directory = plan.record.parent
    log_file = write_private(directory / LOG_FILE, b"")
    root = str(Path(__file__).resolve().parents[2])
    search = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    with (
        log_file.open("ab") as log,
        subprocess.Popen(
            # -P: a file json.py beside the notebook is not Python's.
            [sys.executable, "-P", "-m", "sparkk8s_nb.server.ui_proxy"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd="/",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(search)},
            start_new_session=True,
            umask=0o077,
            text=True,
        ) as process,
    ):
        try:
            # It closes its end of the pipe once it has said its port, or when it dies.
            said, _ = process.communicate(plan.as_json() + "\n", timeout=START_SECONDS)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise _no_proxy("it did not start in time") from error
    address = _running(directory)
    if not said or address is None:
        raise _no_proxy(_last_line(log_file))
    return address


def _last_line(log_file: Path) -> str:
    lines = log_file.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """One at a time: two cells or two processes that ask at once share one proxy."""
    deadline = time.monotonic() + START_SECONDS
    with (directory / LOCK_FILE).open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise _no_proxy("another process is starting it and does not end") from error
                time.sleep(0.05)
        yield


def _no_proxy(reason: str) -> SessionError:
    return SessionError(
        f"The local proxy of the Spark UI does not run: {reason}.",
        fix="Run %sparkk8s ui again; if it happens again, check that this machine has free memory and processes.",
    )
