"""The daemon's life: one per user, nothing left behind however it ends."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from kubernetes import client, config

from sparkk8s_nb.embedded import lifecycle
from sparkk8s_nb.embedded.isolated import readable_directories
from sparkk8s_nb.embedded.lifecycle import EmbeddedCluster, NodeSettings
from sparkk8s_nb.errors import EmbeddedError
from tests.eventually import until


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime directory of the test's own; no daemon is left in it."""
    monkeypatch.setenv("SPARKK8S_RUNTIME_DIR", str(tmp_path / "run"))
    yield tmp_path / "run"
    lifecycle.down(timeout=30)


@contextlib.contextmanager
def core_of(cluster: EmbeddedCluster) -> Iterator[client.CoreV1Api]:
    with config.new_client_from_config(str(cluster.kubeconfig)) as api:
        yield client.CoreV1Api(api)


def start_pod(core: client.CoreV1Api, script: str, name: str = "p", program: str = "bash") -> Any:
    container = {"name": "c", "image": "i", "command": [program, "-c", script]}
    core.create_namespaced_pod(
        "default",
        {"metadata": {"name": name}, "spec": {"restartPolicy": "Never", "containers": [container]}},
    )
    return until(
        lambda: (pod := core.read_namespaced_pod(name, "default")).status.phase != "Pending" and pod,
        "the pod runs",
    )


def called(mark: str) -> list[psutil.Process]:
    """Living processes whose first argument is that."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(psutil.Error):
            if (process.info["cmdline"] or [""])[0] == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def below(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    left = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                left.append(process)
    return left


def test_up_is_idempotent_and_down_leaves_nothing(runtime: Path) -> None:
    """The second up finds the first; afterwards neither process nor file is there."""
    first = lifecycle.up()
    assert lifecycle.up() == first
    status = lifecycle.status()
    assert status is not None
    assert (status.pid, status.server, status.pods, status.sessions) == (first.pid, first.server, 0, 0)
    with core_of(first) as core:
        start_pod(core, "sleep 600 & sleep 600")
    processes = [psutil.Process(first.pid), *below(first.pid)]
    assert lifecycle.down() is True
    assert alive(processes) == []
    assert not (runtime / "embedded").exists()
    assert lifecycle.status() is None
    assert lifecycle.down() is False


def test_its_files_are_private(runtime: Path) -> None:
    """0600 in a 0700 directory, none of it in a process's arguments."""
    cluster = lifecycle.up()
    home = runtime / "embedded"
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in home.iterdir() if each.is_file()} == {0o600}
    token = cluster.token_file.read_text()
    for process in (psutil.Process(cluster.pid), *below(cluster.pid)):
        assert token not in " ".join(process.cmdline())
    assert not list(home.glob("*.pem")), "the server's key stays in memory"


def test_the_kubeconfig_names_the_embedded_context(runtime: Path) -> None:
    """With namespace and certificate authority."""
    cluster = lifecycle.up()
    contexts, current = config.list_kube_config_contexts(str(lifecycle.kubeconfig_path()))
    assert [each["name"] for each in contexts] == ["embedded"] == [current["name"]]
    assert current["context"]["namespace"] == "default"
    assert cluster.kubeconfig == lifecycle.kubeconfig_path()


def test_two_that_start_at_once_get_one_daemon(runtime: Path) -> None:
    """From different processes and threads."""
    code = "from sparkk8s_nb.embedded import lifecycle; print(lifecycle.up(timeout=60).pid)"

    def start(_: int) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=90, check=True
        )
        return done.stdout.strip()

    with ThreadPoolExecutor(4) as pool:
        pids = set(pool.map(start, range(4)))
    assert len(pids) == 1


def test_it_outlives_whoever_started_it(runtime: Path) -> None:
    """In a process session of its own: a hang-up of the starter's group does not reach it."""
    code = "from sparkk8s_nb.embedded import lifecycle; print(lifecycle.up(timeout=60).pid)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
        start_new_session=True,
    )
    pid = int(done.stdout)
    assert os.getsid(pid) == pid
    assert lifecycle.up().pid == pid


def test_other_settings_are_an_error_while_it_runs(runtime: Path) -> None:
    """Two lines: what runs, and what to do."""
    lifecycle.up(settings=NodeSettings(cpus=1))
    lifecycle.up()
    with pytest.raises(EmbeddedError, match="runs with other settings: cpus=1") as caught:
        lifecycle.up(settings=NodeSettings(cpus=2))
    assert "cluster down" in caught.value.fix


def test_what_may_be_used_is_the_least_of_machine_and_settings(runtime: Path) -> None:
    """Settings can only take away (unless overcommit is asked for)."""
    lifecycle.up(settings=NodeSettings(cpus=0.5, memory=1024**3))
    status = lifecycle.status()
    assert status is not None
    assert (status.allocatable_cpus, status.allocatable_memory) == (0.5, 1024**3)
    assert status.capacity_cpus >= 1


@pytest.mark.skipif(sys.platform != "linux", reason="needs subreapers")
def test_when_the_daemon_is_killed_no_process_of_a_pod_survives(runtime: Path) -> None:
    """kill -9; also those that left session and group, and those that ignore TERM."""
    cluster = lifecycle.up()
    mark = f"sleep-{uuid.uuid4().hex}"
    script = f"trap '' TERM HUP; setsid bash -c 'exec -a {mark} sleep 600' & exec -a {mark} sleep 600"
    with core_of(cluster) as core:
        for i in range(3):
            start_pod(core, script, name=f"p{i}")
    until(lambda: len(called(mark)) == 6, "all processes run")
    processes = below(cluster.pid) + called(mark)
    os.kill(cluster.pid, signal.SIGKILL)
    until(lambda: not alive(processes) and not called(mark), "all processes are gone")
    until(lambda: not list((runtime / "embedded" / "pods").iterdir()), "the pods' files are gone")
    assert lifecycle.status() is None
    assert lifecycle.up().pid != cluster.pid


def test_it_ends_itself_when_idle(runtime: Path) -> None:
    """Without a pod and a Lease for so long; its files go with it."""
    cluster = lifecycle.up(settings=NodeSettings(idle_seconds=1.0))
    with core_of(cluster) as core:
        coordination = client.CoordinationV1Api(core.api_client)
        coordination.create_namespaced_lease("default", {"metadata": {"name": "session"}, "spec": {}})
        time.sleep(2)
        status = lifecycle.status()
        assert status is not None, "a session keeps it alive"
        assert status.idle_for is None
        coordination.delete_namespaced_lease("session", "default")
    until(lambda: not psutil.pid_exists(cluster.pid), "it has ended")
    assert lifecycle.status() is None
    assert not any(each.is_file() for each in (runtime / "embedded").iterdir())


def test_leftovers_of_a_killed_daemon_are_cleaned_up(runtime: Path) -> None:
    """down removes what it could not."""
    cluster = lifecycle.up()
    os.kill(cluster.pid, signal.SIGKILL)
    until(lambda: not psutil.pid_exists(cluster.pid), "it is dead")
    assert (runtime / "embedded" / "kubeconfig").exists()
    assert lifecycle.down() is False
    assert not (runtime / "embedded").exists()


def test_a_daemon_that_hangs_is_replaced(runtime: Path) -> None:
    """It is stopped (SIGSTOP): up ends it and starts another."""
    cluster = lifecycle.up()
    os.kill(cluster.pid, signal.SIGSTOP)
    assert lifecycle.up(timeout=60).pid != cluster.pid


def test_a_daemon_that_cannot_start_says_why(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two lines with the end of its log; no file is left."""
    monkeypatch.setenv("SPARKK8S_TEST", "1")
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(EmbeddedError, match="did not start: ended at once"):
        lifecycle.up()
    assert not any((runtime / "embedded").iterdir())


def test_a_runtime_directory_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link, for instance."""
    (tmp_path / "real").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "embedded").symlink_to(tmp_path / "real")
    monkeypatch.setenv("SPARKK8S_RUNTIME_DIR", str(tmp_path / "run"))
    with pytest.raises(Exception, match="is not a directory of yours"):
        lifecycle.up()


can_isolate = pytest.mark.skipif(
    sys.platform != "linux" or os.getuid() != 0, reason="isolated pods need Linux and root"
)


@can_isolate
def test_an_isolated_pod_sees_the_system_and_its_own_files_only(runtime: Path, tmp_path: Path) -> None:
    """A file on the notebook's disk is not there, and nothing is written to that disk."""
    (tmp_path / "data.csv").write_text("a,b")
    cluster = lifecycle.up(settings=NodeSettings(isolate=True))
    script = (
        f"cat {tmp_path}/data.csv; ls -A {Path.home()}; ls -A /tmp | head -3; {sys.executable} -c 'print(40 + 2)';"
        " echo x > /usr/made-up || echo ro1; echo x > /made-up || echo ro2; echo x > /tmp/y && cat /tmp/y;"
        f" echo x > {sys.prefix}/made-up || echo ro3; echo mine > $HOME/f; cat $HOME/f; mount | wc -l"
    )
    with core_of(cluster) as core:
        pod = start_pod(core, script)
        pod = until(
            lambda: (
                (p := core.read_namespaced_pod("p", "default")).status.phase in ("Succeeded", "Failed") and p
            ),
            "it ends",
        )
        log = core.read_namespaced_pod_log("p", "default")
        assert pod.status.phase == "Succeeded", log
        lines = log.splitlines()
        assert any("No such file" in line and "data.csv" in line for line in lines)
        assert {"42", "ro1", "ro2", "ro3", "x", "mine"} <= set(lines)
        assert "a,b" not in lines
    assert not Path("/made-up").exists()
    assert not Path("/usr/made-up").exists()


@can_isolate
def test_the_mounts_of_isolated_pods_go_with_them(runtime: Path) -> None:
    """The machine's own mounts are the same before, while and after."""
    before = Path("/proc/self/mountinfo").read_text()
    cluster = lifecycle.up(settings=NodeSettings(isolate=True))
    with core_of(cluster) as core:
        start_pod(core, "sleep 600")
        assert Path("/proc/self/mountinfo").read_text() == before
    os.kill(cluster.pid, signal.SIGKILL)
    until(lambda: not psutil.pid_exists(cluster.pid), "it is dead")
    lifecycle.down()
    assert Path("/proc/self/mountinfo").read_text() == before
    assert not (runtime / "embedded").exists()


@can_isolate
def test_java_and_python_are_there_for_isolated_pods() -> None:
    """Where they are outside the system's directories, they are shown."""
    shown = readable_directories("/srv/jdk")
    assert "/srv/jdk" in shown
    assert not any(each.startswith("/usr/") for each in shown)


@can_isolate
def test_isolation_that_cannot_be_had_is_told(runtime: Path) -> None:
    """Without CAP_SYS_ADMIN, as in most containers: two lines, and no daemon."""
    code = (
        "import json\n"
        "from sparkk8s_nb.embedded import lifecycle\n"
        "from sparkk8s_nb.errors import EmbeddedError\n"
        "try: lifecycle.up(settings=lifecycle.NodeSettings(isolate=True))\n"
        "except EmbeddedError as error: print(json.dumps([error.problem, error.fix]))\n"
    )
    drop = "import ctypes, os, sys; ctypes.CDLL(None).prctl(24, 21, 0, 0, 0); os.execv(sys.executable, sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", drop, sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    problem, fix = json.loads(done.stdout)
    assert "Pods cannot be isolated here: unshare: Operation not permitted" in problem
    assert "--isolate" in fix
    assert lifecycle.status() is None
    assert not any((runtime / "embedded").iterdir())
