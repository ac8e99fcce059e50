"""The UI of a session that has stopped: one history server for this user, started when somebody looks.

The server is a process of its own (:mod:`sparkk8s_nb.spark.history_server`), which needs Java and Spark; this
side starts it by name and needs neither.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from dataclasses import dataclass
from pathlib import Path

from sparkk8s_nb.errors import DriverError, SparkK8sError
from sparkk8s_nb.localfiles import last_line, private_dir, remove_quietly
from sparkk8s_nb.model.paths import PAST, PAST_LOGS, RECORD_FILE
from sparkk8s_nb.processes import ProcessId, is_alive
from sparkk8s_nb.server.detached import alone, start_detached
from sparkk8s_nb.server.event_logs import PREFIX, EventLog
from sparkk8s_nb.server.jws import authorization
from sparkk8s_nb.server.records import past_record
from sparkk8s_nb.server.ui_target import UiTarget, note_use, target_of

START_SECONDS = 90.0
SHOWN_SECONDS = 90.0
"""An event log of a few hundred megabytes takes Spark a while."""
ASK_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PastUi:
    """Where a stopped session is shown.

    Parameters
    ----------
    record : Path
        The history server's record: leads to it as a session's record leads to its UI.
    page : str
        The application's first page.
    """

    record: Path
    page: str


def first_page(app_id: str) -> str:
    """An application's first page on the history server.

    >>> first_page("spark-1")
    'history/spark-1/jobs/'
    """
    return f"history/{app_id}/jobs/"


def open_past(runtime: Path, log: EventLog) -> PastUi:
    """Have a stopped session shown, and wait until it is; starts the history server if none runs.

    Parameters
    ----------
    runtime : Path
        The runtime directory.
    log : EventLog

    Raises
    ------
    DriverError
        If the history server does not start (no Java, say) or does not read the log in time.
    """
    private_dir(runtime)
    record = runtime / PAST / RECORD_FILE
    try:
        with alone(runtime / f"{PAST}.lock", seconds=START_SECONDS):
            if not is_running(runtime):
                _start(runtime, log)
            else:
                with contextlib.suppress(FileExistsError):
                    (record.parent / PAST_LOGS / log.path.name).symlink_to(log.path)
            note_use(record)
    except TimeoutError as error:
        raise _no_server(str(error)) from error
    except FileNotFoundError as error:  # it came to its end just now
        raise _no_server("it has just ended") from error
    _wait_until_shown(runtime, log.app_id)
    return PastUi(record=record, page=first_page(log.app_id))


def is_running(runtime: Path) -> bool:
    """Whether this user's history server runs."""
    try:
        holder = past_record(runtime).holder
    except SparkK8sError:
        return False
    return is_alive(ProcessId(pid=holder.pid, started=holder.started))


def is_shown(runtime: Path, app_id: str) -> bool:
    """Whether the history server runs and was told of an application."""
    return (runtime / PAST / PAST_LOGS / f"{PREFIX}{app_id}").is_symlink() and is_running(runtime)


def _start(runtime: Path, log: EventLog) -> None:
    said, log_file = "", runtime / f"{PAST}.log"
    plan = json.dumps({"directory": str(runtime.absolute() / PAST), "event_log": str(log.path.absolute())})
    try:
        said = start_detached("sparkk8s_nb.spark.history_server", plan, log_file, seconds=START_SECONDS)
        reason = "" if said else last_line(log_file)
    finally:
        remove_quietly(log_file)
    if not said or not is_running(runtime):
        raise _no_server(reason or "it has ended")


def _wait_until_shown(runtime: Path, app_id: str) -> None:
    deadline = time.monotonic() + SHOWN_SECONDS
    while time.monotonic() < deadline:
        try:
            if _status(target_of(past_record(runtime)), f"/api/v1/applications/{app_id}") == 200:
                return
        except (OSError, http.client.HTTPException) as error:
            raise _no_server("it does not answer") from error
        time.sleep(0.3)
    raise _no_server(f"it has not read the event log after {SHOWN_SECONDS:.0f} s")


def _status(target: UiTarget, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=ASK_SECONDS)
    with contextlib.closing(connection):
        signed = authorization(target.key, now=time.time())
        connection.request("GET", path, headers={"Authorization": signed})
        answer = connection.getresponse()
        answer.read()
        return answer.status


def _no_server(reason: str) -> DriverError:
    return DriverError(
        f"Spark's history server does not show the session: {reason}.",
        fix="Try again; it needs Java 17 or newer and about a gigabyte of memory.",
    )
