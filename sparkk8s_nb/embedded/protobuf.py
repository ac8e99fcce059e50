"""Just enough protobuf to read the access reviews that kubectl sends in no other encoding. Pure.

Kubernetes wraps a message in an envelope: the bytes ``k8s\\0``, then a ``runtime.Unknown`` whose field 2
is the message. Field numbers are those of ``k8s.io/api/authorization/v1/generated.proto``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sparkk8s_nb.embedded import resources
from sparkk8s_nb.embedded.resources import Resource

MAGIC = b"k8s\x00"
CONTENT_TYPE = "application/vnd.kubernetes.protobuf"

_ATTRIBUTES = {
    1: "namespace",
    2: "verb",
    3: "group",
    4: "version",
    5: "resource",
    6: "subresource",
    7: "name",
}
_PATHS = {1: "path", 2: "verb"}


def fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """The fields of a message: number and value (bytes, or an integer for varints).

    >>> list(fields(b"\\x0a\\x01a\\x10\\x07"))
    [(1, b'a'), (2, 7)]

    Raises
    ------
    ValueError
        For what is no message.
    """
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == 2:
            size, at = _varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"wire type {kind}")
        if at + size > len(data):
            raise ValueError("the message ends too early")
        yield number, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("the message ends too early")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _message(data: bytes, number: int) -> bytes:
    """The last embedded message of that number, empty where there is none."""
    return next(
        (value for key, value in reversed(list(fields(data))) if key == number and isinstance(value, bytes)),
        b"",
    )


def _texts(data: bytes, names: dict[int, str]) -> dict[str, str]:
    return {
        names[key]: value.decode() for key, value in fields(data) if key in names and isinstance(value, bytes)
    }


def review(resource: Resource, data: bytes) -> dict[str, Any]:
    """An access review as JSON would have said it.

    Raises
    ------
    ValueError
        For what is none.
    """
    if not data.startswith(MAGIC):
        raise ValueError("the envelope is missing")
    spec = _message(_message(data[len(MAGIC) :], 2), 2)
    if resource is resources.RULES_REVIEWS:
        return {"spec": _texts(spec, {1: "namespace"})}
    body: dict[str, Any] = {}
    if attributes := _message(spec, 1):
        body["resourceAttributes"] = _texts(attributes, _ATTRIBUTES)
    if path := _message(spec, 2):
        body["nonResourceAttributes"] = _texts(path, _PATHS)
    return {"spec": body}
