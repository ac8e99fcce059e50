"""Sessions beside each other: kernels of one pod, other namespaces, and the pod's container before and after."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sparkk8s_nb.session.orphans import find_sessions, remove_all
from tests.cluster.node_tier import NodeTier
from tests.cluster.notebook_pods import NotebookPod, PodKernel, objects_left, start_notebook_pod
from tests.cluster.real_cluster import RESTRICTED, Namespace, session_rules
from tests.embedded.kernels import GONE_SECONDS
from tests.eventually import eventually

pytestmark = [pytest.mark.node_tier, pytest.mark.timeout(600)]

PORTS = ("spark.driver.port", "spark.driver.blockManager.port", "spark.ui.port")
MANAGED = "app.kubernetes.io/managed-by=sparkk8s-nb"
SUM = "print(sc.parallelize(range(40), 8).map(lambda n: (__import__('time').sleep(0.1), n)[1]).sum())"


@pytest.fixture
def team(hub: Namespace, tmp_path: Path) -> Iterator[Namespace]:
    """Another namespace, where the notebooks' account may do what a session does."""
    with hub.cluster.namespace(tmp_path, labels=RESTRICTED) as namespace:
        namespace.grant("notebook", session_rules(), home=hub.name)
        yield namespace


def ports_of(kernel: PodKernel) -> set[int]:
    """The ports on which a kernel's driver listens."""
    return {int(port) for port in kernel.value(f"[sc.getConf().get(key) for key in {PORTS}]")}


def named_ports(objects: list[dict[str, Any]], *path: str) -> dict[str, set[int]]:
    """The ports of Services or EndpointSlices, by session."""
    found = {}
    for item in objects:
        ports = item
        for key in path:
            ports = ports[key]
        found[item["metadata"]["name"]] = {port["port"] for port in ports}  # type: ignore[index]
    return found


def test_two_kernels_of_a_pod_start_at_once_and_share_no_port_and_no_service(
    hub: Namespace, notebook: NotebookPod
) -> None:
    """Each has its own driver, Service, executor and results; the end of one is nothing to the other."""
    left, right = kernels = [notebook.kernel(f"work/{name}.ipynb") for name in ("left", "right")]
    try:
        begun = [kernel.begin("%sparkk8s start -n 1") for kernel in kernels]
        for kernel, cell in zip(kernels, begun, strict=True):
            kernel.end(cell)
            kernel.wait_ready(1)
        one, other = (kernel.facts().name for kernel in kernels)
        assert one != other
        assert not ports_of(left) & ports_of(right)
        services = named_ports(list(hub.administrator.list("Service", selector=MANAGED)), "spec", "ports")
        slices = named_ports(list(hub.administrator.list("EndpointSlice", selector=MANAGED)), "ports")
        assert services.keys() == slices.keys() == {one, other}
        assert services == slices
        assert not services[one] & services[other]
        begun = [kernel.begin(SUM) for kernel in kernels]
        for kernel, cell in zip(kernels, begun, strict=True):
            assert kernel.end(cell).stdout.strip() == "780", cell.said
        left.kill()
        assert eventually(lambda: not any(one in each for each in notebook.left()), GONE_SECONDS)
        assert right.run(SUM).stdout.strip() == "780"
        assert "Nothing left." in right.run("%sparkk8s stop").said
        assert notebook.left() == []
    finally:
        for kernel in kernels:
            kernel.kill()
    assert eventually(lambda: not notebook.left(), GONE_SECONDS), notebook.left()


def test_executors_run_in_another_namespace_and_of_another_image(
    our_node_tier: NodeTier, notebook: NotebookPod, kernel: PodKernel, team: Namespace
) -> None:
    """No owner is there that the collector could take for absent; a killed kernel's keeper cleans up there."""
    image = our_node_tier.containers.python
    facts = kernel.start(f"-n 1 --namespace {team.name} --image {image}", executors=1)
    lease = team.administrator.read("Lease", facts.name)
    assert lease is not None
    assert "ownerReferences" not in lease["metadata"]
    (pod,) = team.administrator.list("Pod", selector=MANAGED)
    assert [container["image"] for container in pod["spec"]["containers"]] == [image]
    assert objects_left(notebook.namespace) == []
    assert len(objects_left(team)) >= 6
    kernel.kill()
    assert eventually(lambda: not objects_left(team), GONE_SECONDS), objects_left(team)


def test_a_session_elsewhere_whose_pod_was_deleted_is_proven_dead_and_removed(
    hub: Namespace, team: Namespace
) -> None:
    """Nothing owns its Lease there: gc and the reaper look for the pod that held it."""
    pod = start_notebook_pod(hub, "notebook", "leaver")
    try:
        pod.kernel("work/elsewhere.ipynb").start(f"-n 1 --namespace {team.name}", executors=1)
        (session,) = find_sessions(team.administrator)
        assert not session.dead
    finally:
        pod.close()
    assert eventually(lambda: hub.administrator.read("Pod", pod.name) is None)
    (session,) = find_sessions(team.administrator)
    assert session.dead
    assert remove_all(team.administrator, [session]) == []
    assert eventually(lambda: not objects_left(team), GONE_SECONDS), objects_left(team)


def test_a_session_from_before_the_container_s_restart_is_proven_dead_and_swept(hub: Namespace) -> None:
    """The pod, its name and uid are the same: its container's start tells them apart."""
    pod = start_notebook_pod(hub, "notebook", "restarted", {"spec": {"restartPolicy": "Always"}})
    try:
        first = pod.kernel("work/again.ipynb").start("-n 1", executors=1)
        # The API tells starts in whole seconds: the second one is not in the same.
        time.sleep(2.0)
        pod.restart_container()
        assert hub.administrator.read("Lease", first.name) is not None
        other = pod.kernel("work/other.ipynb")
        assert "dead" in other.run("%sparkk8s ps").said
        kernel = pod.kernel("work/again.ipynb")
        said = kernel.run("%sparkk8s start -n 1").said
        assert f"Removed what an earlier kernel of this notebook left: {first.name}" in said
        assert not [each for each in objects_left(hub) if first.name in each]
        kernel.wait_ready(1)
        kernel.job()
        assert "Nothing left." in kernel.run("%sparkk8s stop").said
    finally:
        pod.close()
    assert eventually(lambda: not objects_left(hub), GONE_SECONDS), objects_left(hub)
