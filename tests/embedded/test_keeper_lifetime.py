"""A kernel dies, or only stops: real processes, the embedded cluster, a stand-in for the JVM."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from sparkk8s_nb.embedded.lifecycle import EmbeddedCluster
from sparkk8s_nb.kube.connect import connect
from sparkk8s_nb.kube.gateway import KubeCluster
from sparkk8s_nb.model.spec import ClusterTarget, TargetKind
from sparkk8s_nb.processes import ProcessId, identify, is_alive
from tests.eventually import eventually

KINDS = ("Pod", "Service", "Secret", "ConfigMap", "Lease")
names = itertools.count(1)


@dataclass
class Kernel:
    """A stand-in kernel with its session."""

    name: str
    process: subprocess.Popen[str]
    jvm: ProcessId
    keeper: ProcessId
    child: ProcessId | None
    directory: Path


@pytest.fixture
def cluster(embedded_cluster: EmbeddedCluster, tmp_path: Path) -> Iterator[KubeCluster]:
    """Our adapter on the embedded cluster."""
    target = ClusterTarget(
        kind=TargetKind.EMBEDDED, namespace="default", kubeconfig=embedded_cluster.kubeconfig
    )
    cluster = connect(target, scratch=tmp_path / "test-api")
    yield cluster
    cluster.close()


@pytest.fixture
def start(embedded_cluster: EmbeddedCluster, tmp_path: Path) -> Iterator[Callable[..., Kernel]]:
    """Starts stand-in kernels, each in a process session of its own."""
    kernels: list[Kernel] = []

    def run(*flags: str) -> Kernel:
        name = f"keeper-{os.getpid()}-{next(names)}"
        directory = tmp_path / name
        script = Path(__file__).with_name("standin_kernel.py")
        process = subprocess.Popen(
            [sys.executable, script, embedded_cluster.kubeconfig, directory, name, *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        child = identify(told["child"]) if told["child"] else None
        kernel = Kernel(name, process, identify(told["jvm"]), identify(told["keeper"]), child, directory)
        kernels.append(kernel)
        return kernel

    yield run
    for kernel in kernels:
        for process in (kernel.child, kernel.jvm, kernel.keeper):
            if process is not None and is_alive(process):
                psutil.Process(process.pid).kill()
        if kernel.process.poll() is None:
            kernel.process.kill()
        kernel.process.wait()
        for pipe in (kernel.process.stdin, kernel.process.stdout):
            assert pipe is not None
            pipe.close()


def left(cluster: KubeCluster, kernel: Kernel) -> list[str]:
    """What is still there of a session in the cluster."""
    selector = f"sparkk8s-nb/session={kernel.name}"
    return [
        f"{kind} {item['metadata']['name']}"
        for kind in KINDS
        for item in cluster.list(kind, selector=selector)
    ]


def assert_nothing_left(cluster: KubeCluster, kernel: Kernel) -> None:
    """No process but an unrelated child, no object, no file."""
    eventually(lambda: not is_alive(kernel.keeper))
    assert not is_alive(kernel.keeper), "the keeper still runs"
    assert not is_alive(kernel.jvm), "the JVM still runs"
    assert left(cluster, kernel) == []
    assert not kernel.directory.exists()


def test_a_killed_kernel_leaves_nothing(cluster, start):
    """kill -9 of the kernel alone."""
    kernel = start()
    assert len(left(cluster, kernel)) == 6
    kernel.process.kill()
    kernel.process.wait()
    assert_nothing_left(cluster, kernel)


def test_a_killed_process_group_leaves_nothing(cluster, start):
    """As Jupyter does it: the keeper and the JVM are not in the kernel's group."""
    kernel = start()
    os.killpg(kernel.process.pid, signal.SIGKILL)
    kernel.process.wait()
    assert_nothing_left(cluster, kernel)


def test_a_killed_kernel_with_a_living_child_leaves_nothing(cluster, start):
    """The child holds the keeper's pipe open; only the kernel's own end counts."""
    kernel = start("fork")
    kernel.process.kill()
    kernel.process.wait()
    assert_nothing_left(cluster, kernel)
    assert is_alive(kernel.child)


def test_a_kernel_that_exits_tells_the_keeper_and_goes(cluster, start):
    """At interpreter exit nobody waits for the clean-up."""
    kernel = start()
    kernel.process.stdin.close()
    assert kernel.process.wait(30) == 0
    assert_nothing_left(cluster, kernel)


def test_a_stopped_kernel_keeps_its_session(cluster, start):
    """SIGSTOP, a debugger, starvation: the Lease is renewed, nothing is removed."""
    kernel = start()
    kernel.process.send_signal(signal.SIGSTOP)
    seen = set()

    def renewed() -> bool:
        seen.add(cluster.read("Lease", kernel.name)["spec"]["renewTime"])
        return len(seen) >= 4

    assert eventually(renewed, 30)
    assert len(left(cluster, kernel)) == 6
    assert is_alive(kernel.jvm)
    kernel.process.send_signal(signal.SIGCONT)
    kernel.process.stdin.close()
    assert kernel.process.wait(30) == 0
    assert_nothing_left(cluster, kernel)


def test_a_lease_that_was_taken_away_is_not_made_again_by_the_keeper(cluster, start):
    """LOST is the session's business; at the end the rest is still cleaned up."""
    kernel = start()
    assert cluster.delete("Lease", kernel.name)
    assert eventually(lambda: "is gone or another's" in kernel.directory.with_suffix(".log").read_text(), 30)
    assert cluster.read("Lease", kernel.name) is None
    assert is_alive(kernel.keeper)
    kernel.process.kill()
    kernel.process.wait()
    assert_nothing_left(cluster, kernel)
