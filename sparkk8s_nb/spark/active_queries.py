"""Streaming queries as Spark answers when it is asked: for where no listener tells of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sparkk8s_nb.model.streams import STREAMS_KEPT, Stream, StreamState

QUERIES_READ = STREAMS_KEPT
"""A reading asks for so many: each takes a handful of calls. No more are kept: one that was not read has ended."""

RUNS_REMEMBERED = 1000

_DESCRIBED = re.compile(r"(?:^|\n)id = ([0-9a-f-]{36})\nrunId = ([0-9a-f-]{36})\nbatch = (\d+|init)")
"""What Spark writes into the description of a streaming query's job, whose job group is the run's id."""


class ActiveQueries:
    """The streaming queries of all sessions of a context; for one thread at a time.

    Parameters
    ----------
    spark : SparkSession
    now : callable
        Seconds since the epoch.
    """

    def __init__(self, spark: Any, now: Callable[[], float]) -> None:
        self._spark = spark
        self._now = now
        self._queries: dict[str, tuple[Any, Stream]] = {}
        self.runs: dict[str, str] = {}
        """Query ids by the ids of their runs."""

    def read(self) -> tuple[Stream, ...]:
        """The active ones, and each that was and has ended since the last reading, once."""
        over = self._look()
        return (*(stream for _, stream in self._queries.values()), *over)

    def _look(self) -> list[Stream]:
        """See which are active, for :meth:`of_job`; returns those that have ended since."""
        # Not values(): py4j makes a map's a view of its own, which asks for each key again.
        active = self._spark._jsparkSession.sharedState().activeStreamingQueries().elements()
        found: dict[str, tuple[Any, Stream]] = {}
        while len(found) < QUERIES_READ and active.hasMoreElements():
            query = active.nextElement()
            run = query.runId().toString()
            known = self._queries.get(run)
            stream = known[1] if known else self._begun(query, run)
            found[run] = (query, self._brought_up(query, stream))
        ended = [self._ended(*self._queries[run]) for run in self._queries.keys() - found.keys()]
        self._queries = found
        return ended

    def of_job(self, data: Mapping[str, Any]) -> tuple[str, int]:
        """The id of the query that a job of the status store belongs to, and its batch; empty and -1 if to none.

        The store does not hold it: but Spark runs a query's jobs in a job group named after its run, and says
        so in their description.
        """
        group = data.get("jobGroup") or ""
        described = _DESCRIBED.search(data.get("description") or "")
        if described is not None and described[2] == group:
            self._remember(group, described[1])
            return described[1], int(described[3]) if described[3].isdecimal() else -1
        return self.runs.get(group, ""), -1

    def _remember(self, run: str, query: str) -> None:
        self.runs[run] = query
        while len(self.runs) > RUNS_REMEMBERED:
            del self.runs[next(iter(self.runs))]

    def _begun(self, query: Any, run: str) -> Stream:
        number = query.id().toString()
        self._remember(run, number)
        return Stream(id=number, run=run, name=query.name() or "", started=self._now())

    def _brought_up(self, query: Any, stream: Stream) -> Stream:
        progress = query.lastProgress()
        if progress is None or progress.batchId() == stream.batch:
            return stream
        batch = progress.batchId()
        recent = query.recentProgress()
        unknown = stream.batch < 0
        first = recent[0].batchId() if unknown else stream.batch - stream.batches + 1
        return replace(
            stream,
            batch=batch,
            batches=batch - first + 1,
            rows=stream.rows + _rows_after(stream.batch, recent),
            last_rows=progress.numInputRows(),
            arriving=_finite(progress.inputRowsPerSecond()),
            processing=_finite(progress.processedRowsPerSecond()),
        )

    def _ended(self, query: Any, stream: Stream) -> Stream:
        failure = query.exception()
        error = _problem(str(failure.get().getMessage())) if failure.isDefined() else ""
        return replace(
            self._brought_up(query, stream),
            state=StreamState.FAILED if error else StreamState.ENDED,
            ended=self._now(),
            error=error,
            arriving=0.0,
            processing=0.0,
        )


def _rows_after(batch: int, recent: Any) -> int:
    """Input rows of the batches after one, the newest last; Spark remembers a hundred."""
    rows = 0
    for index in range(len(recent) - 1, -1, -1):
        if recent[index].batchId() <= batch:
            break
        rows += recent[index].numInputRows()
    return rows


def _finite(number: float) -> float:
    """Spark divides rows by no time at all."""
    return number if number - number == 0 else 0.0


def _problem(text: str) -> str:
    """What an error says: its first line, or the last of a Python trace that it carries.

    Below it stand the query's offsets and plan, below a blank line a Java trace, and in a line that is indented
    Spark's SQLSTATE.
    """
    said = text.partition("\n=== Streaming Query ===")[0].strip()
    _, trace, python = said.partition("Traceback (most recent call last)")
    if not trace:
        return said.splitlines()[0] if said else "it failed"
    lines = [line for line in python.partition("\n\n")[0].splitlines() if line and not line[0].isspace()]
    return lines[-1]
