"""Later starts map Spark's classes ready-made: in the driver and in the executors, seen in the processes."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from tests.embedded.kernels import Kernel, processes_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(scope="module")
def kernel(new_kernel) -> Kernel:
    """A kernel of this module's own."""
    return new_kernel("work/archives.ipynb")


def mapped(pid: int) -> set[str]:
    """The archives in a process's memory."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return {Path(line.split()[-1]).name for line in lines if line.endswith(".jsa")}


def test_driver_and_executors_map_their_archives(kernel: Kernel) -> None:
    """Java would go on silently without one that does not fit: this is where it would be noticed."""
    facts = kernel.start("-n 1 --cores 1 --memory 1g", executors=1)
    kernel.job()
    found = {frozenset(mapped(process.pid)) for process in processes_of(facts.app_id)}
    assert mapped(facts.jvm.pid) == {"driver.jsa"}
    assert frozenset({"executor.jsa"}) in found


def test_a_class_path_of_the_users_own_goes_without_an_archive(kernel: Kernel, tmp_path: Path) -> None:
    """Java refuses the archive, and the session starts as it would without."""
    jar = tmp_path / "mine.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
    conf = f"--conf spark.driver.extraClassPath={jar} --conf spark.executor.extraClassPath={jar}"
    facts = kernel.start(f"-n 1 --cores 1 --memory 1g --restart {conf}", executors=1)
    kernel.job()
    everyone = [facts.jvm, *processes_of(facts.app_id)]
    assert not {"driver.jsa", "executor.jsa"} & set().union(*(mapped(process.pid) for process in everyone))
