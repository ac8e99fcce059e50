"""What each cell did is summed up when its jobs end, and kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sparkk8s_nb.model import cells as module
from sparkk8s_nb.model.cells import CELLS_KEPT, Cells
from sparkk8s_nb.model.progress import CellRef, JobProgress, JobState, StageProgress
from sparkk8s_nb.model.task_metrics import TaskMetrics


def job(number: int, *stages: int, tag: str = "s-1", state: JobState = JobState.SUCCEEDED) -> JobProgress:
    """An ended job with stages of four tasks, each of which wrote ten bytes of shuffle data."""
    ran = tuple(
        StageProgress(
            id=stage, attempt=0, name="", state="COMPLETE", tasks=4, done=4, submitted=1.0,
            metrics=TaskMetrics(shuffle_written=10),
        )
        for stage in stages
    )  # fmt: skip
    return JobProgress(id=number, description="", state=state, tags=(tag,), stages=ran, tasks=4)


def begun(tag: str = "s-1", count: int = 1) -> Cells:
    """A cell that has begun."""
    return Cells().begin(CellRef(tag=tag, count=count), at=1.0)


def test_a_cell_sums_its_jobs() -> None:
    """Jobs, stages, tasks and bytes."""
    cell = begun().with_jobs([job(0, 1), job(1, 2, 3)])[-1]
    assert (cell.jobs, cell.stages, cell.tasks, cell.metrics.shuffle_written) == (2, 3, 12, 30)


def test_a_stage_that_two_jobs_share_counts_once() -> None:
    """Jobs that run side by side may wait for the same stage."""
    cell = begun().with_jobs([job(0, 7), job(1, 7)])[-1]
    assert (cell.jobs, cell.stages, cell.tasks) == (2, 1, 4)


def test_failed_jobs_are_counted_apart() -> None:
    """A cell may go on after one."""
    cell = begun().with_jobs([job(0, 1, state=JobState.FAILED)])[-1]
    assert (cell.jobs, cell.jobs_failed) == (1, 1)


def test_cells_without_spark_are_not_among_them() -> None:
    """The last one is the last that used Spark, not the one that asks."""
    cells = begun().with_jobs([job(0, 1)]).begin(CellRef(tag="s-2", count=2), at=6.0)
    assert [cell.count for cell in cells] == [1]


def test_jobs_of_unknown_cells_change_nothing() -> None:
    """Unknown says unknown."""
    assert len(begun().with_jobs([job(0, 1, tag="other")])) == 0


def test_a_cells_tag_is_found_by_its_number_also_while_it_runs() -> None:
    """What cancel needs; a subshell's cell beside it may have the same number."""
    cells = begun(count=4)
    assert cells.tags_of(4) == ("s-1",)
    assert cells.tags_of(5) == ()
    assert cells.begin(CellRef(tag="s-beside", count=4), at=2.0).tags_of(4) == ("s-1", "s-beside")


def test_only_the_newest_cells_are_kept() -> None:
    """The memory does not grow with the notebook."""
    cells = Cells()
    for count in range(CELLS_KEPT + 5):
        cells = cells.begin(CellRef(tag=f"t-{count}", count=count), at=1.0)
    assert cells.tags_of(4) == ()
    assert cells.tags_of(5) == ("t-5",)


def test_what_is_remembered_of_counted_jobs_is_bounded_and_counts_none_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One by one or many in a reading; an end that is told again soon is known."""
    monkeypatch.setattr(module, "JOBS_REMEMBERED", 10)
    monkeypatch.setattr(module, "STAGES_REMEMBERED", 20)
    cells = begun()
    for first in range(0, 90, 3):
        cells = cells.with_jobs([job(number, number) for number in range(first, first + 3)])
        assert len(cells._jobs) <= 20
        assert len(cells._counted) <= 40
    cells = cells.with_jobs([job(number, number) for number in range(80, 90)])
    assert (cells[-1].jobs, cells[-1].stages) == (90, 90)


def test_a_table_has_a_row_a_cell_with_its_sums() -> None:
    """What ``to_pandas`` is made of."""
    row = begun().with_jobs([job(0, 1)]).end("s-1", at=3.0)[-1].as_row()
    assert (row["count"], row["seconds"], row["shuffle_written"], row["tasks"]) == (1, 2.0, 10, 4)


def test_a_job_whose_end_is_told_twice_counts_once() -> None:
    """By the listener and by the status store."""
    cell = begun().with_jobs([job(0, 1)]).with_jobs([job(0, 1), job(1, 2)])[-1]
    assert (cell.jobs, cell.stages) == (2, 2)


def test_a_streaming_querys_jobs_are_no_cells() -> None:
    """Although they carry the tag of the cell that started it."""
    assert len(begun().with_jobs([replace(job(0, 1), query="q")])) == 0


def test_sums_that_may_be_short_say_so() -> None:
    """Whoever scripts with them must know."""
    cells = begun().with_jobs([job(0, 1)])
    assert cells[-1].missing == ""
    assert (
        cells.with_jobs([job(1, 2)], missing="Spark dropped 3 events.")[-1].missing
        == "Spark dropped 3 events."
    )
    assert cells[-1].as_row()["missing"] == ""


def test_the_cells_whose_jobs_may_still_be_told_of_are_known_by_their_tags() -> None:
    """Those that run, and those that ended a moment ago."""
    cells = begun("a").end("a", at=5.0).begin(CellRef(tag="b", count=2), at=6.0).end("b", at=9.0)
    cells = cells.begin(CellRef(tag="c", count=3), at=9.0)
    assert cells.tags_since(7.0) == ("b", "c")
