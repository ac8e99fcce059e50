"""What tasks cost and what slowed them: sums, the slowest ones, causes of failure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from operator import attrgetter

_KIND = re.compile(r"([A-Za-z_][\w.$]*)\s*(?:[:(]|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskMetrics:
    """Sums over tasks. Times in milliseconds, sizes in bytes, as Spark's ``TaskMetrics`` has them.

    Examples
    --------
    >>> (TaskMetrics(run_ms=2, gc_ms=1) + TaskMetrics(run_ms=2)).gc_share
    0.25
    """

    run_ms: int = 0
    cpu_ms: int = 0
    gc_ms: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    shuffle_read: int = 0
    shuffle_written: int = 0
    memory_spilled: int = 0
    disk_spilled: int = 0
    records_read: int = 0
    records_written: int = 0

    def __add__(self, other: TaskMetrics) -> TaskMetrics:
        return TaskMetrics.total((self, other))

    @classmethod
    def total(cls, metrics: Iterable[TaskMetrics]) -> TaskMetrics:
        """Return the sums over many; a view does so for all stages of a cell several times a second."""
        rows = [_values(each) for each in metrics]
        return cls(**dict(zip(_NAMES, map(sum, zip(*rows, strict=True)), strict=True))) if rows else cls()

    @property
    def gc_share(self) -> float:
        """How much of the run time went into garbage collection, 0 to 1."""
        return self.gc_ms / self.run_ms if self.run_ms else 0.0


_NAMES = tuple(field.name for field in fields(TaskMetrics))
_values = attrgetter(*_NAMES)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowTask:
    """One of the slowest finished tasks of a stage.

    Parameters
    ----------
    partition : int
    seconds : float
    executor : str
    spilled : int
        Bytes that it spilled to disk.
    """

    partition: int
    seconds: float
    executor: str
    spilled: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningTask:
    """One of the tasks of a stage that have run longest and still do.

    Parameters
    ----------
    partition : int
    began : float
        Seconds since the epoch.
    executor : str
    """

    partition: int
    began: float
    executor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureCause:
    """Why tasks failed, and how many.

    Examples
    --------
    >>> FailureCause(reason="java.lang.OutOfMemoryError: Java heap space", count=2).kind
    'OutOfMemoryError'
    >>> FailureCause(reason="ExecutorLostFailure (executor 3 exited) Reason: node-7", count=1).kind
    'ExecutorLostFailure'
    """

    reason: str
    count: int

    @property
    def kind(self) -> str:
        """The error's class without its text, which may name pods and hosts; ``other`` if it has none."""
        found = _KIND.match(self.reason)
        return found[1].rpartition(".")[2].rpartition("$")[2] or "other" if found else "other"
