"""What watching costs: a driver alone, with ours, with sparkmonitor 3.3.0, on the same jobs.

Every run is a fresh process with a fresh local JVM of the same settings, in turns. Ours is the whole way:
listener in the JVM, follower thread, fold, numbered messages as a widget gets them, at most four a second.
Sparkmonitor is its listener jar with its socket drained and its messages counted, as its kernel extension
does. Prints a table for each workload and a JSON line.

    pip install sparkmonitor==3.3.0
    python benchmarks/monitor.py [--rounds 7] [--workloads stage20k stage100k jobs200]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil

ROUNDS = 7
MODES = ("none", "ours", "sparkmonitor")
WORKLOADS = {"stage20k": (1, 20_000), "stage100k": (1, 100_000), "jobs200": (200, 50)}
LATEST = 10.0
"""Seconds after a job that a monitor's last message is waited for."""

FRAME_SECONDS = 0.25


class Nothing:
    """No monitor."""

    def __init__(self) -> None:
        self.lateness = 0.0
        self.messages = self.bytes = self.seen = 0
        self.conf: dict[str, str] = {}

    def attach(self, driver: Any) -> None:
        """Nothing to attach."""

    def begin(self, tag: str) -> None:
        """Nothing to begin."""

    def finish(self, ended: float, tasks: int) -> None:
        """Nothing to wait for."""


class Ours(Nothing):
    """Listener, follower, fold and wire; a thread takes messages as a widget's view does."""

    def attach(self, driver: Any) -> None:
        """Follow the driver as a session does."""
        from sparkk8s_nb.session.fleet_state import FleetState
        from sparkk8s_nb.session.status_follower import StatusFollower

        driver.hook(lambda: None)  # tags jobs as a session does
        fleet = FleetState(0, on_trip=lambda *_: None)
        self.follower = StatusFollower(driver, fleet, now=time.time, on_driver_gone=lambda *_: None)
        self.follower.start()
        self.driver = driver
        self.sent: list[tuple[float, int, int]] = []
        self.stopped = threading.Event()
        threading.Thread(target=self._view, daemon=True).start()

    def begin(self, tag: str) -> None:
        """A cell begins."""
        from sparkk8s_nb.model.progress import CellRef

        self.sent.clear()
        self.scope = self.driver.enter_cell(tag)
        self.followed = self.follower.follow(CellRef(tag=tag, count=1))

    def finish(self, ended: float, tasks: int) -> None:
        """Wait until the true last state was published."""
        while time.monotonic() - ended < LATEST:
            if self.sent and self.sent[-1][2] >= tasks:
                break
            time.sleep(0.005)
        self.lateness = max(0.0, self.sent[-1][0] - ended) if self.sent else LATEST
        time.sleep(0.6)
        self.messages, self.bytes = len(self.sent), sum(size for _, size, _ in self.sent)
        self.seen = self.sent[-1][2] if self.sent else 0
        self.followed.end()

    def _view(self) -> None:
        from sparkk8s_nb.model.wire import keyframe
        from sparkk8s_nb.model.wire_delta import message

        version, before, seq = -1, None, 0
        feed = self.follower.progress
        while not self.stopped.is_set():
            version, progress = feed.wait_newer(version, 3600.0, self.stopped.is_set)
            frame = keyframe({}, None, progress, seq + 1, at=time.time(), before=before)
            sent = message(before, frame)
            if sent is not None:
                seq, before = seq + 1, frame
                self.sent.append((time.monotonic(), len(json.dumps(sent)), progress.totals.done))
            self.stopped.wait(FRAME_SECONDS)


class SparkMonitor(Nothing):
    """Its listener jar; a socket that takes what it sends, as its kernel extension does."""

    def __init__(self) -> None:
        super().__init__()
        found = importlib.util.find_spec("sparkmonitor")
        if found is None or not found.submodule_search_locations:
            sys.exit("sparkmonitor is not installed: pip install sparkmonitor==3.3.0")
        jar = Path(found.submodule_search_locations[0]) / "listener_spark4_2.13.jar"
        self.conf = {
            "spark.extraListeners": "sparkmonitor.listener.JupyterSparkMonitorListener",
            "spark.driver.extraClassPath": str(jar),
        }
        self.sock = socket.create_server(("localhost", 0))
        os.environ["SPARKMONITOR_KERNEL_PORT"] = str(self.sock.getsockname()[1])
        self.taken: list[tuple[float, int]] = []
        threading.Thread(target=self._drain, daemon=True).start()

    def begin(self, tag: str) -> None:
        """Forget what the warm-up sent."""
        del tag
        self.taken.clear()

    def finish(self, ended: float, tasks: int) -> None:
        """Wait until it is silent for two seconds, or as long as one may wait."""
        del tasks
        while time.monotonic() - ended < LATEST:
            if self.taken and time.monotonic() - self.taken[-1][0] > 2:
                break
            time.sleep(0.05)
        self.lateness = max(0.0, self.taken[-1][0] - ended) if self.taken else 0.0
        self.messages, self.bytes = len(self.taken), sum(size for _, size in self.taken)

    def _drain(self) -> None:
        client, _ = self.sock.accept()
        rest = ""
        while data := client.recv(4096):
            rest += data.decode(errors="replace")
            *whole, rest = rest.split(";EOD:")
            now = time.monotonic()
            self.taken += [(now, len(text)) for text in whole]


def child(mode: str, workload: str, scratch: Path) -> None:
    """One run: start, warm up, measure one workload, print one JSON line."""
    monitor = {"none": Nothing, "ours": Ours, "sparkmonitor": SparkMonitor}[mode]()
    driver, jvm = start_driver(monitor.conf, scratch)
    monitor.attach(driver)
    jobs, tasks = WORKLOADS[workload]
    scala_context = driver.spark._jsparkSession.sparkContext()

    def run(count: int, size: int) -> None:
        for _ in range(count):
            scala_context.range(0, size, 1, size).count()

    run(20, 100)
    time.sleep(1.0)
    process, kernel = psutil.Process(driver.process.pid), psutil.Process()
    monitor.begin("bench-1")
    heap_before = used_heap(driver)
    jvm_before, kernel_before, begin = cpu(process), cpu(kernel), time.monotonic()
    run(jobs, tasks)
    ended = time.monotonic()
    jvm_cpu, kernel_cpu = cpu(process) - jvm_before, cpu(kernel) - kernel_before
    monitor.finish(ended, jobs * tasks)
    result = {
        "wall": ended - begin,
        "jvm_cpu": jvm_cpu,
        "kernel_cpu": kernel_cpu,
        "lateness": monitor.lateness,
        "messages": monitor.messages,
        "bytes": monitor.bytes,
        "seen": monitor.seen,
        "heap_mb": (used_heap(driver) - heap_before) / 2**20,
        "rss_mb": kernel.memory_info().rss / 2**20,
    }
    print(json.dumps(result), flush=True)
    # A monitor that is far behind would hold the stop for minutes: the JVM is ended.
    jvm.end(grace=0.1)
    os._exit(0)


def start_driver(conf: dict[str, str], scratch: Path) -> tuple[Any, Any]:
    """A local driver through the project's own launcher, the same for every mode."""
    from sparkk8s_nb.spark.driver_logging import write_log4j2
    from sparkk8s_nb.spark.gateway import LaunchPlan, launch_jvm
    from sparkk8s_nb.spark.java import find_java
    from sparkk8s_nb.spark.launching import LaunchingSparkDriver

    plan = LaunchPlan(
        java=find_java(os.environ),
        memory="2g",
        log4j2=write_log4j2(scratch, scratch / "driver.log"),
        output=scratch / "driver.out",
        scratch=scratch,
        class_path=conf.get("spark.driver.extraClassPath", ""),
    )
    jvm = launch_jvm(plan)
    settings = {
        "spark.master": "local[2]",
        "spark.app.name": "monitor",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        **conf,
    }
    return LaunchingSparkDriver(jvm).start(settings), jvm


def cpu(process: psutil.Process) -> float:
    """CPU seconds of a process so far."""
    times = process.cpu_times()
    return times.user + times.system


def used_heap(driver: Any) -> int:
    """Bytes in use after a forced collection."""
    runtime = driver.spark.sparkContext._jvm.java.lang.Runtime.getRuntime()
    runtime.gc()
    return int(runtime.totalMemory() - runtime.freeMemory())


def measure(
    workload: str, rounds: int, peer_rounds: int, modes: tuple[str, ...]
) -> dict[str, list[dict[str, float]]]:
    """All rounds of one workload, modes in turns; sparkmonitor in the first ``peer_rounds`` only."""
    results: dict[str, list[dict[str, float]]] = {mode: [] for mode in modes}
    for number in range(rounds):
        turn = modes[number % len(modes) :] + modes[: number % len(modes)]
        for mode in turn:
            if mode == "sparkmonitor" and number >= peer_rounds:
                continue
            with tempfile.TemporaryDirectory(prefix="bench-monitor-", ignore_cleanup_errors=True) as scratch:
                words = [sys.executable, "-W", "ignore", __file__, "--child", mode, workload, scratch]
                done = subprocess.run(words, stdout=subprocess.PIPE, timeout=900, check=True)
            result = json.loads(done.stdout.splitlines()[-1])
            results[mode].append(result)
            print(f"{workload} round {number + 1} {mode}: {result['wall']:.2f} s", file=sys.stderr)
    return results


def report(workload: str, results: dict[str, list[dict[str, float]]]) -> None:
    """One table and one JSON line."""
    print(f"\n{workload}: medians, ratios to none of the same round")
    heads = (
        "wall s",
        "ratio",
        "jvm cpu s",
        "ratio",
        "kernel cpu %",
        "late s",
        "messages",
        "bytes",
        "heap MB",
        "tasks seen",
    )
    print(f"{'':13s}" + "".join(f"{head:>13s}" for head in heads))
    facts: dict[str, Any] = {}
    for mode, runs in results.items():
        row = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        pairs = list(zip(runs, results["none"], strict=False))  # a peer may have had fewer rounds
        wall = [run["wall"] / base["wall"] for run, base in pairs]
        jvm = [run["jvm_cpu"] / base["jvm_cpu"] for run, base in pairs]
        row |= {"wall_ratio": statistics.median(wall), "wall_spread": [min(wall), max(wall)]}
        row |= {"jvm_ratio": statistics.median(jvm), "jvm_spread": [min(jvm), max(jvm)]}
        row["kernel_share"] = statistics.median(run["kernel_cpu"] / run["wall"] for run in runs)
        cells = (
            f"{row['wall']:.2f}",
            f"{row['wall_ratio']:.3f}",
            f"{row['jvm_cpu']:.2f}",
            f"{row['jvm_ratio']:.3f}",
            f"{100 * row['kernel_share']:.1f}",
            f"{row['lateness']:.2f}",
            f"{row['messages']:.0f}",
            f"{row['bytes']:.0f}",
            f"{row['heap_mb']:.1f}",
            f"{row['seen']:.0f}",
        )
        print(f"{mode:13s}" + "".join(f"{cell:>13s}" for cell in cells))
        facts[mode] = row
    rounds = len(results["none"])
    load = os.getloadavg()[0]
    print(json.dumps({"benchmark": "monitor", "workload": workload, "rounds": rounds, "load": load, **facts}))


def main() -> None:
    """Measure every workload asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument(
        "--peer-rounds", type=int, default=None, help="rounds of sparkmonitor, all by default"
    )
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--child", nargs=3, metavar=("MODE", "WORKLOAD", "SCRATCH"))
    options = parser.parse_args()
    if options.child:
        child(options.child[0], options.child[1], Path(options.child[2]))
    for workload in options.workloads:
        peer_rounds = options.rounds if options.peer_rounds is None else options.peer_rounds
        report(workload, measure(workload, options.rounds, peer_rounds, tuple(options.modes)))


if __name__ == "__main__":
    main()
