"""The three kinds of patch: merge (RFC 7386), JSON (RFC 6902), and Kubernetes' strategic merge. Pure.

All return a new object; what they share with the old one is not changed.
"""

from __future__ import annotations

from typing import Any

from sparkk8s_nb.embedded.objects import copy
from sparkk8s_nb.embedded.status import StatusError, bad_request

#: lists that strategic merge merges by a key, by the name of the field (types.go: patchMergeKey)
MERGE_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "volumes": ("name",),
    "env": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "ports": ("containerPort", "port"),
    "ownerReferences": ("uid",),
    "conditions": ("type",),
    "imagePullSecrets": ("name",),
    "secrets": ("name",),
    "hostAliases": ("ip",),
    "addresses": ("type",),
    "topologySpreadConstraints": ("topologyKey",),
    "podIPs": ("ip",),
    "resourceClaims": ("name",),
}
#: lists of plain values that strategic merge treats as sets
SETS = frozenset({"finalizers"})


def merge(target: Any, patch: Any) -> Any:
    """RFC 7386: objects are merged, null removes, everything else replaces.

    >>> merge({"a": {"b": 1, "c": 2}}, {"a": {"b": None, "d": 3}})
    {'a': {'c': 2, 'd': 3}}
    """
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def strategic(target: Any, patch: Any) -> Any:
    """Kubernetes' strategic merge: as merge, but lists of named things are merged by their key.

    Understands ``$patch: delete|replace|merge``, ``$deleteFromPrimitiveList/FIELD``,
    ``$setElementOrder/FIELD`` and ``$retainKeys``.

    Examples
    --------
    >>> strategic({"env": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]},
    ...           {"env": [{"name": "a", "$patch": "delete"}, {"name": "c", "value": "3"}]})
    {'env': [{'name': 'b', 'value': '2'}, {'name': 'c', 'value': '3'}]}

    Raises
    ------
    StatusError
        400 for a directive that is none.
    """
    if not isinstance(patch, dict):
        return copy(patch)
    directive = patch.get("$patch")
    if directive not in (None, "replace", "merge", "delete"):
        raise bad_request(f"unknown patch type '{directive}' in map")
    plain = {key: value for key, value in patch.items() if not key.startswith("$")}
    if directive == "replace":
        return copy(plain)
    if directive == "delete":
        return {}
    result = dict(target) if isinstance(target, dict) else {}
    if (kept := patch.get("$retainKeys")) is not None:
        result = {key: value for key, value in result.items() if key in kept}
    for key, value in plain.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, list):
            result[key] = _strategic_list(key, result.get(key), value)
        else:
            result[key] = strategic(result.get(key), value)
    _list_directives(result, patch)
    return result


def _list_directives(result: dict[str, Any], patch: dict[str, Any]) -> None:
    """Apply ``$deleteFromPrimitiveList/FIELD`` and ``$setElementOrder/FIELD`` to a merged map."""
    for key, value in patch.items():
        directive, _, field = key.partition("/")
        if directive == "$deleteFromPrimitiveList" and isinstance(result.get(field), list):
            result[field] = [each for each in result[field] if each not in value]
        elif directive == "$setElementOrder" and isinstance(result.get(field), list):
            result[field] = _ordered(field, result[field], value)


def _merge_key(field: str, items: list[Any]) -> str | None:
    for key in MERGE_KEYS.get(field, ()):
        if items and all(isinstance(each, dict) and (key in each or "$patch" in each) for each in items):
            return key
    return None


def _strategic_list(field: str, target: Any, patch: list[Any]) -> list[Any]:
    old: list[Any] = list(target) if isinstance(target, list) else []
    if field in SETS:
        return old + [each for each in patch if each not in old]
    if any(isinstance(each, dict) and each.get("$patch") == "replace" for each in patch):
        return [copy(each) for each in patch if not (isinstance(each, dict) and "$patch" in each)]
    key = _merge_key(field, patch)
    if key is None:
        return [copy(each) for each in patch]
    for each in patch:
        place = next(
            (i for i, item in enumerate(old) if isinstance(item, dict) and item.get(key) == each.get(key)),
            None,
        )
        if each.get("$patch") == "delete":
            if place is not None:
                del old[place]
        elif place is None:
            old.append(strategic({}, each))
        else:
            old[place] = strategic(old[place], each)
    return old


def _ordered(field: str, items: list[Any], order: list[Any]) -> list[Any]:
    """Items in the asked order; those it does not name keep their place at the end."""
    key = _merge_key(field, order)

    def rank(item: Any) -> int:
        wanted = item.get(key) if key is not None and isinstance(item, dict) else item
        names = [each.get(key) if key is not None else each for each in order]
        return names.index(wanted) if wanted in names else len(names)

    return sorted(items, key=rank)


def json_patch(target: Any, operations: Any) -> Any:
    """RFC 6902: a list of add, remove, replace, move, copy and test operations.

    >>> json_patch({"a": [1, 2]}, [{"op": "add", "path": "/a/-", "value": 3}, {"op": "remove", "path": "/a/0"}])
    {'a': [2, 3]}

    Raises
    ------
    StatusError
        400 for a malformed patch; 422 where a path or a test does not fit the object.
    """
    if not isinstance(operations, list):
        raise bad_request("a JSON patch is a list of operations")
    result = copy(target)
    for operation in operations:
        if not isinstance(operation, dict) or "op" not in operation or "path" not in operation:
            raise bad_request("a JSON patch operation has op and path")
        result = _operate(result, operation)
    return result


def _operate(result: Any, operation: dict[str, Any]) -> Any:
    op, path = operation["op"], _pointer(operation["path"])
    if op in ("add", "replace", "test") and "value" not in operation:
        raise bad_request(f"a JSON patch operation {op} has a value")
    match op:
        case "add":
            return _set(result, path, copy(operation["value"]), insert=True)
        case "replace":  # of a field that is not there too, as on a real API server
            return _set(result, path, copy(operation["value"]), insert=False)
        case "remove":
            return _delete(result, path)
        case "test":
            if _read(result, path) != operation["value"]:
                raise _does_not_fit(f"testing value {operation['path']} failed")
            return result
        case "copy":
            return _set(result, path, copy(_read(result, _pointer(operation.get("from")))), insert=True)
        case "move":
            source = _pointer(operation.get("from"))
            value = _read(result, source)
            return _set(_delete(result, source), path, value, insert=True)
    raise _does_not_fit(f"unexpected JSON patch operation: {op}")


def _does_not_fit(why: str) -> StatusError:
    return StatusError(
        422, "Invalid", f"the server rejected our request due to an error in our request: {why}", {}
    )


def _pointer(path: Any) -> list[str]:
    if not isinstance(path, str) or (path and not path.startswith("/")):
        raise bad_request(f"not a JSON pointer: {path!r}")
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _index(items: list[Any], part: str, *, end: int) -> int:
    if not part.isdigit() or int(part) >= end:
        raise _does_not_fit(f"no element {part} in a list of {len(items)}")
    return int(part)


def _read(value: Any, path: list[str]) -> Any:
    for part in path:
        if isinstance(value, list):
            value = value[_index(value, part, end=len(value))]
        elif isinstance(value, dict) and part in value:
            value = value[part]
        else:
            raise _does_not_fit(f"/{'/'.join(path)} does not exist")
    return value


def _set(root: Any, path: list[str], new: Any, *, insert: bool) -> Any:
    if not path:
        return new
    parent, last = _read(root, path[:-1]), path[-1]
    if isinstance(parent, list):
        if last == "-":
            parent.append(new)
        elif insert:
            parent.insert(_index(parent, last, end=len(parent) + 1), new)
        else:
            parent[_index(parent, last, end=len(parent))] = new
    elif isinstance(parent, dict):
        parent[last] = new
    else:
        raise _does_not_fit(f"/{'/'.join(path)} is inside a plain value")
    return root


def _delete(root: Any, path: list[str]) -> Any:
    _read(root, path)
    if not path:
        raise _does_not_fit("the whole object cannot be removed")
    parent = _read(root, path[:-1])
    if isinstance(parent, list):
        del parent[_index(parent, path[-1], end=len(parent))]
    else:
        del parent[path[-1]]
    return root
