"""How fast the embedded cluster starts pods, and how much memory it needs for many.

Two questions, each over several rounds (the medians count):

1. Pods of ``sleep`` from the first create to the last Running, per second.
2. Memory with 200 such pods at once: the proportional size (PSS) of the daemon and its fork server, and,
   apart, of the 200 shims that hold the pods (one for each). RSS of the daemon is given too.

Run with ``python benchmarks/embedded.py``; prints a table and a line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import ssl
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import psutil

from sparkk8s_nb.embedded import lifecycle
from sparkk8s_nb.embedded.lifecycle import EmbeddedCluster, NodeSettings
from sparkk8s_nb.embedded.memory import proportional_bytes, resident_bytes

PODS = "/api/v1/namespaces/default/pods"
MIB = 1024 * 1024


class Client:
    """A plain client with one connection for each thread, so that the client costs little."""

    def __init__(self, cluster: EmbeddedCluster) -> None:
        self.server = cluster.server
        self.headers = {
            "Authorization": f"Bearer {cluster.token_file.read_text()}",
            "Content-Type": "application/json",
        }
        self.context = ssl.create_default_context(cafile=str(cluster.ca_file))
        self._local = threading.local()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        if not hasattr(self._local, "connection"):
            host, port = self.server.removeprefix("https://").split(":")
            self._local.connection = HTTPSConnection(host, int(port), context=self.context, timeout=60)
        data = None if body is None else json.dumps(body)
        self._local.connection.request(method, path, body=data, headers=self.headers)
        answer = self._local.connection.getresponse()
        found = json.loads(answer.read())
        assert answer.status < 300, found
        return found

    def until_phase(self, phase: str | None, count: int, version: str) -> None:
        """Watch until so many pods are in a phase (None: deleted)."""
        request = urllib.request.Request(
            f"{self.server}{PODS}?watch=true&resourceVersion={version}&timeoutSeconds=120",
            headers=self.headers,
        )
        seen: set[str] = set()
        with urllib.request.urlopen(request, context=self.context, timeout=120) as stream:
            while len(seen) < count:
                event = json.loads(stream.readline())
                if phase is None:
                    matches = event["type"] == "DELETED"
                else:
                    matches = event["object"]["status"].get("phase") == phase
                if matches:
                    seen.add(event["object"]["metadata"]["name"])


def pod(name: str) -> dict[str, Any]:
    container = {"name": "c", "image": "none", "command": ["sleep", "3600"]}
    spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container]}
    return {"metadata": {"name": name}, "spec": spec}


def one_round(client: Client, count: int, measure: Any = None) -> tuple[float, Any]:
    """Start so many pods, measure, delete them; gives the seconds to Running."""
    version = client.ask("GET", PODS)["metadata"]["resourceVersion"]
    start = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        watching = pool.submit(client.until_phase, "Running", count, version)
        for i in range(count):
            client.ask("POST", PODS, pod(f"p{i}"))
        watching.result()
        seconds = time.perf_counter() - start
        found = measure() if measure else None
        version = client.ask("GET", PODS)["metadata"]["resourceVersion"]
        watching = pool.submit(client.until_phase, None, count, version)
        client.ask("DELETE", PODS + "?gracePeriodSeconds=1")
        watching.result()
    return seconds, found


def memory_of(cluster: EmbeddedCluster) -> dict[str, float]:
    """MiB of daemon, fork server and shims."""
    daemon = psutil.Process(cluster.pid)
    servers = [each for each in daemon.children() if "boot.py" in " ".join(each.cmdline())]
    shims = [shim for server in servers for shim in server.children()]

    def total(processes: list[psutil.Process], size: Any) -> float:
        return round(sum(size(each.pid) for each in processes) / MIB, 1)

    return {
        "daemon_rss": total([daemon], resident_bytes),
        "daemon_pss": total([daemon], proportional_bytes),
        "daemon_and_fork_server_pss": total([daemon, *servers], proportional_bytes),
        "shims_pss": total(shims, proportional_bytes),
        "shims": len(shims),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--pods", type=int, default=60, help="pods a round for the rate")
    parser.add_argument("--many", type=int, default=200, help="pods at once for the memory")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sparkk8s-bench-") as directory:
        os.environ["SPARKK8S_RUNTIME_DIR"] = str(Path(directory) / "run")
        started = time.perf_counter()
        cluster = lifecycle.up(settings=NodeSettings(cpus=64, overcommit=True), timeout=60)
        up_seconds = time.perf_counter() - started
        try:
            client = Client(cluster)
            empty = memory_of(cluster)
            one_round(client, 10)
            rates = [options.pods / one_round(client, options.pods)[0] for _ in range(options.rounds)]
            full = []
            many_rates = []
            for _ in range(3):
                seconds, memory = one_round(client, options.many, lambda: memory_of(cluster))
                full.append(memory)
                many_rates.append(options.many / seconds)
        finally:
            lifecycle.down(timeout=60)
    median = {key: statistics.median(each[key] for each in full) for key in full[0]}
    print(f"machine: {os.cpu_count()} cores, {platform.platform()}, Python {sys.version.split()[0]}")
    print(f"up: {up_seconds:.2f} s; empty daemon: {empty['daemon_rss']} MiB RSS")
    print(f"\n{'question':<58}{'median':>9}{'least':>9}{'most':>9}")
    rows = [
        (f"pods a second to Running ({options.rounds} rounds of {options.pods})", rates),
        (f"pods a second to Running (3 rounds of {options.many})", many_rates),
        *(
            (f"MiB {key} at {options.many} pods", [each[key] for each in full])
            for key in ("daemon_rss", "daemon_pss", "daemon_and_fork_server_pss", "shims_pss")
        ),
    ]
    for label, values in rows:
        print(f"{label:<58}{statistics.median(values):>9.1f}{min(values):>9.1f}{max(values):>9.1f}")
    print(
        json.dumps(
            {
                "benchmark": "embedded",
                "up_seconds": round(up_seconds, 3),
                "pods_per_second": round(statistics.median(rates), 1),
                "pods_per_second_many": round(statistics.median(many_rates), 1),
                "memory_mib": median,
                "empty_mib": empty,
            }
        )
    )


if __name__ == "__main__":
    main()
