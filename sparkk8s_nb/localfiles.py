"""Private directories and files on this machine: 0700, 0600, ours, and never half-written."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from pathlib import Path

from sparkk8s_nb.errors import SparkK8sError


def private_dir(path: Path) -> Path:
    """Make ``path`` (and its parents) a directory that only this user can enter.

    A directory that is there already must belong to this user and is set to 0700: in a shared
    ``/tmp`` somebody else could have made it first.

    Raises
    ------
    SparkK8sError
        If it belongs to somebody else, is a link, or cannot be made.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as base:
    ...     oct(private_dir(Path(base) / "a" / "b").stat().st_mode & 0o777)
    '0o700'
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        info = path.lstat()
    except OSError as error:
        raise SparkK8sError(
            f"The directory {path} cannot be made: {error.strerror}.",
            fix="Set SPARKK8S_RUNTIME_DIR to a directory of your own.",
        ) from error
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.getuid():
        raise SparkK8sError(
            f"{path} is not a directory of yours.",
            fix="Remove it, or set SPARKK8S_RUNTIME_DIR to a directory of your own.",
        )
    if stat.S_IMODE(info.st_mode) != 0o700:
        path.chmod(0o700)
    return path


def write_private(path: Path, content: str | bytes, *, mode: int = 0o600) -> Path:
    """Write a file at once: readers see the old content or the new, never a part; mode 0600.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as base:
    ...     oct(write_private(Path(base) / "secret", "s").stat().st_mode & 0o777)
    '0o600'
    """
    data = content.encode() if isinstance(content, str) else content
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def read_private(path: Path, *, limit: int = 1 << 20) -> bytes:
    """Read a file that only this user can have written.

    Parameters
    ----------
    path : Path
    limit : int
        Most bytes it may have.

    Raises
    ------
    FileNotFoundError
        If there is none.
    SparkK8sError
        If it is a link, no plain file, somebody else's, open to others, or larger.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as base:
    ...     read_private(write_private(Path(base) / "secret", "s"))
    b's'
    """
    try:
        # Not blocking: somebody may have put a named pipe there.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(str(path)) from error
    except OSError as error:
        raise _not_private(path) from error
    try:
        info = os.fstat(handle)
        if not stat.S_ISREG(info.st_mode) or not _is_ours_alone(info):
            raise _not_private(path)
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    finally:
        os.close(handle)
    if len(data) > limit:
        raise _not_private(path)
    return data


def is_private_dir(path: Path) -> bool:
    """Whether it is a directory that only this user can enter; not a link to one.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as base:
    ...     is_private_dir(Path(base)), is_private_dir(Path("/"))
    (True, False)
    """
    try:
        info = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(info.st_mode) and _is_ours_alone(info)


def is_locked(path: Path) -> bool:
    """Whether some process holds the lock on a file; False if there is no such file."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _is_ours_alone(info: os.stat_result) -> bool:
    return info.st_uid == os.getuid() and not stat.S_IMODE(info.st_mode) & 0o077


def _not_private(path: Path) -> SparkK8sError:
    return SparkK8sError(
        f"{path} is not a file that only you can read and write.",
        fix="Look at whose it is and remove it, or set SPARKK8S_RUNTIME_DIR to a directory of your own.",
    )


def remove_quietly(path: Path) -> None:
    """Remove a file that may be gone already."""
    path.unlink(missing_ok=True)


def tail(path: Path, lines: int) -> str:
    """The last lines of a file, reading no more of it than needed; empty if there is none.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as base:
    ...     tail(write_private(Path(base) / "log", "a\\nb\\nc\\n"), 2)
    'b\\nc'
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            start, data = size, b""
            while start > 0 and data.count(b"\n") <= lines:
                step = min(65536, start)
                start -= step
                file.seek(start)
                data = file.read(step) + data
    except FileNotFoundError:
        return ""
    return "\n".join(data.decode(errors="replace").splitlines()[-lines:])


def last_line(log_file: Path) -> str:
    """The last thing that a log says, in words also where that is nothing."""
    lines = log_file.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
