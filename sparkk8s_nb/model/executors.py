"""One executor: its pod, what Spark says of it, the row that joins both, and the events that tell of them.

Time is in the events, as seconds since the epoch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum


class Phase(StrEnum):
    """Where an executor is in its life, in the words of the view."""

    ASKED = "asked"
    PENDING = "pending"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodView:
    """One executor pod, as its API object says.

    Parameters
    ----------
    name, uid, node, ip : str
        ``node`` and ``ip`` are empty until assigned.
    executor : str
        Spark's executor id (label ``spark-exec-id``).
    phase : str
        The pod's phase: Pending, Running, Succeeded, Failed, Unknown.
    deleting : bool
        Whether it has a deletion timestamp.
    reason, message : str
        Why it is pending or ended, as the API says: ``Unschedulable``, ``ErrImagePull``, ``OOMKilled``.
    exit_code : int or None
    cpu_millis, memory : int
        Requested CPU in thousandths of a core, memory limit in bytes.
    created : float
        Seconds since the epoch.
    marked : bool
        Whether Spark has seen that it ended (label ``spark-exec-inactive``).
    """

    name: str
    uid: str
    executor: str
    phase: str = "Pending"
    deleting: bool = False
    reason: str = ""
    message: str = ""
    exit_code: int | None = None
    node: str = ""
    ip: str = ""
    cpu_millis: int = 0
    memory: int = 0
    created: float = 0.0
    marked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSeen:
    """A pod was added or changed."""

    pod: PodView
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PodGone:
    """A pod's object was deleted; ``pod`` is its last state."""

    pod: PodView
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PodEvent:
    """One of the API's Events about a pod, which are not the events that this module is of.

    Parameters
    ----------
    reason, message : str
        ``Pulling``, ``Pulling image "spark:4.3"``.
    at : float
        When it last happened, seconds since the epoch.
    """

    reason: str
    message: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PodEventsSeen:
    """What the API's Events say of an executor's pod, all of them."""

    executor: str
    events: tuple[PodEvent, ...]
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """All pods there are: whatever is not among them is gone."""

    pods: tuple[PodView, ...]
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchLost:
    """The API server does not answer; what is shown is from ``at`` or earlier."""

    problem: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorLoad:
    """What an executor's tasks cost it until now.

    Parameters
    ----------
    peak_memory : int
        The most that its JVM used at once, heap and off-heap, with its Python workers where Spark counts them
        (``spark.executor.processTreeMetrics.enabled``), in bytes; Spark hears of it every ten seconds. 0 is not
        known yet.
    gc_ms, task_ms : int
        Milliseconds in garbage collection, and of all its tasks together.
    spilled : int
        Bytes that its tasks spilled to disk.

    Examples
    --------
    >>> ExecutorLoad(gc_ms=30, task_ms=400).gc_share
    0.075
    """

    peak_memory: int = 0
    gc_ms: int = 0
    task_ms: int = 0
    spilled: int = 0

    @property
    def gc_share(self) -> float:
        """How much of the tasks' time went into garbage collection, 0 to 1."""
        return min(1.0, self.gc_ms / self.task_ms) if self.task_ms else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorStatus:
    """What Spark says of one executor.

    Parameters
    ----------
    id : str
    active : bool
        Whether it is registered with the driver.
    cores : int
    running, done, failed : int
        Tasks: at work now, completed, failed since it started.
    memory_used, memory_max : int
        Storage memory in bytes.
    removed_reason : str
    load : ExecutorLoad
    """

    id: str
    active: bool = True
    cores: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0
    memory_used: int = 0
    memory_max: int = 0
    removed_reason: str = ""
    load: ExecutorLoad = ExecutorLoad()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorsSeen:
    """Spark's view of all executors, at one moment."""

    executors: tuple[ExecutorStatus, ...]
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedChanged:
    """How many executors are asked for from now on."""

    wanted: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CreationRefused:
    """The API server refused to make an executor pod: quota, admission, rights. ``message`` is its text."""

    message: str
    at: float


FleetEvent = (
    PodSeen | PodGone | PodEventsSeen | Listed | WatchLost | ExecutorsSeen | WantedChanged | CreationRefused
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCounts:
    """Tasks of one executor, job or stage."""

    running: int = 0
    done: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorView:
    """One row of the fleet: pod and executor joined.

    Parameters
    ----------
    id, pod : str
        Spark's executor id and the pod's name.
    phase : Phase
    reason : str
        In plain words why it is pending or ended; empty where all is well.
    node : str
    cores : int
    memory : int
        The pod's limit in bytes.
    tasks : TaskCounts
    since : float
        When the pod was made, seconds since the epoch.
    ended : float
        When it was seen to end; 0.0 while it lives.
    exit_code : int or None
    code : str
        The API's own word behind ``reason``: ``Unschedulable``, ``OOMKilled``, ``Error``; of one that waits
        for what is on its way ``Pulling`` or ``TriggeredScaleUp``.
    obstacle : str
        What keeps it from starting for good (:class:`~sparkk8s_nb.model.hopeless.Obstacle`); empty while there
        is hope.
    load : ExecutorLoad
    """

    id: str
    pod: str
    phase: Phase
    reason: str = ""
    node: str = ""
    cores: int = 0
    memory: int = 0
    tasks: TaskCounts = field(default_factory=TaskCounts)
    since: float = 0.0
    ended: float = 0.0
    exit_code: int | None = None
    code: str = ""
    obstacle: str = ""
    load: ExecutorLoad = ExecutorLoad()


def unnamed(view: ExecutorView) -> str:
    """Return a row's reason without the names of its pod and node: it may stay in a saved notebook.

    Examples
    --------
    >>> unnamed(ExecutorView(id="1", pod="p-1", phase=Phase.FAILED, reason="p-1 was evicted"))
    'the pod was evicted'
    >>> unnamed(ExecutorView(id="1", pod="p", phase=Phase.FAILED, node="n", reason="no room on n."))
    'no room on its node.'
    """
    reason = view.reason
    for name, word in ((view.pod, "the pod"), (view.node, "its node")):
        if name:
            # Whole names alone: a node may be called "a", and pods "p-1" and "p-10". A full stop may follow one.
            reason = re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)", word, reason)
    return reason
