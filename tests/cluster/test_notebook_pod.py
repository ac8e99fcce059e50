"""Sessions whose driver is in a notebook pod: they need no option, and leave nothing, however they end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.notebook_pods import NotebookPod, PodKernel, objects_left, start_notebook_pod
from tests.cluster.real_cluster import RESTRICTED, Namespace, RealCluster, session_rules
from tests.embedded.kernels import GONE_SECONDS, eventually

QUICKSTART = Path(__file__).parents[2] / "notebooks" / "01-quickstart.ipynb"

pytestmark = [pytest.mark.node_tier, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def hub(node_tier: RealCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespace]:
    """A namespace with the strictest Pod Security, and an account that may do what a session does."""
    with node_tier.namespace(tmp_path_factory.mktemp("hub"), labels=RESTRICTED) as namespace:
        namespace.user("notebook", session_rules())
        yield namespace


@pytest.fixture(scope="module")
def notebook(hub: Namespace) -> Iterator[NotebookPod]:
    """The notebook pod of these tests."""
    pod = start_notebook_pod(hub, "notebook")
    yield pod
    pod.close()


@pytest.fixture
def kernel(notebook: NotebookPod) -> Iterator[PodKernel]:
    """A kernel in it; whatever a test leaves, the next one does not find."""
    kernel = notebook.kernel("work/flights.ipynb")
    yield kernel
    kernel.kill()
    assert eventually(lambda: not notebook.left(), GONE_SECONDS), notebook.left()


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


def test_a_deleted_notebook_pod_takes_its_session_along(hub: Namespace) -> None:
    """Nobody is left to clean up but the cluster's collector: the pod owns the Lease, and that the rest."""
    pod = start_notebook_pod(hub, "notebook", "deleted")
    facts = pod.kernel("work/deleted.ipynb").start("-n 1", executors=1)
    selector = f"sparkk8s-nb/session={facts.name}"
    assert hub.administrator.list("Pod", selector=selector)
    pod.close()
    assert eventually(lambda: not objects_left(hub), 2 * GONE_SECONDS), objects_left(hub)


def test_a_session_outlives_what_happens_to_executors_and_to_its_lease(
    notebook: NotebookPod, kernel: PodKernel
) -> None:
    """A deleted executor is replaced, and a Lease that was deleted made anew."""
    cluster = notebook.namespace.administrator
    facts = kernel.start("")
    victim = executors(notebook.namespace)[0]["metadata"]["name"]
    cluster.delete("Pod", victim)
    replaced = lambda: victim not in names(kernel) and kernel.fleet()["ready"] == 2  # noqa: E731
    assert eventually(replaced, 120), kernel.fleet()
    kernel.job()
    cluster.delete("Lease", facts.name)
    kernel.wait_state("lost", 60)
    kernel.run("%sparkk8s scale 2")
    kernel.wait_state("running", 60)
    kernel.wait_ready(2)
    kernel.job()
    assert "Nothing left." in kernel.run("%sparkk8s stop").said
    assert eventually(lambda: not notebook.left(), GONE_SECONDS), notebook.left()


def names(kernel: PodKernel) -> list[str]:
    """The pods of the executors that the view shows as alive."""
    return [pod for _, phase, _, pod in kernel.fleet()["executors"] if phase == "running"]


def test_two_kernels_in_one_pod_share_no_port_and_no_service(
    notebook: NotebookPod, kernel: PodKernel
) -> None:
    """They start at once; the end of one is nothing to the other."""
    other = notebook.kernel("work/other.ipynb")
    other.client.execute("%sparkk8s start -n 1")
    mine = kernel.start("-n 1", executors=1)
    other.wait_ready(1)
    theirs = other.facts()
    cluster = notebook.namespace.administrator
    services = [cluster.read("Service", facts.name) for facts in (mine, theirs)]
    ports = [{port["port"] for port in service["spec"]["ports"]} for service in services if service]
    assert len(ports) == 2
    assert ports[0].isdisjoint(ports[1])
    assert "Nothing left." in kernel.run("%sparkk8s stop").said
    other.job()
    assert "Nothing left." in other.run("%sparkk8s stop").said
    other.kill()


def test_executors_in_another_namespace_and_image_use_the_python_of_that_image(
    notebook: NotebookPod, kernel: PodKernel, pod_namespace: Namespace
) -> None:
    """The notebook's pod owns nothing there, and its path of Python means nothing."""
    pod_namespace.grant("notebook", session_rules(), home=notebook.namespace.name)
    place = f"--namespace {pod_namespace.name} --image {pod_namespace.cluster.image}"
    facts = kernel.start(f"-n 1 {place}", executors=1)
    (pod,) = executors(pod_namespace)
    env = {each["name"]: each.get("value") for each in pod["spec"]["containers"][0]["env"]}
    assert env["PYSPARK_PYTHON"] == "python3"
    assert "imagePullSecrets" not in pod["spec"]
    lease = pod_namespace.administrator.read("Lease", facts.name)
    assert lease is not None
    assert "ownerReferences" not in lease["metadata"]
    assert "Nothing left." in kernel.run("%sparkk8s stop").said
    assert objects_left(pod_namespace) == []


def test_an_image_that_does_not_exist_is_said_in_two_lines(notebook: NotebookPod, kernel: PodKernel) -> None:
    """Soon, not at the timeout; and everything is undone."""
    cell = kernel.run("%sparkk8s start -n 1 --image localhost/none:1", fails=True)
    assert len(cell.error.splitlines()) == 2, cell.said
    assert "localhost/none:1" in cell.error
    assert eventually(lambda: not notebook.left(), GONE_SECONDS), notebook.left()


def test_a_quota_that_does_not_fit_is_quoted(notebook: NotebookPod, kernel: PodKernel) -> None:
    """Before Spark asks for anything, and everything is undone."""
    cluster = notebook.namespace.administrator
    spec = {"hard": {"requests.cpu": "150m"}}
    cluster.create({"kind": "ResourceQuota", "metadata": {"name": "team"}, "spec": spec})
    try:
        cell = kernel.run("%sparkk8s start -n 1", fails=True)
    finally:
        cluster.delete("ResourceQuota", "team")
    assert len(cell.error.splitlines()) == 2, cell.said
    assert "exceeded quota: team" in cell.error
    assert notebook.left() == []


def test_the_quickstart_runs_unchanged_in_a_notebook_pod(notebook: NotebookPod) -> None:
    """The notebook of the embedded cluster, from the pod's command line: real executors, nothing left."""
    text = QUICKSTART.read_text(encoding="utf-8")
    done = notebook.hand.value(f"run_notebook({text!r})")
    assert done["code"] == 0, done["said"]
    assert eventually(lambda: not notebook.left(), GONE_SECONDS), notebook.left()
