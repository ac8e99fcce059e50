"""What sessions ask of a real API server: while idle, and while executors are asked for; ours and stock pyspark.

From the API server's own audit log. Idle: a session with two executors that does nothing (aims: at most 0.1
requests a second, one write in 30 s). Asking: so many executors that no node takes, created a second, at a start
(when the driver still loads its classes) and later (aim: not below stock). Prints a table and a JSON line.

    python benchmarks/cluster_requests.py [--minutes 6] [--executors 60] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections import Counter

from cluster_start import prepare
from support.cluster import Place, Request, between, place

KINDS = ("stock", "ours")
ASKING = (*KINDS, "prepared")
"""The last is ours with the archives of Spark's classes that ``sparkk8s-nb prepare`` puts into an image."""

OURS = "sparkk8s-nb"
"""The agent of what we send ourselves; executors are Spark's own client's."""


def main() -> None:
    """Measure both and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=6.0, help="0: only the asking")
    parser.add_argument("--executors", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with place() as where:
        prepare(where)
        where.python("/tmp/in_pod.py", "archives", "ours")
        asked: dict[str, list[dict[str, float]]] = {kind: [] for kind in ASKING}
        for _ in range(options.rounds):
            for kind in ASKING:
                asked[kind].append(rates(where, kind, options.executors))
        idle = {
            kind: idle_requests(where, kind, 60 * options.minutes) if options.minutes else []
            for kind in KINDS
        }
    report(idle, asked, 60 * options.minutes, options.executors)


def rates(where: Place, kind: str, executors: int) -> dict[str, float]:
    """Executor pods created a second, from the first to the last of them: at a start and later."""
    begin = time.time()
    again = where.python("/tmp/in_pod.py", "ask", kind, str(executors))["again"]
    found = {}
    for when, since, until in (("at a start", begin, again), ("later", again, time.time())):
        made = [
            request.at
            for request in between(where.requests(), since, until)
            if (request.verb, request.resource) == ("create", "pods") and request.agent != OURS
        ]
        assert len(made) == executors, f"{kind}: {len(made)} of {executors} executors were asked for"
        found[when] = (executors - 1) / (max(made) - min(made))
    print(kind, {when: round(each, 1) for when, each in found.items()}, file=sys.stderr)
    return found


def idle_requests(where: Place, kind: str, seconds: float) -> list[Request]:
    """The requests of an idle session."""
    told = where.python("/tmp/in_pod.py", "hold", kind, str(seconds), timeout=seconds + 600)
    return between(where.requests(), told["begin"], told["end"])


def report(
    idle: dict[str, list[Request]], asked: dict[str, list[dict[str, float]]], seconds: float, executors: int
) -> None:
    """The tables and the JSON line."""
    facts: dict[str, object] = {}
    print(f"an idle session with two executors, {seconds:.0f} s")
    print(f"{'':8s} {'requests/s':>10s} {'writes in 30 s':>14s}   requests")
    for kind, requests in idle.items() if seconds else ():
        kinds = Counter(f"{each.agent}: {each.verb} {each.resource}" for each in requests)
        writes = sum(each.writes for each in requests)
        shown = ", ".join(f"{count} {name}" for name, count in kinds.most_common())
        print(f"{kind:8s} {len(requests) / seconds:10.3f} {30 * writes / seconds:14.2f}   {shown}")
        facts[f"idle {kind}"] = {"requests": len(requests), "writes": writes, "kinds": dict(kinds)}
    print(f"\n{executors} executors that no node takes, created a second")
    for kind, rounds in asked.items():
        for when in rounds[0]:
            found = [each[when] for each in rounds]
            print(
                f"{kind:8s} {when:12s} {statistics.median(found):6.1f}   {min(found):.1f} to {max(found):.1f}"
            )
        facts[f"asked {kind}"] = rounds
    load = os.getloadavg()
    print(f"\n{len(asked['ours'])} rounds, load {load[0]:.1f}, {os.cpu_count()} processors")
    print(json.dumps({"benchmark": "cluster_requests", **facts, "seconds": seconds, "load": load}))


if __name__ == "__main__":
    main()
