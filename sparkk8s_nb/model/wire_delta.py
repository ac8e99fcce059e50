"""What changed from one frame to the next: patches, and the numbered messages that carry them.

A patch is a JSON merge patch (RFC 7386) with three differences, all for the sake of bytes and of ``null``:

- in an object, ``$gone`` lists the keys that are no longer there; ``null`` is a value like any other;
- a list of objects that each have an ``id`` is patched row by row: ``$rows`` holds patches by id, ``$gone``
  ids, ``$new`` rows for the end, and ``$order`` all ids where that leaves another order;
- another list may keep its first ``$keep`` items, after which ``$then`` follow.

No key of a frame begins with ``$``. The front end's ``patched`` in ``static/shared.js`` does the same; the
golden files in ``tests/wire`` hold both to it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sparkk8s_nb.model.wire import SCHEMA

Frame = Mapping[str, Any]

_ENVELOPE = frozenset({"schema", "kind", "seq", "at"})
_SAME = object()

SMALL = 4000
"""Characters up to which a patch is sent without a look at how long the keyframe would be: it costs more
to find out than it could save."""


def delta(before: Frame, after: Frame) -> dict[str, Any] | None:
    """Return the patch that makes ``after`` of ``before``; None if they are equal.

    Examples
    --------
    >>> delta({"jobs": [{"id": 1, "done": 3, "tasks": 9}]}, {"jobs": [{"id": 1, "done": 4, "tasks": 9}]})
    {'jobs': {'$rows': {'1': {'done': 4}}}}
    >>> delta({"bins": [4, 2, 1]}, {"bins": [4, 2, 3, 5]})
    {'bins': {'$keep': 2, '$then': [3, 5]}}
    """
    if before == after:
        return None
    return _object(before, after)


def patched(frame: Any, patch: Any) -> Any:
    """Return the frame with a patch applied; the frame itself stays as it is.

    Examples
    --------
    >>> patched({"jobs": [{"id": 1, "done": 3}]}, {"jobs": {"$new": [{"id": 2, "done": 0}]}})
    {'jobs': [{'id': 1, 'done': 3}, {'id': 2, 'done': 0}]}
    """
    if not isinstance(patch, Mapping):
        return patch
    if isinstance(frame, list) and patch and all(key.startswith("$") for key in patch):
        return _patched_items(frame, patch) if "$keep" in patch else _patched_rows(frame, patch)
    made = dict(frame) if isinstance(frame, Mapping) else {}
    for key, change in patch.items():
        if key != "$gone":
            made[key] = patched(made.get(key), change)
    for key in patch.get("$gone", ()):
        made.pop(key, None)
    return made


def message(before: Frame | None, after: Frame) -> dict[str, Any] | None:
    """Return what tells a reader of one keyframe of the next one; None if there is nothing to tell.

    Parameters
    ----------
    before : mapping or None
        The keyframe that describes what the reader has; None if it has nothing.
    after : mapping
        The new one; its ``seq`` is one more.

    Examples
    --------
    >>> old = {"schema": 1, "kind": "keyframe", "seq": 4, "at": 10.0, "session": {}, "fleet": {"wanted": 1}}
    >>> message(old, {**old, "seq": 5, "at": 10.5, "fleet": {"wanted": 2}})
    {'schema': 1, 'kind': 'delta', 'seq': 5, 'base': 4, 'at': 10.5, 'patch': {'fleet': {'wanted': 2}}}
    >>> message(old, {**old, "seq": 5, "at": 10.5}) is None
    True
    """
    if before is None:
        return dict(after)
    patch = delta(_body(before), _body(after))
    if patch is None:
        return None
    length = size(patch)
    if length > SMALL and size(after) <= length:
        return dict(after)
    return {
        "schema": SCHEMA,
        "kind": "delta",
        "seq": after["seq"],
        "base": before["seq"],
        "at": after["at"],
        "patch": patch,
    }


def received(frame: Frame | None, heard: Frame) -> dict[str, Any] | None:
    """Return a reader's state after a message, as a keyframe; None if it must ask for one.

    Parameters
    ----------
    frame : mapping or None
        What the reader has; None at first.
    heard : mapping
        A keyframe or a delta.
    """
    if heard["kind"] == "keyframe":
        return dict(heard)
    if frame is None or heard["base"] != frame["seq"]:
        return None
    return {**patched(frame, heard["patch"]), "seq": heard["seq"], "at": heard["at"]}


def size(value: Any) -> int:
    """Return how many characters a value takes as JSON, written as Jupyter does."""
    return len(json.dumps(value, ensure_ascii=False))


def _body(frame: Frame) -> dict[str, Any]:
    return {key: value for key, value in frame.items() if key not in _ENVELOPE}


def _change(before: Any, after: Any) -> Any:
    if before == after:
        return _SAME
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return _object(before, after)
    if isinstance(before, list) and isinstance(after, list) and before and after:
        old, new = _by_id(before), _by_id(after)
        return _rows(old, new) if old is not None and new is not None else _items(before, after)
    return after


def _object(before: Frame, after: Frame) -> dict[str, Any]:
    patch: dict[str, Any] = {}
    for key, value in after.items():
        change = _change(before[key], value) if key in before else value
        if change is not _SAME:
            patch[key] = change
    if gone := [key for key in before if key not in after]:
        patch["$gone"] = gone
    return patch


def _by_id(items: Sequence[Any]) -> dict[str, Frame] | None:
    """Rows by their ids as text (keys of JSON are text); None if these are no rows."""
    rows: dict[str, Frame] = {}
    for item in items:
        number = item.get("id") if isinstance(item, dict) else None
        if isinstance(number, bool) or not isinstance(number, (int, str)):
            return None
        rows[str(number)] = item
    return rows if len(rows) == len(items) else None


def _rows(before: Mapping[str, Frame], after: Mapping[str, Frame]) -> dict[str, Any]:
    patch: dict[str, Any] = {}
    changed = {
        key: _object(before[key], row) for key, row in after.items() if key in before and before[key] != row
    }
    if changed:
        patch["$rows"] = changed
    if gone := [key for key in before if key not in after]:
        patch["$gone"] = gone
    if new := [row for key, row in after.items() if key not in before]:
        patch["$new"] = new
    kept = [key for key in before if key in after]
    if kept + [key for key in after if key not in before] != list(after):
        patch["$order"] = list(after)
    return patch


def _patched_rows(rows: Sequence[Frame], patch: Frame) -> list[Any]:
    changes, gone = patch.get("$rows", {}), frozenset(patch.get("$gone", ()))
    made: dict[str, Any] = {}
    for row in rows:
        key = str(row["id"])
        if key not in gone:
            made[key] = patched(row, changes[key]) if key in changes else row
    made.update({str(row["id"]): row for row in patch.get("$new", ())})
    return [made[key] for key in patch["$order"]] if "$order" in patch else list(made.values())


def _items(before: Sequence[Any], after: Sequence[Any]) -> Any:
    kept = 0
    for old, new in zip(before, after, strict=False):
        if old != new:
            break
        kept += 1
    if not kept:
        return after
    patch = {"$keep": kept}
    return {**patch, "$then": after[kept:]} if kept < len(after) else patch


def _patched_items(items: Sequence[Any], patch: Frame) -> list[Any]:
    return [*items[: patch["$keep"]], *patch.get("$then", ())]
