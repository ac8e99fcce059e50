"""Progress of cells from Spark's jobs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sparkk8s_nb.model.progress import CellRef, JobProgress, JobState, Progress, StageProgress
from sparkk8s_nb.model.task_metrics import FailureCause, RunningTask, SlowTask, TaskMetrics

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
    assert (
        shown.line(100) == "[######..............] 30/100 tasks · 4 s, 9 s left · 7.5/s · 1 job · 1/2 stages"
    )
    assert shown.line(70) == "[##......] 30/100 tasks · 4 s, 9 s left · 7.5/s · 1 job · 1/2 stages"
    assert shown.line(60) == "30/100 tasks · 4 s, 9 s left · 7.5/s · 1 job · 1/2 stages"
    assert shown.line(40) == "30/100 tasks · 4 s, 9 s left · 7.5/s"
    assert shown.line(20) == "30/100 tasks"
    for width in range(100):
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


def readings(*dones: int, period: float = 1.0) -> Progress:
    """The progress after looks at a job of 1,000 tasks, one a period."""
    shown = Progress(cell=CELL, as_of=100.0)
    for count, done in enumerate(dones, 1):
        one = job(1, tasks=1000, done=done, stages=(stage(1, "ACTIVE", done=done, tasks=1000),))
        shown = Progress.of(CELL, [one], 100.0 + count * period, before=shown)
    return shown


def test_the_rate_is_the_recent_one_and_the_time_left_follows_from_it() -> None:
    """A job that has become slow is not told by its fast beginning."""
    steady = readings(*range(10, 310, 10))
    assert steady.rate == pytest.approx(10.0)
    assert steady.eta == pytest.approx(70.0)
    slow = readings(*range(10, 310, 10), *range(301, 361))
    assert 1.0 <= slow.rate < 1.5
    assert slow.eta is not None
    assert slow.eta > 400


def test_what_nobody_can_know_is_unknown() -> None:
    """No end is foretold at once, without a task done, when all are done or nothing runs."""
    assert readings(3, period=0.5).eta is None
    assert readings(0, 0, 0).eta is None
    assert readings(10, 1000).eta is None
    assert progress().eta is None
    ended = progress(job(1, JobState.SUCCEEDED, done=100, ended=110.0))
    assert (ended.eta, ended.rate) == (None, 10.0)


def test_time_between_two_jobs_does_not_slow_the_rate() -> None:
    """The cell computed something on its own meanwhile."""
    first = job(1, JobState.SUCCEEDED, done=100, ended=110.0)
    shown = Progress.of(CELL, [replace(first, state=JobState.RUNNING, ended=0.0)], 110.0)
    for at in range(111, 200):
        shown = Progress.of(CELL, [first], float(at), before=shown)
    second = job(2, submitted=199.0, done=10)
    shown = Progress.of(CELL, [first, second], 200.0, before=shown)
    assert shown.rate == pytest.approx(10.0, rel=0.2)


def test_another_cell_begins_with_a_rate_of_its_own() -> None:
    """What the cell before did says nothing."""
    other = CellRef(tag="s-cell-2", count=4)
    shown = Progress.of(other, [job(9, tags=(other.tag,), done=8)], 104.0, before=readings(100, 200))
    assert shown.rate == pytest.approx(2.0)


def test_a_stage_that_is_repeated_gives_no_negative_rate() -> None:
    """Its lost tasks are taken back."""
    assert readings(100, 40).rate > 0


def test_the_summary_says_what_was_shuffled_and_spilled() -> None:
    """Where there was any."""
    metrics = TaskMetrics(shuffle_written=3 * 2**29, disk_spilled=2**20)
    done = job(1, JobState.SUCCEEDED, done=100, ended=106.2, stages=(stage(1, metrics=metrics),))
    assert progress(done).summary() == "1 job, 100 tasks, 6.2 s, 1.5 GiB shuffled, 1 MiB spilled"


def skewed(*seconds: float, done: int = 200, median: float = 1.0) -> StageProgress:
    tasks = tuple(
        SlowTask(partition=n + 10, seconds=each, executor="1", spilled=0) for n, each in enumerate(seconds)
    )
    return stage(4, done=done, tasks=done, median=median, longest=max(seconds), slowest=tasks)


@pytest.mark.parametrize(
    ("skew", "words"),
    [
        (skewed(14.0, 1.2), "1 of 200 tasks took 14x the median: partition 10"),
        (skewed(14.0, 9.0, 1.0), "2 of 200 tasks took up to 14x the median: partitions 10, 11"),
        (
            skewed(9.0, 8.0, 8.0, 7.0, 7.0),
            "at least 5 of 200 tasks took up to 9x the median: partitions 10, 11, 12, ...",
        ),
        (skewed(3.0, 1.0), ""),
        (skewed(0.9, 0.1, median=0.1), ""),
        (skewed(9.0, done=1), ""),
    ],
)
def test_skew_is_said_in_words_where_it_matters(skew: StageProgress, words: str) -> None:
    """A factor alone is no news: tasks of milliseconds vary."""
    assert skew.skew_words == words


def at_work(*began: float, done: int = 190, running: int = 4, **changes: Any) -> StageProgress:
    """A stage with a median of 0.5 s, whose oldest tasks began then."""
    oldest = tuple(
        RunningTask(partition=30 + number, began=at, executor=str(number)) for number, at in enumerate(began)
    )
    made = stage(7, "ACTIVE", tasks=200, done=done, running=running, median=0.5, longest=0.6, oldest=oldest)
    return replace(made, **changes)


OLDEST = "30 on executor 0, 31 on executor 1, 32 on executor 2"


@pytest.mark.parametrize(
    ("working", "words"),
    [
        (at_work(60.0, 99.5), "1 of 200 tasks has run for 40 s, 80x the median: partition 30 on executor 0"),
        (
            at_work(60.0, 61.0, 62.0, 63.0, 99.9),
            f"4 of 200 tasks have run for up to 40 s, 80x the median: partitions {OLDEST}, ...",
        ),
        (at_work(98.5), ""),
        (at_work(), ""),
        (at_work(60.0, state="COMPLETE"), ""),
        (at_work(60.0, running=0), ""),
        (at_work(60.0, median=0.0), ""),
        (at_work(60.0, done=11, running=4), ""),
        (
            at_work(60.0, done=12, running=4),
            "1 of 200 tasks has run for 40 s, 80x the median: partition 30 on executor 0",
        ),
    ],
)
def test_a_task_that_runs_far_longer_than_the_others_did_is_named_while_it_runs(
    working: StageProgress, words: str
) -> None:
    """Not in a first wave that may be as long as a whole, nor one whose end is only not told yet."""
    assert working.straggling_words(100.0) == words
    assert working.words(100.0) == ((words,) if words else ())


def test_of_very_many_slow_tasks_the_least_number_is_said() -> None:
    """Only the oldest are known."""
    slow = at_work(*(60.0 for _ in range(10)), running=50)
    assert slow.straggling_words(100.0).startswith("at least 10 of 200 tasks have run")


def test_a_stages_words_name_kinds_of_failure_and_no_host() -> None:
    """They may stay in a saved notebook."""
    causes = (
        FailureCause(reason="FetchFailed(BlockManagerId(1, 10.2.3.4, 40001, None), shuffleId=1", count=2),
        FailureCause(reason="org.apache.spark.api.python.PythonException: Traceback", count=3),
        FailureCause(reason="other causes", count=1),
    )
    broken = stage(7, "ACTIVE", failed=6, causes=causes, metrics=TaskMetrics(disk_spilled=2**30))
    assert broken.words(0.0) == (
        "6 tasks failed: PythonException (3), FetchFailed (2), other (1)",
        "spilled 1 GiB to disk",
    )


def test_the_words_of_a_cell_begin_with_the_stages_that_run() -> None:
    """An ended stage's are less urgent."""
    spilled = TaskMetrics(disk_spilled=2**20)
    stages = (stage(3, "ACTIVE", failed=1), stage(4, metrics=spilled), stage(5))
    assert progress(job(1, stages=stages)).words == (
        "stage 3: 1 task failed",
        "stage 4: spilled 1 MiB to disk",
    )
