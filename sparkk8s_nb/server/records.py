"""This user's sessions on this machine, from the records in the runtime directory. Reads, and changes nothing.

A record says where requests go and which key signs them, so only what nobody else can have written counts: the
directories and files are this user's and closed to others, none is a link, and a record names the key in its
own directory and nothing else.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sparkk8s_nb.errors import NoSessionError, SessionError, SparkK8sError, UsageError
from sparkk8s_nb.localfiles import is_locked, is_private_dir, read_private
from sparkk8s_nb.model.names import check_object_name
from sparkk8s_nb.model.paths import LOCK_FILE, PAST, RECORD_FILE, SESSIONS, UI_KEY_FILE
from sparkk8s_nb.model.record import SessionRecord, parse_record
from sparkk8s_nb.processes import boot_id, proven_dead


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSession:
    """A session of this user.

    Parameters
    ----------
    record : SessionRecord
    file : Path
        Where the record is.
    dead : bool
        Whether its kernel's process is proven to be gone.
    """

    record: SessionRecord
    file: Path
    dead: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSessions:
    """What was found.

    Parameters
    ----------
    sessions : sequence of OwnSession
        By name.
    trouble : SparkK8sError or None
        The first thing that could not be read; the others were.
    """

    sessions: Sequence[OwnSession]
    trouble: SparkK8sError | None = None


def own_sessions(runtime: Path) -> OwnSessions:
    """This user's sessions on this machine, also those that are starting.

    Parameters
    ----------
    runtime : Path
        The runtime directory (:func:`sparkk8s_nb.model.paths.runtime_dir`).
    """
    sessions, trouble = [], None
    try:
        for place in _places(runtime):
            try:
                sessions.append(_read(place))
            except FileNotFoundError:
                continue  # it is made or ends just now
            except SparkK8sError as error:
                trouble = trouble or error
    except SparkK8sError as error:
        trouble = error
    return OwnSessions(sessions=sessions, trouble=trouble)


def own_session(runtime: Path, name: str) -> OwnSession:
    """One of this user's sessions, by a name that anybody may have written.

    Raises
    ------
    NoSessionError
        If there is none of that name.
    SparkK8sError
        If it is not only this user's, or no record.
    """
    gone = NoSessionError("There is no such session.", fix="Start one with %sparkk8s start.")
    try:
        check_object_name(name)
    except UsageError as error:
        raise gone from error
    try:
        place = next(place for place in _places(runtime) if place.name == name)
        return _read(place)
    except (StopIteration, FileNotFoundError) as error:
        raise gone from error


def past_record(runtime: Path) -> SessionRecord:
    """The record of this user's history server (:mod:`sparkk8s_nb.server.past_ui`).

    Raises
    ------
    NoSessionError
        If there is none.
    SparkK8sError
        If anybody else could have written it: it says which port is asked, and with which key.
    """
    place = runtime / PAST
    try:
        _check_private(runtime, place)
        return _read(place).record
    except FileNotFoundError as error:
        raise NoSessionError("No stopped session is shown.", fix="Open one: %sparkk8s ui --last.") from error


def has_abandoned(runtime: Path) -> bool:
    """Whether sessions of this boot have left directories that no process uses: kernel and keeper are both gone."""
    boot = boot_id()
    return bool(boot) and any(_is_abandoned(place / LOCK_FILE, boot) for place in _places(runtime))


def _is_abandoned(lock: Path, boot: str) -> bool:
    try:
        text = read_private(lock)
        # Whoever makes a directory locks the file first and writes then: an empty one is not ours to try.
        same_boot = bool(text) and json.loads(text)["boot"] == boot
    except (FileNotFoundError, ValueError, KeyError, TypeError, SparkK8sError):
        return False
    return same_boot and not is_locked(lock)


def _places(runtime: Path) -> Sequence[Path]:
    directory = runtime / SESSIONS
    if not directory.exists():
        return []
    _check_private(runtime, directory)
    with contextlib.suppress(FileNotFoundError):
        return sorted(place for place in directory.iterdir() if is_private_dir(place))
    return []


def _check_private(*directories: Path) -> None:
    for each in directories:
        if each.exists() and not is_private_dir(each):
            raise SessionError(
                f"{each} is not a directory that only you can enter.",
                fix="Remove it, or set SPARKK8S_RUNTIME_DIR to a directory of your own.",
            )


def _read(place: Path) -> OwnSession:
    """The session of a directory of ours.

    Raises
    ------
    FileNotFoundError
        If it has no record.
    SparkK8sError
    """
    file = place / RECORD_FILE
    record = parse_record(read_private(file).decode(errors="replace"))
    if record.name != place.name:
        raise SessionError(
            f"The record in {place} is another session's.", fix="Remove that directory: it is of no use."
        )
    if record.ui_key_file and not _is_in(Path(record.ui_key_file), place):
        raise SessionError(
            f"The record of {record.name} names a key that is not its own.",
            fix="Restart the session: %sparkk8s start --restart.",
        )
    return OwnSession(record=record, file=file, dead=proven_dead(record))


def _is_in(key: Path, place: Path) -> bool:
    """Whether it is the key file of a session's own directory, by whatever way the path leads there."""
    return key.name == UI_KEY_FILE and key.parent.resolve() == place.resolve()
