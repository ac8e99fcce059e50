"""The tests' own cluster leaves nothing on this machine, however its run ends."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from sparkk8s_nb.processes import ProcessId, identify, is_alive
from tests.cluster import node_tier as nodes
from tests.cluster.apiserver import start_api_tier
from tests.cluster.cleanup import LINKS, hierarchies, markers_dir, new_run, notes, sweep
from tests.cluster.daemons import BrokenClusterError
from tests.cluster.namespaces import SETTINGS
from tests.cluster.provision.places import API_BINARIES, missing_binaries
from tests.cluster.real_cluster import RealCluster
from tests.eventually import eventually
from tests.living import identities

pytestmark = pytest.mark.timeout(300)

ROOT = Path(__file__).parents[2]
UP_SECONDS = 180.0
MOUNTS = ("sparkk8s-cluster-", "containerd", "/run/netns", "kubelet")


@pytest.fixture(params=["api", pytest.param("node", marks=pytest.mark.node_tier)])
def tier(request: pytest.FixtureRequest) -> str:
    """A tier that this machine can run."""
    if missing := missing_binaries(API_BINARIES):
        pytest.skip(f"not built here: {', '.join(missing)} (make test-cluster builds them)")
    if request.param == "node" and (reason := nodes.why_not()):
        pytest.skip(f"no node tier here: {reason}")
    return str(request.param)


def machine() -> dict[str, Any]:
    """What is the whole machine's, and could have been changed."""
    if sys.platform != "linux":
        return {}
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    rules = ""
    if shutil.which("iptables-save"):
        rules = subprocess.run(["iptables-save"], check=False, capture_output=True, text=True).stdout
    return {
        "mounts": [line for line in mounts if any(word in line for word in MOUNTS)],
        "rules": [line for line in rules.splitlines() if not line.startswith(("#", ":"))],
        "settings": {
            name: Path("/proc/sys", name).read_text() for name in (*SETTINGS, "net/ipv4/ip_forward")
        },
        "routes": [line for line in Path("/proc/net/route").read_text().splitlines() if "sparkk8s" in line],
    }


def machine_before(tier: str) -> dict[str, Any] | None:
    """What the machine had before a node tier. The other is processes and files, and one may come up beside it."""
    return machine() if tier == "node" else None


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a run noted that it made, and its processes."""

    marker: Path
    listed: tuple[tuple[str, Any], ...]
    processes: tuple[ProcessId, ...]
    before: dict[str, Any] | None

    def alive(self) -> list[int]:
        """Processes that still run."""
        return [process.pid for process in self.processes if is_alive(process)]

    def left(self) -> list[object]:
        """Everything that is still there."""
        there: list[object] = [self.marker] if self.marker.exists() else []
        for what, value in self.listed:
            match what:
                case "directory" | "mount point":
                    there += [value] if Path(value).exists() else []
                case "link":
                    there += [value] if (LINKS / value).exists() else []
                case "cgroup":
                    there += [each / value for each in hierarchies() if (each / value).exists()]
        there += self.alive()
        if self.before is not None:
            there += [item for item in machine().items() if self.before[item[0]] != item[1]]
        return there


class Holder:
    """A process of its own that brings a tier up and holds it."""

    def __init__(self, tier: str) -> None:
        self.before = machine_before(tier)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.cluster.up", tier],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._owner = identify(self.process.pid).as_dict()

    def marker(self) -> Path | None:
        """Its marker, once it is there."""
        for path in markers_dir().glob("*.jsonl"):
            if ("owner", self._owner) in notes(path):
                return path
        return None

    def noted(self, what: str) -> bool:
        """Whether it has made such a thing."""
        assert self.process.poll() is None, "it ended before it came up"
        marker = self.marker()
        return marker is not None and any(found == what for found, _ in notes(marker))

    def up(self) -> dict[str, str]:
        """Wait until it is up."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "it did not come up"
        told: dict[str, str] = json.loads(line)
        return told

    def made(self) -> Made:
        """What it has made by now."""
        marker = self.marker()
        assert marker is not None
        children = psutil.Process(self.process.pid).children(recursive=True)
        return Made(
            marker=marker,
            listed=tuple(notes(marker)),
            processes=tuple(identities(children)),
            before=self.before,
        )

    def close(self) -> None:
        """End it for sure."""
        if self.process.poll() is None:
            self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        self.process.wait()
        sweep(markers_dir())


def run_pod(cluster: RealCluster, scratch: Path) -> None:
    """Have a pod run, with its mounts, network and control groups."""
    adapter = cluster.connect("default", scratch)
    sleeper = {"name": "main", "image": cluster.image, "command": ["sleep", "600"]}
    try:
        assert eventually(lambda: adapter.read("ServiceAccount", "default") is not None)
        adapter.create({"kind": "Pod", "metadata": {"name": "sleeper"}, "spec": {"containers": [sleeper]}})
        assert eventually(lambda: adapter.read("Pod", "sleeper")["status"]["phase"] == "Running")  # type: ignore[index]
    finally:
        adapter.close()


@pytest.fixture
def hold() -> Iterator[Callable[[str], Holder]]:
    """Starts such processes."""
    holders: list[Holder] = []

    def start(tier: str) -> Holder:
        holders.append(Holder(tier))
        return holders[-1]

    yield start
    for holder in holders:
        holder.close()


def test_a_run_that_ends_has_removed_everything(hold: Callable[[str], Holder], tier: str) -> None:
    """Processes, mounts, links, routes, control groups, rules, the kernel's settings, files."""
    holder = hold(tier)
    assert Path(holder.up()["kubeconfig"]).stat().st_mode & 0o777 == 0o600
    made = holder.made()
    assert len(made.alive()) >= {"api": 2, "node": 8}[tier]
    assert holder.process.stdin is not None
    holder.process.stdin.close()
    assert holder.process.wait(60) == 0
    assert made.left() == []


@pytest.mark.parametrize("what", ["process", "link", "cgroup"])
def test_a_run_that_is_interrupted_on_its_way_up_removes_everything(
    hold: Callable[[str], Holder], tier: str, what: str
) -> None:
    """Ctrl-C, early and late."""
    if tier == "api" and what != "process":
        pytest.skip("the API tier makes none")
    holder = hold(tier)
    assert eventually(lambda: holder.noted(what), UP_SECONDS)
    made = holder.made()
    holder.process.send_signal(signal.SIGINT)
    assert holder.process.wait(60) != 0
    assert made.left() == []


def test_after_a_killed_run_its_processes_end_and_the_next_run_removes_the_rest(
    hold: Callable[[str], Holder], tier: str, tmp_path: Path
) -> None:
    """kill -9: the kernel ends what ran, the marker tells the next run what to remove."""
    holder = hold(tier)
    told = holder.up()
    if "image" in told:
        run_pod(RealCluster(kubeconfig=Path(told["kubeconfig"]), image=told["image"]), tmp_path)
    made = holder.made()
    holder.process.kill()
    holder.process.wait()
    if sys.platform == "linux":
        assert eventually(lambda: not made.alive()), made.alive()
    with new_run():
        assert made.left() == []


def come_up(tier: str, seen: list[Made]) -> None:
    """Bring a tier up in this process; tells what had been made when it ended."""
    before = machine_before(tier)
    with new_run() as run, ExitStack() as stack:

        def look() -> None:
            listed = tuple(notes(run.marker))
            processes = tuple(ProcessId(**value) for what, value in listed if what == "process")
            seen.append(Made(marker=run.marker, listed=listed, processes=processes, before=before))

        stack.callback(look)
        (start_api_tier if tier == "api" else nodes.start_node_tier)(run, stack)


def test_a_run_that_fails_says_why_and_removes_everything(monkeypatch: pytest.MonkeyPatch, tier: str) -> None:
    """A part that does not come up is an error with its name, never a skip."""
    broken = {"api": "apiserver", "node": "kubelet"}[tier]
    monkeypatch.setattr(f"tests.cluster.{broken}.binary", lambda name: Path("/bin/false"))
    seen: list[Made] = []
    with pytest.raises(BrokenClusterError, match=r"(etcd|kubelet) ended with 1"):
        come_up(tier, seen)
    assert seen[0].processes
    assert seen[0].left() == []
