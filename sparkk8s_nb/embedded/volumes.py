"""A pod's volumes as directories of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparkk8s_nb.embedded.containers import (
    ConfigError,
    Lookup,
    PodFacts,
    field_value,
    resource_value,
)
from sparkk8s_nb.embedded.mounts import PathMap
from sparkk8s_nb.embedded.objects import Object

_FILES = ("configMap", "secret", "downwardAPI", "projected")


def materialize(facts: PodFacts, lookup: Lookup, directory: Path) -> dict[str, Path]:
    """Make every volume of a pod under ``directory``.

    Returns
    -------
    dict
        The real path of each volume, by its name.

    Raises
    ------
    ConfigError
        Where something that a volume shows is missing, or the kind of volume is not to be had here.
    """
    made: dict[str, Path] = {}
    for volume in facts.pod["spec"].get("volumes") or []:
        name = str(volume["name"])
        path = directory / name
        if "hostPath" in volume:
            made[name] = Path(str(volume["hostPath"].get("path")))
            continue
        path.mkdir(parents=True, exist_ok=True)
        made[name] = path
        kind = next((each for each in volume if each != "name"), "emptyDir")
        if kind in _FILES:
            _write(path, _files(kind, volume[kind] or {}, facts, lookup), volume[kind] or {})
        elif kind != "emptyDir":
            raise ConfigError(
                f'MountVolume.SetUp failed for volume "{name}" : the embedded cluster has no {kind}'
            )
    return made


def _files(kind: str, source: Object, facts: PodFacts, lookup: Lookup) -> dict[str, tuple[bytes, Any]]:
    if kind == "projected":
        files: dict[str, tuple[bytes, Any]] = {}
        for each in source.get("sources") or []:
            inner = next(iter(each), "")
            if inner in _FILES:
                files |= _files(inner, each[inner] or {}, facts, lookup)
            else:
                raise ConfigError(f"projected volume source {inner} is not to be had on the embedded cluster")
        return files
    if kind == "downwardAPI":
        return {
            str(item["path"]): (_downward(item, facts).encode(), item.get("mode"))
            for item in source.get("items") or []
        }
    name = str(source.get("secretName") or source.get("name"))
    data = lookup(kind.lower(), name)
    if data is None:
        if source.get("optional"):
            return {}
        raise ConfigError(f'{kind.lower()} "{name}" not found')
    items = source.get("items")
    if not items:
        return {key: (value, None) for key, value in data.items()}
    chosen: dict[str, tuple[bytes, Any]] = {}
    for item in items:
        if item["key"] in data:
            chosen[str(item["path"])] = (data[item["key"]], item.get("mode"))
        elif not source.get("optional"):
            raise ConfigError(f"references non-existent {kind.lower()} key: {item['key']}")
    return chosen


def _downward(item: Object, facts: PodFacts) -> str:
    if "fieldRef" in item:
        return field_value(facts, str(item["fieldRef"].get("fieldPath")))
    return resource_value(facts, {}, item.get("resourceFieldRef") or {})


def _write(path: Path, files: Mapping[str, tuple[bytes, Any]], source: Object) -> None:
    default = source.get("defaultMode", 0o644)
    for name, (content, mode) in files.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod((default if mode is None else mode) & 0o777)


def path_map(container: Object, volumes: Mapping[str, Path]) -> PathMap:
    """The real path of each of a container's mount paths; directories for subPaths are made."""
    real: dict[str, str] = {}
    for mount in container.get("volumeMounts") or []:
        path = volumes[str(mount["name"])]
        if sub := mount.get("subPath"):
            path = path / str(sub)
            if not path.exists():
                path.mkdir(parents=True)
        real[str(mount["mountPath"])] = str(path)
    return PathMap(real)
