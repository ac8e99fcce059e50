"""Just enough protobuf to read what kubectl sends in no other encoding. Pure.

kubectl's generators (``kubectl create configmap``, ``kubectl auth can-i``) use typed clients, which send
protobuf. Kubernetes wraps a message in an envelope: the bytes ``k8s\\0``, then a ``runtime.Unknown`` whose
field 1 is the type (apiVersion, kind) and field 2 the message. Field numbers are those of the
``generated.proto`` files of ``k8s.io/api`` and ``k8s.io/apimachinery``.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAGIC = b"k8s\x00"
CONTENT_TYPE = "application/vnd.kubernetes.protobuf"

Message = dict[int, "Field"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a message: its JSON name and how its value is read.

    ``kind``: text, number, flag, bytes (base64 in JSON), message, quantity, or int-or-text.
    """

    name: str
    kind: str = "text"
    inner: Message | None = None
    repeated: bool = False
    mapped: bool = False


def _numbered(*fields: tuple[int, Field]) -> Message:
    return dict(fields)


def _texts(**numbers: int) -> Message:
    return {number: Field(name=name) for name, number in numbers.items()}


_OWNER = _texts(kind=1, name=3, uid=4, apiVersion=5) | _numbered(
    (6, Field(name="controller", kind="flag")), (7, Field(name="blockOwnerDeletion", kind="flag"))
)
_METADATA = _texts(name=1, generateName=2, namespace=3, uid=5, resourceVersion=6) | _numbered(
    (11, Field(name="labels", mapped=True)),
    (12, Field(name="annotations", mapped=True)),
    (13, Field(name="ownerReferences", kind="message", inner=_OWNER, repeated=True)),
    (14, Field(name="finalizers", repeated=True)),
)
_PORT = _texts(name=1, protocol=2, appProtocol=6) | _numbered(
    (3, Field(name="port", kind="number")),
    (4, Field(name="targetPort", kind="int-or-text")),
    (5, Field(name="nodePort", kind="number")),
)
_SERVICE = _texts(clusterIP=3, type=4, sessionAffinity=7, externalName=10, ipFamilyPolicy=17) | _numbered(
    (1, Field(name="ports", kind="message", inner=_PORT, repeated=True)),
    (2, Field(name="selector", mapped=True)),
    (13, Field(name="publishNotReadyAddresses", kind="flag")),
    (18, Field(name="clusterIPs", repeated=True)),
    (19, Field(name="ipFamilies", repeated=True)),
)
_QUOTA = _numbered(
    (1, Field(name="hard", kind="quantity", mapped=True)), (2, Field(name="scopes", repeated=True))
)
_ATTRIBUTES = _texts(namespace=1, verb=2, group=3, version=4, resource=5, subresource=6, name=7)
_ACCESS = _numbered(
    (1, Field(name="resourceAttributes", kind="message", inner=_ATTRIBUTES)),
    (2, Field(name="nonResourceAttributes", kind="message", inner=_texts(path=1, verb=2))),
)


def _object(*others: tuple[int, Field], spec: Message | None = None) -> Message:
    message = _numbered((1, Field(name="metadata", kind="message", inner=_METADATA)), *others)
    return message if spec is None else message | {2: Field(name="spec", kind="message", inner=spec)}


#: the kinds that can be read
_KINDS: dict[str, Message] = {
    "Namespace": _object(spec={}),
    "ConfigMap": _object(
        (2, Field(name="data", mapped=True)),
        (3, Field(name="binaryData", kind="bytes", mapped=True)),
        (4, Field(name="immutable", kind="flag")),
    ),
    "Secret": _object(
        (2, Field(name="data", kind="bytes", mapped=True)),
        (3, Field(name="type")),
        (4, Field(name="stringData", mapped=True)),
        (5, Field(name="immutable", kind="flag")),
    ),
    "ServiceAccount": _object(),
    "Service": _object(spec=_SERVICE),
    "ResourceQuota": _object(spec=_QUOTA),
    "SelfSubjectAccessReview": _object(spec=_ACCESS),
    "SelfSubjectRulesReview": _object(spec=_texts(namespace=1)),
}


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


def _parts(data: bytes) -> dict[int, bytes | int]:
    return dict(fields(data))


def _bytes(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("a number where a message belongs")  # noqa: TRY004 (the data is wrong, not our types)
    return value


def _value(field: Field, value: bytes | int) -> Any:
    match field.kind:
        case "number":
            return int(value) if isinstance(value, int) else 0
        case "flag":
            return bool(value)
        case "bytes":
            return base64.b64encode(_bytes(value)).decode()
        case "message":
            return _message(field.inner or {}, _bytes(value))
        case "quantity":
            return _bytes(_parts(_bytes(value)).get(1, b"")).decode()
        case "int-or-text":
            parts = _parts(_bytes(value))
            return _bytes(parts.get(3, b"")).decode() if parts.get(1) else parts.get(2, 0)
    return _bytes(value).decode()


def _message(known: Message, data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, value in fields(data):
        field = known.get(number)
        if field is None:
            continue
        if field.mapped:
            entry = _parts(_bytes(value))
            found.setdefault(field.name, {})[_bytes(entry.get(1, b"")).decode()] = _value(
                field, entry.get(2, b"")
            )
        elif field.repeated:
            found.setdefault(field.name, []).append(_value(field, value))
        elif value != b"":
            found[field.name] = _value(field, value)
    return found


def decode(data: bytes) -> dict[str, Any] | None:
    """An object as JSON would have said it; None for a kind that is not among the known ones.

    Raises
    ------
    ValueError
        For what is no Kubernetes message.
    """
    if not data.startswith(MAGIC):
        raise ValueError("the envelope is missing")
    envelope = _parts(data[len(MAGIC) :])
    named = {key: _bytes(value).decode() for key, value in _parts(_bytes(envelope.get(1, b""))).items()}
    known = _KINDS.get(named.get(2, ""))
    if known is None:
        return None
    return {"apiVersion": named.get(1, ""), "kind": named[2], **_message(known, _bytes(envelope.get(2, b"")))}
