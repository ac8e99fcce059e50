"""One session through what it must outlive: a stopped kernel, a dead executor, a Lease that was deleted."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import signal
import time
from pathlib import Path

import psutil
import pytest

from sparkk8s_nb.embedded.lifecycle import EmbeddedCluster
from sparkk8s_nb.processes import ProcessId, is_alive
from tests.embedded.kernels import CELL_SECONDS, Kernel, Remains, SessionFacts, processes_of
from tests.eventually import eventually

STOPPED_SECONDS = float(os.environ.get("SPARKK8S_TEST_STOPPED_SECONDS", "180"))
"""The promise is three minutes; whoever works on these tests may shorten it."""

LOST_SECONDS = 15.0
DEAD_PODS_KEPT = 10

pytestmark = pytest.mark.timeout(STOPPED_SECONDS + 900)


@pytest.fixture(scope="module")
def kernel(new_kernel) -> Kernel:
    """A kernel with a session of two executors."""
    kernel = new_kernel("work/long.ipynb")
    kernel.start("-n 2 --cores 1 --memory 1g")
    return kernel


@pytest.fixture
def facts(kernel: Kernel) -> SessionFacts:
    """The session as it is now."""
    return kernel.facts()


def pods(remains: Remains, facts: SessionFacts) -> list[dict]:
    """The session's pods."""
    return remains.cluster.list("Pod", selector=f"sparkk8s-nb/session={facts.name}")


def secrets(kernel: Kernel, facts: SessionFacts, cluster: EmbeddedCluster) -> dict[str, bytes]:
    """Everything of a session that nobody may read, by what it is."""
    return {
        "the RPC secret": (facts.root / "rpc").read_bytes(),
        "the Spark UI's key": (facts.root / "ui.key").read_bytes(),
        "the API server's token": cluster.token_file.read_bytes().strip(),
        "the gateway's secret": kernel.value("sc._gateway.gateway_parameters.auth_token").encode(),
    }


def in_processes(processes: list[int], needle: bytes) -> list[str]:
    """Where a secret stands in arguments or environments."""
    found = []
    for pid in processes:
        for part in ("cmdline", "environ"):
            with contextlib.suppress(OSError):
                if needle in Path(f"/proc/{pid}/{part}").read_bytes():
                    found.append(f"{part} of {' '.join(psutil.Process(pid).cmdline())[:80]}")
    return found


def test_no_secret_is_in_an_argument_an_environment_a_pod_a_log_or_a_record(
    kernel: Kernel, facts: SessionFacts, remains: Remains, embedded_cluster: EmbeddedCluster
) -> None:
    """What other users of the machine or the cluster can see, and what is kept."""
    kernel.job()
    kernel.run("spark.range(3).count()")
    below = [process.pid for process in psutil.Process(kernel.pid).children(recursive=True)]
    processes = [kernel.pid, *below, *(process.pid for process in processes_of(facts.app_id))]
    assert facts.jvm.pid in processes
    assert facts.keeper.pid in processes
    there = pods(remains, facts)
    lease = remains.cluster.read("Lease", facts.name)
    state = Path(os.environ["SPARKK8S_STATE_DIR"])
    kept = {
        "the pods": json.dumps(there).encode(),
        "the Lease": json.dumps(lease).encode(),
        "the session's record": (facts.root / "record.json").read_bytes(),
        "the kernel's os.environ": json.dumps(kernel.value("dict(__import__('os').environ)")).encode(),
        "the pod template": (facts.root / "pod-template.json").read_bytes(),
    }
    kept |= {str(path): path.read_bytes() for path in (state / "logs" / facts.name).iterdir()}
    for pod in there:
        name = pod["metadata"]["name"]
        kept[f"the log of {name}"] = remains.cluster.pod_log(name, tail=5000).encode()
    for what, secret in secrets(kernel, facts, embedded_cluster).items():
        assert len(secret) >= 16, what
        for form in (secret, base64.b64encode(secret)):
            places = [place for place, text in kept.items() if form in text]
            assert in_processes(processes, form) + places == [], what
    private = (facts.root, facts.scratch, state / "logs" / facts.name)
    assert [str(path) for path in private if path.stat().st_mode & 0o077] == []
    assert not {"PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET"} & set(
        kernel.value("list(__import__('os').environ)")
    )


def test_a_kernel_that_is_stopped_for_minutes_goes_on_as_if_nothing_had_been(
    kernel: Kernel, facts: SessionFacts, remains: Remains
) -> None:
    """A closed lid, a debugger: the keeper renews the Lease meanwhile, and everything lives."""
    kernel.job()
    before = remains.cluster.read("Lease", facts.name)
    os.kill(kernel.pid, signal.SIGSTOP)
    try:
        time.sleep(STOPPED_SECONDS)
        during = remains.cluster.read("Lease", facts.name)
    finally:
        os.kill(kernel.pid, signal.SIGCONT)
    assert during["metadata"]["uid"] == before["metadata"]["uid"]
    assert during["spec"]["renewTime"] > before["spec"]["renewTime"]
    kernel.job()
    assert [process for process in (facts.jvm, facts.keeper) if not is_alive(process)] == []
    fleet = kernel.fleet()
    assert (fleet["state"], fleet["ready"], fleet["verdict"]) == ("running", 2, "")
    assert len(pods(remains, facts)) == 2


def executor_jvm(facts: SessionFacts, executor: str) -> ProcessId:
    """The JVM of one executor."""
    marked = f"SPARK_EXECUTOR_ID={executor}".encode()
    (found,) = [
        process
        for process in processes_of(facts.app_id)
        if marked in Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
        and psutil.Process(process.pid).name() == "java"
    ]
    return found


def test_executors_given_back_are_no_longer_asked_for_and_only_they(kernel: Kernel) -> None:
    """What dies after a scale down is replaced, as the next test sees."""
    kernel.run("%sparkk8s scale 3")
    kernel.wait_ready(3)
    kernel.run("%sparkk8s scale 2")
    two = "sparkk8s_nb.current().fleet_feed.wait_for(lambda f: f.ready == 2, 60).ready"
    assert kernel.value(two) == 2


def test_a_killed_executor_is_replaced_and_its_reason_and_log_are_kept(
    kernel: Kernel, facts: SessionFacts, remains: Remains
) -> None:
    """Spark asks for another; what the dead one said is kept, its pod is not."""
    fleet = kernel.fleet()
    victim = next(row for row in fleet["executors"] if row[1] == "running")
    os.kill(executor_jvm(facts, victim[0]).pid, signal.SIGKILL)
    gone = f"sparkk8s_nb.current().fleet_feed.wait_for(lambda f: f.find({victim[0]!r}).phase == 'failed', 60).ready"
    kernel.value(gone)
    kernel.wait_ready(2)
    kernel.job()
    after = kernel.fleet()
    row = next(row for row in after["executors"] if row[0] == victim[0])
    assert row[1] == "failed"
    assert "137" in row[2], row
    kept_log = kernel.run(f"%sparkk8s logs {victim[0]} --tail 400").stdout
    assert "CoarseGrainedExecutorBackend" in kept_log or "KubernetesExecutorBackend" in kept_log, kept_log
    assert eventually(lambda: victim[3] not in [pod["metadata"]["name"] for pod in pods(remains, facts)])
    dead = [pod for pod in pods(remains, facts) if pod["status"]["phase"] in ("Failed", "Succeeded")]
    assert len(dead) <= DEAD_PODS_KEPT


def test_a_deleted_lease_is_said_plainly_and_scale_revives_the_session(
    kernel: Kernel, facts: SessionFacts, remains: Remains
) -> None:
    """The collector takes the executors; Spark must not make new ones of a dead owner for ever."""
    assert remains.cluster.delete("Lease", facts.name)
    kernel.wait_state("lost", LOST_SECONDS)
    said = kernel.run("%sparkk8s").said
    assert "The session's Lease was deleted" in said
    assert "%sparkk8s scale N revives it." in said
    assert eventually(lambda: not pods(remains, facts)), pods(remains, facts)
    newest = 0
    for _ in range(20):
        newest = max(
            [newest, *(int(re.sub(r".*-", "", p["metadata"]["name"])) for p in pods(remains, facts))]
        )
        time.sleep(0.25)
    assert newest == 0, "pods are still made for a dead owner"
    kernel.run("%sparkk8s scale 2")
    kernel.wait_ready(2)
    kernel.job()
    fleet = kernel.fleet()
    assert (fleet["state"], fleet["verdict"]) == ("running", "")
    lease = remains.cluster.read("Lease", facts.name)
    assert lease is not None
    owners = {owner["uid"] for pod in pods(remains, facts) for owner in pod["metadata"]["ownerReferences"]}
    assert owners == {lease["metadata"]["uid"]}


def test_after_all_of_that_a_stop_leaves_nothing(
    kernel: Kernel, facts: SessionFacts, remains: Remains
) -> None:
    """The second Lease and what it owns go like the first."""
    cell = kernel.run("%sparkk8s stop", timeout=CELL_SECONDS)
    assert cell.stdout.rstrip().endswith("Nothing left."), cell.said
    assert remains.all(facts, kernel) == []
