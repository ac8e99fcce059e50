"""Twenty sessions at once in one namespace of a real Kubernetes: all start and stop, nothing is left or crossed.

Each is a process of its own in one notebook pod, with an executor of its own. Prints a table and a JSON line.

    python benchmarks/cluster_many.py [--sessions 20]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from typing import Any

from cluster_start import prepare
from support.cluster import Place, place

SESSIONS = 20
PATIENCE = 1800.0

BEGIN = """
many = [
    subprocess.Popen(
        [sys.executable, "/tmp/in_pod.py", "session", "ours", str(number)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    for number in range({sessions})
]
"""
END = "[[*each.communicate(), each.returncode] for each in many]"


def main() -> None:
    """Run them and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    options = parser.parse_args()
    with place() as where:
        prepare(where)
        begin = time.monotonic()
        told = run(where, options.sessions)
        seconds = time.monotonic() - begin
        left = where.pod.left()
    check(told, left)
    report(told, seconds)


def run(where: Place, sessions: int) -> list[dict[str, Any]]:
    """Start all of them at once, and wait for the end of all."""
    where.pod.hand.run(BEGIN.format(sessions=sessions))
    where.pod.hand.run(f"ended = {END}", timeout=PATIENCE)
    told = []
    for said, errors, code in where.pod.hand.value("ended"):
        if code:
            sys.exit(f"A session ended with {code}:\n{errors[-3000:]}")
        told.append(json.loads(said.splitlines()[-1]))
    return told


def check(told: list[dict[str, Any]], left: list[str]) -> None:
    """Nothing left, nothing crossed."""
    assert left == [], left
    assert len({each["name"] for each in told}) == len(told)
    ports = [port for each in told for port in each["ports"]]
    assert len(set(ports)) == len(ports), "two sessions had one port"
    for each in told:
        assert each["right"], each
        assert each["said"].endswith("Nothing left."), each
        assert all(host.startswith(each["name"]) for host in each["hosts"]), each


def report(told: list[dict[str, Any]], seconds: float) -> None:
    """The table and the JSON line."""
    started = [each["started"] for each in told]
    print(f"{len(told)} sessions at once: all right, nothing left, nothing crossed")
    print(f"  from the first start to the last end  {seconds:6.0f} s")
    load = os.getloadavg()
    print(f"\nload {load[0]:.1f}, {os.cpu_count()} processors")
    facts = {"benchmark": "cluster_many", "sessions": len(told), "seconds": seconds, "started": started}
    print(json.dumps({**facts, "load": load}))


if __name__ == "__main__":
    main()
