"""Streaming queries: a view of their own, for they outlive the cell that started them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from sparkk8s_nb.model.job import JobProgress, Totals, totals_of
from sparkk8s_nb.model.task_metrics import FailureCause

STREAMS_KEPT = 100
"""As many as the listener follows; those that ended first go first."""


class StreamState(StrEnum):
    """Whether a streaming query goes on."""

    RUNNING = "running"
    ENDED = "ended"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One streaming query, in its newest run. Times are seconds since the epoch, 0.0 where unknown.

    Parameters
    ----------
    id, run : str
        Spark's ids of the query, which its checkpoint keeps, and of this run.
    name : str
        As the user gave it; may be empty.
    state : StreamState
    started, ended : float
    error : str
        What ended it, one line; empty where nothing did.
    batches : int
        Done in this run.
    batch : int
        Spark's number of the last one that is done; -1 before the first.
    rows, last_rows : int
        Input rows, of all batches and of the last one. 0 where Spark does not say.
    arriving, processing : float
        Rows a second: how fast they came, and how fast the last batch took them.
    jobs : tuple of JobProgress
        Of the batch that runs.

    Examples
    --------
    >>> stream = Stream(id="ab865a52-35b0", run="8569af65", name="clicks", batches=12, last_rows=25,
    ...                 processing=210.0)
    >>> stream.line
    'clicks: running · 12 batches · 25 rows in the last · 210 rows/s'
    """

    id: str
    run: str
    name: str = ""
    state: StreamState = StreamState.RUNNING
    started: float = 0.0
    ended: float = 0.0
    error: str = ""
    batches: int = 0
    batch: int = -1
    rows: int = 0
    last_rows: int = 0
    arriving: float = 0.0
    processing: float = 0.0
    jobs: tuple[JobProgress, ...] = ()

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self.state is StreamState.RUNNING

    @property
    def label(self) -> str:
        """Its name, or where it has none the beginning of its id."""
        return self.name or f"query {self.id[:8]}"

    @property
    def totals(self) -> Totals:
        """Tasks and stages of the batch that runs."""
        return totals_of(self.jobs)

    @property
    def error_kind(self) -> str:
        """The error's class without its text, which may name hosts and paths; empty without an error."""
        return FailureCause(reason=self.error, count=1).kind if self.error else ""

    @property
    def line(self) -> str:
        """One line that may stay in a saved notebook: no text of an error."""
        parts = [str(self.state) if not self.error else f"{self.state} ({self.error_kind})"]
        parts.append("1 batch" if self.batches == 1 else f"{self.batches} batches")
        if self.last_rows and self.running:
            parts.append(f"{self.last_rows:,} rows in the last")
        if self.processing and self.running:
            parts.append(
                f"{self.processing:,.0f} rows/s" if self.processing >= 10 else f"{self.processing:.2g} rows/s"
            )
        totals = self.totals
        if totals.tasks and self.running:
            failed = f" ({totals.failed} failed)" if totals.failed else ""
            parts.append(f"batch runs: {totals.done}/{totals.tasks} tasks{failed}")
        return f"{self.label}: {' · '.join(parts)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams(Sequence[Stream]):
    """The streaming queries of a session, the oldest first.

    Examples
    --------
    >>> streams = Streams().seen([Stream(id="q", run="r", name="clicks", started=1.0)])
    >>> streams[0].running, streams.named("clicks").run, len(streams.told([], at=9.0).running)
    (True, 'r', 0)
    """

    _streams: Mapping[str, Stream] = field(default_factory=dict)

    def __getitem__(self, index: Any) -> Any:
        return tuple(self._streams.values())[index]

    def __len__(self) -> int:
        return len(self._streams)

    def named(self, name: str) -> Stream | None:
        """The newest query of a name (or id); None if there is none."""
        return next((one for one in reversed(self) if name in (one.name, one.id)), None)

    @property
    def running(self) -> tuple[Stream, ...]:
        """Those that go on."""
        return tuple(one for one in self._streams.values() if one.running)

    @property
    def summary(self) -> str:
        """All in one line; empty without any.

        >>> Streams().seen([Stream(id="q", run="r", state=StreamState.FAILED)]).summary
        '1 stream failed'
        """
        if len(self) == 1:
            return f"1 stream {self[0].state}"
        counts = {state: sum(one.state is state for one in self) for state in StreamState}
        said = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
        return f"{len(self)} streams: {said}" if said else ""

    def seen(self, streams: Iterable[Stream]) -> Streams:
        """With what is new: a query's newest run replaces the one before."""
        known = dict(self._streams)
        for new in streams:
            old = known.get(new.id)
            if old is not None and old.run != new.run:
                if new.started < old.started:
                    continue  # late news of an earlier run
                del known[new.id]  # a new run is the newest query
            known[new.id] = new if new.name or old is None else replace(new, name=old.name)
        surplus = len(known) - STREAMS_KEPT
        if surplus > 0:
            over = [one for one in known.values() if not one.running]
            for one in (*sorted(over, key=lambda one: one.ended), *known.values())[:surplus]:
                known.pop(one.id, None)
        return Streams(_streams=known)

    def told(self, streams: Iterable[Stream], *, at: float) -> Streams:
        """With what Spark says when it is asked: all active ones, and those it remembers to have ended.

        One that is not among them has ended, how is not known.
        """
        said = {one.run: one for one in streams}
        mine = {one.run: one for one in self}
        news = [_merged(mine[run], one) if run in mine else one for run, one in said.items()]
        news += [
            replace(one, state=StreamState.ENDED, ended=at, arriving=0.0, processing=0.0)
            for one in self.running
            if one.run not in said
        ]
        return self.seen(news)

    def with_jobs(self, jobs: Mapping[str, Sequence[JobProgress]]) -> Streams:
        """With the jobs of each query's running batch, out of all its jobs by query id."""
        return Streams(
            _streams={
                key: replace(one, jobs=_of_batch(one, jobs.get(key, ())))
                for key, one in self._streams.items()
            }
        )


def _merged(known: Stream, told: Stream) -> Stream:
    """Of one run, what the listener said and what Spark answered: the later of the two."""
    if not known.running or (told.running and told.batch < known.batch):
        return known
    return replace(
        told,
        started=known.started or told.started,
        rows=max(known.rows, told.rows),
        batches=max(known.batches, told.batches),
        batch=max(known.batch, told.batch),
    )


def _of_batch(stream: Stream, jobs: Sequence[JobProgress]) -> tuple[JobProgress, ...]:
    """The jobs of the newest batch, unless that one is done."""
    newest = max((job.batch for job in jobs), default=-1)
    if not stream.running or newest < 0 or newest <= stream.batch:
        return ()
    return tuple(job for job in jobs if job.batch == newest)
