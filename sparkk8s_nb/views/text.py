"""Views as plain text: for terminals, for papermill, for logs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from typing import TextIO

from sparkk8s_nb.model.executors import unnamed
from sparkk8s_nb.model.fleet import ExecutorView, Fleet, Phase
from sparkk8s_nb.model.progress import JobState, Progress
from sparkk8s_nb.model.quantities import format_duration, format_memory, four_digits
from sparkk8s_nb.model.streams import Streams, StreamState

ROWS = 40
"""So many executors a text shows; the rest is counted."""

WORDS = 3
"""Of so many stages at most a view without a widget says what is notable: skew, spill, failures."""

STREAMS = 3
"""So many streaming queries a cell's progress tells of."""

LOG_WIDTH = 200
"""So long a line may be where nobody knows how wide the reader's is."""

QUIET_SECONDS = 10.0
"""Where a line cannot be replaced (a log file), a new one comes at most that often."""

_RIGHT = frozenset({"cores", "memory", "tasks", "age"})


def fleet_text(fleet: Fleet, now: float, *, names: bool = True, rows: int = ROWS) -> str:
    """Return a fleet as an aligned table under its summary.

    Parameters
    ----------
    fleet : Fleet
    now : float
        Seconds since the epoch, for the ages.
    names : bool
        Whether pods and nodes are named; False for what may stay in a saved notebook.
    rows : int
        So many executors at most.

    Examples
    --------
    >>> print(fleet_text(Fleet(wanted=2), now=0.0))
    0 of 2 executors running, 2 asked for
    """
    lines = [fleet.summary()]
    if fleet.start:
        lines.append(fleet.start.line(now))
    if fleet.verdict:
        lines.append(fleet.verdict)
    shown = fleet.executors[:rows]
    if shown:
        lines += [
            "",
            *_table(fleet_columns(names=names), [fleet_row(view, now, names=names) for view in shown]),
        ]
    if len(fleet.executors) > rows:
        lines.append(f"... and {len(fleet.executors) - rows} more")
    return "\n".join(lines)


def fleet_columns(*, names: bool) -> tuple[str, ...]:
    """Return the headings of a fleet's table."""
    where = ("pod", "node") if names else ()
    return ("id", *where, "phase", "cores", "memory", "tasks", "age", "reason")


def fleet_row(view: ExecutorView, now: float, *, names: bool) -> tuple[str, ...]:
    """Return the cells of an executor's row; tasks are running/done/failed, memory is the peak of the limit."""
    until = view.ended or now
    tasks = view.tasks
    where = (view.pod, view.node) if names else ()
    return (
        view.id,
        *where,
        str(view.phase),
        str(view.cores) if view.cores else "",
        _memory(view),
        f"{tasks.running}/{tasks.done}/{tasks.failed}",
        format_duration(max(0.0, until - view.since)) if view.since else "",
        view.reason if names else unnamed(view),
    )


def _memory(view: ExecutorView) -> str:
    limit, peak = view.memory, view.load.peak_memory
    used = f"{format_memory(four_digits(peak))} of " if peak else ""
    return used + format_memory(limit) if limit else ""


def progress_text(progress: Progress, width: int = 80) -> str:
    """Return a cell's progress: one line while it runs, its summary afterwards; below it what is notable.

    The session's streaming queries that run or failed beside it have lines of their own.
    """
    running = progress.state is JobState.RUNNING
    lines = [progress.line(width) if running else progress.summary()] if progress.jobs else []
    if progress.missing:
        lines.append(progress.missing[:width])
    failed = [job for job in progress.jobs if job.state is JobState.FAILED]
    lines += [f"job {job.id} failed: {job.description}"[:width] for job in failed[:5]]
    lines += [words[:width] for words in progress.words[:WORDS]]
    lines += [f"stream {line}"[:width] for line in stream_lines(progress.streams)]
    return "\n".join(lines)


def streams_text(streams: Streams) -> str:
    """Return streaming queries, a line each under their summary.

    Examples
    --------
    >>> from sparkk8s_nb.model.streams import Stream
    >>> print(streams_text(Streams().seen([Stream(id="q", run="r", name="clicks", batches=3)])))
    1 stream running
    clicks: running · 3 batches
    """
    lines = [one.line for one in streams[-ROWS:]]
    return "\n".join([streams.summary or "No streams.", *lines])


def stream_lines(streams: Streams) -> list[str]:
    """Return the lines that a cell's progress has for streaming queries: what runs, and the newest failure."""
    failed = [one for one in streams if one.state is StreamState.FAILED][-1:]
    shown = [*streams.running, *failed]
    more = [f"and {len(shown) - STREAMS} more"] if len(shown) > STREAMS else []
    return [one.line for one in shown[-STREAMS:]] + more


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(cell) for cell in cells) for cells in zip(columns, *rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if name in _RIGHT else cell.ljust(width)
            for name, cell, width in zip(columns, row, widths, strict=True)
        ).rstrip()
        for row in (columns, *rows)
    ]


def short_line(fleet: Fleet, now: float) -> str:
    """Return a fleet as one line for a terminal: what a start does, the summary, the cause of a verdict."""
    parts = [fleet.start.line(now)] if fleet.start else []
    parts.append(fleet.summary())
    if fleet.verdict and not fleet.counts[Phase.PENDING]:
        parts.append(fleet.verdict)
    return "; ".join(parts)


class LinePrinter:
    """The one writer of a live line: replaced in place on a terminal, elsewhere printed now and then.

    Where it cannot be replaced a line is printed when the next one comes: the last one is not printed at all, for
    what follows it says the same, the summary or the command's answer.

    Parameters
    ----------
    stream : text stream
        Usually ``sys.__stderr__``.
    tty : bool
        Whether the line can be replaced.
    clock : callable
        Seconds, only their differences matter.
    width : callable
        Returns the columns there are.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        tty: bool,
        clock: Callable[[], float] = time.monotonic,
        width: Callable[[], int] = lambda: shutil.get_terminal_size().columns,
    ) -> None:
        self._stream = stream
        self._tty = tty
        self._clock = clock
        self._width = width
        self._shown = ""
        self._printed_at: float | None = None

    @property
    def room(self) -> int:
        """So many characters fit into the line."""
        return max(1, self._width() - 1) if self._tty else LOG_WIDTH

    def update(self, text: str) -> None:
        """Show a new state of the line."""
        line = " ".join(text.split())
        if line == self._shown:
            return
        before, self._shown = self._shown, line
        if self._tty:
            room = self.room
            self._write(f"\r\x1b[2K{line if len(line) <= room else line[: room - 1] + '…'}")
        elif before:
            now = self._clock()
            if self._printed_at is not None and now - self._printed_at < QUIET_SECONDS:
                return
            self._printed_at = now
            self._write(f"{before}\n")

    def clear(self) -> None:
        """Take the line away, where it can be."""
        if self._tty and self._shown:
            self._write("\r\x1b[2K")
        self._shown = ""

    def end(self, text: str) -> None:
        """Replace the line by a last one that stays."""
        self.clear()
        if text:
            self._write(f"{text}\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
