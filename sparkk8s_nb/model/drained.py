"""One reading of the JVM's listener, as values. The JSON is ``ActivityListener.drain()``'s.

=====  =================================================================================
field  what
=====  =================================================================================
n, t   count of readings; the JVM's clock in milliseconds
d, q   events dropped since the start: by the listener's own bounds, by Spark's bus
e      SQL executions that began: number, description, text of the statement
j      jobs started: id, time, description, tags, SQL execution, streaming query, its batch, stages
k      jobs ended: id, time, 1 if it succeeded, reason
s      stages that changed, summed up (see :func:`_stage`)
x      executors that worked: id, running tasks, busy milliseconds, done, failed, tasks at once at most
r      streaming queries that changed (see :func:`_stream`)
=====  =================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sparkk8s_nb.model.callsites import callsite
from sparkk8s_nb.model.progress import StageProgress
from sparkk8s_nb.model.streams import Stream, StreamState
from sparkk8s_nb.model.task_metrics import FailureCause, RunningTask, SlowTask, TaskMetrics
from sparkk8s_nb.model.timeline import ExecutorWork


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStage:
    """A stage that a job may need: one whose shuffle files are there already is skipped."""

    id: int
    tasks: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlStarted:
    """A query, a write or a command of SQL began; its jobs say its number.

    ``statement`` is what it, or what it builds upon, was written as; empty for DataFrames alone.
    """

    id: str
    description: str
    statement: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStarted:
    """A job began. Times are seconds since the epoch.

    ``sql`` is the number of the SQL execution that it is part of, ``statement`` what that was written as.
    """

    id: int
    at: float
    description: str = ""
    tags: tuple[str, ...] = ()
    sql: str = ""
    statement: str = ""
    query: str = ""
    batch: int = -1
    stages: tuple[PlannedStage, ...] = ()

    def part_of(self, execution: SqlStarted | None) -> JobStarted:
        """The job with what its SQL execution is called, where it has no description of its own."""
        if execution is None:
            return self
        described = self.description or execution.description
        return replace(self, description=described, statement=execution.statement)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnded:
    """A job ended, well or not; ``known`` is False where nobody can say which."""

    id: int
    at: float
    succeeded: bool
    reason: str = ""
    known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """One reading.

    Parameters
    ----------
    at : float
        By the JVM's clock, seconds since the epoch.
    dropped : int
        Events that the listener's bounds left out since the start.
    lost : int
        Events that Spark's own bus dropped since the start: counts may be short.
    executions : tuple of SqlStarted
    """

    at: float = 0.0
    dropped: int = 0
    lost: int = 0
    executions: tuple[SqlStarted, ...] = ()
    started: tuple[JobStarted, ...] = ()
    ended: tuple[JobEnded, ...] = ()
    stages: tuple[StageProgress, ...] = ()
    work: tuple[ExecutorWork, ...] = ()
    streams: tuple[Stream, ...] = ()


def parse_drained(text: str) -> Drained:
    """Read what the listener wrote.

    >>> text = '{"n":0,"t":1500,"d":0,"q":0,"e":[],"j":[],"k":[[3,1400,1,""]],"s":[],"x":[],"r":[]}'
    >>> parse_drained(text).ended
    (JobEnded(id=3, at=1.4, succeeded=True, reason='', known=True),)
    """
    data: dict[str, Any] = json.loads(text)
    return Drained(
        at=data["t"] / 1000,
        dropped=data["d"],
        lost=data["q"],
        executions=tuple(
            SqlStarted(id=row[0], description=callsite(row[1]), statement=" ".join(row[2].split()))
            for row in data["e"]
        ),
        started=tuple(_job_started(row) for row in data["j"]),
        ended=tuple(
            JobEnded(id=row[0], at=row[1] / 1000, succeeded=row[2] == 1, reason=row[3]) for row in data["k"]
        ),
        stages=tuple(_stage(row) for row in data["s"]),
        work=tuple(
            ExecutorWork(
                id=row[0], running=row[1], busy=row[2] / 1000, done=row[3], failed=row[4], slots=row[5]
            )
            for row in data["x"]
        ),
        streams=tuple(_stream(row) for row in data["r"]),
    )


def _job_started(row: Sequence[Any]) -> JobStarted:
    number, at, description, tags, sql, query, batch, stages = row
    return JobStarted(
        id=number,
        at=at / 1000,
        description=callsite(description or ""),
        tags=tuple(tag for tag in tags.split(",") if tag),
        sql=sql,
        query=query,
        batch=int(batch) if batch else -1,
        stages=tuple(PlannedStage(id=stage[0], tasks=stage[1], name=callsite(stage[2])) for stage in stages),
    )


def _stage(row: Sequence[Any]) -> StageProgress:
    (number, attempt, name, operators, tasks, running, done, failed, killed, speculative) = row[:10]
    (submitted, completed, failure, sums, median, longest, slowest, causes, oldest) = row[10:]
    return StageProgress(
        id=number,
        attempt=attempt,
        name=callsite(name or ""),
        operators=operators or "",
        state=_state(submitted, completed, failure),
        tasks=tasks,
        running=running,
        done=done,
        failed=failed,
        killed=killed,
        speculative=speculative,
        submitted=submitted / 1000,
        completed=completed / 1000,
        failure=failure,
        metrics=_metrics(sums),
        median=median / 1000,
        longest=longest / 1000,
        slowest=tuple(
            SlowTask(partition=task[0], seconds=task[1] / 1000, executor=task[2], spilled=task[3])
            for task in slowest
        ),
        causes=tuple(FailureCause(reason=cause[0], count=cause[1]) for cause in causes),
        oldest=tuple(
            RunningTask(partition=task[0], began=task[1] / 1000, executor=task[2]) for task in oldest
        ),
    )


def _stream(row: Sequence[Any]) -> Stream:
    """Id, run, name, start, end, what ended it, batches, number of the last, rows, those of the last, rates."""
    (query, run, name, started, ended, failure, batches, batch, rows, last_rows, arriving, processing) = row
    state = StreamState.RUNNING if not ended else StreamState.FAILED if failure else StreamState.ENDED
    return Stream(
        id=query,
        run=run,
        name=name,
        state=state,
        started=started / 1000,
        ended=ended / 1000,
        error=failure,
        batches=batches,
        batch=batch,
        rows=rows,
        last_rows=last_rows,
        arriving=arriving,
        processing=processing,
    )


def _state(submitted: int, completed: int, failure: str) -> str:
    if failure:
        return "FAILED"
    if completed:
        return "COMPLETE"
    return "ACTIVE" if submitted else "PENDING"


def _metrics(sums: Sequence[int]) -> TaskMetrics:
    return TaskMetrics(
        run_ms=sums[0],
        cpu_ms=sums[1],
        gc_ms=sums[2],
        bytes_read=sums[3],
        bytes_written=sums[4],
        shuffle_read=sums[5],
        shuffle_written=sums[6],
        memory_spilled=sums[7],
        disk_spilled=sums[8],
        records_read=sums[9],
        records_written=sums[10],
    )
