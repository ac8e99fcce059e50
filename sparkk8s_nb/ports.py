"""What a session needs from the outside, as Protocols.

The session's state machine knows only these. ``kube`` and ``spark`` implement them for real,
:mod:`sparkk8s_nb.testing` with public fakes, and ``session/wiring.py`` alone decides which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sparkk8s_nb.model.drained import Drained
from sparkk8s_nb.model.executors import ExecutorStatus, PodEvent
from sparkk8s_nb.model.fleet import FleetEvent
from sparkk8s_nb.model.progress import JobProgress
from sparkk8s_nb.model.spec import ClusterAccess, ClusterTarget
from sparkk8s_nb.model.streams import Stream
from sparkk8s_nb.processes import ProcessId

Manifest = dict[str, Any]
"""A Kubernetes object as JSON says it: ``{"apiVersion": ..., "kind": ..., "metadata": {...}}``."""


class Stop(Protocol):
    """A wish to end, and the wait that ends with it."""

    def is_set(self) -> bool:
        """Whether the end is wished for."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait that long, or until the end is wished for; returns whether it is."""
        ...


class Cluster(Protocol):
    """The Kubernetes API, in the executors' namespace. Thread-safe; every call has a timeout.

    All raise :class:`~sparkk8s_nb.errors.ClusterError` or one of its kinds.
    """

    @property
    def target(self) -> ClusterTarget:
        """Which cluster and namespace."""
        ...

    @property
    def access(self) -> ClusterAccess:
        """How others reach the same API server."""
        ...

    def in_namespace(self, namespace: str) -> Cluster:
        """The same cluster with the same connections, in another namespace."""
        ...

    def version(self) -> str:
        """The server's version, ``v1.34.2``; the cheapest proof that it answers."""
        ...

    def create(self, manifest: Manifest, *, dry_run: bool = False) -> Manifest:
        """Create an object and return it as the server stored it."""
        ...

    def read(self, kind: str, name: str) -> Manifest | None:
        """An object by kind (``Pod``, ``Lease``) and name, or None if there is none."""
        ...

    def list(self, kind: str, *, selector: str = "", all_namespaces: bool = False) -> Sequence[Manifest]:
        """The objects of a kind that a label selector chooses."""
        ...

    def merge(self, kind: str, name: str, patch: Mapping[str, Any]) -> Manifest:
        """Change an object by a JSON merge patch."""
        ...

    def delete(self, kind: str, name: str, *, uid: str = "", grace: int | None = None) -> bool:
        """Delete an object (only with that uid, if given); False if it was gone already."""
        ...

    def delete_all(self, kind: str, selector: str, *, grace: int | None = None) -> None:
        """Delete all objects of a kind that a label selector chooses."""
        ...

    def pod_log(self, name: str, *, tail: int = 200) -> str:
        """The last lines of a pod's log; empty if there is none."""
        ...

    def pod_events(self, name: str) -> Sequence[PodEvent]:
        """What the API's Events say of a pod, the oldest first."""
        ...

    def can(self, verb: str, resource: str, *, group: str = "", subresource: str = "") -> bool:
        """Whether we may do that in the namespace (SelfSubjectAccessReview)."""
        ...


class PodSource(Protocol):
    """Where pod events come from."""

    def events(self, selector: str, stop: Stop) -> Iterator[FleetEvent]:
        """Yield pod events until ``stop``: a Listed first, and again after every loss; never raises."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkStatus:
    """One reading of Spark's status store.

    Parameters
    ----------
    executors : tuple of ExecutorStatus
        Without the driver.
    jobs : tuple of JobProgress
        Those that run, and those asked for by tag or id; one that Spark has forgotten is UNKNOWN.
    streams : tuple of Stream or None
        The streaming queries that are active, and those that ended since the reading before; None where
        there were none so far, and nobody looked.
    """

    executors: tuple[ExecutorStatus, ...]
    jobs: tuple[JobProgress, ...]
    streams: tuple[Stream, ...] | None = None


class StatusSource(Protocol):
    """Where Spark's own numbers come from."""

    def status(
        self, tags: Sequence[str] = (), jobs: Sequence[int] = (), *, streams: bool = False
    ) -> SparkStatus:
        """One reading: executors, running jobs, all jobs with one of the tags, and some by their ids.

        ``streams`` asks for streaming queries also where no job of theirs was seen.

        Raises :class:`~sparkk8s_nb.errors.DriverError` if the driver is gone.
        """
        ...


class CellScope(Protocol):
    """One cell while it runs, on the thread that runs it."""

    @property
    def abandoned(self) -> bool:
        """Whether a call into the JVM was left that had not come back: it may be stuck."""
        ...

    def leave(self) -> None:
        """The cell has ended; on the thread that entered. Idempotent."""
        ...


class Driver(StatusSource, Protocol):
    """The driver: a JVM of this kernel with a SparkContext in it."""

    @property
    def process(self) -> ProcessId:
        """The JVM."""
        ...

    @property
    def app_id(self) -> str:
        """Spark's application id."""
        ...

    @property
    def ui_url(self) -> str:
        """Where the Spark UI listens; empty without one."""
        ...

    @property
    def spark(self) -> Any:
        """The SparkSession."""
        ...

    @property
    def warnings(self) -> Sequence[str]:
        """What this driver lacks that the user should know, in sentences; told once, after the start."""
        ...

    def request_executors(self, total: int) -> None:
        """Ask Spark's backend to have that many; ends none."""
        ...

    def retire_executors(self, ids: Sequence[str], *, busy: bool) -> None:
        """Give executors back: idle ones are ended, busy ones decommissioned after their tasks."""
        ...

    def executors(self) -> tuple[ExecutorStatus, ...]:
        """What Spark says of every executor, living and dead.

        Raises :class:`~sparkk8s_nb.errors.DriverError` if the driver is gone.
        """
        ...

    def drain(self) -> Drained | None:
        """What the listener in the JVM has seen since the last call; None where there is no listener.

        Raises :class:`~sparkk8s_nb.errors.DriverError` if the driver is gone.
        """
        ...

    @property
    def without_listener(self) -> str:
        """Why there is no listener, one sentence; empty while there is one."""
        ...

    def cancel(self, tag: str) -> int:
        """Cancel the jobs that carry a tag, but not those of streaming queries; returns how many."""
        ...

    def cancel_all(self) -> int:
        """Cancel every job; returns how many ran."""
        ...

    def enter_cell(self, tag: str) -> CellScope:
        """What the calling thread does from now on is that cell's; on the main thread SIGINT interrupts it.

        Calls nothing in the JVM: the tag gets there with the cell's first command.
        """
        ...

    def hook(self, on_stop: Callable[[], object]) -> None:
        """Make ``spark.stop()`` stop the whole session."""
        ...

    def stop(self, timeout: float) -> bool:
        """Stop Spark; after ``timeout`` seconds end the JVM. Returns whether Spark stopped by itself."""
        ...


class LaunchingDriver(Protocol):
    """A driver JVM that is coming up while other things are made."""

    @property
    def process(self) -> ProcessId:
        """The JVM."""
        ...

    def start(self, conf: Mapping[str, str], py_files: Sequence[str]) -> Driver:
        """Wait for the JVM and make the SparkContext in it."""
        ...

    def end(self, grace: float) -> None:
        """End the JVM in whatever state it is. Idempotent."""
        ...


class Keeper(Protocol):
    """The process that keeps the session's Lease while the kernel lives, and cleans up after it."""

    def ready(self) -> None:
        """Wait until it watches the kernel; raises if it does not come up."""
        ...

    def lease(self, name: str, uid: str) -> None:
        """The Lease exists from now on: renew it, and delete it when the kernel is gone."""
        ...

    def annotate(self, key: str, value: str) -> None:
        """Write that annotation to the Lease, with its next renewal."""
        ...

    def driver(self, process: ProcessId) -> None:
        """The JVM to end when the kernel is gone."""
        ...

    def cleanup(self, path: Path) -> None:
        """A file or directory to remove when the kernel is gone."""
        ...

    def release(self, timeout: float) -> bool:
        """All is cleaned up: end without touching anything. Returns whether it has ended."""
        ...

    def finish(self) -> None:
        """The interpreter exits: clean up now; does not wait."""
        ...
