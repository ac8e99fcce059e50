"""One session in a notebook pod, and what happens to its executors: each is named, and mended or mendable."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sparkk8s_nb.model.quantities import parse_kubernetes_memory
from tests.cluster.node_tier import NodeTier
from tests.cluster.notebook_pods import NotebookPod, PodKernel
from tests.cluster.real_cluster import Namespace
from tests.embedded.kernels import GONE_SECONDS, SessionFacts
from tests.eventually import eventually

pytestmark = [pytest.mark.node_tier, pytest.mark.timeout(600)]

LOST_SECONDS = 60.0
"""The collector deletes an executor of a Lease that is gone, and the session looks for its Lease."""

NO_NEW_PODS_SECONDS = 5.0
MIB = 1 << 20

# Memory that belongs to the container and to no process, so the kernel ends the largest one, Java, as it does
# where Java itself takes too much.
HUNGRY = """
def hungry(number):
    import os, socket, time
    if socket.gethostname() != {pod!r}:
        time.sleep(0.2)
        return number
    held = os.memfd_create("held")
    while True:
        os.write(held, bytes(1 << 22))
print(sc.parallelize(range(8), 8).map(hungry).sum())
"""


@pytest.fixture(scope="module")
def kernel(notebook: NotebookPod) -> Iterator[PodKernel]:
    """A kernel with a session of two executors; at the end of all tests nothing of it is left."""
    kernel = notebook.kernel("work/fleet.ipynb")
    kernel.start("")
    yield kernel
    kernel.kill()
    assert eventually(lambda: not notebook.left(), GONE_SECONDS), notebook.left()


@pytest.fixture
def facts(kernel: PodKernel) -> SessionFacts:
    """The session as it is now."""
    return kernel.facts()


def pods(hub: Namespace, facts: SessionFacts) -> list[dict[str, Any]]:
    """The session's pods."""
    return list(hub.administrator.list("Pod", selector=f"sparkk8s-nb/session={facts.name}"))


def runs_well(kernel: PodKernel) -> bool:
    """Whether nothing is wrong with the session."""
    fleet = kernel.fleet()
    return (fleet["state"], fleet["verdict"], kernel.why()) == ("running", "", "")


def test_a_pod_that_somebody_deletes_is_replaced_and_its_end_explained(
    hub: Namespace, kernel: PodKernel
) -> None:
    """kubectl delete pod, a drained node: Spark asks for another one, and this one has time to end in order."""
    victim, pod = kernel.executor()
    assert hub.administrator.delete("Pod", pod)
    phase, reason = kernel.wait_ended(victim)
    assert (phase, reason) == ("done", "its pod was deleted, and it finished its tasks first")
    kernel.wait_ready(2)
    kernel.job()
    assert runs_well(kernel), kernel.why()
    assert eventually(lambda: hub.administrator.read("Pod", pod) is None)
    hooks = [event for event in hub.administrator.pod_events(pod) if event.reason == "FailedPreStopHook"]
    assert hooks == []


def test_a_pod_that_is_deleted_without_grace_is_replaced_too(hub: Namespace, kernel: PodKernel) -> None:
    """A preemption, a node that is lost: nothing was in order, and it says so."""
    victim, pod = kernel.executor()
    assert hub.administrator.delete("Pod", pod, grace=0)
    assert kernel.wait_ended(victim) == ("failed", "its pod was deleted")
    kernel.wait_ready(2)
    kernel.job()
    assert runs_well(kernel), kernel.why()


def test_an_executor_beyond_its_memory_is_named_and_its_tasks_run_elsewhere(kernel: PodKernel) -> None:
    """OOMKilled with the limit that it had and the option to raise it; the job's result is whole."""
    victim, pod = kernel.executor()
    cell = kernel.run(HUNGRY.format(pod=pod))
    assert cell.stdout.strip() == "28", cell.said
    phase, reason = kernel.wait_ended(victim)
    assert (phase, reason) == ("failed", "used more memory than its 1 GiB: raise --memory")
    assert "raise --memory" in kernel.run("%sparkk8s status").said
    kernel.wait_ready(2)
    assert runs_well(kernel), kernel.why()


def test_a_node_that_takes_no_more_pods_is_the_diagnosis_and_what_runs_goes_on(
    our_node_tier: NodeTier, hub: Namespace, kernel: PodKernel
) -> None:
    """kubectl cordon: the scheduler's words are shown at once, and the executor comes when it may."""
    with cordoned(hub):
        kernel.run("%sparkk8s scale 3")
        assert eventually(lambda: "unschedulable" in kernel.why()), kernel.why() or kernel.fleet()
        said = kernel.run("%sparkk8s status").said
        assert "1 executor of 3 waiting for room: 0/1 nodes are available" in said
        kernel.job()
    kernel.wait_ready(3)
    assert runs_well(kernel), kernel.why()
    scale_back(hub, kernel)


def test_a_quota_without_room_is_the_diagnosis_and_scale_goes_on_when_it_is_raised(
    hub: Namespace, kernel: PodKernel
) -> None:
    """The API server's own words; asking ends after a few refusals, and the session works on meanwhile."""
    with quota(hub, beyond_used=MIB << 9):
        kernel.run("%sparkk8s scale 3")
        assert eventually(lambda: "exceeded quota: team" in kernel.why()), kernel.why() or kernel.fleet()
        assert "have the administrator raise the quota" in kernel.why()
        assert "exceeded quota: team" in kernel.run("%sparkk8s status").said
        kernel.job()
    kernel.run("%sparkk8s scale 3")
    kernel.wait_ready(3)
    assert runs_well(kernel), kernel.why()
    scale_back(hub, kernel)


def test_a_deleted_lease_is_said_plainly_and_scale_revives_the_session(
    hub: Namespace, kernel: PodKernel, facts: SessionFacts
) -> None:
    """The cluster's collector takes the executors, and Spark makes none of a dead owner; then all is as before."""
    assert hub.administrator.delete("Lease", facts.name)
    kernel.wait_state("lost", LOST_SECONDS)
    said = kernel.run("%sparkk8s").said
    assert "The session's Lease was deleted" in said
    assert "%sparkk8s scale N revives it." in said
    assert eventually(lambda: not pods(hub, facts)), pods(hub, facts)
    assert not made_within(NO_NEW_PODS_SECONDS, hub, facts), "pods are still made for a dead owner"
    kernel.run("%sparkk8s scale 2")
    kernel.wait_ready(2)
    kernel.job()
    assert runs_well(kernel), kernel.why()
    lease = hub.administrator.read("Lease", facts.name)
    assert lease is not None
    owners = {owner["uid"] for pod in pods(hub, facts) for owner in pod["metadata"]["ownerReferences"]}
    assert owners == {lease["metadata"]["uid"]}


def test_after_all_of_that_a_stop_leaves_nothing(notebook: NotebookPod, kernel: PodKernel) -> None:
    """The second Lease and what it owns go like the first; the summary counts every executor that was."""
    said = kernel.run("%sparkk8s stop").stdout
    assert "Nothing left." in said
    assert int(re.findall(r"(\d+) executors", said)[-1]) >= 9, said
    assert notebook.left() == []


@contextmanager
def cordoned(hub: Namespace) -> Iterator[None]:
    """Every node takes no pod, as after ``kubectl cordon``."""
    nodes = [node["metadata"]["name"] for node in hub.administrator.list("Node")]
    try:
        for node in nodes:
            hub.administrator.merge("Node", node, {"spec": {"unschedulable": True}})
        yield
    finally:
        for node in nodes:
            hub.administrator.merge("Node", node, {"spec": {"unschedulable": None}})


@contextmanager
def quota(hub: Namespace, *, beyond_used: int) -> Iterator[None]:
    """A quota on memory that leaves so many bytes."""
    found = hub.administrator.list("Pod")
    limits = [each["resources"]["limits"]["memory"] for pod in found for each in pod["spec"]["containers"]]
    hard = {"limits.memory": str(sum(map(parse_kubernetes_memory, limits)) + beyond_used)}
    manifest = {"kind": "ResourceQuota", "metadata": {"name": "team"}, "spec": {"hard": hard}}
    hub.administrator.create(manifest)
    try:
        assert eventually(lambda: counted(hub)), "the quota is not counted"
        yield
    finally:
        hub.administrator.delete("ResourceQuota", "team")


def counted(hub: Namespace) -> bool:
    """Whether the quota's controller has counted what is there: before it refuses everything."""
    return bool(((hub.administrator.read("ResourceQuota", "team") or {}).get("status") or {}).get("used"))


def scale_back(hub: Namespace, kernel: PodKernel) -> None:
    """To two executors, and wait until the third has gone."""
    kernel.run("%sparkk8s scale 2")
    facts = kernel.facts()
    assert eventually(lambda: len(pods(hub, facts)) == 2), pods(hub, facts)


def made_within(seconds: float, hub: Namespace, facts: SessionFacts) -> bool:
    """Whether any pod of the session is made within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if pods(hub, facts):
            return True
        time.sleep(0.2)
    return False
