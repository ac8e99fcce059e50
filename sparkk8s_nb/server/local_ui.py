"""The kernel's side of the Spark UI's local proxy: a link, and its end. Imports nothing heavy."""

from __future__ import annotations

import contextlib
import http.client
import json
from dataclasses import dataclass
from pathlib import Path

from sparkk8s_nb.errors import SessionError
from sparkk8s_nb.localfiles import last_line, remove_quietly
from sparkk8s_nb.processes import ProcessId, end, is_alive
from sparkk8s_nb.server.detached import alone, start_detached
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


def open_ui(record: Path, page: str = "") -> UiLink:
    """A fresh one-time link to a session's Spark UI; starts its proxy if none runs yet.

    The proxy ends with the session; nothing needs to be closed.

    Parameters
    ----------
    record : Path
        The session's ``record.json``.
    page : str
        Which page of the UI comes first, as ``history/spark-1/jobs/``; its own first one if not said.

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
    directory = record.parent
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(alone(directory / LOCK_FILE, seconds=START_SECONDS))
        except TimeoutError as error:
            raise _no_proxy(str(error)) from error
        address = _running(directory)
        if address is not None:
            # One that is alive and does not answer (stopped, starved) is of no use.
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError, KeyError):
                return _link(address, page)
            end(address.process, grace=END_SECONDS)
        address = _start(UiProxyPlan(record=record.absolute(), kernel=kernel))
        try:
            return _link(address, page)
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


def _link(address: UiProxyAddress, page: str) -> UiLink:
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=ASK_SECONDS)
    with contextlib.closing(connection):
        connection.request("POST", TICKET_PATH, headers={"Authorization": f"Bearer {address.secret}"})
        ticket = json.loads(connection.getresponse().read())["ticket"]
    where = f"&page={page}" if page else ""
    return UiLink(url=f"http://127.0.0.1:{address.port}/?token={ticket}{where}")


def _start(plan: UiProxyPlan) -> UiProxyAddress:
    """Start the proxy and return once it listens."""
    directory = plan.record.parent
    log_file = directory / LOG_FILE
    try:
        said = start_detached("sparkk8s_nb.server.ui_proxy", plan.as_json(), log_file, seconds=START_SECONDS)
    except TimeoutError as error:
        raise _no_proxy("it did not start in time") from error
    address = _running(directory)
    if not said or address is None:
        raise _no_proxy(last_line(log_file))
    return address


def _no_proxy(reason: str) -> SessionError:
    return SessionError(
        f"The local proxy of the Spark UI does not run: {reason}.",
        fix="Run %sparkk8s ui again; if it happens again, check that this machine has free memory and processes.",
    )
