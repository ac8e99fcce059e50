"""What a large fleet costs the kernel: a thousand executors through fold and wire, from scripted events.

Three questions, each over several rounds (the medians count):

1. Memory of the kernel for each pod: the fleet with all its rows, as ``tracemalloc`` counts it.
2. Bytes on the wire for each pod: of a keyframe (for those it shows), and of all messages together.
3. Seconds that 10,000 events take: folded, and folded with a frame and a delta four times a second.

The events are those of a fleet that comes up and works: each pod is listed as pending, gets a node, starts,
registers; then Spark's counts change once a second and one pod in a hundred dies and is replaced.

Run with ``python benchmarks/fleet.py``; prints a table and a line of JSON.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import statistics
import sys
import time
import tracemalloc
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from sparkk8s_nb.model.fleet import (
    ExecutorsSeen,
    ExecutorStatus,
    Fleet,
    FleetEvent,
    PodGone,
    PodSeen,
    PodView,
)
from sparkk8s_nb.model.wire import keyframe
from sparkk8s_nb.model.wire_delta import message, size
from sparkk8s_nb.model.wire_fleet import EXECUTORS_SHOWN

FRAMES_A_SECOND = 4


def pod(number: int) -> PodView:
    """A pod with text of its own, as a watch delivers it."""
    return PodView(
        name=f"sk-benchmark-1a2b3c4d-exec-{number}",
        uid=f"0f5d9a52-7a0f-4a65-9a55-{number:012d}",
        executor=str(number),
        phase="Pending",
        cpu_millis=2000,
        memory=8 * 2**30,
        created=1000.0,
    )


def events(pods: int, count: int) -> Iterator[FleetEvent]:
    """So many events of a fleet of that size: pods come up, then work, and some are replaced."""
    at, made, step = 1000.0, 0, 50.0 / count
    alive: dict[int, PodView] = {}
    rest = count

    def born(number: int) -> Iterator[FleetEvent]:
        first = pod(number)
        placed = replace(first, node=f"node-{number % 50}", ip=f"10.0.{number // 250}.{number % 250}")
        alive[number] = replace(placed, phase="Running")
        for view in (replace(first, reason="Unschedulable"), placed, alive[number]):
            yield PodSeen(pod=view, at=at)

    for number in range(1, pods + 1):
        made = number
        for event in born(number):
            at += step
            rest -= 1
            yield event
    second = 0
    while rest > 0:
        second += 1
        statuses = tuple(
            ExecutorStatus(id=str(number), cores=2, running=2, done=second * 3 + number % 7)
            for number in alive
        )
        at += step
        rest -= 1
        yield ExecutorsSeen(executors=statuses, at=at)
        dying = alive.pop(min(alive))
        for event in (
            PodSeen(pod=replace(dying, phase="Failed", reason="OOMKilled", exit_code=137), at=at),
            PodGone(pod=dying, at=at),
            *born(made + 1),
        ):
            at += step
            rest -= 1
            yield event
        made += 1
        for number in list(alive)[: min(rest, 500)]:
            # Spark marks and kubelets report: most events of a watch change nothing that a view shows.
            at += step
            rest -= 1
            yield PodSeen(pod=replace(alive[number], marked=False), at=at)


def folded(script: Iterable[FleetEvent], wanted: int) -> Fleet:
    """The fleet after all events."""
    fleet = Fleet(wanted=wanted)
    for event in script:
        fleet = fleet.apply(event)
    return fleet


def shown(script: list[FleetEvent], wanted: int) -> tuple[float, list[float], list[int]]:
    """Fold with a frame four times a (scripted) second: seconds, seconds a frame, bytes of each message."""
    fleet, sent, due = Fleet(wanted=wanted), None, 0.0
    costs: list[float] = []
    sizes: list[int] = []
    start = time.perf_counter()
    for event in script:
        fleet = fleet.apply(event)
        if event.at < due:
            continue
        due = event.at + 1 / FRAMES_A_SECOND
        begun = time.perf_counter()
        frame = keyframe({"name": "benchmark"}, fleet, None, sent["seq"] + 1 if sent else 1, at=event.at)
        if (said := message(sent, frame)) is not None:
            sent = frame
            sizes.append(size(said))
        costs.append(time.perf_counter() - begun)
    return time.perf_counter() - start, costs, sizes


def memory(pods: int, count: int) -> int:
    """Bytes that the fleet holds when the events themselves are gone: made while they are counted."""
    gc.collect()
    tracemalloc.start()
    fleet = folded(islice(events(pods, count), count), pods)
    assert fleet.executors
    gc.collect()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return held


def one_round(pods: int, count: int) -> dict[str, float]:
    """All questions once."""
    script = list(islice(events(pods, count), count))
    assert len(script) == count
    wall, cpu = time.perf_counter(), time.process_time()
    fleet = folded(script, pods)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert fleet.ready >= pods * 0.9
    all_seconds, costs, sizes = shown(script, pods)
    frame = keyframe({"name": "benchmark"}, fleet, None, 1)
    return {
        "fold_seconds": wall,
        "fold_cpu_seconds": cpu,
        "fold_and_wire_seconds": all_seconds,
        "frame_ms": statistics.median(costs) * 1000,
        "memory_bytes_a_pod": memory(pods, count) / pods,
        "keyframe_bytes_a_pod": size(frame) / min(pods, EXECUTORS_SHOWN),
        "published_bytes_a_pod": sum(sizes) / pods,
        "messages": len(sizes),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--pods", type=int, default=1000)
    parser.add_argument("--events", type=int, default=10_000)
    options = parser.parse_args()
    rounds = [one_round(options.pods, options.events) for _ in range(options.rounds)]
    print(f"machine: {os.cpu_count()} cores, {platform.platform()}, Python {sys.version.split()[0]}")
    print(f"{options.pods} executors, {options.events} events, {options.rounds} rounds")
    words = {
        "fold_seconds": "s to fold all events",
        "fold_cpu_seconds": "s of CPU to fold all events",
        "fold_and_wire_seconds": "s to fold them and make every frame and delta",
        "frame_ms": "ms for one frame and its delta",
        "memory_bytes_a_pod": "bytes of kernel memory a pod",
        "keyframe_bytes_a_pod": "bytes of one keyframe a pod that it shows",
        "published_bytes_a_pod": "bytes of all messages a pod",
        "messages": "messages",
    }
    print(f"\n{'question':<52}{'median':>10}{'least':>10}{'most':>10}")
    result: dict[str, Any] = {"benchmark": "fleet", "pods": options.pods, "events": options.events}
    for key, label in words.items():
        values = [each[key] for each in rounds]
        result[key] = round(statistics.median(values), 4)
        print(f"{label:<52}{statistics.median(values):>10.3f}{min(values):>10.3f}{max(values):>10.3f}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
