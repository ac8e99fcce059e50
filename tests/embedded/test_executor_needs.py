"""What executors are given besides an image: real kernels, real executors."""

from __future__ import annotations

import base64
import os
import sys
from pathlib import Path

import pytest

from sparkk8s_nb.embedded import lifecycle
from sparkk8s_nb.embedded.lifecycle import EmbeddedCluster, NodeSettings
from tests.embedded.kernels import KINDS, Kernel, adapter

pytestmark = pytest.mark.timeout(600)

SECRET = "hunter2-7f3a91"
ASK = "print(sc.parallelize([0], 1).map(lambda _: __import__('os').environ.get({!r})).collect())"


def test_a_variable_reaches_executors_through_a_secret_and_is_nowhere_else(
    embedded_cluster: EmbeddedCluster, new_kernel, tmp_path: Path
) -> None:
    """No pod, record, event, log or argument holds its value; another Secret's keys come as variables too."""
    cluster = adapter(embedded_cluster, tmp_path / "api")
    data = {"S3_KEY": base64.b64encode(b"from-a-secret").decode()}
    cluster.create({"kind": "Secret", "metadata": {"name": "s3"}, "data": data})
    kernel = new_kernel("work/needs.ipynb")
    try:
        kernel.run(f"import os; os.environ['MY_TOKEN'] = {SECRET!r}")
        facts = kernel.start("-n 1 --cores 1 --memory 1g --env MY_TOKEN --secret s3", executors=1)
        assert SECRET in kernel.run(ASK.format("MY_TOKEN")).stdout
        assert "from-a-secret" in kernel.run(ASK.format("S3_KEY")).stdout
        for kind in (*KINDS, "Event"):
            for item in cluster.list(kind):
                assert SECRET not in str(item)
        held = cluster.read("Secret", f"{facts.name}-env")
        assert held is not None
        assert base64.b64decode(held["data"]["MY_TOKEN"]).decode() == SECRET
        for process in (facts.jvm, *facts.executors):
            assert SECRET.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
        files = [path for path in facts.root.rglob("*") if path.is_file()]
        assert not [path for path in files if SECRET.encode() in path.read_bytes()]
        assert SECRET not in kernel.run("%sparkk8s conf").said
        kernel.run("%sparkk8s stop")
        assert cluster.read("Secret", f"{facts.name}-env") is None
    finally:
        cluster.delete("Secret", "s3")
        cluster.close()


@pytest.mark.skipif(sys.platform != "linux" or os.getuid() != 0, reason="isolated pods need Linux and root")
def test_with_isolated_executors_a_local_write_is_refused_and_without_it_is_whole(
    embedded_cluster: EmbeddedCluster, new_kernel, tmp_path: Path
) -> None:
    """The same cell: two lines where the folder would stay empty, all rows where the disk is shared."""
    write = "spark.range(100, numPartitions=2).write.parquet('out')"
    kernel = new_kernel("work/shared.ipynb")
    kernel.start("-n 1 --cores 1 --memory 1g", executors=1)
    kernel.run(write)
    assert "100" in kernel.run("print(spark.read.parquet('out').count())").stdout
    kernel.run("%sparkk8s stop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARKK8S_RUNTIME_DIR", str(tmp_path / "run"))
        lifecycle.up(settings=NodeSettings(cpus=8, overcommit=True, isolate=True), timeout=60)
        kernel = Kernel(tmp_path / "kernel", "work/isolated.ipynb")
        try:
            kernel.start("-n 1 --cores 1 --memory 1g", executors=1)
            cell = kernel.run(write, fails=True)
            assert "UnsharedPathError" in cell.error
            assert "is not shared with the executors" in cell.error
            assert len(cell.error.strip().splitlines()) == 2
            assert not (kernel.directory / "out").exists()
            assert "4950" in kernel.run("print(spark.range(100).groupBy().sum().collect()[0][0])").stdout
            kernel.run("%sparkk8s stop")
        finally:
            kernel.close()
            lifecycle.down(timeout=30)
