"""Progress of cells: jobs, stages and task counts, as Spark's status store tells them.

A job belongs to a cell by its job tag, never by guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class JobState(StrEnum):
    """A job's state, in Spark's words."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRef:
    """One execution of one cell.

    Parameters
    ----------
    tag : str
        The job tag that its jobs carry.
    count : int
        IPython's execution count.
    cell_id : str
        The front end's id of the cell; empty in a terminal.
    """

    tag: str
    count: int
    cell_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageProgress:
    """One attempt of one stage."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """One job with its stages. Times are seconds since the epoch, 0.0 where unknown."""

    id: int
    description: str
    state: JobState
    tags: tuple[str, ...]
    stages: tuple[StageProgress, ...]
    tasks: int
    running: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    submitted: float = 0.0
    ended: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """All jobs of one cell (or of the whole session, when ``cell`` is None)."""

    cell: CellRef | None = None
    jobs: tuple[JobProgress, ...] = ()
    as_of: float = 0.0
