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
import json
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from sparkk8s_nb import processes
from sparkk8s_nb.embedded.homefiles import directory, exclusive, kubeconfig_path, remove_files
from sparkk8s_nb.embedded.starting import no_start, start
from sparkk8s_nb.errors import EmbeddedError
from sparkk8s_nb.processes import ProcessId

__all__ = [
    "CONTEXT",
    "NAMESPACE",
    "EmbeddedCluster",
    "EmbeddedStatus",
    "NodeSettings",
    "directory",
    "down",
    "kubeconfig_path",
    "status",
    "up",
]

CONTEXT = "embedded"
NAMESPACE = "default"


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
    home = directory()
    with exclusive(home, deadline):
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
        remove_files(home)
        start(home, asdict(settings or NodeSettings()), deadline)
        known = _identity(home)
        if known is None:
            raise no_start(home, "ended at once")
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
    with exclusive(home, time.monotonic() + timeout):
        known = _identity(home)
        if known is not None:
            _end(known, grace=timeout)
        remove_files(home)
        with contextlib.suppress(OSError):
            home.rmdir()
    return known is not None


def status() -> EmbeddedStatus | None:
    """What the daemon says about itself; None if none runs.

    Raises
    ------
    EmbeddedError
        If the one that runs is of another version of this package and says other things.
    """
    home = directory()
    known = _identity(home)
    answer = None if known is None else _ask(home, known)
    if known is None or answer is None:
        return None
    said = {"pid": int(known["pid"]), "server": str(known["server"]), **answer}
    if missing := sorted({field.name for field in fields(EmbeddedStatus)} - said.keys()):
        raise EmbeddedError(
            f"The embedded cluster that runs is of another version of this package (it does not tell {missing[0]}).",
            fix="Stop it with `sparkk8s-nb cluster down` (this ends its sessions), then start again.",
        )
    return EmbeddedStatus(**{field.name: said[field.name] for field in fields(EmbeddedStatus)})


def _identity(home: Path) -> dict[str, Any] | None:
    """Who the daemon is, if it lives."""
    try:
        known: dict[str, Any] = json.loads((home / "daemon.json").read_text())
    except (OSError, ValueError):
        return None
    return known if processes.is_alive(ProcessId.from_dict(known)) else None


def _end(known: dict[str, Any], *, grace: float) -> None:
    processes.end(ProcessId.from_dict(known), grace=grace)


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
