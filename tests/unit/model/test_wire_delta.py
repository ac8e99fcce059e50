"""Patches and numbered messages: whatever two frames are, the reader ends with the second one.

After a wanted change: ``SPARKK8S_WRITE_GOLDEN=1 pytest tests/unit/model/test_wire_delta.py`` writes the
sequences in ``tests/wire/sequences`` anew.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparkk8s_nb.model.fleet import (
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
from sparkk8s_nb.model.task_metrics import RunningTask, SlowTask, TaskMetrics
from sparkk8s_nb.model.timeline import ExecutorWork, Timeline
from sparkk8s_nb.model.wire import keyframe
from sparkk8s_nb.model.wire_delta import SMALL, delta, message, patched, received, size

SEQUENCES = Path(__file__).parents[2] / "wire" / "sequences"

keys = st.sampled_from(["a", "b", "id", "jobs", "bins"])
numbers = st.integers(min_value=-3, max_value=3)
scalars = st.none() | numbers | st.text(alphabet="xy<$", max_size=3)
ids = numbers | st.sampled_from(["1", "2", "x"])


def containers(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    rows = st.lists(st.fixed_dictionaries({"id": ids, "a": children, "b": children}), max_size=5)
    return st.lists(children, max_size=5) | st.dictionaries(keys, children, max_size=4) | rows


values = st.recursive(scalars, containers, max_leaves=15)
frames = st.dictionaries(keys, values, max_size=4)


@settings(max_examples=200, deadline=None)
@given(before=frames, after=frames)
def test_a_patch_makes_the_second_frame_of_the_first_whatever_they_are(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Also through JSON, and without touching the first."""
    untouched = copy.deepcopy(before)
    patch = delta(before, after)
    assert (patch is None) is (before == after)
    if patch is not None:
        assert patched(before, json.loads(json.dumps(patch))) == after
    assert before == untouched


@settings(max_examples=100, deadline=None)
@given(states=st.lists(frames, min_size=1, max_size=6))
def test_a_reader_of_all_messages_has_the_last_frame(states: list[dict[str, Any]]) -> None:
    """Keyframes and deltas mixed, as whatever is smaller."""
    sent: dict[str, Any] | None = None
    reader: dict[str, Any] | None = None
    for body in states:
        seq = sent["seq"] + 1 if sent is not None else 1
        frame = {"schema": 1, "kind": "keyframe", "seq": seq, "at": float(seq), "body": body}
        heard = message(sent, frame)
        if heard is None:
            continue
        sent, reader = frame, received(reader, json.loads(json.dumps(heard)))
        assert reader == frame


@pytest.mark.parametrize(
    ("before", "after", "patch"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, {"$gone": ["b"]}),
        ({"a": 1}, {"a": None}, {"a": None}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, {"a": {"c": 3}}),
        ({"r": [{"id": 1, "a": 1}, {"id": 2}]}, {"r": [{"id": 2}]}, {"r": {"$gone": ["1"]}}),
        ({"r": [{"id": 1}]}, {"r": [{"id": 1}, {"id": 2}]}, {"r": {"$new": [{"id": 2}]}}),
        ({"r": [{"id": 1}, {"id": 2}]}, {"r": [{"id": 2}, {"id": 1}]}, {"r": {"$order": ["2", "1"]}}),
        ({"c": [[1], [2]]}, {"c": [[1], [2], [3]]}, {"c": {"$keep": 2, "$then": [[3]]}}),
        ({"c": [[1], [2]]}, {"c": [[1], [4]]}, {"c": {"$keep": 1, "$then": [[4]]}}),
        ({"c": [1, 2]}, {"c": [1]}, {"c": {"$keep": 1}}),
        ({"c": [1, 2]}, {"c": []}, {"c": []}),
        ({"c": [1]}, {"c": {}}, {"c": {}}),
    ],
)
def test_a_patch_says_only_what_is_different(
    before: dict[str, Any], after: dict[str, Any], patch: dict[str, Any]
) -> None:
    """Rows by their ids, lists by their end."""
    assert delta(before, after) == patch
    assert patched(before, patch) == after


def frame(seq: int, **body: Any) -> dict[str, Any]:
    return {"schema": 1, "kind": "keyframe", "seq": seq, "at": 10.0 + seq, **body}


def test_time_and_number_alone_are_no_message() -> None:
    """Nothing is sent while nothing changes."""
    assert message(frame(1, a=1), frame(2, a=1)) is None


def test_whoever_has_nothing_gets_everything() -> None:
    """The first message is a keyframe."""
    assert message(None, frame(1, a=1)) == frame(1, a=1)
    assert received(None, frame(7, a=1)) == frame(7, a=1)


def test_where_everything_changed_a_keyframe_is_sent() -> None:
    """It is smaller than the patch."""
    old, new = ([{"id": n + shift, "x": "y" * 20} for n in range(100)] for shift in (0, 100))
    assert size(delta({"r": old}, {"r": new})) > SMALL
    heard = message(frame(1, r=old), frame(2, r=new))
    assert heard is not None
    assert heard["kind"] == "keyframe"


def test_a_reader_that_missed_a_message_must_ask() -> None:
    """It never applies a patch to another state than it was made for."""
    heard = message(frame(4, a=1), frame(5, a=2))
    assert heard is not None
    assert received(None, heard) is None
    assert received(frame(3, a=1), heard) is None
    assert received(frame(4, a=1), heard) == frame(5, a=2)


def pod(number: int, phase: str = "Running", **changes: Any) -> PodView:
    made = PodView(
        name=f"sk-exec-{number}",
        uid=f"u-{number}",
        executor=str(number),
        phase=phase,
        node="embedded",
        cpu_millis=2000,
        memory=2**31,
        created=1000.0,
    )
    return replace(made, **changes)


def fleets() -> Iterator[dict[str, Any]]:
    """A start begins and ends, executors work, one fails, another comes, the watch is lost, two are given back."""
    info = {"name": "flights", "app_id": "spark-abc", "state": "running"}
    fleet, at = Fleet(wanted=3).during(StartPhase(what="Connecting Spark", since=998.5)), 1000.0
    yield keyframe(info, fleet, None, 0, at=at)
    seen = [ExecutorStatus(id=str(n), cores=2, running=2, done=n) for n in (1, 2, 3)]
    events: list[Callable[[float], Any] | StartPhase | None] = [
        lambda at: PodSeen(pod=pod(1, "Pending"), at=at),
        StartPhase(what="Waiting for executors", since=1001.5),
        lambda at: PodSeen(pod=pod(2), at=at),
        lambda at: PodSeen(pod=pod(1), at=at),
        lambda at: PodSeen(pod=pod(3), at=at),
        lambda at: ExecutorsSeen(executors=tuple(seen), at=at),
        None,
        lambda at: ExecutorsSeen(executors=tuple(replace(each, done=50) for each in seen), at=at),
        lambda at: PodSeen(pod=pod(2, "Failed", reason="OOMKilled", exit_code=137), at=at),
        lambda at: PodSeen(pod=pod(4), at=at),
        lambda at: WatchLost(problem="connection refused", at=at),
        lambda at: WantedChanged(wanted=1, at=at),
        lambda at: PodSeen(pod=pod(3, "Succeeded"), at=at),
    ]
    for event in events:
        at += 1.0
        fleet = fleet.apply(event(at)) if callable(event) else fleet.during(event)
        yield keyframe(info, fleet, None, 0, at=at)
    yield keyframe(info, fleet, None, 0, at=at + 1.0)


def running(number: int, done: int, tasks: int, at: float, **changes: Any) -> JobProgress:
    stage = StageProgress(
        id=number,
        attempt=0,
        name="count at <cell>",
        state="ACTIVE",
        tasks=tasks,
        running=2,
        done=done,
        submitted=at,
        metrics=TaskMetrics(run_ms=100 * done, gc_ms=done, shuffle_written=1000 * done),
        median=0.5 if done else 0.0,
        longest=0.6 if done else 0.0,
    )
    stage = replace(stage, **changes)
    return JobProgress(
        id=number,
        description="count",
        state=JobState.RUNNING,
        tags=("t",),
        stages=(stage,),
        tasks=tasks,
        running=2,
        done=done,
        submitted=at,
    )


def ended(job: JobProgress, at: float) -> JobProgress:
    stages = tuple(
        replace(stage, state="COMPLETE", running=0, done=stage.tasks, completed=at) for stage in job.stages
    )
    return replace(job, state=JobState.SUCCEEDED, stages=stages, running=0, done=job.tasks, ended=at)


def cells() -> Iterator[dict[str, Any]]:
    """A job with a slow task, then a query with one that still runs, and the executors' time; then nothing runs."""
    cell = CellRef(tag="t", count=1, cell_id="c-1")
    shown, line, sent = Progress(cell=cell, as_of=1000.0), Timeline(start=1000.0), None
    slow = {"longest": 9.0, "slowest": (SlowTask(partition=7, seconds=9.0, executor="2"),)}
    first = [running(0, done, 40, 1000.0) for done in (0, 8, 16)] + [running(0, 39, 40, 1000.0, **slow)]
    over = ended(first[-1], 1009.5)
    long = {"oldest": (RunningTask(partition=3, began=1001.5, executor="1"),)}
    query = {"sql": "5", "statement": "SELECT count(*) FROM events"}
    second = [[over, replace(running(1, done, 200, 1010.0, **long), **query)] for done in (0, 150)]
    last = [over, ended(second[-1][-1], 1012.0)]
    yield keyframe({}, None, shown, 0, at=1000.0)
    for at, jobs in enumerate([*([job] for job in first), [over], *second, last, last], 1001):
        work = [ExecutorWork(id="1", running=1, busy=0.9, done=4)]
        if at > 1002:
            work.append(ExecutorWork(id="2", running=1, busy=1.5, done=4))
        line = line.add(float(at), 0.5, work)
        shown = replace(Progress.of(cell, jobs, float(at), before=shown), timeline=line)
        sent = keyframe({}, None, shown, 0, at=at + 0.25, before=sent)
        yield sent


def messages(states: Iterator[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What a view sends for these states, and what its reader then has."""
    sent: dict[str, Any] | None = None
    heard, had = [], []
    for state in states:
        numbered = {**state, "seq": sent["seq"] + 1 if sent is not None else 1}
        if (said := message(sent, numbered)) is not None:
            sent = numbered
            heard.append(said)
            had.append(numbered)
    return heard, had


def queries() -> Iterator[dict[str, Any]]:
    """A query begins, has batches, another one begins and fails, the first is stopped."""
    first = Stream(id="q1", run="r1", name="clicks", started=1000.0)
    batch = JobProgress(
        id=3, description="", state=JobState.RUNNING, tags=(), stages=(), tasks=8, query="q1", batch=1
    )
    second = Stream(id="q2", run="r2", started=1004.0)
    streams = Streams()
    told: list[tuple[Stream, int | None]] = [
        (first, None),
        (replace(first, batches=1, batch=0, rows=50, last_rows=50, arriving=50.0, processing=211.7), None),
        (replace(first, batches=1, batch=0, rows=50, last_rows=50, arriving=50.0, processing=211.7), 3),
        (replace(first, batches=2, batch=1, rows=99, last_rows=49, arriving=49.0, processing=180.0), 8),
        (second, None),
        (replace(second, state=StreamState.FAILED, ended=1005.0, error="ValueError: no"), None),
        (
            replace(first, state=StreamState.ENDED, ended=1006.0, batches=2, batch=1, rows=99, last_rows=49),
            None,
        ),
    ]
    yield keyframe({}, None, None, 0, streams=streams, at=1000.0)
    for at, (stream, done) in enumerate(told, 1001):
        jobs = {} if done is None else {"q1": [replace(batch, done=done)]}
        streams = streams.seen([stream]).with_jobs(jobs)
        yield keyframe({}, None, None, 0, streams=streams, at=float(at))


STORIES = {"fleet": fleets, "progress": cells, "streams": queries}


@pytest.mark.parametrize("name", STORIES)
def test_a_sequence_is_as_its_golden_file_says(name: str) -> None:
    """The front end's tests apply the same messages and must end with the same state."""
    path = SEQUENCES / f"{name}.json"
    heard, had = messages(STORIES[name]())
    if os.environ.get("SPARKK8S_WRITE_GOLDEN"):
        lines = ",\n  ".join(json.dumps(one, ensure_ascii=False) for one in heard)
        path.write_text(
            f'{{\n "messages": [\n  {lines}\n ],\n "expected": {json.dumps(had[-1], ensure_ascii=False)}\n}}\n'
        )
    golden = json.loads(path.read_text())
    assert json.loads(json.dumps({"messages": heard, "expected": had[-1]}, allow_nan=False)) == golden
    assert [one["kind"] for one in golden["messages"]] == ["keyframe", *["delta"] * (len(heard) - 1)]
    reader = None
    for one, state in zip(golden["messages"], had, strict=True):
        reader = received(reader, one)
        assert reader == json.loads(json.dumps(state))
    assert reader == golden["expected"]


def test_every_golden_sequence_is_made_by_a_test() -> None:
    """None is left over."""
    assert {path.stem for path in SEQUENCES.glob("*.json")} == set(STORIES)


def test_a_day_of_batches_is_told_in_few_bytes_each() -> None:
    """A row's counts; no term in batches, rows or tasks."""

    def told(factor: int) -> int:
        states = (
            keyframe({}, None, None, 0, at=float(step), streams=Streams().seen(
                [Stream(id="q", run="r", batches=factor + step, rows=factor * step, last_rows=factor,
                        arriving=float(factor), processing=2.0 * factor)]))
            for step in range(50)
        )  # fmt: skip
        return sum(size(one) for one in messages(states)[0])

    assert told(100_000) < 1.3 * told(100)
    assert told(100_000) < 50 * 200


def test_a_stage_of_a_hundred_thousand_tasks_is_told_in_as_many_bytes_as_a_small_one() -> None:
    """No term in tasks."""

    def told(tasks: int) -> int:
        states = (
            keyframe({}, None, Progress.of(None, [running(0, step * tasks // 50, tasks, 1000.0)], 1000.0 + step), 0)
            for step in range(50)
        )  # fmt: skip
        return sum(size(one) for one in messages(states)[0])

    assert told(100_000) < 1.3 * told(100)
    assert told(100_000) < 20 * 1024
