"""What a front end gets: bounded, complete, and as the golden files say.

After a wanted change: ``SPARKK8S_WRITE_GOLDEN=1 pytest tests/unit/model/test_wire.py`` writes them anew.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from sparkk8s_nb.model import wire
from sparkk8s_nb.model.fleet import (
    ExecutorLoad,
    ExecutorsSeen,
    ExecutorStatus,
    Fleet,
    PodSeen,
    PodView,
    WantedChanged,
    WatchLost,
)
from sparkk8s_nb.model.progress import CellRef, JobProgress, JobState, Progress, StageProgress
from sparkk8s_nb.model.state import StartPhase
from sparkk8s_nb.model.streams import Stream, Streams, StreamState
from sparkk8s_nb.model.task_metrics import FailureCause, RunningTask, SlowTask, TaskMetrics
from sparkk8s_nb.model.timeline import BINS, ExecutorWork, Timeline
from sparkk8s_nb.model.wire import keyframe
from sparkk8s_nb.model.wire_delta import delta
from sparkk8s_nb.model.wire_fleet import EXECUTORS_SHOWN, GRID_ROW
from sparkk8s_nb.model.wire_progress import JOBS_SHOWN, STAGES_SHOWN
from sparkk8s_nb.model.wire_streams import STREAMS_SHOWN

GOLDEN = Path(__file__).parents[2] / "wire"
INFO = {"name": "flights", "app_id": "spark-abc", "state": "running"}


def pod(number: int, phase: str = "Running", **changes: object) -> PodView:
    made = PodView(
        name=f"sk-flights-exec-{number}",
        uid=f"u-{number}",
        executor=str(number),
        phase=phase,
        node="embedded" if phase != "Pending" else "",
        cpu_millis=2000,
        memory=2 * 2**30,
        created=1000.0 + number,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def load() -> ExecutorLoad:
    return ExecutorLoad(peak_memory=1932735283, gc_ms=480, task_ms=4000, spilled=3 * 2**20)


def mixed_fleet() -> Fleet:
    """A row of every phase."""
    fleet = Fleet(wanted=6)
    for number in (1, 2, 3, 4):
        fleet = fleet.apply(PodSeen(pod=pod(number), at=1010.0))
    statuses = (
        ExecutorStatus(id="1", cores=2, running=2, done=40, load=load()),
        ExecutorStatus(id="2", cores=2, done=30, failed=1),
        ExecutorStatus(id="4", cores=2, done=9),
    )
    fleet = fleet.apply(ExecutorsSeen(executors=statuses, at=1011.0))
    fleet = fleet.apply(PodSeen(pod=pod(2, "Failed", reason="OOMKilled", exit_code=137), at=1012.0))
    waiting = pod(
        5, "Pending", reason="Unschedulable", message="0/1 nodes are available: 1 Insufficient cpu."
    )
    fleet = fleet.apply(PodSeen(pod=waiting, at=1013.0))
    fleet = fleet.apply(WantedChanged(wanted=3, at=1014.0))
    fleet = fleet.apply(PodSeen(pod=pod(4, deleting=True), at=1015.0))
    fleet = fleet.apply(WantedChanged(wanted=5, at=1016.0)).judged("1 executor waits for room.")
    return fleet.during(StartPhase(what="Waiting for executors", since=1008.5))


def cell_progress() -> Progress:
    stages = (
        StageProgress(id=3, attempt=0, name="scan", state="SKIPPED", tasks=40, skipped=True),
        StageProgress(
            id=4,
            attempt=0,
            name="groupBy <b>",
            state="ACTIVE",
            tasks=200,
            running=4,
            done=120,
            failed=1,
            submitted=1000.125,
            metrics=TaskMetrics(
                run_ms=9000, gc_ms=900, shuffle_read=123456789, shuffle_written=2**20, disk_spilled=2**30
            ),
            median=0.5,
            longest=7.0,
            slowest=(SlowTask(partition=37, seconds=7.0, executor="1", spilled=2**30),),
            causes=(FailureCause(reason="java.io.IOException: no space left <i>", count=1),),
            oldest=(
                RunningTask(partition=90, began=1000.5, executor="2"),
                RunningTask(partition=119, began=1004.0, executor="1"),
            ),
            operators="Scan parquet > Exchange",
        ),
    )
    running = JobProgress(
        id=2,
        description="count at <cell>",
        state=JobState.RUNNING,
        tags=("t",),
        stages=stages,
        tasks=240,
        running=4,
        done=120,
        failed=1,
        skipped=40,
        submitted=1000.0,
        sql="3",
        statement="SELECT kind, count(*) FROM events WHERE day = '<b>' GROUP BY kind",
    )
    done = JobProgress(
        id=1,
        description="collect",
        state=JobState.SUCCEEDED,
        tags=("t",),
        stages=(StageProgress(id=2, attempt=0, name="collect", state="COMPLETE", tasks=12, done=12),),
        tasks=12,
        done=12,
        submitted=998.0,
        ended=999.5,
    )
    progress = Progress.of(CellRef(tag="t", count=7, cell_id="c-7"), (done, running), at=1004.25)
    return replace(progress, timeline=timeline(), missing="Spark dropped 3 events.")


def timeline() -> Timeline:
    """Two executors, the second of which joined late."""
    work = [ExecutorWork(id="1", running=2, busy=0.9, done=2)]
    line = Timeline().add(1000.5, 0.5, work).add(1001.0, 0.5, work)
    return line.add(1001.5, 0.5, [*work, ExecutorWork(id="2", running=1, busy=0.25, failed=1)])


def queries() -> Streams:
    """One that runs a batch, one that was stopped, one that failed."""
    batch = JobProgress(
        id=9, description="", state=JobState.RUNNING, tags=("t",), stages=(), tasks=8, running=2, done=3,
        failed=1, query="ab865a52-35b0", batch=12,
    )  # fmt: skip
    running = Stream(
        id="ab865a52-35b0", run="r1", name="clicks <b>", started=1000.0, batches=12, batch=11, rows=3000,
        last_rows=250, arriving=50.25, processing=1234.5,
    )  # fmt: skip
    stopped = Stream(
        id="q2", run="r2", state=StreamState.ENDED, started=990.0, ended=995.5, batches=3, rows=30
    )
    failed = Stream(
        id="q3", run="r3", name="orders", state=StreamState.FAILED, started=991.0, ended=992.0,
        error="ValueError: no <i>",
    )  # fmt: skip
    return Streams().seen([running, stopped, failed]).with_jobs({"ab865a52-35b0": [batch]})


FRAMES = {
    "empty": lambda: keyframe({}, Fleet(), None, 0),
    "fleet": lambda: keyframe(INFO, mixed_fleet(), None, 7, at=1020.0),
    "stale": lambda: keyframe(
        INFO, mixed_fleet().apply(WatchLost(problem="connection refused", at=1030.0)), None, 8
    ),
    "progress": lambda: keyframe(INFO, None, cell_progress(), 3, at=1004.5),
    "streams": lambda: keyframe(INFO, None, None, 4, streams=queries(), at=1004.5),
    "beside": lambda: keyframe(INFO, None, replace(cell_progress(), streams=queries()), 3, at=1004.5),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_keyframe_is_as_its_golden_file_says(name: str) -> None:
    """The same files are read by the front end's tests."""
    path = GOLDEN / f"{name}.json"
    frame = FRAMES[name]()
    if os.environ.get("SPARKK8S_WRITE_GOLDEN"):
        path.write_text(json.dumps(frame, indent=1, ensure_ascii=False) + "\n")
    assert json.loads(json.dumps(frame, allow_nan=False)) == json.loads(path.read_text())


def test_every_golden_file_is_of_this_schema_and_is_made_by_a_test() -> None:
    """None is left over."""
    files = {path.stem: json.loads(path.read_text()) for path in GOLDEN.glob("*.json")}
    assert set(files) == set(FRAMES)
    assert {frame["schema"] for frame in files.values()} == {wire.SCHEMA}


def test_a_large_fleet_is_shown_in_part_and_counted_in_whole() -> None:
    """Those with news first: a failed executor among 1,000 is not cut off."""
    fleet = Fleet(wanted=1000)
    for number in range(1, 1001):
        fleet = fleet.apply(PodSeen(pod=pod(number), at=1.0))
    fleet = fleet.apply(
        ExecutorsSeen(executors=tuple(ExecutorStatus(id=str(n)) for n in range(1, 1001)), at=2.0)
    )
    fleet = fleet.apply(PodSeen(pod=pod(700, "Failed", exit_code=1), at=3.0))
    for number in range(1001, 1021):
        fleet = fleet.apply(PodSeen(pod=pod(number, "Pending"), at=4.0))
    shown = keyframe({}, fleet, None, 1)["fleet"]
    assert len(shown["executors"]) == EXECUTORS_SHOWN
    phases = [row["phase"] for row in shown["executors"]]
    assert (phases.count("pending"), phases.count("failed"), phases[-1]) == (20, 1, "failed")
    assert sum(shown["hidden"].values()) + EXECUTORS_SHOWN == len(fleet.executors)
    assert [row["id"] for row in shown["grid"]] == list(range(0, 1050, GRID_ROW))
    letters = "".join(row["cells"] for row in shown["grid"])
    assert (letters[0], letters[700], letters[1001]) == (".", "f", "p")
    assert letters.count("r") == 999
    assert shown["counts"]["running"] == 999


def test_a_small_fleet_needs_no_grid() -> None:
    """All its rows are there."""
    assert keyframe({}, mixed_fleet(), None, 1)["fleet"]["grid"] == []


def test_in_a_grid_one_executors_change_is_sent_with_its_neighbours_only() -> None:
    """Not with a thousand others."""
    seen = [ExecutorStatus(id=str(n)) for n in range(1, 1001)]
    fleet = Fleet(wanted=1000).apply(ExecutorsSeen(executors=tuple(seen), at=1.0))
    seen[699] = replace(seen[699], running=1)
    busy = fleet.apply(ExecutorsSeen(executors=tuple(seen), at=2.0))
    patch = delta(keyframe({}, fleet, None, 1), keyframe({}, busy, None, 2))
    assert patch is not None
    ((number, row),) = patch["fleet"]["grid"]["$rows"].items()
    assert (number, row["cells"]) == ("700", "R" + "r" * 49)


def test_a_fleet_that_only_waits_still_fits() -> None:
    """Nothing runs: all rows are for those that wait."""
    fleet = Fleet(wanted=500)
    for number in range(1, 501):
        fleet = fleet.apply(PodSeen(pod=pod(number, "Pending"), at=1.0))
    shown = keyframe({}, fleet, None, 1)["fleet"]
    assert len(shown["executors"]) == EXECUTORS_SHOWN
    assert shown["hidden"] == {"pending": 300}


def test_many_jobs_and_stages_are_shown_in_part_and_counted_in_whole() -> None:
    """Running ones first, then the newest; the frame does not grow with the work."""
    stages = tuple(
        StageProgress(id=n, attempt=0, name="x" * 1000, state="COMPLETE", tasks=1, done=1) for n in range(30)
    )
    jobs = [
        JobProgress(
            id=n,
            description="y" * 1000,
            state=JobState.RUNNING if n == 5 else JobState.SUCCEEDED,
            tags=(),
            stages=stages,
            tasks=30,
            done=30,
        )
        for n in range(400)
    ]
    frame = keyframe({}, None, Progress.of(None, jobs, 1.0), 1)
    shown = frame["progress"]
    assert [job["id"] for job in shown["jobs"][:3]] == [5, 351, 352]
    assert (len(shown["jobs"]), shown["hidden_jobs"]) == (JOBS_SHOWN, 350)
    assert sum(len(job["stages"]) for job in shown["jobs"]) == STAGES_SHOWN
    assert all(len(job["stages"]) + job.get("hidden_stages", 0) == 30 for job in shown["jobs"])
    assert shown["totals"]["tasks"] == 400 * 30
    assert len(json.dumps(frame)) < 64 * 1024


def test_of_many_quick_jobs_stages_are_only_counted() -> None:
    """They would be most of the bytes; a job that lasts or fails tells of its stages."""
    stages = tuple(
        StageProgress(id=n, attempt=0, name="x", state="COMPLETE", tasks=1, done=1) for n in range(3)
    )
    quick = JobProgress(
        id=0,
        description="y",
        state=JobState.SUCCEEDED,
        tags=(),
        stages=stages,
        tasks=3,
        done=3,
        submitted=100.0,
        ended=100.5,
    )
    many = [replace(quick, id=n) for n in range(20)]
    many[3] = replace(many[3], ended=105.0)
    many[4] = replace(many[4], state=JobState.FAILED)
    many[5] = replace(many[5], failed=1)
    many[6] = replace(many[6], state=JobState.RUNNING, ended=0.0)
    shown = keyframe({}, None, Progress.of(None, many, 101.5), 1)["progress"]["jobs"]
    assert [job["id"] for job in shown if job["stages"]] == [3, 4, 5, 6]
    assert {job["hidden_stages"] for job in shown if not job["stages"]} == {3}
    few = keyframe({}, None, Progress.of(None, many[10:], 101.5), 1)["progress"]["jobs"]
    assert all(len(job["stages"]) == 3 for job in few)


def test_nothing_in_a_frame_changes_by_itself() -> None:
    """Time alone is no news: readers count seconds on their own."""
    early, late = cell_progress(), replace(cell_progress(), as_of=1004.3)
    frames = [keyframe({}, mixed_fleet(), shown, 1, at=shown.as_of) for shown in (early, late)]
    assert {**frames[0], "at": 0} == {**frames[1], "at": 0}


def test_a_timelines_bin_is_sent_when_it_is_over() -> None:
    """Of the running cell; of an ended one all are."""
    running = replace(cell_progress(), as_of=1001.2)
    shown = keyframe({}, None, running, 1)["progress"]["timeline"]
    assert shown == {
        "start": 1000.0,
        "width": 0.5,
        "executors": ["1", "2"],
        "columns": [[180], [180]],
        "failures": [],
    }
    ended = replace(running, jobs=running.jobs[:1])
    shown = keyframe({}, None, ended, 1)["progress"]["timeline"]
    assert shown["columns"] == [[180], [180], [180, 50]]
    assert shown["failures"] == [[2, 1, 1]]


def test_a_timeline_tells_how_much_its_executors_can_do_at_once() -> None:
    """What a full bar is; nothing where nobody knows."""
    line = timeline().add(1002.0, 0.5, [ExecutorWork(id="2", running=1, busy=0.25, slots=4)])
    shown = keyframe({}, None, replace(cell_progress(), timeline=line), 1)["progress"]["timeline"]
    assert shown["slots"] == [0, 4]


def test_a_timeline_is_worked_out_again_only_when_there_is_something_new() -> None:
    """A hundred executors' bins cost milliseconds."""
    running = cell_progress()
    first = keyframe({}, None, running, 1)
    again = keyframe({}, None, replace(running, as_of=1004.3), 2, before=first)
    assert again["progress"]["timeline"] is first["progress"]["timeline"]
    more = running.timeline.add(1005.0, 0.5, [ExecutorWork(id="1", running=1, busy=0.5)])
    later = keyframe({}, None, replace(running, timeline=more, as_of=1005.6), 3, before=again)
    assert len(later["progress"]["timeline"]["columns"]) == 10


def test_a_frame_of_hundreds_of_executors_and_hours_is_bounded() -> None:
    """A hundred rows of 120 bins at most."""
    line = Timeline()
    for step in range(500):
        work = [ExecutorWork(id=str(n), running=2, busy=9.5, done=3) for n in range(150)]
        line = line.add(1000.0 + 5.0 * step, 5.0, work)
    shown = keyframe({}, None, replace(cell_progress(), timeline=line, as_of=9999.0), 1)["progress"]
    assert len(shown["timeline"]["executors"]) == 101
    assert len(shown["timeline"]["columns"]) <= BINS
    assert len(json.dumps(shown)) < 80 * 1024


def test_of_many_streaming_queries_those_that_run_are_shown_and_the_rest_is_counted() -> None:
    """Then the newest; a hundred of them cost no more bytes than ten."""
    ended = [Stream(id=f"e{n}", run=f"e{n}", state=StreamState.ENDED, ended=1.0) for n in range(40)]
    streams = Streams().seen([Stream(id="first", run="first"), *ended])
    frame = keyframe({}, None, None, 1, streams=streams)["streams"]
    assert [row["id"] for row in frame["rows"]] == ["first", *(f"e{n}" for n in range(31, 40))]
    assert frame["hidden"] == 41 - STREAMS_SHOWN
