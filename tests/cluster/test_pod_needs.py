"""What executors in pods are given, what they share with the notebook, and what the strictest pods allow."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.node_tier import NodeTier
from tests.cluster.notebook_pods import NotebookPod, PodKernel, objects_left, start_notebook_pod
from tests.cluster.real_cluster import Namespace
from tests.cluster.volumes import shared_claim
from tests.embedded.kernels import GONE_SECONDS, KINDS
from tests.eventually import eventually

pytestmark = [pytest.mark.node_tier, pytest.mark.timeout(600)]

TOKEN = "hunter2-5c1d77"
KEY = "key-of-a-secret-81f2"
NEEDS = "--env MY_TOKEN --secret s3 --secret s3:/secrets/s3 --volume data:/data --volume data:/inputs:ro"
DATA: dict[str, Any] = {
    "spec": {
        "containers": [
            {
                "name": "notebook",
                "volumeMounts": [
                    {"name": "data", "mountPath": "/data"},
                    {"name": "scratch", "mountPath": "/data/scratch"},
                ],
            }
        ],
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
            {"name": "scratch", "emptyDir": {}},
        ],
    }
}
RANDOM_UID = 1000660000
"""As OpenShift gives each namespace its own."""

STRICT: dict[str, Any] = {
    "spec": {
        "securityContext": {"runAsUser": RANDOM_UID, "runAsGroup": 0, "fsGroup": RANDOM_UID},
        "containers": [
            {
                "name": "notebook",
                "securityContext": {"readOnlyRootFilesystem": True},
                "env": [{"name": "HOME", "value": "/tmp"}],
                "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
            }
        ],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
}
READ_ONLY = """
kind: Pod
spec:
  containers:
    - name: spark-kubernetes-executor
      securityContext:
        readOnlyRootFilesystem: true
"""
LOOK = """
def look(_):
    import os, pathlib
    def write(path):
        try:
            pathlib.Path(path).write_text("x")
        except OSError as error:
            return error.strerror
        return "written"
    secret = pathlib.Path("/secrets/s3/S3_KEY")
    return {
        "variables": [os.environ.get("MY_TOKEN"), os.environ.get("S3_KEY")],
        "file": secret.read_text() if secret.exists() else None,
        "inputs": write("/inputs/new"), "data": write("/data/new"), "root": write("/new"), "uid": os.getuid(),
    }
"""
"""What a task finds in its executor."""


@pytest.fixture(scope="module")
def with_data(
    our_node_tier: NodeTier, hub: Namespace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NotebookPod]:
    """A notebook pod that mounts the claim ``data`` at ``/data``, and a disk of its own within it."""
    directory = tmp_path_factory.mktemp("volume") / "data"
    with shared_claim(hub, "data", directory):
        pod = start_notebook_pod(hub, "notebook", "with-data", DATA)
        yield pod
        pod.close()
        assert eventually(lambda: hub.administrator.read("Pod", pod.name) is None)
    assert eventually(lambda: not objects_left(hub), GONE_SECONDS), objects_left(hub)


@pytest.fixture(scope="module")
def kernel(hub: Namespace, with_data: NotebookPod) -> Iterator[PodKernel]:
    """A kernel whose executors get a variable, a Secret in both ways, and the claim in both ways."""
    data = {"S3_KEY": base64.b64encode(KEY.encode()).decode()}
    hub.administrator.create({"kind": "Secret", "metadata": {"name": "s3"}, "data": data})
    kernel = with_data.kernel("work/needs.ipynb")
    kernel.run(f"import os; os.environ['MY_TOKEN'] = {TOKEN!r}")
    kernel.start(f"-n 1 {NEEDS}", executors=1)
    yield kernel
    hub.administrator.delete("Secret", "s3")


def look(kernel: PodKernel) -> dict[str, Any]:
    """Look around in an executor."""
    kernel.run(LOOK)
    told: dict[str, Any] = kernel.value("sc.parallelize([0], 1).map(look).first()")
    return told


def test_variables_secrets_and_volumes_reach_executors(kernel: PodKernel) -> None:
    """As variables, as files, as a directory to write to and as one that is read-only."""
    told = look(kernel)
    assert told["variables"] == [TOKEN, KEY]
    assert told["file"] == KEY
    assert (told["inputs"], told["data"]) == ("Read-only file system", "written")


def test_no_value_of_them_stands_in_a_pod_an_event_a_log_or_an_argument(
    hub: Namespace, with_data: NotebookPod, kernel: PodKernel
) -> None:
    """What others in the namespace or the pod can read."""
    kernel.job()
    items = [str(item) for kind in (*KINDS, "Event") for item in hub.administrator.list(kind)]
    pods = [
        item["metadata"]["name"] for item in hub.administrator.list("Pod", selector="spark-role=executor")
    ]
    assert pods
    texts = {
        "objects": "\n".join(items),
        "logs": "\n".join(hub.administrator.pod_log(name, tail=5000) for name in pods),
        "arguments": with_data.arguments(),
        "conf": kernel.run("%sparkk8s conf").said,
        "driver's log": kernel.run("%sparkk8s logs driver --tail 5000").said,
    }
    assert all(texts.values())
    assert [what for what, text in texts.items() if TOKEN in text or KEY in text] == []


def test_a_write_to_a_volume_of_both_is_whole_and_one_to_the_notebook_s_own_disk_is_refused(
    kernel: PodKernel,
) -> None:
    """Two lines before the job, where each executor would have written to a disk of its own."""
    kernel.run("spark.range(100, numPartitions=4).write.parquet('/data/out')")
    assert kernel.value("spark.read.parquet('/data/out').count()") == 100
    for write in (
        "spark.range(100).write.parquet('/tmp/out')",
        "sc.parallelize(range(9), 3).saveAsTextFile('file:/tmp/out')",
        "spark.range(100).write.parquet('/data/scratch/out')",
    ):
        cell = kernel.run(write, fails=True)
        assert "UnsharedPathError" in cell.error, cell.said
        assert "is not shared with the executors" in cell.error
        assert len(cell.error.strip().splitlines()) == 2
    exists = "list(map(__import__('os').path.exists, ['/tmp/out', '/data/scratch/out']))"
    assert kernel.value(exists) == [False, False]


def test_a_claim_that_is_not_there_is_named_before_anything_is_made(kernel: PodKernel) -> None:
    """Its pods would wait for ever."""
    kernel.run("%sparkk8s stop")
    cell = kernel.run("%sparkk8s start -n 1 --volume dtaa:/data", fails=True)
    assert "There is no PersistentVolumeClaim dtaa in namespace" in cell.error


def test_a_random_user_and_read_only_root_file_systems_are_enough(hub: Namespace) -> None:
    """In a namespace that enforces Pod Security's "restricted": jobs, shuffles and SQL run, and stop leaves nothing."""
    pod = start_notebook_pod(hub, "notebook", "strict", STRICT)
    try:
        kernel = pod.kernel("work/strict.ipynb")
        kernel.run(f"import pathlib; pathlib.Path('/tmp/template.yaml').write_text({READ_ONLY!r})")
        kernel.start("-n 1 --pod-template /tmp/template.yaml", executors=1)
        told = look(kernel)
        assert (told["uid"], told["root"]) == (RANDOM_UID, "Read-only file system")
        rows = "spark.range(1000, numPartitions=8).selectExpr('id % 4 AS k').groupBy('k').count().collect()"
        assert kernel.value(f"[row[1] for row in {rows}]") == [250] * 4
        assert "Nothing left." in kernel.run("%sparkk8s stop").said
        assert pod.left() == []
    finally:
        pod.close()
    assert eventually(lambda: not objects_left(hub), GONE_SECONDS), objects_left(hub)
