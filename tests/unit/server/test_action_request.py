"""Which requests are actions."""

from __future__ import annotations

import json

import pytest

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.wire import ACTIONS
from sparkk8s_nb.server.action_request import read_action


@pytest.mark.parametrize(
    "action",
    [
        {"do": "scale", "executors": 4, "id": "u1"},
        {"do": "cancel", "cell": "a1b2", "id": "u1"},
        {"do": "cancel", "cell": 5, "id": "u1"},
        {"do": "cancel_all", "id": "u1"},
        {"do": "stop", "id": "u1"},
        {"do": "log", "executor": "3", "id": "x" * 64},
    ],
)
def test_an_action_passes_as_it_is(action):
    """What its arguments mean is the kernel's to say, in the magic's words."""
    assert read_action(json.dumps(action).encode()) == action
    assert action["do"] in ACTIONS


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"7", b"\xff", b'{"do": "stop"}', b'{"do": "stop", "id": ""}',
        b'{"do": "stop", "id": 7}', b'{"do": "eval", "id": "u1"}', b'{"id": "u1"}', b'{"do": ["stop"], "id": "u1"}',
        b'{"do": "stop", "id": "u1", "more": {"a": 1}}', b'{"do": "cancel", "cell": [1], "id": "u1"}',
        json.dumps({"do": "stop", "id": "x" * 65}).encode(),
        json.dumps({"do": "log", "executor": "x" * 5000, "id": "u1"}).encode(),
    ],
)  # fmt: skip
def test_anything_else_is_refused_and_not_repeated(body):
    """It reaches no kernel."""
    with pytest.raises(UsageError) as caught:
        read_action(body)
    assert "u1" not in str(caught.value)
