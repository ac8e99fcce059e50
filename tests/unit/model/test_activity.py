"""Readings fold to jobs and stages: retries, skips, late ends, streaming, forgetting."""

from __future__ import annotations

from dataclasses import replace

from sparkk8s_nb.model.activity import EXECUTIONS_KEPT, JOBS_KEPT, STREAM_JOBS_KEPT, Activity
from sparkk8s_nb.model.drained import Drained, JobEnded, JobStarted, PlannedStage, SqlStarted
from sparkk8s_nb.model.progress import JobProgress, JobState, StageProgress
from sparkk8s_nb.model.streams import Stream
from sparkk8s_nb.model.task_metrics import RunningTask


def started(number: int, *stages: tuple[int, int], tag: str = "c", query: str = "") -> JobStarted:
    """A job that plans stages, each an id and a number of tasks."""
    planned = tuple(PlannedStage(id=stage, tasks=tasks, name=f"stage {stage}") for stage, tasks in stages)
    return JobStarted(id=number, at=1.0, tags=(tag,), query=query, stages=planned)


def stage(
    number: int, tasks: int, done: int, *, attempt: int = 0, state: str = "ACTIVE", name: str = "s"
) -> StageProgress:
    """A stage's numbers."""
    return StageProgress(
        id=number, attempt=attempt, name=name, state=state, tasks=tasks, done=done, submitted=1.0
    )


def ended(number: int, *, ok: bool = True) -> JobEnded:
    """A job's end."""
    return JobEnded(id=number, at=9.0, succeeded=ok, reason="" if ok else "boom")


def only(activity: Activity) -> JobProgress:
    """Its one job."""
    (job,) = activity.jobs()
    return job


def test_a_running_job_counts_what_its_stages_did() -> None:
    """Done so far of all that is planned."""
    job = only(Activity().apply(Drained(started=(started(0, (1, 4), (2, 6)),), stages=(stage(1, 4, 3),))))
    assert (job.state, job.tasks, job.done) == (JobState.RUNNING, 10, 3)


def test_a_stage_that_was_never_submitted_is_skipped_once_the_job_succeeded() -> None:
    """Its shuffle files were there already."""
    activity = Activity().apply(Drained(started=(started(0, (1, 4), (2, 6)),)))
    assert [s.state for s in only(activity).stages] == ["PENDING", "PENDING"]
    job = only(activity.apply(Drained(stages=(stage(2, 6, 6, state="COMPLETE"),), ended=(ended(0),))))
    assert [s.state for s in job.stages] == ["SKIPPED", "COMPLETE"]
    assert (job.skipped, job.done, job.state) == (4, 6, JobState.SUCCEEDED)


def test_a_failed_jobs_pending_stages_are_not_called_skipped() -> None:
    """They were needed and did not run."""
    job = only(Activity().apply(Drained(started=(started(0, (1, 4)),), ended=(ended(0, ok=False),))))
    assert (job.state, job.failure, job.stages[0].state) == (JobState.FAILED, "boom", "PENDING")


def test_a_retried_stage_never_counts_more_tasks_than_it_has() -> None:
    """An attempt repeats only what was lost."""
    activity = Activity().apply(
        Drained(started=(started(0, (1, 10)),), stages=(stage(1, 10, 8, state="FAILED"),))
    )
    job = only(activity.apply(Drained(stages=(stage(1, 4, 4, attempt=1),))))
    assert (job.tasks, job.done, job.stages[0].attempt) == (10, 10, 1)


def test_a_tasks_end_after_its_jobs_end_still_counts() -> None:
    """Speculative copies are killed after the job: the last numbers are the right ones."""
    activity = Activity().apply(
        Drained(started=(started(0, (1, 4)),), stages=(stage(1, 4, 3),), ended=(ended(0),))
    )
    assert only(activity.apply(Drained(stages=(stage(1, 4, 4, state="COMPLETE"),)))).done == 4


def test_a_stages_name_is_said_once_and_remembered() -> None:
    """Later readings leave it out."""
    activity = Activity().apply(
        Drained(started=(started(0, (1, 4)),), stages=(stage(1, 4, 1, name="sum at x.py:3"),))
    )
    assert only(activity.apply(Drained(stages=(stage(1, 4, 2, name=""),)))).stages[0].name == "sum at x.py:3"


def test_a_streaming_querys_jobs_are_not_its_cells() -> None:
    """They inherit the tag of the cell that started the query, and outlive it."""
    activity = Activity().apply(Drained(started=(started(0, (1, 4), query="q"), started(1, (2, 4)))))
    assert [job.id for job in activity.jobs("c")] == [1]
    assert [job.id for job in activity.streaming()["q"]] == [0]


def test_another_cells_jobs_are_never_guessed_to_be_this_ones() -> None:
    """Only the tag counts."""
    activity = Activity().apply(Drained(started=(started(0, (1, 4), tag="a"), started(1, (2, 4), tag="b"))))
    assert [job.id for job in activity.jobs("a")] == [0]


def test_the_oldest_ended_jobs_are_forgotten_and_running_ones_never() -> None:
    """The memory does not grow with the number of jobs."""
    jobs = tuple(started(number, (number, 1)) for number in range(JOBS_KEPT + 50))
    ends = tuple(ended(number) for number in range(1, 60))
    stages = tuple(stage(number, 1, 1, state="COMPLETE") for number in range(60))
    activity = Activity().apply(Drained(started=jobs)).apply(Drained(stages=stages, ended=ends))
    kept = {job.id for job in activity.jobs()}
    assert len(kept) == JOBS_KEPT
    assert 0 in kept
    assert 1 not in kept
    assert len(activity._stages) <= JOBS_KEPT


def told(
    number: int, state: JobState, *stages: StageProgress, query: str = "", tag: str = "c"
) -> JobProgress:
    """A job as the status store tells it."""
    return JobProgress(
        id=number, description="count", state=state, tags=(tag,), stages=stages, tasks=9, submitted=1.0,
        done=sum(one.done for one in stages), ended=0.0 if state is JobState.RUNNING else 8.0, query=query,
    )  # fmt: skip


def test_counts_that_the_bus_lost_come_from_the_status_store() -> None:
    """The store's number replaces a smaller one, never a larger."""
    activity = Activity().apply(Drained(started=(started(0, (1, 9)),), stages=(stage(1, 9, 3),), lost=5))
    assert only(activity.with_status([told(0, JobState.RUNNING, stage(1, 9, 7))])).done == 7
    assert only(activity.with_status([told(0, JobState.RUNNING, stage(1, 9, 2))])).done == 3


def test_a_job_whose_end_was_lost_ends_when_the_status_store_says_so() -> None:
    """With the store's last counts; it does not run for ever."""
    before = Activity().apply(Drained(started=(started(0, (1, 9)),), stages=(stage(1, 9, 3),), lost=5))
    after = before.with_status([told(0, JobState.SUCCEEDED, stage(1, 9, 9, state="COMPLETE"))])
    assert (only(after).state, only(after).done, only(after).ended) == (JobState.SUCCEEDED, 9, 8.0)
    assert (after.running, after.mended) == ((), 1)
    assert [job.id for job in after.ended_since(before)] == [0]
    assert after.with_status([told(0, JobState.SUCCEEDED)]).mended == 1


def test_a_job_that_the_status_store_has_forgotten_does_not_run() -> None:
    """How it ended nobody can say any more."""
    activity = Activity().apply(Drained(started=(started(0, (1, 9)),)))
    job = only(activity.with_status([told(0, JobState.UNKNOWN)], at=7.0))
    assert job.state is JobState.UNKNOWN
    assert job.ended


def test_a_job_whose_begin_the_status_store_lost_runs_as_long_as_a_stage_of_it_does() -> None:
    """The bus drops events of one listener and not of the other."""
    activity = Activity().apply(Drained(started=(started(0, (1, 9)),), stages=(stage(1, 9, 3),), lost=5))
    still = activity.with_status([told(0, JobState.UNKNOWN)], at=7.0)
    assert (only(still).state, still.running, still.mended) == (JobState.RUNNING, (0,), 0)
    over = still.apply(Drained(stages=(stage(1, 9, 9, state="COMPLETE"),)))
    assert only(over.with_status([told(0, JobState.UNKNOWN)], at=8.0)).state is JobState.UNKNOWN


def test_a_job_whose_begin_was_lost_is_taken_from_the_status_store() -> None:
    """With its tag, so that its cell has it; one that is not the cell's stays apart."""
    activity = Activity().with_status(
        [told(3, JobState.RUNNING, stage(1, 9, 4)), told(4, JobState.RUNNING, query="q", tag="c")]
    )
    (job,) = activity.jobs("c")
    assert (job.id, job.state, job.done, activity.mended) == (3, JobState.RUNNING, 4, 2)
    assert [one.id for one in activity.streaming()["q"]] == [4]


def test_a_begin_that_comes_after_all_counts_and_the_end_is_not_forgotten() -> None:
    """The store was ahead of a full queue."""
    before = Activity().with_status([told(0, JobState.SUCCEEDED, stage(1, 9, 9, state="COMPLETE"))])
    late = before.apply(Drained(started=(started(0, (1, 9)),), stages=(stage(1, 9, 9, state="COMPLETE"),)))
    assert (only(late).state, only(late).stages[0].name) == (JobState.SUCCEEDED, "s")
    assert late.ended_since(before) == ()


def test_a_job_that_only_the_status_store_knows_is_as_the_store_has_it() -> None:
    """Reading by reading, as without a listener."""
    first = Activity().with_status([told(0, JobState.RUNNING, stage(1, 9, 2))])
    second = first.with_status([told(0, JobState.RUNNING, stage(1, 9, 6))])
    last = second.with_status([told(0, JobState.FAILED, stage(1, 9, 6, state="FAILED"))])
    assert [only(one).done for one in (first, second)] == [2, 6]
    assert (only(last).state, [job.id for job in last.ended_since(second)]) == (JobState.FAILED, [0])


def test_a_job_that_was_forgotten_is_not_taken_anew() -> None:
    """Its cell has counted it."""
    jobs = tuple(started(number) for number in range(JOBS_KEPT + 1))
    activity = Activity().apply(Drained(started=jobs, ended=(ended(0), ended(1))))
    assert activity.job(0) is None
    assert activity.with_status([told(0, JobState.SUCCEEDED)]).job(0) is None


def test_a_streaming_query_keeps_few_of_its_jobs_and_displaces_no_cells() -> None:
    """It makes them for ever."""
    activity = Activity().apply(Drained(started=(started(0, (0, 1)),), ended=(ended(0),)))
    for batch in range(1, 500):
        one = replace(started(batch, (batch, 1), query="q"), batch=batch)
        activity = activity.apply(
            Drained(started=(one,), stages=(stage(batch, 1, 1),), ended=(ended(batch),))
        )
    assert [job.id for job in activity.jobs("c")] == [0]
    assert len(activity.streaming()["q"]) == STREAM_JOBS_KEPT
    assert len(activity._stages) <= STREAM_JOBS_KEPT + 1


def test_a_streaming_query_has_the_jobs_of_the_batch_that_runs() -> None:
    """All of them, also those of the batch that have ended; none once the batch is done."""
    query = Stream(id="q", run="r", batches=3, batch=2)
    jobs = [
        replace(started(number, (number, 4), query="q"), batch=batch)
        for number, batch in enumerate([2, 3, 3])
    ]
    activity = Activity().apply(
        Drained(started=tuple(jobs), stages=(stage(1, 4, 4),), ended=(ended(0), ended(1)), streams=(query,))
    )
    assert [job.id for job in activity.streams[0].jobs] == [1, 2]
    assert activity.streams[0].totals.tasks == 8
    done = activity.apply(Drained(streams=(replace(query, batches=4, batch=3),)))
    assert done.streams[0].jobs == ()


def test_only_jobs_of_cells_keep_spark_busy() -> None:
    """A stream that runs for days is looked at less often."""
    assert not Activity().apply(Drained(started=(started(0, query="q"),))).busy
    assert Activity().apply(Drained(started=(started(0),))).busy


def test_a_job_knows_the_statement_of_its_query_also_when_it_begins_later() -> None:
    """And what the query is called, where nobody described the job."""
    query = SqlStarted(id="4", description="count at line 3 of its cell", statement="SELECT 1")
    activity = Activity().apply(Drained(executions=(query,)))
    mine = replace(started(0, (1, 4)), sql="4")
    told = replace(started(1, (2, 4)), sql="4", description="nightly load")
    other = replace(started(2, (3, 4)), sql="5")
    jobs = activity.apply(Drained(started=(mine, told, other))).jobs()
    assert [job.statement for job in jobs] == ["SELECT 1", "SELECT 1", ""]
    assert [job.description for job in jobs] == ["count at line 3 of its cell", "nightly load", "stage 3"]


def test_of_executions_the_newest_are_remembered() -> None:
    """A day of queries is no day of texts."""
    activity = Activity()
    for number in range(EXECUTIONS_KEPT + 5):
        activity = activity.apply(Drained(executions=(SqlStarted(id=str(number), description="show"),)))
    assert len(activity._executions) == EXECUTIONS_KEPT
    assert "4" not in activity._executions


def test_where_events_were_lost_no_task_is_called_slow_that_may_have_ended() -> None:
    """Its end may be among them."""
    long = replace(
        stage(1, 200, 190), running=1, median=0.5, oldest=(RunningTask(partition=3, began=1.0, executor="1"),)
    )
    whole = only(Activity().apply(Drained(started=(started(0, (1, 200)),), stages=(long,))))
    short = only(Activity().apply(Drained(started=(started(0, (1, 200)),), stages=(long,), lost=2)))
    assert "has run for" in whole.stages[0].straggling_words(50.0)
    assert short.stages[0].straggling_words(50.0) == ""


def test_a_stages_operators_are_said_once_and_remembered() -> None:
    """As its name is."""
    first = replace(stage(1, 4, 1, name="count"), operators="Scan parquet > Exchange")
    activity = Activity().apply(Drained(started=(started(0, (1, 4)),), stages=(first,)))
    activity = activity.apply(Drained(stages=(stage(1, 4, 2, name=""),)))
    assert only(activity).stages[0].operators == "Scan parquet > Exchange"
