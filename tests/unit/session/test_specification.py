"""From options to a specification: sizes that fit, files that are there, a name for everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.memory import executor_split
from sparkk8s_nb.model.needs import SecretUse
from sparkk8s_nb.model.ownpod import OwnPod
from sparkk8s_nb.model.settings import resolve
from sparkk8s_nb.model.sizing import Machine
from sparkk8s_nb.model.spec import GIB, MIB, ClusterTarget, TargetKind
from sparkk8s_nb.model.startline import parse_start
from sparkk8s_nb.session import specification
from sparkk8s_nb.session.specification import THIS_MACHINE, executor_env, make_identity, make_spec

EMBEDDED = ClusterTarget(kind=TargetKind.EMBEDDED, namespace="default")
CLUSTER = ClusterTarget(kind=TargetKind.CONTEXT, namespace="team", context="lab")
MACHINE = Machine(cpu_millis=8000, memory=32 * GIB)
ENVIRON = {"JUPYTERHUB_USER": "Ada Lovelace", "JPY_SESSION_NAME": "work/Flights 2013.ipynb"}


@pytest.fixture(autouse=True)
def _memory(monkeypatch):
    monkeypatch.setattr(specification, "memory_limit", lambda: 16 * GIB)


def spec(line="", *, target=EMBEDDED, machine=MACHINE, environ=ENVIRON):
    options = resolve((), parse_start(line.split())).options()
    return make_spec(options, make_identity(options, environ), target, machine)


def sizes(found):
    split = executor_split(found.executor)
    return split.pod // MIB, split.heap // MIB, split.overhead // MIB, split.beside // MIB


def test_a_session_is_named_after_its_notebook_and_user():
    """Valid in Kubernetes, new for every session; the application is called as a person would."""
    first, second = spec(), spec()
    assert first.name.startswith("spark-flights-2013-")
    assert first.name != second.name
    assert first.owner.startswith("Ada-Lovelace")
    assert first.conf["spark.app.name"] == "Flights 2013"
    assert spec("--name night-run").conf["spark.app.name"] == "night-run"


def test_without_options_executors_fit_the_machine():
    """Two of them, and the embedded cluster's image, which is none."""
    found = spec()
    assert (found.executors, found.image, found.wait) == (2, THIS_MACHINE, 1)
    assert found.driver_memory == 4 * GIB
    assert spec("-n 3 --wait all").wait == 3
    assert spec("--wait none").wait == 0


def test_memory_is_the_whole_pod_however_it_is_divided():
    """Overhead and factor change the heap, never the pod."""
    assert sizes(spec("--memory 8g")) == (8192, 5851, 2341, 0)
    assert sizes(spec("--memory 8g --conf spark.executor.memoryOverhead=1g")) == (8192, 7168, 1024, 0)
    assert sizes(spec("--memory 8g --conf spark.executor.memoryOverheadFactor=1")) == (8192, 4096, 4096, 0)


def test_sparks_executor_memory_is_the_heap():
    """The pod is larger: overhead, and off-heap memory, come on top."""
    assert sizes(spec("--executor-memory 4g")) == (5734, 4096, 1638, 0)
    assert sizes(spec("--executor-memory 4g --conf spark.executor.memoryOverhead=512m")) == (
        4608, 4096, 512, 0,
    )  # fmt: skip
    off_heap = "--conf spark.memory.offHeap.enabled=true --conf spark.memory.offHeap.size=1g"
    assert sizes(spec(f"--executor-memory 4g {off_heap}")) == (6758, 4096, 1638, 1024)


def test_off_heap_memory_comes_out_of_the_pod():
    """Spark adds it to heap and overhead by itself; a size that is switched off counts for nothing."""
    size = "--conf spark.memory.offHeap.size=1g"
    assert sizes(spec(f"--memory 8g {size}")) == (8192, 5851, 2341, 0)
    assert sizes(spec(f"--memory 8g {size} --conf spark.memory.offHeap.enabled=true")) == (
        8192, 5120, 2048, 1024,
    )  # fmt: skip
    in_bytes = f"--conf spark.memory.offHeap.enabled=true --conf spark.memory.offHeap.size={GIB}"
    assert sizes(spec(f"--memory 8g {in_bytes}"))[3] == 1024


def test_memory_for_python_is_found_in_the_overhead():
    """Client-mode Spark adds none for it; what cannot fit is refused."""
    assert sizes(spec("--memory 8g --conf spark.executor.pyspark.memory=4g")) == (8192, 3712, 4480, 0)
    assert sizes(spec("--executor-memory 4g --conf spark.executor.pyspark.memory=1g")) == (
        6758, 4096, 2662, 0,
    )  # fmt: skip
    with pytest.raises(UsageError, match=r"pyspark\.memory 2 GiB does not fit"):
        spec("--memory 8g --conf spark.executor.memoryOverhead=1g --conf spark.executor.pyspark.memory=2g")
    with pytest.raises(UsageError, match="too little"):
        spec("--memory 2g --conf spark.executor.pyspark.memory=2g")


def test_cpu_of_a_pod_may_be_less_than_its_cores():
    """As Spark's own conf has it, on any cluster."""
    conf = "--conf spark.kubernetes.executor.request.cores=500m"
    for target, machine in ((EMBEDDED, MACHINE), (CLUSTER, None)):
        found = spec(f"--cores 4 --memory 2g --image i {conf}", target=target, machine=machine).executor
        assert (found.cores, found.cpu_millis) == (4, 500)


def test_a_cluster_needs_an_image():
    """There is no right one to guess."""
    with pytest.raises(UsageError, match="need an image") as caught:
        spec(target=CLUSTER, machine=None)
    assert "--image" in caught.value.fix
    assert spec("--image team/spark:4", target=CLUSTER, machine=None).image == "team/spark:4"


def test_in_a_notebook_pod_executors_run_its_own_image():
    """By the digest of the running container, unless another is named."""
    own = OwnPod(name="nb", uid="u", namespace="team", container="nb", image="team/nb@sha256:12")
    options = resolve((), parse_start([])).options()
    assert make_spec(options, make_identity(options, ENVIRON), CLUSTER, None, own).image == own.image
    options = resolve((), parse_start(["--image", "other:1"])).options()
    assert make_spec(options, make_identity(options, ENVIRON), CLUSTER, None, own).image == "other:1"


def test_a_driver_larger_than_the_machine_is_refused():
    """With both numbers."""
    with pytest.raises(UsageError, match="--driver-memory 65536m is more than the 16 GiB"):
        spec("--driver-memory 64g")
    assert spec("--driver-memory 2g").driver_memory == 2 * GIB


def test_local_files_must_be_there_and_a_home_is_resolved(tmp_path, monkeypatch):
    """What has a scheme is Spark's to find."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "lib.zip").write_text("")
    (tmp_path / "pod.yaml").write_text("kind: Pod")
    found = spec("--py-files ~/lib.zip,s3a://bucket/x.zip,local:/opt/x.py --pod-template ~/pod.yaml")
    assert found.py_files == (str(tmp_path / "lib.zip"), "s3a://bucket/x.zip", "local:/opt/x.py")
    assert found.pod_templates == (tmp_path / "pod.yaml",)
    with pytest.raises(UsageError, match=r"--py-files ~/other\.zip is not there"):
        spec("--py-files ~/other.zip")
    with pytest.raises(UsageError, match="is a directory"):
        spec(f"--py-files {tmp_path}")


def test_a_containers_limit_is_the_machine(tmp_path, monkeypatch):
    """The cgroup's, where it is less."""
    monkeypatch.undo()
    file = tmp_path / "memory.max"
    real = Path

    def place(path):
        return file if path == "/sys/fs/cgroup/memory.max" else real(tmp_path / "none")

    monkeypatch.setattr(specification, "Path", place)
    file.write_text(f"{2 * GIB}\n")
    assert specification.memory_limit() == 2 * GIB
    file.write_text("max\n")
    assert specification.memory_limit() == specification.psutil.virtual_memory().total


def test_variables_are_taken_from_the_kernel_by_name():
    """--env must be there, inherit_env may; the specification has no values."""
    environ = {"A": "1", "B": "2", "C": "3"}
    assert executor_env({"env": ("B",), "inherit_env": ("A", "Z", "B")}, environ) == {"B": "2", "A": "1"}
    with pytest.raises(UsageError, match="--env Z: this kernel has no such variable"):
        executor_env({"env": ("Z",)}, environ)
    options = resolve((), parse_start([])).options()
    found = make_spec(options, make_identity(options, ENVIRON), EMBEDDED, MACHINE, env={"A": "hidden"})
    assert found.env == ("A",)
    assert "hidden" not in repr(found)


def test_a_cpu_limit_is_what_was_asked_or_what_the_namespace_demands():
    """None otherwise: an executor may use a core that is idle."""
    options = resolve((), parse_start(["--cores", "4", "--image", "i"])).options()
    identity = make_identity(options, ENVIRON)
    assert make_spec(options, identity, CLUSTER, None).executor.cpu_limit_millis is None
    assert make_spec(options, identity, CLUSTER, None, cpu_limited=True).executor.cpu_limit_millis == 4000
    limit = "--conf spark.kubernetes.executor.limit.cores"
    found = spec(f"--cores 4 --image i {limit}=8", target=CLUSTER, machine=None)
    assert found.executor.cpu_limit_millis == 8000
    with pytest.raises(UsageError, match="CPU limit of 2000m is less than the 4000m"):
        spec(f"--cores 4 --image i {limit}=2", target=CLUSTER, machine=None)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("--volume data:/data", "--volume data:/data: the embedded cluster has no volumes"),
        ("--secret s3:/s3", "--secret s3:/s3: the embedded cluster mounts nothing at a path"),
    ],
)
def test_the_embedded_cluster_refuses_what_it_cannot_mount(line, problem):
    """A real one takes it; variables work on both."""
    with pytest.raises(UsageError, match=problem):
        spec(line)
    assert spec(f"{line} --image i", target=CLUSTER, machine=None).image == "i"
    assert spec("--secret s3").secrets == (SecretUse(name="s3"),)


def test_labels_of_the_settings_are_on_everything_that_a_session_makes():
    """As the resolved options have them."""
    options = resolve((), parse_start([])).options() | {
        "labels": ("team=data", "example.com/cost-centre=4711")
    }
    found = make_spec(options, make_identity(options, ENVIRON), EMBEDDED, MACHINE)
    assert found.labels == {"team": "data", "example.com/cost-centre": "4711"}
