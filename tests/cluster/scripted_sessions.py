"""Sessions without Spark: what they, their followers and keepers say to the API server is real, all else is scripted.

``python -m tests.cluster.scripted_sessions KUBECONFIG NAMESPACE FIRST COUNT`` opens so many in one process and says
``open``; to each line that it reads it answers with how they are, and at the end of its input it stops them.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from sparkk8s_nb.apiserver import ApiServer
from sparkk8s_nb.keeper.client import Client
from sparkk8s_nb.keeper.lifeline import lifeline
from sparkk8s_nb.keeper.loop import Inbox, Loop
from sparkk8s_nb.keeper.plan import KeeperPlan
from sparkk8s_nb.kube.connect import connect
from sparkk8s_nb.kube.lease import lease_manifest
from sparkk8s_nb.kube.pods import KubePodSource
from sparkk8s_nb.kube.preflight import check_rights
from sparkk8s_nb.localfiles import private_dir
from sparkk8s_nb.model.labels import session_selector
from sparkk8s_nb.model.sparkconf import DriverNetwork
from sparkk8s_nb.model.spec import ClusterAccess, ClusterTarget, TargetKind
from sparkk8s_nb.processes import ProcessId, identify
from sparkk8s_nb.session.orphans import remove_own
from sparkk8s_nb.session.parts import HeldNetwork
from sparkk8s_nb.session.session import Session
from tests.unit.session.conftest import World

AT_ONCE = 4
NETWORK = DriverNetwork(address="192.0.2.7", driver_port=22000, block_manager_port=22001, ui_port=22002)
OWNER = "ada"


class ThreadKeeper:
    """The keeper's own loop and requests, on a thread instead of in a process."""

    def __init__(self, access: ClusterAccess, namespace: str, name: str) -> None:
        plan = KeeperPlan(
            kernel=identify(),
            access=access,
            namespace=namespace,
            lease=name,
            selector=session_selector(name),
            runtime_dir=Path("/none"),
            log_file=Path("/none"),
        )
        self._reading, self._writing = os.pipe()
        self._transport = ApiServer(access)
        self._kernel = lifeline(plan.kernel)
        client = Client(self._transport, namespace, plan.selector)
        loop = Loop(plan, client, self._kernel, Inbox(self._reading))
        self._thread = threading.Thread(target=loop.run, name="keeper", daemon=True)

    def ready(self) -> None:
        """It is."""
        self._thread.start()

    def lease(self, name: str, uid: str) -> None:
        """Have it renewed."""
        self._tell(do="lease", name=name, uid=uid)

    def annotate(self, key: str, value: str) -> None:
        """With the next renewal."""
        self._tell(do="annotate", key=key, value=value)

    def driver(self, process: ProcessId) -> None:
        """There is none."""

    def cleanup(self, path: Path) -> None:
        """The process ends only when all is stopped."""

    def release(self, timeout: float) -> bool:
        """End it."""
        self._tell(do="release")
        self._thread.join(timeout)
        self._kernel.close()
        self._transport.close()
        os.close(self._reading)
        os.close(self._writing)
        return not self._thread.is_alive()

    def finish(self) -> None:
        """Something was not undone: what is left is found by the test."""

    def _tell(self, **message: str) -> None:
        os.write(self._writing, json.dumps(message).encode() + b"\n")


def open_session(number: int, kubeconfig: Path, namespace: str, directory: Path) -> Session:
    """One session."""
    name = f"many-{number}"
    world = World(private_dir(directory / name))
    target = ClusterTarget(kind=TargetKind.CONTEXT, namespace=namespace, kubeconfig=kubeconfig)
    cluster = connect(target, scratch=private_dir(directory / name / "api"))
    keeper = ThreadKeeper(cluster.access, namespace, name)

    def lease(labels: dict[str, str], annotations: dict[str, str]) -> dict[str, Any]:
        return lease_manifest(
            name,
            namespace,
            labels=labels,
            annotations=annotations,
            holder=name,
            duration_seconds=120,
            now=time.time(),
        )

    parts = {
        "cluster": cluster,
        "pods": KubePodSource(cluster),
        "lease": lease,
        "preflight": partial(check_rights, cluster),
        "orphans": partial(remove_own, cluster, OWNER, name),
        "take_ports": lambda: HeldNetwork(network=NETWORK, release=lambda: None),
        "launch_keeper": lambda: keeper,
        "now": time.time,
        "close": cluster.close,
    }
    session: Session = world.opened(parts=parts, name=name, notebook=name, target=target, wait=0)
    return session


def how(sessions: list[Session]) -> dict[str, int]:
    """How many there are, run, and see their pods live."""
    return {
        "sessions": len(sessions),
        "running": sum(session.state == "running" for session in sessions),
        "live": sum(not session.fleet.stale for session in sessions),
    }


def main(kubeconfig: str, namespace: str, first: str, count: str) -> None:
    """Open them, answer, and stop them."""
    with tempfile.TemporaryDirectory(prefix="sparkk8s-scripted-") as directory:
        tempfile.tempdir = directory
        numbers = range(int(first), int(first) + int(count))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            opening = [
                pool.submit(open_session, number, Path(kubeconfig), namespace, Path(directory))
                for number in numbers
            ]
            sessions = [each.result() for each in opening]
            print("open", flush=True)
            for _ in sys.stdin:
                print(json.dumps(how(sessions)), flush=True)
            said = list(pool.map(Session.stop, sessions))
        print(json.dumps([text for text in said if not text.endswith("Nothing left.")]), flush=True)
        tempfile.tempdir = None


if __name__ == "__main__":
    main(*sys.argv[1:])
