"""One stage: its counts, what it cost, and in words what slowed or broke it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sparkk8s_nb.model.quantities import format_duration, format_memory
from sparkk8s_nb.model.task_metrics import FailureCause, RunningTask, SlowTask, TaskMetrics

SKEW_RATIO = 4.0
"""A task that took so many times the median is worth a word, ..."""

SKEW_SECONDS = 2.0
"""... if it also took so much longer than the median."""

ENDED_FOR_RUNNING = 3
"""A task that runs is called slow once so many times as many have ended as run: the first ones also start workers."""

OLDEST_TOLD = 10
"""So many of the tasks that have run longest are known one by one."""

_PARTITIONS_NAMED = 3
_CAUSES_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class StageProgress:
    """One attempt of one stage, or all its attempts summed up.

    Parameters
    ----------
    id, attempt : int
    name : str
    operators : str
        The steps of the plan that it runs, as Spark names them; empty where unknown.
    state : str
        ``PENDING``, ``ACTIVE``, ``COMPLETE``, ``FAILED`` or ``SKIPPED``.
    tasks, running, done, failed, killed, speculative : int
    skipped : bool
        Whether it need not run: its shuffle files are there already.
    submitted, completed : float
        Seconds since the epoch; 0.0 while it has not.
    failure : str
        Why it failed, one line.
    metrics : TaskMetrics
        Sums over its ended tasks.
    median, longest : float
        Seconds of its successful tasks; the median within 13 %.
    slowest : tuple of SlowTask
        The slowest first.
    causes : tuple of FailureCause
    oldest : tuple of RunningTask
        Tasks that run and have for longest, the oldest first; none of those that began a moment ago.
    """

    id: int
    attempt: int
    name: str
    state: str
    tasks: int
    running: int = 0
    done: int = 0
    failed: int = 0
    killed: int = 0
    skipped: bool = False
    speculative: int = 0
    submitted: float = 0.0
    completed: float = 0.0
    failure: str = ""
    metrics: TaskMetrics = field(default_factory=TaskMetrics)
    median: float = 0.0
    longest: float = 0.0
    slowest: tuple[SlowTask, ...] = ()
    causes: tuple[FailureCause, ...] = ()
    oldest: tuple[RunningTask, ...] = ()
    operators: str = ""

    @property
    def skew(self) -> float:
        """How many times the median its slowest task took; 0.0 where there is nothing to compare."""
        return self.longest / self.median if self.median and self.done > 1 else 0.0

    @property
    def skew_words(self) -> str:
        """Which tasks took far longer than the median; empty where none did.

        Examples
        --------
        >>> slow = (SlowTask(partition=37, seconds=14.0, executor="1"),
        ...         SlowTask(partition=2, seconds=1.1, executor="2"))
        >>> StageProgress(id=0, attempt=0, name="", state="ACTIVE", tasks=200, done=200, median=1.0,
        ...               longest=14.0, slowest=slow).skew_words
        '1 of 200 tasks took 14x the median: partition 37'
        """
        if self.skew < SKEW_RATIO or self.longest - self.median < SKEW_SECONDS:
            return ""
        slow = [task for task in self.slowest if task.seconds >= SKEW_RATIO * self.median]
        partitions = ", ".join(str(task.partition) for task in slow[:_PARTITIONS_NAMED])
        if len(slow) < 2:
            where = f": partition {partitions}" if slow else ""
            return f"1 of {self.done} tasks took {self.skew:.0f}x the median{where}"
        # Only the slowest are known one by one: if all of them are slow, there may be more.
        least = "at least " if len(slow) == len(self.slowest) < self.done else ""
        more = ", ..." if len(slow) > _PARTITIONS_NAMED else ""
        return (
            f"{least}{len(slow)} of {self.done} tasks took up to {self.skew:.0f}x the median: "
            f"partitions {partitions}{more}"
        )

    def straggling(self, now: float) -> tuple[RunningTask, ...]:
        """The tasks that run and have for far longer than the median, the oldest first.

        None while few have ended beside those that run: a first wave, which also starts Python's workers, has
        nothing to be measured by.

        Parameters
        ----------
        now : float
            Seconds since the epoch.
        """
        if self.state != "ACTIVE" or not self.median or self.done < ENDED_FOR_RUNNING * self.running:
            return ()
        least = max(SKEW_RATIO * self.median, self.median + SKEW_SECONDS)
        return tuple(task for task in self.oldest[: self.running] if now - task.began >= least)

    def straggling_words(self, now: float) -> str:
        """Which tasks that still run have for far longer than the median; empty where none has.

        Examples
        --------
        >>> oldest = (RunningTask(partition=37, began=100.0, executor="3"),)
        >>> stage = StageProgress(id=0, attempt=0, name="", state="ACTIVE", tasks=200, running=1, done=199,
        ...                       median=3.0, longest=4.0, oldest=oldest)
        >>> stage.straggling_words(142.0)
        '1 of 200 tasks has run for 42 s, 14x the median: partition 37 on executor 3'
        >>> stage.straggling_words(104.0)
        ''
        """
        slow = self.straggling(now)
        if not slow:
            return ""
        longest = max(0.0, now - slow[0].began)
        named = ", ".join(
            f"{task.partition} on executor {task.executor}" for task in slow[:_PARTITIONS_NAMED]
        )
        times = f"{format_duration(longest)}, {longest / self.median:.0f}x the median"
        if len(slow) == 1:
            return f"1 of {self.tasks} tasks has run for {times}: partition {named}"
        least = "at least " if len(slow) == OLDEST_TOLD else ""
        more = ", ..." if len(slow) > _PARTITIONS_NAMED else ""
        return (
            f"{least}{len(slow)} of {self.tasks} tasks have run for up to {times}: partitions {named}{more}"
        )

    @property
    def spill_words(self) -> str:
        """What did not fit into memory; empty where all did."""
        spilled = self.metrics.disk_spilled
        return f"spilled {format_memory(spilled)} to disk" if spilled else ""

    @property
    def failure_words(self) -> str:
        """Why tasks failed, by kind: no text of an error, which may name pods and hosts.

        Examples
        --------
        >>> causes = (FailureCause(reason="java.io.IOException: disk full on node-7", count=2),
        ...           FailureCause(reason="ExecutorLostFailure (executor 3 exited)", count=1))
        >>> StageProgress(id=0, attempt=0, name="", state="ACTIVE", tasks=9, failed=3,
        ...               causes=causes).failure_words
        '3 tasks failed: IOException (2), ExecutorLostFailure (1)'
        """
        if not self.failed:
            return ""
        counts: dict[str, int] = {}
        for cause in self.causes:
            counts[cause.kind] = counts.get(cause.kind, 0) + cause.count
        known = sorted(counts.items(), key=lambda item: -item[1])
        named = ", ".join(f"{kind} ({count})" for kind, count in known[:_CAUSES_NAMED])
        more = ", ..." if len(known) > _CAUSES_NAMED else ""
        tasks = "1 task" if self.failed == 1 else f"{self.failed} tasks"
        return f"{tasks} failed" + (f": {named}{more}" if named else "")

    def words(self, now: float) -> tuple[str, ...]:
        """What there is to say of it beside its counts; it names no pod, node or host.

        Parameters
        ----------
        now : float
            Seconds since the epoch.
        """
        said = (self.failure_words, self.straggling_words(now), self.skew_words, self.spill_words)
        return tuple(filter(None, said))
