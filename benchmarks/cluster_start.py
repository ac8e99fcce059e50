"""How long until Spark works in a notebook pod of a real Kubernetes: ours against stock pyspark in client mode.

Both start two executors of one core on the same cluster, of the same image, and run a first JVM task, a first
Python task and a first SQL query, each in a fresh process in the same pod, in turns. Stock pyspark has its
default confs but for what it needs to reach cluster and image. Prints a table and a JSON line.

    python benchmarks/cluster_start.py [--rounds 7]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from pathlib import Path

from start import MARKS
from support.cluster import NOWHERE, Place, place

ROUNDS = 7
KINDS = ("stock", "ours")
HERE = Path(__file__).parent

Rounds = dict[str, list[dict[str, dict[str, float]]]]


def main() -> None:
    """Run the rounds in turns and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with place() as where:
        prepare(where)
        report(measure(where, options.rounds))


def prepare(where: Place) -> None:
    """What runs in the pod, and what stock pyspark's executors start with."""
    for file in ("start.py", "support/in_pod.py"):
        where.put(f"/tmp/{Path(file).name}", (HERE / file).read_text())
    where.pod.hand.run(f"os.environ['BENCH_IMAGE'] = {where.namespace.cluster.image!r}")
    script = where.python("/tmp/in_pod.py", "prepare", json.dumps(NOWHERE))
    where.namespace.administrator.create(
        {"kind": "ConfigMap", "metadata": {"name": "stock-tools"}, "data": {"executor.sh": script}}
    )


def measure(where: Place, rounds: int) -> Rounds:
    """All rounds, after one of each that only warms caches and compiles Python's modules."""
    results: Rounds = {kind: [] for kind in KINDS}
    for number in range(rounds + 1):
        for kind in KINDS if number % 2 else reversed(KINDS):
            result = where.python("/tmp/in_pod.py", "start", kind)
            if number:
                results[kind].append(result)
            print(f"round {number} {kind}: {result['marks']['first SQL']:.1f} s", file=sys.stderr)
    return results


def report(results: Rounds) -> None:
    """The table and the JSON line."""
    print(f"{'seconds until':18s} {'stock':>7s} {'ours':>7s} {'ratio':>6s}   spread of ours, of the ratio")
    facts: dict[str, dict[str, object]] = {"medians": {}, "ratios": {}, "spread": {}}
    for mark in MARKS:
        seconds = {kind: [each["marks"][mark] for each in rounds] for kind, rounds in results.items()}
        ratios = [our / theirs for our, theirs in zip(seconds["ours"], seconds["stock"], strict=True)]
        medians = {kind: statistics.median(found) for kind, found in seconds.items()}
        ratio = statistics.median(ratios)
        print(
            f"{mark:18s} {medians['stock']:7.2f} {medians['ours']:7.2f} {ratio:6.2f}   "
            f"{min(seconds['ours']):.2f} to {max(seconds['ours']):.2f}, {min(ratios):.2f} to {max(ratios):.2f}"
        )
        facts["medians"][mark], facts["ratios"][mark], facts["spread"][mark] = medians, ratio, seconds
    print("\nphases of ours, median seconds")
    phases = {}
    for name in results["ours"][0]["phases"]:
        phases[name] = statistics.median(each["phases"].get(name, 0.0) for each in results["ours"])
        print(f"  {name:28s} {phases[name]:6.2f}")
    load = os.getloadavg()
    rounds = len(results["ours"])
    print(f"\n{rounds} rounds, load {load[0]:.1f}, {os.cpu_count()} processors")
    print(
        json.dumps({"benchmark": "cluster_start", **facts, "phases": phases, "load": load, "rounds": rounds})
    )


if __name__ == "__main__":
    main()
