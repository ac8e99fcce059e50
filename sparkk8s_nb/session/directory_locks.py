"""Which sessions' directories somebody still uses: a lock in each, held by the kernel and by its keeper.

The operating system lets go of a lock when the last process that holds it has ended, however it ended. So a
directory whose lock is free is nobody's: its kernel was killed before there was a keeper, or both were. A
lock for all of them is held while a directory is made or looked at: no half-made one is taken for a dead one.

A driver JVM may have outlived both (it was stopped, or hangs): it is ended with its directory, by the process id and
start time that were written there when it began.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sparkk8s_nb.errors import SessionError, SparkK8sError
from sparkk8s_nb.localfiles import is_locked, private_dir, read_private
from sparkk8s_nb.model.paths import DRIVER_FILE, LOCK_FILE
from sparkk8s_nb.processes import ProcessId, end_all

DRIVER_GRACE = 2.0
"""Between TERM and KILL, for all together: others wait for the directories meanwhile."""

WAIT_SECONDS = 10.0
"""Making a directory takes milliseconds; only a process that was stopped meanwhile holds the others up."""


class DirectoryLock:
    """A lock on one session's directory. Given to the keeper, it is held until both have let go."""

    def __init__(self, handle: int) -> None:
        self._handle: int | None = handle

    @property
    def handles(self) -> tuple[int, ...]:
        """The descriptor, for a child to inherit; none once it was released."""
        return () if self._handle is None else (self._handle,)

    def release(self) -> None:
        """Let go of it, as far as this process is concerned. Idempotent."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedDirectories:
    """The sessions' directories while nobody else makes or removes one. From :func:`locked_directories`.

    Parameters
    ----------
    directory : Path
        Where they are, one each.
    boot : str
        This boot of this machine: what another one's processes hold may not be seen here.
    """

    directory: Path
    boot: str

    def take(self, name: str, scratch: Path) -> DirectoryLock:
        """Make a session's directory and lock it; remember which other directory is going to be its own."""
        handle = _open(private_dir(self.directory / name) / LOCK_FILE)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(handle, json.dumps({"boot": self.boot, "scratch": str(scratch)}).encode())
        return DirectoryLock(handle)

    def living(self) -> Sequence[Path]:
        """The directories that somebody uses."""
        return [place for place in self._places() if is_locked(place / LOCK_FILE)]

    def end_drivers(self) -> None:
        """End the driver JVMs of directories that are nobody's; the directories stay."""
        _end_drivers([place for place in self._places() if self._left(place)])

    def sweep(self) -> Sequence[str]:
        """Remove the directories that are nobody's, and end their JVMs; returns the sessions' names."""
        found = [(place, left) for place in self._places() if (left := self._left(place)) is not None]
        _end_drivers([place for place, left in found if left])
        for place, left in found:
            if left and _is_ours(scratch := Path(left["scratch"])):
                shutil.rmtree(scratch, ignore_errors=True)
            shutil.rmtree(place, ignore_errors=True)
        return [place.name for place, _ in found]

    def _places(self) -> Sequence[Path]:
        return sorted(place for place in self.directory.iterdir() if place.is_dir())

    def _left(self, place: Path) -> dict[str, str] | None:
        """What stands in the lock file of a directory that is nobody's; None if it is somebody's."""
        if is_locked(place / LOCK_FILE):
            return None
        try:
            left: dict[str, str] = json.loads((place / LOCK_FILE).read_bytes())
        except (FileNotFoundError, ValueError):
            return {}  # killed before it was written: there is nothing but the directory
        return left if self.boot and left["boot"] == self.boot else None


@contextmanager
def locked_directories(directory: Path, boot: str) -> Iterator[LockedDirectories]:
    """Look at the sessions' directories, or make one, while nobody else does.

    Raises
    ------
    SessionError
        If somebody else does not come to an end with it.
    """
    private_dir(directory)
    handle = _open(directory.with_name(f"{directory.name}.{LOCK_FILE}"))
    try:
        deadline = time.monotonic() + WAIT_SECONDS
        while not _locked(handle):
            if time.monotonic() > deadline:
                raise SessionError(
                    "Another start of yours holds the sessions' directory and does not go on.",
                    fix="End the process that is stopped (kill -9), or let it go on (kill -CONT).",
                )
            time.sleep(0.01)
        yield LockedDirectories(directory=directory, boot=boot)
    finally:
        os.close(handle)


def _end_drivers(places: Iterable[Path]) -> None:
    """End the JVMs that directories name, where exactly that process is still there and is ours."""
    drivers = []
    for place in places:
        # It had none yet, or was killed while it wrote that.
        with suppress(FileNotFoundError, ValueError, KeyError, TypeError, SparkK8sError):
            drivers.append(ProcessId.from_dict(json.loads(read_private(place / DRIVER_FILE))))
    end_all(drivers, grace=DRIVER_GRACE)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_ours(path: Path) -> bool:
    """Whether it is a directory of this user: in a shared ``/tmp`` the name may be another's by now."""
    try:
        return not path.is_symlink() and path.is_dir() and path.stat().st_uid == os.getuid()
    except OSError:
        return False
