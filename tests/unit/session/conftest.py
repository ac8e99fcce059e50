"""A session made of fakes alone."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sparkk8s_nb.kube.lease import lease_manifest, owner_reference
from sparkk8s_nb.model.fleet import ExecutorStatus
from sparkk8s_nb.model.record import Holder
from sparkk8s_nb.model.sparkconf import DriverNetwork
from sparkk8s_nb.model.spec import GIB, ClusterTarget, ExecutorSpec, SessionSpec, TargetKind
from sparkk8s_nb.ports import SparkStatus
from sparkk8s_nb.session.parts import HeldNetwork, Kernel, Parts
from sparkk8s_nb.session.session import Session
from sparkk8s_nb.session.session_dir import make_keys, make_session_dir
from sparkk8s_nb.testing import (
    FakeClock,
    FakeCluster,
    FakeDriver,
    FakeKeeper,
    FakeLaunchingDriver,
    ScriptedPods,
)

NAME = "spark-test-1"
WAIT = 20.0
"""Seconds that a test waits at most for a thread; none takes them."""


def registered(*ids: str, running: int = 0) -> SparkStatus:
    """Spark's status with these executors at its disposal."""
    return SparkStatus(
        executors=tuple(ExecutorStatus(id=one, cores=1, running=running) for one in ids), jobs=()
    )


@dataclass
class World:
    """Everything around a session, and what happened to it."""

    tmp: Path
    cluster: FakeCluster = field(default_factory=FakeCluster)
    clock: FakeClock = field(default_factory=lambda: FakeClock(1000.0))
    driver: FakeDriver = field(default_factory=FakeDriver)
    keeper: FakeKeeper = field(default_factory=FakeKeeper)
    pods: ScriptedPods = field(default_factory=ScriptedPods)
    ports_held: int = 0
    ports_taken: int = 0
    closed: bool = False
    sessions: list[Session] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.launching = FakeLaunchingDriver(driver=self.driver)
        self.driver.answer = registered("1", "2")
        self.place = make_session_dir(NAME, self.tmp / "run", self.tmp / "state", event_log=True)

    registered = staticmethod(registered)
    name = NAME
    wait = WAIT

    def take_ports(self) -> HeldNetwork:
        self.ports_held += 1
        self.ports_taken += 1

        def release() -> None:
            self.ports_held -= 1

        network = DriverNetwork(
            address="127.0.0.1", driver_port=22000, block_manager_port=22001, ui_port=22002
        )
        return HeldNetwork(network=network, release=release)

    def close(self) -> None:
        self.closed = True

    def parts(self, **other: Any) -> Parts:
        found: dict[str, Any] = {
            "cluster": self.cluster,
            "pods": self.pods,
            "place": self.place,
            "keys": make_keys(self.place),
            "kernel": Kernel(
                holder=Holder(boot="b", pid=7, started=1.0), uid=1000, gid=1000, address="127.0.0.1"
            ),
            "take_ports": self.take_ports,
            "launch_driver": lambda: self.launching,
            "launch_keeper": lambda: self.keeper,
            "preflight": list,
            "orphans": list,
            "scripts": {"executor.sh": "#!/bin/sh\n"},
            "now": self.clock,
            "lease": lambda labels, annotations: lease_manifest(
                NAME,
                "default",
                labels=labels,
                annotations=annotations,
                holder=NAME,
                duration_seconds=120,
                now=1.0,
            ),
            "owner_reference": owner_reference,
            "close": self.close,
        }
        return Parts(**found | other)

    def spec(self, **other: Any) -> SessionSpec:
        found: dict[str, Any] = {
            "name": NAME,
            "owner": "ada",
            "notebook": "flights",
            "target": ClusterTarget(kind=TargetKind.EMBEDDED, namespace="default"),
            "executors": 2,
            "executor": ExecutorSpec(memory=2 * GIB),
            "image": "spark:4.3",
            "timeout": WAIT,
        }
        return SessionSpec(**found | other)

    def session(self, *, parts: dict[str, Any] | None = None, **spec: Any) -> Session:
        session = Session(self.spec(**spec), self.parts(**parts or {}))
        self.sessions.append(session)
        return session

    def opened(self, *, parts: dict[str, Any] | None = None, **spec: Any) -> Session:
        session = self.session(parts=parts, **spec)
        session.open()
        return session

    @property
    def left(self) -> list[str]:
        """What is left of a session: objects, files, ports, processes."""
        kinds = ("Lease", "Secret", "ConfigMap", "Service", "EndpointSlice", "Pod")
        found = [f"{kind} {item['metadata']['name']}" for kind in kinds for item in self.cluster.list(kind)]
        found += [str(path) for path in (self.place.root, self.place.scratch) if path.exists()]
        if self.ports_held:
            found.append("ports")
        return found


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A world in a temporary directory; whatever was opened in it is stopped at the end."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    made = World(tmp_path)
    yield made
    made.cluster.heal()
    for session in made.sessions:
        session.stop()
    made.place.lock.release()
