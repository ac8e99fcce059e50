"""Start, stop and look at the embedded cluster. The face of this package to the rest of the house.

Imports little: no web server, no TLS library. The daemon is another process, found through files in
:func:`sparkk8s_nb.model.paths.embedded_dir` (0700):

==============  =======================================================================
``kubeconfig``  context ``embedded``, namespace ``default`` (0600)
``ca.crt``      the certificate authority, for clients that want a file (0600)
``token``       the bearer token, for clients that want a file (0600)
``daemon.json`` who the daemon is: process, address, settings (0600)
``daemon.lock`` held by the daemon as long as it lives
``daemon.log``  what it says (0600)
==============  =======================================================================
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import shutil
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sparkk8s_nb import localfiles, processes
from sparkk8s_nb.errors import EmbeddedError
from sparkk8s_nb.model import paths
from sparkk8s_nb.processes import ProcessId

CONTEXT = "embedded"
NAMESPACE = "default"
_FILES = ("kubeconfig", "ca.crt", "token", "daemon.json", "daemon.log", "daemon.lock")
_LOG_LINES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings:
    """What of this machine the cluster may use.

    Parameters
    ----------
    cpus : float, optional
        Cores; None is all that this process may use, and more than these there are not.
    memory : int, optional
        Bytes; None is the machine's (or the cgroup's).
    isolate : bool
        Whether pods run in their own mount namespace (Linux, root).
    idle_seconds : float
        The daemon ends after so long without a Lease and without a pod.
    overcommit : bool
        Let ``cpus`` be more than there are (pods then share cores); memory is never overcommitted.
    """

    cpus: float | None = None
    memory: int | None = None
    isolate: bool = False
    idle_seconds: float = 900.0
    overcommit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedCluster:
    """A cluster that runs, and how it is reached."""

    server: str
    kubeconfig: Path
    ca_file: Path
    token_file: Path
    pid: int
    context: str = CONTEXT
    namespace: str = NAMESPACE


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedStatus:
    """What the daemon says about itself.

    ``started`` is in seconds since the epoch; memory in bytes; ``idle_for`` is None while something runs.
    """

    pid: int
    server: str
    started: float
    node: str
    capacity_cpus: float
    capacity_memory: int
    allocatable_cpus: float
    allocatable_memory: int
    pods: int
    running_pods: int
    sessions: int
    idle_for: float | None
    idle_seconds: float
    isolate: bool
    version: str


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


def up(*, settings: NodeSettings | None = None, timeout: float = 20) -> EmbeddedCluster:
    """Have the cluster running: start it, or find the one that runs.

    Parameters
    ----------
    settings : NodeSettings, optional
        What a new daemon may use. One that runs with other settings is an error; None takes any.
    timeout : float
        Seconds to wait until it answers.

    Raises
    ------
    EmbeddedError
        If it does not come up, with the last lines of its log, or runs with other settings.

    Examples
    --------
    >>> cluster = up()                    # doctest: +SKIP
    >>> cluster.server                    # doctest: +SKIP
    'https://127.0.0.1:41234'
    """
    deadline = time.monotonic() + timeout
    home = localfiles.private_dir(directory())
    with _exclusive(home, deadline):
        known = _identity(home)
        if known is not None:
            if settings is not None and known["settings"] != asdict(settings):
                raise EmbeddedError(
                    "The embedded cluster runs with other settings: "
                    + ", ".join(f"{key}={value}" for key, value in known["settings"].items())
                    + ".",
                    fix="Stop it with `sparkk8s-nb cluster down` (this ends its sessions), then start again.",
                )
            if _ask(home, known, touch=True) is not None:
                return _cluster(home, known)
            _end(known, grace=5)
        _remove_files(home)
        _start(home, settings or NodeSettings(), deadline)
        known = _identity(home)
        if known is None:
            raise _no_start(home, "ended at once")
        return _cluster(home, known)


def down(*, timeout: float = 20) -> bool:
    """End the cluster with all its pods and remove its files; returns whether one ran.

    Parameters
    ----------
    timeout : float
        Seconds that the daemon gets to end by itself before it is killed.

    Raises
    ------
    EmbeddedError
        If somebody else starts or stops it for longer than that.
    """
    home = directory()
    if not home.is_dir():
        return False
    with _exclusive(home, time.monotonic() + timeout):
        known = _identity(home)
        if known is not None:
            _end(known, grace=timeout)
        _remove_files(home)
    with contextlib.suppress(OSError):
        home.rmdir()
    return known is not None


def status() -> EmbeddedStatus | None:
    """What the daemon says about itself; None if none runs."""
    home = directory()
    known = _identity(home)
    answer = None if known is None else _ask(home, known)
    if known is None or answer is None:
        return None
    return EmbeddedStatus(pid=int(known["pid"]), server=str(known["server"]), **answer)


@contextlib.contextmanager
def _exclusive(home: Path, deadline: float) -> Iterator[None]:
    """Hold the right to start or stop: a lock on the directory itself, so that no file is left."""
    handle = os.open(home, os.O_RDONLY)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise EmbeddedError(
                        "Another process has been starting or stopping the embedded cluster for too long.",
                        fix=f"Look at {home / 'daemon.log'}, then try again.",
                    ) from None
                time.sleep(0.05)
        yield
    finally:
        os.close(handle)


def _identity(home: Path) -> dict[str, Any] | None:
    """Who the daemon is, if it lives."""
    try:
        known: dict[str, Any] = json.loads((home / "daemon.json").read_text())
    except (OSError, ValueError):
        return None
    return known if processes.is_alive(_process(known)) else None


def _process(known: dict[str, Any]) -> ProcessId:
    return ProcessId(pid=int(known["pid"]), started=float(known["started"]))


def _end(known: dict[str, Any], *, grace: float) -> None:
    processes.end(_process(known), grace=grace)


def _cluster(home: Path, known: dict[str, Any]) -> EmbeddedCluster:
    return EmbeddedCluster(
        server=str(known["server"]),
        kubeconfig=home / "kubeconfig",
        ca_file=home / "ca.crt",
        token_file=home / "token",
        pid=int(known["pid"]),
    )


def _ask(home: Path, known: dict[str, Any], *, touch: bool = False) -> dict[str, Any] | None:
    """The daemon's own description; None if it does not answer."""
    try:
        context = ssl.create_default_context(cafile=str(home / "ca.crt"))
        token = (home / "token").read_text().strip()
        request = urllib.request.Request(  # noqa: S310 (our own https address)
            f"{known['server']}/sparkk8s/status{'?touch=1' if touch else ''}",
            headers={"Authorization": f"Bearer {token}"},
        )
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        with opener.open(request, timeout=5) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found
    except (OSError, ValueError):
        return None


def _start(home: Path, settings: NodeSettings, deadline: float) -> None:
    """Start the daemon in a process session of its own and wait until it says that it is ready."""
    ready, ready_end = os.pipe()
    log = os.open(home / "daemon.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    command = [
        sys.executable, "-m", "sparkk8s_nb.embedded",
        "--directory", str(home),
        "--pods", str(pods_directory()),
        "--ready-fd", str(ready_end),
        "--settings", json.dumps(asdict(settings)),
    ]  # fmt: skip
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=(ready_end,),
            cwd="/",
            env=_environment(),
        )
    finally:
        os.close(log)
        os.close(ready_end)
    try:
        said = _read_line(ready, deadline)
    finally:
        os.close(ready)
    if said == "ready":
        _forget_child(process)
        return
    if said is None:
        process.kill()
        process.wait()
        raise _no_start(home, "did not answer in time")
    process.wait()
    raise _no_start(home, said.removeprefix("error ") or "ended at once")


def _environment() -> dict[str, str]:
    """The daemon's environment: the caller's, able to import this package, without Spark's gateway."""
    root = str(Path(__file__).resolve().parents[2])
    known = os.environ.get("PYTHONPATH")
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PYSPARK_GATEWAY")}
    environ["PYTHONPATH"] = root if not known else f"{root}{os.pathsep}{known}"
    return environ


def _forget_child(process: subprocess.Popen[bytes]) -> None:
    """Let the daemon outlive us without Python's warning about a child that nobody waited for."""
    process.returncode = 0


def _read_line(handle: int, deadline: float) -> str | None:
    """What comes before the pipe's end; None if the time is over first."""
    data = b""
    while b"\n" not in data:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([handle], [], [], left)[0]:
            return None
        piece = os.read(handle, 4096)
        if not piece:
            break
        data += piece
    return data.decode(errors="replace").strip()


def _no_start(home: Path, why: str) -> EmbeddedError:
    try:
        lines = (home / "daemon.log").read_text(errors="replace").splitlines()[-_LOG_LINES:]
    except OSError:
        lines = []
    _remove_files(home)
    told = ("\nThe last lines of its log:\n" + "\n".join(lines)) if lines else ""
    return EmbeddedError(
        f"The embedded cluster's daemon did not start: {why}.{told}",
        fix="Try `sparkk8s-nb cluster up` in a terminal, or name a cluster with --context.",
    )


def _remove_files(home: Path) -> None:
    """Remove what a daemon leaves that was killed."""
    for name in _FILES:
        localfiles.remove_quietly(home / name)
    shutil.rmtree(pods_directory(), ignore_errors=True)
