"""What of the machine may be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparkk8s_nb.embedded import node
from sparkk8s_nb.embedded.node import Capacity


@pytest.fixture
def cgroup(tmp_path: Path) -> Path:
    """An empty cgroup file system beside the membership file."""
    (tmp_path / "fs").mkdir()
    return tmp_path


def limits(cgroup: Path, membership: str, files: dict[str, str]) -> tuple[float | None, int | None]:
    (cgroup / "self").write_text(membership)
    for name, content in files.items():
        path = cgroup / "fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    return node.cgroup_limits(membership=cgroup / "self", mounted=cgroup / "fs")


def test_version_2_limits_count_from_the_group_up_to_the_root(cgroup: Path) -> None:
    """The smallest of them."""
    files = {
        "a/b/memory.max": "max",
        "a/memory.max": "1000000",
        "a/b/cpu.max": "150000 100000",
        "cpu.max": "max 100000",
    }
    assert limits(cgroup, "0::/a/b\n", files) == (1.5, 1000000)


def test_version_1_limits_count_too(cgroup: Path) -> None:
    """Each controller in a tree of its own; huge values mean none."""
    files = {
        "memory/docker/x/memory.limit_in_bytes": "2000000",
        "memory/memory.limit_in_bytes": "9223372036854771712",
        "cpu/cpu.cfs_quota_us": "50000",
        "cpu/cpu.cfs_period_us": "100000",
    }
    assert limits(cgroup, "4:memory:/docker/x\n1:cpu:/docker/x\n0::/\n", files) == (0.5, 2000000)


def test_without_limits_there_are_none(cgroup: Path) -> None:
    """Also where nothing can be read."""
    files = {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}
    assert limits(cgroup, "1:cpu:/\n", files) == (None, None)
    assert node.cgroup_limits(membership=cgroup / "absent", mounted=cgroup / "fs") == (None, None)


def test_settings_only_take_away() -> None:
    """Unless overcommit of cores is asked for; memory never."""
    has = Capacity(cpus=4, memory=100)
    assert node.usable(has, (None, None), 8, 200) == has
    assert node.usable(has, (2.0, 80), None, 90) == Capacity(cpus=2.0, memory=80)
    assert node.usable(has, (2.0, 80), 16, 200, overcommit=True) == Capacity(cpus=16, memory=80)


def test_allocatable_is_in_quantities() -> None:
    """Cores in thousandths, memory in whole KiB."""
    assert node.allocatable(Capacity(cpus=2.5, memory=3 * 1024**3 + 5)) == {
        "cpu": "2500m",
        "memory": "3Gi",
        "pods": "500",
    }
