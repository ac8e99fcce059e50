"""The files of the embedded cluster: where they are, who may change them, how they go."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from sparkk8s_nb import localfiles
from sparkk8s_nb.errors import EmbeddedError
from sparkk8s_nb.model import paths

#: all that a daemon writes besides its pods' directories
FILES = ("kubeconfig", "ca.crt", "token", "daemon.json", "daemon.log", "daemon.lock")


def directory() -> Path:
    """Where the cluster's files are (not made by asking)."""
    return paths.embedded_dir(os.environ, os.getuid())


def kubeconfig_path() -> Path:
    """The kubeconfig, which exists while the cluster runs.

    >>> kubeconfig_path().name
    'kubeconfig'
    """
    return directory() / "kubeconfig"


def pods_directory() -> Path:
    """Where pods keep their files: on disk, as shuffle data does not belong into ``/run`` (memory)."""
    if "SPARKK8S_RUNTIME_DIR" in os.environ or "XDG_RUNTIME_DIR" not in os.environ:
        return directory() / "pods"
    environ = {key: value for key, value in os.environ.items() if key != "XDG_RUNTIME_DIR"}
    return paths.embedded_dir(environ, os.getuid()) / "pods"


@contextlib.contextmanager
def exclusive(home: Path, deadline: float) -> Iterator[None]:
    """Hold the right to start or stop: a lock on the directory itself, so that no lock file is left.

    The directory is made if need be, and again if whoever had the lock before has removed it.

    Raises
    ------
    EmbeddedError
        If somebody else holds it at the deadline (a value of :func:`time.monotonic`).
    """
    while True:
        localfiles.private_dir(home)
        handle = os.open(home, os.O_RDONLY)
        try:
            _wait_for_lock(handle, home, deadline)
            if _is_still(home, handle):
                yield
                return
        finally:
            os.close(handle)


def _wait_for_lock(handle: int, home: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    "Another process has been starting or stopping the embedded cluster for too long.",
                    fix=f"Look at {home / 'daemon.log'}, then try again.",
                ) from None
            time.sleep(0.05)


def _is_still(home: Path, handle: int) -> bool:
    try:
        return home.stat().st_ino == os.fstat(handle).st_ino
    except FileNotFoundError:
        return False


def remove_files(home: Path) -> None:
    """Remove what a daemon leaves that was killed."""
    for name in FILES:
        localfiles.remove_quietly(home / name)
    shutil.rmtree(pods_directory(), ignore_errors=True)
