"""Merging pod templates: one pure function, and the check that a file is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sparkk8s_nb.errors import UsageError

Json = dict[str, Any]

MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
}
"""Lists that are merged item by item, and what tells their items apart (Kubernetes' patchMergeKey)."""

ADDED = frozenset({"envFrom"})
"""Lists whose items nothing tells apart: both count, the later last."""

WHOLE = frozenset({"volumes", "env"})
"""Lists whose items are replaced as a whole: a volume has one source, a variable one value."""


def merge_pods(base: Mapping[str, Any], over: Mapping[str, Any]) -> Json:
    """Merge one pod over another as Kubernetes' strategic merge does: maps deeply, named lists by key.

    What ``over`` leaves empty says nothing: a ``spec:`` without anything below it removes nothing.

    >>> merge_pods({"env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "A", "value": "2"}]})
    {'env': [{'name': 'A', 'value': '2'}]}
    """
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        if value is None:
            continue
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            result[key] = merge_pods(old, value)
        elif key in ADDED and isinstance(old, list) and isinstance(value, list):
            result[key] = [*old, *(item for item in value if item not in old)]
        elif key in MERGE_KEYS and isinstance(old, list) and isinstance(value, list):
            result[key] = _merge_lists(old, value, MERGE_KEYS[key], whole=key in WHOLE)
        else:
            result[key] = value
    return result


def _merge_lists(
    old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]], key: str, *, whole: bool
) -> list[Json]:
    merged = {item.get(key): dict(item) for item in old}
    for item in new:
        name = item.get(key)
        merged[name] = merge_pods({} if whole else merged.get(name, {}), item)
    return list(merged.values())


def read_template(content: object, name: str, container: str) -> Json:
    """A template's content as a pod whose executor container is called ``container``.

    Spark's rule: the first container is the executor's. One of that name is taken wherever it stands.

    Parameters
    ----------
    content : object
        As YAML gives it.
    name : str
        The file, for errors.
    container : str

    Raises
    ------
    UsageError
        If it is no pod.

    Examples
    --------
    >>> pod = read_template({"spec": {"containers": [{"name": "spark", "env": []}]}}, "pod.yaml", "executor")
    >>> pod["spec"]["containers"]
    [{'name': 'executor', 'env': []}]
    """
    if not isinstance(content, Mapping) or content.get("kind", "Pod") != "Pod":
        raise _no_pod(name, "it is not of kind: Pod")
    for part in ("metadata", "spec"):
        if not isinstance(content.get(part) or {}, Mapping):
            raise _no_pod(name, f"its {part} is not a table")
    spec = dict(content.get("spec") or {})
    for key in ("containers", "initContainers", "volumes"):
        _check_items(spec.get(key), f"spec.{key}", MERGE_KEYS[key], name, first_may_lack=key == "containers")
    containers = [dict(item) for item in spec.get("containers") or []]
    for index, item in enumerate(containers):
        for key in ("env", "volumeMounts"):
            _check_items(item.get(key), f"spec.containers[{index}].{key}", MERGE_KEYS[key], name)
    if containers and container not in {item.get("name") for item in containers}:
        containers[0]["name"] = container
    if containers:
        spec["containers"] = containers
    return {**content, "spec": spec}


def _check_items(items: object, path: str, key: str, name: str, *, first_may_lack: bool = False) -> None:
    if items is None:
        return
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise _no_pod(name, f"{path} is not a list of tables")
    named = items[1:] if first_may_lack else items
    if any(not isinstance(item.get(key), str) for item in named):
        raise _no_pod(name, f"an item of {path} has no {key}")


def _no_pod(name: str, why: str) -> UsageError:
    return UsageError(
        f"The pod template {name} is not a Pod: {why}.", fix="Give a YAML file with kind: Pod and a spec."
    )
