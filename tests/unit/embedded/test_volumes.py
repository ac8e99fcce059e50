"""Volumes as directories."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from sparkk8s_nb.embedded.containers import ConfigError, PodFacts
from sparkk8s_nb.embedded.volumes import materialize, path_map

SOURCES = {("configmap", "cm"): {"a": b"1", "b": b"2"}, ("secret", "s"): {"k": b"\x00\xff"}}


def lookup(kind: str, name: str) -> dict[str, bytes] | None:
    return SOURCES.get((kind, name))


def make(directory: Path, *volumes: dict[str, Any]) -> dict[str, Path]:
    pod = {
        "metadata": {"name": "p", "namespace": "n", "labels": {"x": "1"}},
        "spec": {"volumes": list(volumes)},
    }
    facts = PodFacts(pod=pod, ip="127.16.0.1", node="n", host_ip="127.0.0.1", allocatable={})
    return materialize(facts, lookup, directory)


def test_a_config_map_shows_all_its_keys(tmp_path: Path) -> None:
    """As files."""
    made = make(tmp_path, {"name": "v", "configMap": {"name": "cm"}})
    assert {each.name: each.read_text() for each in made["v"].iterdir()} == {"a": "1", "b": "2"}


def test_items_choose_keys_paths_and_modes(tmp_path: Path) -> None:
    """Bytes stay bytes."""
    items = [{"key": "k", "path": "deep/er/f", "mode": 0o400}]
    path = make(tmp_path, {"name": "v", "secret": {"secretName": "s", "items": items}})["v"] / "deep/er/f"
    assert path.read_bytes() == b"\x00\xff"
    assert stat.S_IMODE(path.stat().st_mode) == 0o400


def test_projected_volumes_gather_several_sources(tmp_path: Path) -> None:
    """ConfigMap, Secret and facts of the pod in one directory."""
    sources = [
        {"configMap": {"name": "cm", "items": [{"key": "a", "path": "a"}]}},
        {"secret": {"name": "s"}},
        {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
    ]
    made = make(tmp_path, {"name": "v", "projected": {"sources": sources}})["v"]
    assert sorted(each.name for each in made.iterdir()) == ["a", "k", "labels"]
    assert (made / "labels").read_text() == 'x="1"'


def test_a_host_path_is_itself(tmp_path: Path) -> None:
    """It is this machine's directory."""
    assert make(tmp_path, {"name": "v", "hostPath": {"path": "/data"}}) == {"v": Path("/data")}


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"configMap": {"name": "absent"}}, 'configmap "absent" not found'),
        (
            {"configMap": {"name": "cm", "items": [{"key": "z", "path": "z"}]}},
            "non-existent configmap key: z",
        ),
        ({"nfs": {"server": "s"}}, "the embedded cluster has no nfs"),
    ],
)
def test_what_cannot_be_mounted_is_told(tmp_path: Path, volume: dict[str, Any], message: str) -> None:
    """For the event FailedMount."""
    with pytest.raises(ConfigError, match=message):
        make(tmp_path, {"name": "v", **volume})


def test_what_is_missing_and_optional_is_an_empty_directory(tmp_path: Path) -> None:
    """The pod starts."""
    made = make(tmp_path, {"name": "v", "configMap": {"name": "absent", "optional": True}})
    assert list(made["v"].iterdir()) == []


def test_mounts_point_into_volumes(tmp_path: Path) -> None:
    """A subPath that is not there is made."""
    volumes = make(tmp_path, {"name": "w", "emptyDir": {}})
    mounts = [{"name": "w", "mountPath": "/w"}, {"name": "w", "mountPath": "/w/sub", "subPath": "in/ner"}]
    paths = path_map({"volumeMounts": mounts}, volumes)
    assert paths.apply("/w/x:/w/sub/y") == f"{tmp_path}/w/x:{tmp_path}/w/in/ner/y"
    assert (tmp_path / "w/in/ner").is_dir()
