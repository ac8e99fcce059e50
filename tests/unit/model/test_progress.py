"""Progress of cells from Spark's jobs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sparkk8s_nb.model.progress import CellRef, JobProgress, JobState, Progress, StageProgress

CELL = CellRef(tag="s-cell-1", count=3, cell_id="abc")


def stage(number: int, state: str = "COMPLETE", **changes: object) -> StageProgress:
    made = StageProgress(id=number, attempt=0, name="count", state=state, tasks=100)
    return replace(made, **changes)  # type: ignore[arg-type]


def job(number: int, state: JobState = JobState.RUNNING, **changes: object) -> JobProgress:
    made = JobProgress(
        id=number,
        description="count",
        state=state,
        tags=(CELL.tag,),
        stages=(stage(number),),
        tasks=100,
        submitted=100.0,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def progress(*jobs: JobProgress, at: float = 104.0) -> Progress:
    return Progress.of(CELL, jobs, at)


def test_only_jobs_with_the_cells_tag_belong_to_it() -> None:
    """By tag, never by guess."""
    jobs = [job(2), job(1), job(3, tags=("other",)), job(4, tags=())]
    assert [found.id for found in Progress.of(CELL, jobs, 1.0).jobs] == [1, 2]
    assert [found.id for found in Progress.of(None, jobs, 1.0).jobs] == [1, 2, 3, 4]


def test_skipped_stages_do_not_count_as_work() -> None:
    """Neither their tasks nor the stages."""
    skipped = stage(1, "SKIPPED", skipped=True)
    totals = progress(job(1, tasks=300, done=50, skipped=200, stages=(skipped, stage(2, "ACTIVE")))).totals
    assert (totals.tasks, totals.done, totals.skipped) == (100, 50, 200)
    assert (totals.stages, totals.stages_done, totals.stages_skipped) == (1, 0, 1)


def test_a_stage_counts_once_though_two_jobs_share_it_or_it_ran_twice() -> None:
    """The newest attempt stands for it."""
    again = stage(1, "ACTIVE", attempt=1)
    totals = progress(job(1), job(2, stages=(again,)), job(3, stages=(replace(again, attempt=0),))).totals
    assert (totals.stages, totals.stages_done) == (1, 0)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], JobState.UNKNOWN),
        ([JobState.SUCCEEDED], JobState.SUCCEEDED),
        ([JobState.SUCCEEDED, JobState.FAILED], JobState.FAILED),
        ([JobState.FAILED, JobState.RUNNING], JobState.RUNNING),
    ],
)
def test_a_running_job_decides_the_state_then_a_failed_one(
    states: list[JobState], expected: JobState
) -> None:
    """What a reader wants to know first."""
    assert progress(*(job(n, state) for n, state in enumerate(states))).state is expected


def test_the_fraction_is_one_when_all_jobs_succeeded_and_never_more() -> None:
    """Spark's counters may lag or repeat (a task that ran twice)."""
    assert progress().fraction == 0.0
    assert progress(job(1, done=25)).fraction == 0.25
    assert progress(job(1, JobState.SUCCEEDED, done=99)).fraction == 1.0
    assert progress(job(1, done=120)).fraction == 1.0


def test_the_line_says_the_most_that_fits() -> None:
    """Bar first, then the least important parts go."""
    shown = progress(job(1, done=30, stages=(stage(1), stage(2, "ACTIVE"))))
    assert shown.line(100) == "[######..............] 30/100 tasks · 1 job · 1/2 stages · 4 s"
    assert shown.line(50) == "[##......] 30/100 tasks · 1 job · 1/2 stages · 4 s"
    assert shown.line(45) == "30/100 tasks · 1 job · 1/2 stages · 4 s"
    assert shown.line(25) == "30/100 tasks · 1 job"
    for width in range(80):
        assert len(shown.line(width)) <= width


def test_the_summary_is_one_line_with_what_it_took() -> None:
    """This stays in the notebook."""
    done = [job(n, JobState.SUCCEEDED, done=100, ended=106.2) for n in (1, 2, 3)]
    assert progress(*done, at=200.0).summary(2) == "3 jobs, 300 tasks, 6.2 s, 2 executors"
    assert progress(done[0]).summary() == "1 job, 100 tasks, 6.2 s"


def test_the_summary_of_a_failed_cell_says_what_failed() -> None:
    """Tasks that never ran are not counted as run."""
    failed = job(1, JobState.FAILED, done=40, failed=4, ended=190.0)
    assert progress(failed).summary(1) == "1 job (1 failed), 44 tasks (4 failed), 1 min 30 s, 1 executor"


def test_time_runs_while_a_job_runs_and_stands_afterwards() -> None:
    """From the first submission to the last end."""
    assert progress(at=50.0).seconds == 0.0
    assert progress(job(1), at=130.0).seconds == 30.0
    ended = [job(1, JobState.SUCCEEDED, ended=110.0), job(2, JobState.FAILED, submitted=112.0, ended=115.0)]
    assert progress(*ended, at=900.0).seconds == 15.0
