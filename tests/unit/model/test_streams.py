"""Streaming queries: what they did, how they ended, and how many are kept."""

from __future__ import annotations

from dataclasses import replace

from sparkk8s_nb.model.progress import CellRef, JobProgress, JobState, Progress
from sparkk8s_nb.model.streams import STREAMS_KEPT, Stream, Streams, StreamState


def stream(number: int = 0, **changes: object) -> Stream:
    """A query that runs."""
    made = Stream(id=f"q-{number}", run=f"r-{number}", name=f"s{number}", started=float(number))
    return replace(made, **changes)  # type: ignore[arg-type]


def test_a_query_that_failed_says_by_what_and_one_that_was_stopped_does_not() -> None:
    """A saved notebook gets the kind of the error, not its text, which may name hosts."""
    failed = stream(state=StreamState.FAILED, error="java.io.IOException: no route to node-7", batches=2)
    assert failed.line == "s0: failed (IOException) · 2 batches"
    assert stream(state=StreamState.ENDED, batches=1).line == "s0: ended · 1 batch"


def test_a_query_without_a_name_has_the_beginning_of_its_id() -> None:
    """As the Spark UI's users know it."""
    assert stream(name="", id="ab865a52-35b0-4d01").label == "query ab865a52"


def test_a_query_that_runs_says_how_far_its_batch_is() -> None:
    """Tasks of the batch's jobs."""
    job = JobProgress(
        id=1,
        description="",
        state=JobState.RUNNING,
        tags=(),
        stages=(),
        tasks=8,
        done=3,
        query="q-0",
        batch=4,
    )
    (one,) = Streams().seen([stream(batch=3, batches=4)]).with_jobs({"q-0": (job,)})
    assert one.line == "s0: running · 4 batches · batch runs: 3/8 tasks"


def test_a_new_run_of_a_query_takes_the_place_of_the_one_before() -> None:
    """Late news of the earlier run changes nothing."""
    old, new = stream(1), stream(1, run="again", started=9.0)
    streams = Streams().seen([old, stream(2)]).seen([new])
    assert [one.run for one in streams] == ["r-2", "again"]
    assert streams.seen([replace(old, state=StreamState.FAILED)]) == streams


def test_a_name_that_is_said_once_is_remembered() -> None:
    """The end of a query does not repeat it."""
    assert Streams().seen([stream()]).seen([stream(name="", state=StreamState.ENDED)])[0].name == "s0"


def test_queries_that_run_are_never_forgotten_for_those_that_ended() -> None:
    """The memory does not grow with restarts."""
    streams = Streams().seen([stream(0)])
    for number in range(1, STREAMS_KEPT + 20):
        streams = streams.seen([stream(number, state=StreamState.ENDED, ended=float(number))])
    assert len(streams) == STREAMS_KEPT
    assert streams[0].running
    assert streams[1].name == "s21"


def test_a_query_whose_end_was_lost_ends_when_spark_does_not_call_it_active() -> None:
    """How is not known; an error that is told later counts."""
    streams = Streams().seen([stream(0), stream(1)]).told([stream(1)], at=7.0)
    assert [(one.state, one.ended) for one in streams] == [
        (StreamState.ENDED, 7.0),
        (StreamState.RUNNING, 0.0),
    ]
    assert streams.seen([stream(0, state=StreamState.FAILED, error="E: x")])[0].state is StreamState.FAILED


def test_what_spark_answers_does_not_undo_what_the_listener_knows() -> None:
    """The sum of all rows, and batches that are further on."""
    known = Streams().seen([stream(rows=75, batches=4, batch=3)])
    assert known.told([stream(batches=2, batch=1)], at=7.0) == known
    (later,) = known.told([stream(batches=5, batch=4, last_rows=9)], at=7.0)
    assert (later.rows, later.batches, later.last_rows) == (75, 5, 9)


def test_a_query_whose_begin_was_lost_is_found_among_the_active_ones() -> None:
    """Spark is asked once events were dropped."""
    assert [one.name for one in Streams().told([stream()], at=7.0)] == ["s0"]


def test_a_cells_progress_counts_no_stream_and_says_that_one_runs() -> None:
    """Its own line is beside, not within."""
    job = JobProgress(id=1, description="", state=JobState.RUNNING, tags=("t",), stages=(), tasks=8, done=2)
    progress = replace(
        Progress.of(CellRef(tag="t", count=1), [job], 5.0), streams=Streams().seen([stream(batches=3)])
    )
    assert (progress.totals.jobs, progress.totals.tasks) == (1, 8)
    assert progress.line(100).endswith("1 job · 1 stream")


def test_a_cell_that_only_waits_beside_streams_tells_of_them() -> None:
    """As one that calls awaitTermination."""
    progress = Progress(cell=CellRef(tag="t", count=1), streams=Streams().seen([stream(batches=3)]))
    assert progress.line(80) == "s0: running · 3 batches"
    assert progress.summary(2) == "1 stream running"
