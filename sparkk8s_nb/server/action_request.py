"""The actions that a page asks this server to bring to a kernel: what is one, and what is refused at the door."""

from __future__ import annotations

import json
from typing import Any

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.wire import ACTIONS, ID_LENGTH

BODY_BYTES = 4096


def read_action(body: bytes) -> dict[str, Any]:
    """The action that a request's body asks for.

    Raises
    ------
    UsageError
        If it is none; what was sent is not repeated.

    Examples
    --------
    >>> read_action(b'{"do": "scale", "executors": 4, "id": "u1"}')
    {'do': 'scale', 'executors': 4, 'id': 'u1'}
    """
    try:
        action = json.loads(body) if len(body) <= BODY_BYTES else None
    except ValueError:
        action = None
    if not isinstance(action, dict):
        raise _no_action()
    if not all(value is None or isinstance(value, str | int | float) for value in action.values()):
        raise _no_action()
    if action.get("do") not in ACTIONS:
        raise _no_action()
    if not isinstance(action.get("id"), str) or not 0 < len(action["id"]) <= ID_LENGTH:
        raise _no_action()
    return action


def _no_action() -> UsageError:
    return UsageError(
        "The request is not an action.", fix=f"Send JSON with id and do: {', '.join(sorted(ACTIONS))}."
    )
