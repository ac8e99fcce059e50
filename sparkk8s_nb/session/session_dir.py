"""The files of one session on the driver's machine: private, and gone with it."""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sparkk8s_nb.errors import SparkK8sError
from sparkk8s_nb.localfiles import private_dir, write_private
from sparkk8s_nb.model.paths import DRIVER_FILE, EVENT_LOGS, RECORD_FILE, SESSIONS, UI_KEY_FILE
from sparkk8s_nb.model.record import parse_record
from sparkk8s_nb.model.sparkconf import SessionFiles
from sparkk8s_nb.processes import ProcessId, boot_id
from sparkk8s_nb.session.directory_locks import DirectoryLock, locked_directories

EVENT_LOGS_KEPT = 20
DRIVER_LOGS_KEPT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDir:
    """Where a session's files are.

    Parameters
    ----------
    root : Path
        Its own directory in the runtime directory, removed at the end.
    log_dir : Path
        Its directory in the state directory: the driver's log outlives the session.
    scratch : Path
        The driver's temporary directory, on a disk: the runtime directory is often a small one in memory.
    event_logs : Path or None
        Where Spark writes event logs, all sessions of this user together.
    lock : DirectoryLock
        Says that they are in use.
    """

    root: Path
    log_dir: Path
    scratch: Path
    event_logs: Path | None
    lock: DirectoryLock

    @property
    def driver_log(self) -> Path:
        """Spark's own log, rotated by log4j2."""
        return self.log_dir / "driver.log"

    @property
    def driver_output(self) -> Path:
        """What the JVM's process writes to stdout and stderr."""
        return self.log_dir / "driver.out"

    @property
    def keeper_log(self) -> Path:
        """The keeper's log."""
        return self.log_dir / "keeper.log"

    @property
    def record(self) -> Path:
        """The session's record, for the server extension and ``ps``."""
        return self.root / RECORD_FILE

    @property
    def ui_key(self) -> Path:
        """The key that signs requests to the Spark UI."""
        return self.root / UI_KEY_FILE

    @property
    def spark_files(self) -> SessionFiles:
        """Those that Spark itself reads or writes."""
        return SessionFiles(
            pod_template=self.root / "pod-template.json",
            rpc_secret=self.root / "rpc",
            repl_classes=self.root / "repl",
            scratch=self.scratch,
            event_logs=self.event_logs,
        )

    def note_driver(self, process: ProcessId) -> None:
        """Write down which process the driver JVM is: a sweep ends it if nobody else is left to."""
        write_private(self.root / DRIVER_FILE, json.dumps(process.as_dict()))

    def remove(self) -> None:
        """Remove everything but the logs; a log directory too, if a start ended before anything was logged."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        shutil.rmtree(self.root, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.log_dir.rmdir()
        self.lock.release()


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionKeys:
    """The secrets of one session. Their repr says nothing."""

    rpc: bytes
    ui: str

    def __repr__(self) -> str:
        return "SessionKeys(...)"


def make_session_dir(name: str, runtime: Path, state: Path, *, event_log: bool) -> SessionDir:
    """Make a session's directories, 0700.

    What is nobody's goes: directories of a session whose processes were all killed, and the oldest logs of
    earlier sessions, but not of one that lives, however old it is.
    """
    private_dir(runtime)
    private_dir(state)
    logs = private_dir(state / "logs")
    events = private_dir(state / EVENT_LOGS) if event_log else None
    scratch = Path(tempfile.gettempdir()) / f"{name}-{secrets.token_hex(4)}"
    with locked_directories(runtime / SESSIONS, boot_id()) as sessions:
        for dead in sessions.sweep():
            with contextlib.suppress(OSError):
                (logs / dead).rmdir()  # one that logged nothing
        living = [_identity(place) for place in sessions.living()]
        names, apps = {session for session, _ in living}, [app for _, app in living if app]
        keep_newest(logs, DRIVER_LOGS_KEPT - 1, spare=lambda entry: entry in names)
        if events is not None:
            keep_newest(events, EVENT_LOGS_KEPT - 1, spare=lambda entry: any(app in entry for app in apps))
        place = SessionDir(
            lock=sessions.take(name, scratch),
            root=sessions.directory / name,
            log_dir=logs / name,
            scratch=scratch,
            event_logs=events,
        )
    try:
        private_dir(place.log_dir)
        scratch.mkdir(mode=0o700)
        private_dir(place.spark_files.repl_classes)
    except BaseException:
        place.remove()
        raise
    return place


def remove_abandoned(runtime: Path) -> Sequence[str]:
    """Remove the directories of sessions whose kernel and keeper are gone; returns the sessions' names.

    A driver JVM that outlived both is ended.

    Parameters
    ----------
    runtime : Path
        The runtime directory.
    """
    if not (runtime / SESSIONS).is_dir():
        return ()
    with locked_directories(runtime / SESSIONS, boot_id()) as sessions:
        return sessions.sweep()


def end_abandoned_drivers(runtime: Path) -> None:
    """End the driver JVMs of sessions whose other processes were all killed: they would ask for pods still.

    Parameters
    ----------
    runtime : Path
        The runtime directory.
    """
    if (runtime / SESSIONS).is_dir():
        with locked_directories(runtime / SESSIONS, boot_id()) as sessions:
            sessions.end_drivers()


def _identity(root: Path) -> tuple[str, str]:
    """A session's name and, once it has one, its application id."""
    try:
        return root.name, parse_record((root / RECORD_FILE).read_text()).app_id
    except (FileNotFoundError, SparkK8sError):
        return root.name, ""


def make_keys(place: SessionDir) -> SessionKeys:
    """Make the session's secrets and write them where Spark and the proxies read them, 0600."""
    keys = SessionKeys(
        rpc=secrets.token_hex(32).encode(),
        ui=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    )
    write_private(place.spark_files.rpc_secret, keys.rpc)
    write_private(place.ui_key, keys.ui)
    return keys


def keep_newest(directory: Path, count: int, *, spare: Callable[[str], bool]) -> Sequence[Path]:
    """Remove all but the ``count`` newest entries of a directory; return what was removed.

    Parameters
    ----------
    directory : Path
    count : int
    spare : callable
        Whether an entry of that name stays in any case; it takes nobody's place.
    """
    entries = [entry for entry in directory.iterdir() if not spare(entry.name)]
    entries.sort(key=_written, reverse=True)
    for old in entries[count:]:
        if old.is_dir():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.unlink(missing_ok=True)
    return entries[count:]


def _written(path: Path) -> float:
    """When an entry was last written; another start may remove it at this moment."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
