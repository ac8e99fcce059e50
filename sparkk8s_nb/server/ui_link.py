"""Which link to a Spark UI a kernel shows: through Jupyter's server that started it, else through a local proxy."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from pathlib import Path

from sparkk8s_nb.model.paths import EVENT_LOGS
from sparkk8s_nb.server.event_logs import event_log_of, event_logs, last_stopped
from sparkk8s_nb.server.local_ui import open_ui
from sparkk8s_nb.server.past_ui import open_past
from sparkk8s_nb.server.records import own_sessions
from sparkk8s_nb.server.ui_target import read_record, target_of

SERVER_VARIABLE = "SPARKK8S_SERVER"
"""In the environment of kernels: the path of our routes on the server that started them, as ``/user/ada/sparkk8s``."""


def ui_link(record: Path, environ: Mapping[str, str]) -> str:
    """A link to a running session's Spark UI.

    In a kernel of a server with our extension it is a path on that server, which is right under whatever name the
    browser knows it; elsewhere (VS Code, a terminal, a server without the extension) a URL of 127.0.0.1 that opens
    once.

    Parameters
    ----------
    record : Path
        The session's ``record.json``.
    environ : Mapping

    Raises
    ------
    SessionError
        If the session has stopped, has no UI, or the proxy does not start.
    """
    known = read_record(record)
    server = _server(environ)
    if server and known.kernel:
        target_of(known)  # says what is wrong here and not in another tab
        return f"{server}/ui/{known.name}/"
    return open_ui(record).url


def past_link(
    runtime: Path, state: Path, environ: Mapping[str, str], *, app_id: str = "", local: bool = False
) -> str:
    """A link to the UI of a session that has stopped; starts what shows it.

    Parameters
    ----------
    runtime, state : Path
        This user's runtime and state directories.
    environ : Mapping
    app_id : str
        Which application; the one that stopped last if not said.
    local : bool
        Whether it must be a URL of 127.0.0.1.

    Raises
    ------
    SparkK8sError
        If there is no event log, or what shows it does not start.
    """
    logs = state / EVENT_LOGS
    log = event_log_of(logs, app_id) if app_id else last_stopped(event_logs(logs), _living(runtime))
    server = "" if local else _server(environ)
    if server:
        return f"{server}/past/{log.app_id}/"
    past = open_past(runtime, log)
    return open_ui(past.record, past.page).url


def _server(environ: Mapping[str, str]) -> str:
    """Where our routes are on the server that started this kernel; empty where a path is no link: in VS Code."""
    in_vscode = hasattr(sys.modules.get("__main__"), "__vsc_ipynb_file__")
    return "" if in_vscode else environ.get(SERVER_VARIABLE, "")


def _living(runtime: Path) -> Collection[str]:
    return {own.record.app_id for own in own_sessions(runtime).sessions if not own.dead}
