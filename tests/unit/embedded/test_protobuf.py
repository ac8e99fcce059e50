"""Protobuf: just enough of it, and never a crash."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkk8s_nb.embedded import protobuf


def field(number: int, content: bytes | str) -> bytes:
    data = content.encode() if isinstance(content, str) else content
    return bytes([number << 3 | 2, len(data)]) + data


def envelope(kind: str, message: bytes, version: str = "v1") -> bytes:
    return protobuf.MAGIC + field(1, field(1, version) + field(2, kind)) + field(2, message)


def test_a_config_map_is_read() -> None:
    """What kubectl create configmap sends."""
    message = field(1, field(1, "c")) + field(2, field(1, "k") + field(2, "v")) + bytes([4 << 3, 1])
    assert protobuf.decode(envelope("ConfigMap", message)) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c"},
        "data": {"k": "v"},
        "immutable": True,
    }


def test_a_secrets_bytes_become_base64() -> None:
    """As JSON has them."""
    found = protobuf.decode(envelope("Secret", field(2, field(1, "k") + field(2, b"\x00\xff"))))
    assert found is not None
    assert found["data"] == {"k": "AP8="}


def test_a_service_has_ports_as_numbers() -> None:
    """And target ports that are numbers or names."""
    target = field(4, bytes([1 << 3, 0, 2 << 3, 81]))
    spec = field(1, bytes([3 << 3, 80]) + target) + field(2, field(1, "app") + field(2, "x"))
    found = protobuf.decode(envelope("Service", field(2, spec)))
    assert found is not None
    assert found["spec"] == {"ports": [{"port": 80, "targetPort": 81}], "selector": {"app": "x"}}


def test_a_quota_has_quantities() -> None:
    """Which are messages of their own."""
    spec = field(1, field(1, "pods") + field(2, field(1, "3")))
    found = protobuf.decode(envelope("ResourceQuota", field(2, spec)))
    assert found is not None
    assert found["spec"] == {"hard": {"pods": "3"}}


def test_other_kinds_are_not_known() -> None:
    """The API answers 415."""
    assert protobuf.decode(envelope("Pod", b"")) is None


@given(st.binary(max_size=60), st.sampled_from(["ConfigMap", "Service", "Secret", "ResourceQuota", "Pod"]))
def test_nonsense_is_a_value_error_and_nothing_worse(data: bytes, kind: str) -> None:
    """Whatever comes over the wire."""
    for each in (data, protobuf.MAGIC + data, envelope(kind, data)):
        try:
            protobuf.decode(each)
        except ValueError:
            continue


def test_a_message_that_ends_too_early_is_told() -> None:
    """Not read beyond its end."""
    with pytest.raises(ValueError, match="ends too early"):
        list(protobuf.fields(b"\x0a\x05ab"))
