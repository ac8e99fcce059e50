"""What every Kubernetes object has, read and copied without surprises."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

Object = dict[str, Any]


def copy(value: Any) -> Any:
    """A deep copy of JSON-like data (several times faster than :func:`copy.deepcopy`).

    >>> a = {"x": [1, {"y": 2}]}; b = copy(a); b["x"][1]["y"] = 3; a
    {'x': [1, {'y': 2}]}
    """
    if isinstance(value, dict):
        return {key: copy(each) for key, each in value.items()}
    if isinstance(value, list):
        return [copy(each) for each in value]
    return value


def name_of(obj: Object) -> str:
    """``metadata.name``."""
    return str(obj["metadata"]["name"])


def namespace_of(obj: Object) -> str:
    """``metadata.namespace``, empty for kinds of the whole cluster."""
    return str(obj["metadata"].get("namespace", ""))


def uid_of(obj: Object) -> str:
    """``metadata.uid``."""
    return str(obj["metadata"].get("uid", ""))


def version_of(obj: Object) -> int:
    """``metadata.resourceVersion`` as the number that it is here."""
    return int(obj["metadata"]["resourceVersion"])


def labels_of(obj: Object) -> dict[str, str]:
    """``metadata.labels``, never None."""
    return obj["metadata"].get("labels") or {}


def owners_of(obj: Object) -> list[Object]:
    """``metadata.ownerReferences``, never None."""
    return obj["metadata"].get("ownerReferences") or []


def finalizers_of(obj: Object) -> list[str]:
    """``metadata.finalizers``, never None."""
    return obj["metadata"].get("finalizers") or []


def is_deleting(obj: Object) -> bool:
    """Whether a deletion has begun."""
    return bool(obj["metadata"].get("deletionTimestamp"))


def dig(obj: Any, *path: str) -> Any:
    """The value at a path of keys, or None where one is missing.

    >>> dig({"a": {"b": 1}}, "a", "b"), dig({"a": None}, "a", "b")
    (1, None)
    """
    for key in path:
        if not isinstance(obj, dict):
            return None
        obj = obj.get(key)
    return obj


def timestamp(moment: datetime) -> str:
    """A moment as ``metav1.Time`` (whole seconds, UTC).

    >>> timestamp(datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC))
    '2030-01-02T03:04:05Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_timestamp(moment: datetime) -> str:
    """A moment as ``metav1.MicroTime``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> datetime:
    """A moment from RFC 3339 text.

    >>> parse_time("2030-01-02T03:04:05Z").year
    2030

    Raises
    ------
    ValueError
        If it is none.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
