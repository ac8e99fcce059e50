"""The embedded cluster for tests: the real daemon, in a runtime directory of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sparkk8s_nb.embedded import lifecycle
from sparkk8s_nb.embedded.lifecycle import EmbeddedCluster, NodeSettings
from sparkk8s_nb.session.preparing import prepare
from tests.embedded.kernels import Kernel, Remains, adapter


@pytest.fixture(scope="session", autouse=True)
def prepared_starts() -> Iterator[None]:
    """As after a machine's first start: else a first session's background would make the archives.

    They are in the tests' own cache, where the next run finds them.
    """
    with pytest.MonkeyPatch.context() as patch:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        patch.setenv("SPARKK8S_CACHE_DIR", str(base / "sparkk8s-nb" / "starts"))
        prepare(lambda _: None)
        yield


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


@pytest.fixture(scope="module")
def new_kernel(
    embedded_cluster: EmbeddedCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Kernel]]:
    """Starts real kernels: ``new_kernel("A.ipynb")``; all are ended after the module."""
    kernels: list[Kernel] = []

    def start(notebook: str, *, extension: bool = True) -> Kernel:
        kernels.append(Kernel(tmp_path_factory.mktemp("kernel"), notebook, extension=extension))
        return kernels[-1]

    yield start
    for kernel in kernels:
        kernel.close()


@pytest.fixture(scope="module")
def remains(embedded_cluster: EmbeddedCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remains]:
    """Says what is left of sessions."""
    cluster = adapter(embedded_cluster, tmp_path_factory.mktemp("api"))
    yield Remains(cluster, Path(embedded_cluster.kubeconfig).parent.parent)
    cluster.close()
