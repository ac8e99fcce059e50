"""What a control group may use, and what is left of it: both versions, the tightest of all groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparkk8s_nb.cgroup import cgroup_free_memory, cgroup_limits


@pytest.fixture
def cgroup(tmp_path: Path) -> Path:
    """An empty cgroup file system beside the membership file."""
    (tmp_path / "fs").mkdir()
    return tmp_path


def write(cgroup: Path, membership: str, files: dict[str, str]) -> dict[str, Path]:
    (cgroup / "self").write_text(membership)
    for name, content in files.items():
        path = cgroup / "fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    return {"membership": cgroup / "self", "mounted": cgroup / "fs"}


def limits(cgroup: Path, membership: str, files: dict[str, str]) -> tuple[float | None, int | None]:
    return cgroup_limits(**write(cgroup, membership, files))


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
    assert cgroup_limits(membership=cgroup / "absent", mounted=cgroup / "fs") == (None, None)


@pytest.mark.parametrize(
    ("membership", "base", "names", "inactive"),
    [
        ("0::/pod/box\n", "", ("memory.max", "memory.current"), "inactive_file"),
        (
            "4:memory:/pod/box\n1:cpu:/pod/box\n",
            "memory/",
            ("memory.limit_in_bytes", "memory.usage_in_bytes"),
            "total_inactive_file",
        ),
    ],
    ids=["version 2", "version 1"],
)
def test_what_a_limit_leaves_is_what_the_working_set_does_not_take(
    cgroup, membership, base, names, inactive
) -> None:
    """Of 2,500 bytes in use, 1,000 are files that nobody reads; the tightest of all groups counts."""
    limit, usage = names
    group = f"{base}pod/box"
    where = write(cgroup, membership, {f"{group}/{limit}": "4000", f"{group}/{usage}": "2500"})
    assert cgroup_free_memory(**where) == 1500
    write(cgroup, membership, {f"{group}/memory.stat": f"anon 1500\n{inactive} 1000"})
    assert cgroup_free_memory(**where) == 2500
    write(cgroup, membership, {f"{base}pod/{limit}": "9000", f"{base}pod/{usage}": "8000"})
    assert cgroup_free_memory(**where) == 1000
    write(cgroup, membership, {f"{group}/{usage}": "6000"})
    assert cgroup_free_memory(**where) == 0


def test_no_limit_leaves_nothing_to_count(cgroup: Path) -> None:
    """Without one, and where nothing can be read."""
    files = {"memory.max": "max", "memory.current": "100"}
    assert cgroup_free_memory(**write(cgroup, "0::/\n", files)) is None
    assert cgroup_free_memory(membership=cgroup / "absent", mounted=cgroup / "fs") is None
