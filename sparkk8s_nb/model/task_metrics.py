"""What tasks cost and what slowed them: sums, the slowest ones, causes of failure."""

from __future__ import annotations

from dataclasses import dataclass, fields


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
        return TaskMetrics(
            **{field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(self)}
        )

    @property
    def gc_share(self) -> float:
        """How much of the run time went into garbage collection, 0 to 1."""
        return self.gc_ms / self.run_ms if self.run_ms else 0.0


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
class FailureCause:
    """Why tasks failed, and how many."""

    reason: str
    count: int
