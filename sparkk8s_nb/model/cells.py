"""What each cell did with Spark: its sums, kept after its jobs are forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sparkk8s_nb.model.progress import CellRef, JobProgress, JobState, StageProgress
from sparkk8s_nb.model.task_metrics import TaskMetrics

CELLS_KEPT = 500
STAGES_REMEMBERED = 5000
"""Jobs that share a stage run side by side, so a stage that much older is counted for good."""

JOBS_REMEMBERED = 2000
"""A job's end may be told twice, by the listener and by the status store, but not that much later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellMetrics:
    """One execution of one cell, as ``session.cells`` has it.

    Parameters
    ----------
    count : int
        IPython's execution count.
    cell_id : str
        The front end's id of the cell; empty in a terminal.
    tag : str
        The job tag that its jobs carry.
    began, ended : float
        Seconds since the epoch; ``ended`` is 0.0 while it runs.
    jobs, jobs_failed, stages, tasks, tasks_failed : int
        Of ended jobs. A stage that several jobs share counts once.
    metrics : TaskMetrics
    missing : str
        One sentence where the sums may be short; empty where they are whole.
    """

    count: int
    cell_id: str
    tag: str
    began: float
    ended: float = 0.0
    jobs: int = 0
    jobs_failed: int = 0
    stages: int = 0
    tasks: int = 0
    tasks_failed: int = 0
    metrics: TaskMetrics = field(default_factory=TaskMetrics)
    missing: str = ""

    @property
    def seconds(self) -> float:
        """How long the cell ran; 0.0 while it does."""
        return max(0.0, self.ended - self.began) if self.ended else 0.0

    def as_row(self) -> dict[str, Any]:
        """One flat row, for a table."""
        row = {key: value for key, value in asdict(self).items() if key != "metrics"}
        return {**row, "seconds": self.seconds, **asdict(self.metrics)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells(Sequence[CellMetrics]):
    """The cells of a session that used Spark, oldest first, the newest of them.

    A cell is among them once its first job has ended, so ``cells[-1]`` is the last one that used Spark, not
    the one that asks.

    Examples
    --------
    >>> job = JobProgress(id=7, description="", state=JobState.SUCCEEDED, tags=("s-1",), stages=(), tasks=0)
    >>> cells = Cells().begin(CellRef(tag="s-1", count=1), at=10.0).with_jobs([job])
    >>> cells.end("s-1", at=12.5)[-1].seconds
    2.5
    """

    _cells: Mapping[str, CellMetrics] = field(default_factory=dict)
    _counted: frozenset[tuple[int, int]] = field(default=frozenset(), repr=False)
    _jobs: frozenset[int] = field(default=frozenset(), repr=False)

    def __getitem__(self, index: Any) -> Any:
        return self._with_spark()[index]

    def __len__(self) -> int:
        return len(self._with_spark())

    def _with_spark(self) -> tuple[CellMetrics, ...]:
        return tuple(cell for cell in self._cells.values() if cell.jobs)

    def to_pandas(self) -> Any:
        """A pandas DataFrame, a row a cell: ``session.cells.to_pandas().nlargest(3, "shuffle_written")``."""
        import pandas as pd

        return pd.DataFrame([cell.as_row() for cell in self])

    def tags_of(self, count: int) -> tuple[str, ...]:
        """The tags of the cells with an execution count; none if none ran, or all are forgotten.

        A subshell's cell that begins while the main one runs has its count as well.
        """
        return tuple(cell.tag for cell in self._cells.values() if cell.count == count)

    def with_tag(self, tag: str) -> CellMetrics | None:
        """The one execution of a cell whose jobs carry that tag; None if none does, or it is forgotten."""
        return self._cells.get(tag)

    def newest(self, cell_id: str) -> CellMetrics | None:
        """The newest execution of a cell, by the front end's id of it.

        Examples
        --------
        >>> cells = Cells().begin(CellRef(tag="a", count=1, cell_id="c"), at=1.0)
        >>> cells = cells.begin(CellRef(tag="b", count=4, cell_id="c"), at=2.0)
        >>> cells.newest("c").tag, cells.newest("")
        ('b', None)
        """
        found = [cell for cell in self._cells.values() if cell_id and cell.cell_id == cell_id]
        return found[-1] if found else None

    def begin(self, ref: CellRef, *, at: float) -> Cells:
        """With a cell that begins."""
        cells = {
            **self._cells,
            ref.tag: CellMetrics(count=ref.count, cell_id=ref.cell_id, tag=ref.tag, began=at),
        }
        while len(cells) > CELLS_KEPT:
            del cells[next(iter(cells))]
        return replace(self, _cells=cells)

    def end(self, tag: str, *, at: float) -> Cells:
        """With a cell that has ended."""
        return self._changed(tag, ended=at)

    def with_jobs(self, jobs: Iterable[JobProgress], *, missing: str = "") -> Cells:
        """With jobs that have ended added to their cells; each counts once, and no streaming query's does.

        Parameters
        ----------
        jobs : iterable of JobProgress
        missing : str
            Why their numbers may be short; empty if they are not.
        """
        # Sets that are changed, and frozen once: a loop of quick actions ends dozens of jobs a second.
        cells, stages, numbers = dict(self._cells), set(self._counted), set(self._jobs)
        for job in jobs:
            tags = [tag for tag in job.tags if tag in cells]
            if not tags or job.query or job.id in numbers:
                continue
            numbers.add(job.id)
            for tag in tags:
                new = [
                    s for s in job.stages if not s.skipped and s.submitted and (s.id, s.attempt) not in stages
                ]
                stages.update((stage.id, stage.attempt) for stage in new)
                cells[tag] = _with_job(cells[tag], job, new, missing)
        if len(numbers) == len(self._jobs):
            return self
        if len(stages) > 2 * STAGES_REMEMBERED:
            oldest = max(number for number, _ in stages) - STAGES_REMEMBERED
            stages = {pair for pair in stages if pair[0] > oldest}
        if len(numbers) > 2 * JOBS_REMEMBERED:
            oldest = max(numbers) - JOBS_REMEMBERED
            numbers = {number for number in numbers if number > oldest}
        return replace(self, _cells=cells, _counted=frozenset(stages), _jobs=frozenset(numbers))

    def tags_since(self, at: float) -> tuple[str, ...]:
        """The tags of the cells that run, or have ended after ``at``."""
        return tuple(cell.tag for cell in self._cells.values() if not cell.ended or cell.ended > at)

    def _changed(self, tag: str, **values: Any) -> Cells:
        if tag not in self._cells:
            return self
        return replace(self, _cells={**self._cells, tag: replace(self._cells[tag], **values)})


def _with_job(cell: CellMetrics, job: JobProgress, new: Sequence[StageProgress], missing: str) -> CellMetrics:
    """The cell with one more job, and those of its stages that are not counted yet."""
    return replace(
        cell,
        jobs=cell.jobs + 1,
        jobs_failed=cell.jobs_failed + (job.state is JobState.FAILED),
        stages=cell.stages + len(new),
        tasks=cell.tasks + sum(stage.done for stage in new),
        tasks_failed=cell.tasks_failed + sum(stage.failed for stage in new),
        metrics=sum((stage.metrics for stage in new), cell.metrics),
        missing=missing or cell.missing,
    )
