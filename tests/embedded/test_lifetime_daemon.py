"""The embedded cluster's daemon is killed under a session."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from sparkk8s_nb.embedded import lifecycle
from sparkk8s_nb.processes import is_alive
from tests.embedded.kernels import Kernel, Remains, adapter
from tests.eventually import eventually

pytestmark = pytest.mark.timeout(900)

ONE = "-n 1 --cores 1 --memory 1g"


@pytest.fixture
def own_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime directory without a cluster: the first start makes one."""
    monkeypatch.setenv("SPARKK8S_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("SPARKK8S_STATE_DIR", str(tmp_path / "state"))
    yield tmp_path / "run"
    lifecycle.down(timeout=30)


@pytest.fixture
def kernel(own_runtime: Path, tmp_path: Path) -> Iterator[Kernel]:
    """A kernel that has the cluster for itself."""
    kernel = Kernel(tmp_path / "kernel", "work/alone.ipynb")
    yield kernel
    kernel.close()


def test_a_killed_daemon_takes_its_pods_along_and_the_session_says_so(
    kernel: Kernel, own_runtime: Path, tmp_path: Path
) -> None:
    """No executor survives; stop and the next start work."""
    first = kernel.start(ONE, executors=1)
    status = lifecycle.status()
    assert status is not None
    os.kill(status.pid, signal.SIGKILL)
    assert eventually(lambda: not [p for p in first.executors if is_alive(p)]), "executors survive"
    stale = "sparkk8s_nb.current().fleet_feed.wait_for(lambda fleet: bool(fleet.stale), 60).stale"
    assert kernel.value(stale)
    said = kernel.run("%sparkk8s").said
    assert "The Kubernetes API does not answer" in said, said
    stop = kernel.run("%sparkk8s stop", timeout=120)
    assert stop.stdout.startswith("Stopped"), stop.said
    assert stop.stderr == ""
    assert not is_alive(first.jvm)
    assert eventually(lambda: not is_alive(first.keeper))
    assert not first.root.exists()
    assert not first.scratch.exists()
    second = kernel.start(ONE, executors=1)
    again = kernel.run("%sparkk8s stop")
    assert again.stdout.rstrip().endswith("Nothing left."), again.said
    cluster = adapter(lifecycle.up(), tmp_path / "api")
    try:
        remains = Remains(cluster, own_runtime)
        assert remains.all(second, kernel) == []
        assert remains.any_objects() == []
    finally:
        cluster.close()
