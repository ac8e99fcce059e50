"""The embedded cluster for tests: the real daemon, in a runtime directory of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sparkk8s_nb.embedded import lifecycle
from sparkk8s_nb.embedded.lifecycle import EmbeddedCluster, NodeSettings


@pytest.fixture(scope="session")
def embedded_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCluster]:
    """One cluster for the test session; it has more (shared) cores than this machine."""
    base = tmp_path_factory.mktemp("sparkk8s")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARKK8S_RUNTIME_DIR", str(base / "run"))
        patch.setenv("SPARKK8S_STATE_DIR", str(base / "state"))
        settings = NodeSettings(cpus=8, overcommit=True, idle_seconds=600)
        cluster = lifecycle.up(settings=settings, timeout=60)
        try:
            yield cluster
        finally:
            lifecycle.down(timeout=30)
