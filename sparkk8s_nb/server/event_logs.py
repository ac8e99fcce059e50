"""The event logs that stopped sessions have left: what there is, the newest first. Reads, and changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from sparkk8s_nb.errors import NoSessionError, SessionError
from sparkk8s_nb.localfiles import is_private_dir

PREFIX = "eventlog_v2_"
"""Spark's name for a rolling event log is this and the application's id (``RollingEventLogFilesWriter``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLog:
    """One application's event log.

    Parameters
    ----------
    app_id : str
    path : Path
        A directory.
    written : float
        When a file was last added, seconds since the epoch: of one that is complete about the session's end.
    complete : bool
        Whether Spark has closed it; a driver that was killed could not.
    """

    app_id: str
    path: Path
    written: float
    complete: bool


def event_logs(directory: Path) -> Sequence[EventLog]:
    """All event logs of this user, the newest first.

    Parameters
    ----------
    directory : Path
        ``events`` in the state directory.

    Raises
    ------
    SessionError
        If others could have written there.
    """
    if not directory.exists():
        return []
    if not is_private_dir(directory):
        raise SessionError(
            f"{directory} is not a directory that only you can enter.",
            fix=f"Make it so: chmod 700 {directory}",
        )
    found = [_read(path) for path in directory.iterdir() if path.name.startswith(PREFIX)]
    return sorted(filter(None, found), key=lambda log: log.written, reverse=True)


def event_log_of(directory: Path, app_id: str) -> EventLog:
    """The event log of one application, by an id that anybody may have written.

    Raises
    ------
    NoSessionError
        If there is none.
    """
    for log in event_logs(directory):
        if log.app_id == app_id:
            return log
    raise NoSessionError(
        "There is no event log of that application.", fix="Newer sessions have taken its place."
    )


def last_stopped(logs: Sequence[EventLog], living: Collection[str]) -> EventLog:
    """The event log of the session that stopped last.

    Parameters
    ----------
    logs : sequence of EventLog
        The newest first.
    living : collection of str
        Application ids of sessions that run.

    Raises
    ------
    NoSessionError
        If no session has left one.
    """
    for log in logs:
        if log.app_id not in living:
            return log
    raise NoSessionError(
        "No session that has stopped has left an event log.",
        fix="Event logs are written unless event_log is off: see %sparkk8s conf event_log.",
    )


def _read(path: Path) -> EventLog | None:
    try:
        if path.is_symlink() or not path.is_dir():
            return None
        complete = not any(entry.name.endswith(".inprogress") for entry in path.iterdir())
        written = path.stat().st_mtime
    except FileNotFoundError:  # a start prunes old ones
        return None
    return EventLog(app_id=path.name.removeprefix(PREFIX), path=path, written=written, complete=complete)
