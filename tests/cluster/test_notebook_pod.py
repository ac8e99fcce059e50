"""Sessions whose driver is in a notebook pod: they need no option, and leave nothing, however they end."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.notebook_pods import NotebookPod, PodKernel, objects_left, start_notebook_pod
from tests.cluster.real_cluster import Namespace
from tests.embedded.kernels import GONE_SECONDS
from tests.eventually import eventually

pytestmark = [pytest.mark.node_tier, pytest.mark.timeout(600)]


FORK = """
import multiprocessing, os, time
def outlive():
    os.setsid()
    time.sleep(300)
child = multiprocessing.get_context("fork").Process(target=outlive)
child.start()
"""


def executors(namespace: Namespace) -> list[dict[str, Any]]:
    """The executors' pods."""
    return list(namespace.administrator.list("Pod", selector="spark-role=executor"))


def test_a_start_without_options_runs_the_notebook_s_own_image_and_stop_leaves_nothing(
    notebook: NotebookPod, kernel: PodKernel
) -> None:
    """The pod's image by digest, its pull secrets, ids and tolerations; the Lease is the pod's."""
    facts = kernel.start("")
    hub = notebook.namespace
    own = hub.administrator.read("Pod", notebook.name)
    assert own is not None
    digest = own["status"]["containerStatuses"][0]["imageID"].rpartition("@")[2]
    pods = executors(hub)
    assert [pod["status"]["phase"] for pod in pods] == ["Running", "Running"]
    for pod in pods:
        (container,) = pod["spec"]["containers"]
        assert container["image"] == f"{hub.cluster.image.rpartition(':')[0]}@{digest}"
        assert pod["spec"]["imagePullSecrets"] == own["spec"]["imagePullSecrets"]
        assert (
            pod["spec"]["securityContext"] | own["spec"]["securityContext"] == pod["spec"]["securityContext"]
        )
        assert {"key": "notebooks", "operator": "Exists"} in pod["spec"]["tolerations"]
        assert not any("serviceaccount" in mount["mountPath"] for mount in container["volumeMounts"])
    lease = hub.administrator.read("Lease", facts.name)
    assert lease is not None
    (owner,) = lease["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Pod", own["metadata"]["uid"])
    logins = "__import__('getpass').getuser()"
    names = kernel.value(f"sc.parallelize(range(4), 4).map(lambda _: {logins}).distinct().collect()")
    assert names == ["spark"]
    assert kernel.value("spark.range(10**6).selectExpr('sum(id)').first()[0]") == 499999500000
    assert "Nothing left." in kernel.run("%sparkk8s stop").said
    assert notebook.left() == []


def test_a_killed_kernel_leaves_nothing_in_its_pod_or_the_namespace(
    notebook: NotebookPod, kernel: PodKernel
) -> None:
    """kill -9: the keeper ends the JVM, deletes the pods and the Lease."""
    kernel.start("")
    assert len(objects_left(notebook.namespace)) >= 6
    kernel.kill()
    assert eventually(lambda: not notebook.left(), GONE_SECONDS), notebook.left()


def test_a_killed_process_group_leaves_nothing_though_a_forked_child_lives_on(
    notebook: NotebookPod, kernel: PodKernel
) -> None:
    """As Jupyter ends a kernel that does not go; the child holds every descriptor that the kernel had."""
    kernel.start("-n 1", executors=1)
    kernel.run(FORK)
    child = kernel.value("child.pid")

    def left() -> list[str]:
        return [each for each in notebook.left() if not each.startswith(f"{child}:")]

    kernel.kill_group()
    assert eventually(lambda: not left(), GONE_SECONDS), left()
    assert len(notebook.left()) == 1, "the child has ended, and proves nothing"
    notebook.hand.run(f"os.kill({child}, 9)")


def test_a_deleted_notebook_pod_takes_its_session_along(hub: Namespace) -> None:
    """Nobody is left to clean up but the cluster's collector: the pod owns the Lease, and that the rest."""
    pod = start_notebook_pod(hub, "notebook", "deleted")
    facts = pod.kernel("work/deleted.ipynb").start("-n 1", executors=1)
    selector = f"sparkk8s-nb/session={facts.name}"
    assert hub.administrator.list("Pod", selector=selector)
    pod.close()
    assert eventually(lambda: not objects_left(hub), 2 * GONE_SECONDS), objects_left(hub)
