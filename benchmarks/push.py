"""What one message of a cell's progress costs the kernel: frame, difference, and Jupyter's message.

Three cells: 200 jobs of 3 stages, one stage of 100,000 tasks, and the same with a hundred executors and the
fullest timeline there is. Each round pushes 100 readings that differ as real ones do; the medians count.
Sending is the message as jupyter_client serialises and signs it, without the socket.

Run with ``python benchmarks/push.py``; prints a table and a line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from jupyter_client.session import Session

from sparkk8s_nb.model.progress import CellRef, JobProgress, JobState, Progress, StageProgress
from sparkk8s_nb.model.task_metrics import SlowTask, TaskMetrics
from sparkk8s_nb.model.timeline import ExecutorWork, Timeline
from sparkk8s_nb.model.wire import keyframe
from sparkk8s_nb.model.wire_delta import message, size

PUSHES = 100
PERIOD = 0.25
CELL = CellRef(tag="session-cell-1", count=1, cell_id="0f5d9a52-7a0f-4a65-9a55-000000000000")


def stage(number: int, done: int, tasks: int, *, ended: bool) -> StageProgress:
    return StageProgress(
        id=number,
        attempt=0,
        name=f"count at /tmp/ipykernel_1234/{number}.py:1",
        state="COMPLETE" if ended else "ACTIVE",
        tasks=tasks,
        running=0 if ended else 4,
        done=done,
        submitted=1000.0 + number / 7,
        completed=1001.0 + number / 7 if ended else 0.0,
        metrics=TaskMetrics(
            run_ms=1000 * done, gc_ms=30 * done, bytes_read=10**6 * done, shuffle_written=12_345 * done
        ),
        median=1.234,
        longest=3.1,
        slowest=tuple(SlowTask(partition=n, seconds=3.1 - n / 7, executor=str(n)) for n in range(5)),
    )


def job(number: int, stages: Sequence[StageProgress], *, ended: bool) -> JobProgress:
    return JobProgress(
        id=number,
        description="count at /tmp/ipykernel_1234/1.py:1",
        state=JobState.SUCCEEDED if ended else JobState.RUNNING,
        tags=(CELL.tag,),
        stages=tuple(stages),
        tasks=sum(each.tasks for each in stages),
        running=sum(each.running for each in stages),
        done=sum(each.done for each in stages),
        submitted=1000.0 + number,
        ended=1001.0 + number if ended else 0.0,
    )


def many_jobs(step: int) -> list[JobProgress]:
    """Each push one job has ended and the next one is half done; 200 in the end."""
    count = PUSHES + step
    ended = [ENDED[number] for number in range(count - 1)]
    half = [stage(3 * (count - 1) + n, 25, 50, ended=False) for n in range(3)]
    return [*ended, job(count - 1, half, ended=False)]


ENDED = [job(n, [stage(3 * n + k, 50, 50, ended=True) for k in range(3)], ended=True) for n in range(200)]


def many_tasks(step: int) -> list[JobProgress]:
    return [job(0, [stage(0, 1000 * step, 1000 * PUSHES, ended=False)], ended=False)]


def timeline(executors: int, bins: int) -> Timeline:
    line = Timeline()
    for number in range(bins):
        work = [
            ExecutorWork(id=str(n), running=2, busy=0.9 - (n * number % 7) / 10, done=1)
            for n in range(executors)
        ]
        line = line.add(1000.5 + number / 2, 0.5, work)
    return line


def readings(jobs: Callable[[int], list[JobProgress]], line: Timeline) -> list[Progress]:
    shown: list[Progress] = []
    for step in range(PUSHES):
        at = 1060.0 + step * PERIOD
        progress = Progress.of(CELL, jobs(step), at, before=shown[-1] if shown else None)
        shown.append(replace(progress, timeline=line))
    return shown


def one_round(shown: Sequence[Progress]) -> dict[str, float]:
    """Push all; CPU milliseconds and bytes of the median push."""
    session = Session(key=b"benchmark")
    sent: dict[str, Any] | None = None
    costs, sizes = [], []
    for step, progress in enumerate(shown):
        begun = time.thread_time()
        frame = keyframe({}, None, progress, step + 1, at=progress.as_of, before=sent)
        said = message(sent, frame)
        assert said is not None
        size(said)
        sent = frame
        content = {"comm_id": "c" * 32, "data": {"method": "custom", "content": said}}
        parts = session.serialize(session.msg("comm_msg", content), ident=b"comm-" + b"c" * 32)
        costs.append(time.thread_time() - begun)
        sizes.append(sum(map(len, parts)))
    return {
        "cpu_ms": statistics.median(costs) * 1000,
        "bytes": statistics.median(sizes),
        "keyframe_bytes": float(sizes[0]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    cells = {
        "200 jobs of 3 stages": readings(many_jobs, timeline(4, 120)),
        "1 stage of 100,000 tasks": readings(many_tasks, timeline(4, 120)),
        "the same on 100 executors": readings(many_tasks, timeline(100, 120)),
    }
    print(f"machine: {os.cpu_count()} cores, {platform.platform()}, Python {sys.version.split()[0]}")
    print(f"\n{'cell':<28}{'CPU ms':>8}{'least':>8}{'most':>8}{'bytes':>8}{'keyframe':>10}")
    result: dict[str, Any] = {"benchmark": "push"}
    for name, shown in cells.items():
        rounds = [one_round(shown) for _ in range(options.rounds)]
        median = {key: round(statistics.median(each[key] for each in rounds), 3) for key in rounds[0]}
        costs = [each["cpu_ms"] for each in rounds]
        print(
            f"{name:<28}{median['cpu_ms']:>8.2f}{min(costs):>8.2f}{max(costs):>8.2f}"
            f"{median['bytes']:>8.0f}{median['keyframe_bytes']:>10.0f}"
        )
        result[name] = median
    print(json.dumps(result))


if __name__ == "__main__":
    main()
