"""How long until Spark works in a notebook pod of a real Kubernetes: ours against stock pyspark in client mode.

Both start two executors of one core on the same cluster, of the same image, and run a first JVM task, a first
Python task and a first SQL query, each in a fresh process in the same pod, in turns: stock pyspark, ours in an
image as it comes, and ours with the archives of Spark's classes that ``sparkk8s-nb prepare`` puts into an image
while it is built (here they are in a volume that all pods mount). Stock pyspark has its default confs but for
what it needs to reach cluster and image. Prints a table and a JSON line.

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
KINDS = ("stock", "ours", "prepared")
OURS = KINDS[1:]
HERE = Path(__file__).parent

Rounds = dict[str, list[dict[str, dict[str, float]]]]


def main() -> None:
    """Run the rounds in turns and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with place() as where:
        prepare(where)
        where.python("/tmp/in_pod.py", "archives", "ours")
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
        for kind in (*KINDS[number % 3 :], *KINDS[: number % 3]):
            result = where.python("/tmp/in_pod.py", "start", kind)
            if number:
                results[kind].append(result)
            print(f"round {number} {kind}: {result['marks']['first SQL']:.1f} s", file=sys.stderr)
    return results


def report(results: Rounds) -> None:
    """The table and the JSON line; ratios are to stock pyspark in the same round."""
    heads = "".join(f" {kind:>8s} {'ratio':>6s} {'from':>5s} {'to':>5s}" for kind in OURS)
    print(f"{'seconds until':18s} {'stock':>7s}{heads}")
    facts: dict[str, dict[str, object]] = {"medians": {}, "ratios": {}}
    for mark in MARKS:
        seconds = {kind: [each["marks"][mark] for each in rounds] for kind, rounds in results.items()}
        medians = {kind: statistics.median(found) for kind, found in seconds.items()}
        line = f"{mark:18s} {medians['stock']:7.2f}"
        ratios = {}
        for kind in OURS:
            ratios[kind] = [our / theirs for our, theirs in zip(seconds[kind], seconds["stock"], strict=True)]
            low, high = min(ratios[kind]), max(ratios[kind])
            line += f" {medians[kind]:8.2f} {statistics.median(ratios[kind]):6.2f} {low:5.2f} {high:5.2f}"
        print(line)
        facts["medians"][mark], facts["ratios"][mark] = medians, ratios
    phases = phases_of(results["ours"])
    load, rounds = os.getloadavg(), len(results["ours"])
    print(f"\n{rounds} rounds, load {load[0]:.1f}, {os.cpu_count()} processors")
    print(
        json.dumps({"benchmark": "cluster_start", **facts, "phases": phases, "load": load, "rounds": rounds})
    )


def phases_of(rounds: list[dict[str, dict[str, float]]]) -> dict[str, float]:
    """What a start of ours does how long, median seconds; printed."""
    print("\nphases of ours, median seconds")
    phases = {}
    for name in rounds[0]["phases"]:
        phases[name] = statistics.median(each["phases"].get(name, 0.0) for each in rounds)
        print(f"  {name:28s} {phases[name]:6.2f}")
    return phases


if __name__ == "__main__":
    main()
