"""What Kubernetes runs before it ends an executor's pod: Spark's JVM is told, nobody else, and waited for."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from sparkk8s_nb.model.manifests import SCRIPTS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="executors run on Linux")

FOLDER = resources.files("sparkk8s_nb.spark")
SCRIPT = str(FOLDER.joinpath("decommission.sh"))

SPARK = """
import signal, sys
if "handles" in sys.argv:
    signal.signal(signal.SIGPWR, lambda *_: sys.exit(0))
print("up", flush=True)
signal.pause()
"""


class Container:
    """A list of processes as a container sees it: links to some of this machine's."""

    def __init__(self, tmp_path: Path) -> None:
        self.proc = tmp_path / "proc"
        self.proc.mkdir()
        self.tmp_path = tmp_path
        self.processes: list[subprocess.Popen[str]] = []

    def starts(self, name: str, *words: str) -> subprocess.Popen[str]:
        """A Python process of that name, once it has begun."""
        program = self.tmp_path / name
        if not program.exists():
            program.symlink_to(sys.executable)
        process = subprocess.Popen([program, "-S", "-c", SPARK, *words], stdout=subprocess.PIPE, text=True)
        self.processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        (self.proc / str(process.pid)).symlink_to(f"/proc/{process.pid}")
        return process

    def hook(self) -> subprocess.Popen[bytes]:
        """Start the script."""
        environment = {"PATH": "/usr/bin:/bin", "SPARKK8S_PROC": str(self.proc)}
        return subprocess.Popen(["/bin/sh", SCRIPT, "20"], env=environment)


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    """Whose processes end with the test."""
    made = Container(tmp_path)
    yield made
    for process in made.processes:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_the_jvm_that_handles_the_signal_is_told(container: Container) -> None:
    """A worker and a JVM that has not registered yet are left alone: to them the signal is deadly."""
    worker, young = container.starts("python3", "handles"), container.starts("java")
    spark = container.starts("java", "handles")
    with container.hook() as hook:
        assert spark.wait(20) == 0
        assert hook.wait(20) == 0
    assert (worker.poll(), young.poll()) == (None, None)


def test_where_nobody_handles_the_signal_the_pod_ends_at_once(container: Container) -> None:
    """An executor that is still starting has nothing to move."""
    young = container.starts("java")
    with container.hook() as hook:
        assert hook.wait(10) == 0
    assert young.poll() is None


def test_the_script_that_spark_is_told_of_is_the_one_that_executors_get() -> None:
    """By the name that the start script knows it by; the kernel keeps 15 letters of it."""
    assert SCRIPTS == ("executor.sh", "decommission.sh")
    assert FOLDER.joinpath("decommission.sh").read_text().startswith("#!/bin/sh\n")
    assert len("decommission.sh") == 15
    assert '"$name" = decommission.sh' in FOLDER.joinpath("executor.sh").read_text()


def test_the_signal_is_the_bit_that_the_script_looks_for() -> None:
    """Spark's default, spark.executor.decommission.signal."""
    assert signal.SIGPWR == 30
    assert shutil.which("sh")
