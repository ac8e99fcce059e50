"""A session on a real cluster, its driver on this machine: real pods, and nothing left of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.credentials import CONTEXT
from tests.cluster.daemons import tail
from tests.cluster.real_cluster import Namespace, session_rules
from tests.embedded.kernels import GONE_SECONDS, Kernel, Remains, SessionFacts
from tests.eventually import eventually

pytestmark = [pytest.mark.node_tier, pytest.mark.timeout(600)]

SIZE = "-n 2 --cores 1 --memory 1g --conf spark.kubernetes.executor.request.cores=300m"


@dataclass(frozen=True, kw_only=True)
class Notebook:
    """A kernel whose user may do in one namespace what a session does."""

    kernel: Kernel
    namespace: Namespace
    remains: Remains

    def start(self) -> SessionFacts:
        """Start a session with two executors and run a job with Python workers on it."""
        image = self.namespace.cluster.image
        try:
            return self.kernel.start(f"--context {CONTEXT} --image {image} {SIZE}")
        except AssertionError as error:
            for log in sorted((self.kernel.directory.parent / "state").rglob("driver*")):
                error.add_note(f"--- {log.name}\n{tail(log)}")
            raise

    def left(self, facts: SessionFacts) -> list[str]:
        """What is left of it anywhere."""
        return self.remains.all(facts, self.kernel)


@pytest.fixture
def notebook(pod_namespace: Namespace, tmp_path: Path) -> Iterator[Notebook]:
    """A notebook's kernel on this machine, outside the cluster."""
    user = pod_namespace.user("analyst", session_rules())
    runtime = tmp_path / "run"
    environment = {
        "KUBECONFIG": str(user),
        "SPARKK8S_RUNTIME_DIR": str(runtime),
        "SPARKK8S_STATE_DIR": str(tmp_path / "state"),
    }
    kernel = Kernel(tmp_path / "kernel", "work/outside.ipynb", environment)
    yield Notebook(
        kernel=kernel, namespace=pod_namespace, remains=Remains(pod_namespace.administrator, runtime)
    )
    kernel.close()


def test_a_session_runs_in_real_pods_and_stops_with_nothing_left(notebook: Notebook) -> None:
    """With the rights that we ask for, in a namespace with the strictest Pod Security."""
    facts = notebook.start()
    pods = notebook.namespace.administrator.list("Pod", selector="spark-role=executor")
    assert [pod["status"]["phase"] for pod in pods] == ["Running", "Running"]
    hosts = notebook.kernel.value(
        "sorted(set(sc.parallelize(range(8), 8).map(lambda _: __import__('socket').gethostname()).collect()))"
    )
    assert set(hosts) <= {pod["metadata"]["name"] for pod in pods}
    assert notebook.kernel.value("spark.range(10**6).selectExpr('sum(id)').first()[0]") == 499999500000
    said = notebook.kernel.run("%sparkk8s stop").said
    assert "Nothing left." in said
    assert notebook.left(facts) == []


def test_a_killed_kernel_leaves_nothing_in_the_cluster(notebook: Notebook) -> None:
    """kill -9: the keeper deletes the pods, and the cluster's own collector what the Lease owns."""
    facts = notebook.start()
    assert len(notebook.remains.objects(facts.name)) >= 6
    notebook.kernel.kill()
    assert eventually(lambda: not notebook.left(facts), GONE_SECONDS), notebook.left(facts)
