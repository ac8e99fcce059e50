"""A store with a clock that stands still, and what is built on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from sparkk8s_nb.embedded import resources
from sparkk8s_nb.embedded.registry import Registry
from sparkk8s_nb.embedded.store import Store

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def clock() -> Callable[[], datetime]:
    """Always the same moment."""
    return lambda: NOW


@pytest.fixture
def store(clock: Callable[[], datetime]) -> Store:
    """An empty store."""
    return Store(clock=clock)


@pytest.fixture
def registry(store: Store, clock: Callable[[], datetime]) -> Registry:
    """A registry over a store with the namespace ``default``."""
    made = Registry(store, clock=clock)
    for name in ("default", "other"):
        made.create(resources.NAMESPACES, "", {"metadata": {"name": name}})
    return made


@pytest.fixture
def pod_body() -> Callable[..., dict[str, Any]]:
    """Makes pod bodies."""

    def make(name: str = "p", *, requests: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
        container: dict[str, Any] = {"name": "c", "image": "i", "command": ["true"]}
        if requests:
            container["resources"] = {"requests": requests}
        return {"metadata": {"name": name}, "spec": {"containers": [container], **spec}}

    return make
