"""Real Kubernetes for tests: ours, brought up here, or the user's (``SPARKK8S_TEST_KUBECONFIG``).

The API tier (etcd and the API server on loopback) needs only the binaries, the node tier (everything) a
Linux machine that is ours. A machine that cannot run a tier skips its tests and says why; a tier that begins
to come up and then breaks fails them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cluster import node_tier as nodes
from tests.cluster.apiserver import start_api_tier
from tests.cluster.cleanup import new_run
from tests.cluster.credentials import CONTEXT
from tests.cluster.provision.places import API_BINARIES, missing_binaries
from tests.cluster.real_cluster import RESTRICTED, Namespace, RealCluster

GIVEN = "SPARKK8S_TEST_KUBECONFIG"
GIVEN_IMAGE = "SPARKK8S_TEST_IMAGE"


def given_cluster() -> RealCluster | None:
    """The user's own cluster, if one is named: its current context is used, never another."""
    if not (path := os.environ.get(GIVEN)):
        return None
    return RealCluster(kubeconfig=Path(path).resolve(), image=os.environ.get(GIVEN_IMAGE, ""))


@pytest.fixture(scope="session")
def api_tier() -> Iterator[RealCluster]:
    """A real API server, one for the test session."""
    if given := given_cluster():
        yield given
        return
    if missing := missing_binaries(API_BINARIES):
        pytest.skip(f"not built here: {', '.join(missing)} (make test-cluster builds them)")
    with new_run() as run, ExitStack() as stack:
        api = start_api_tier(run, stack)
        yield RealCluster(kubeconfig=api.admin, context=CONTEXT, controllers=False)


@pytest.fixture
def namespace(api_tier: RealCluster, tmp_path: Path) -> Iterator[Namespace]:
    """A namespace of the real API server, for one test."""
    with api_tier.namespace(tmp_path) as namespace:
        yield namespace


@pytest.fixture(scope="session")
def our_node_tier() -> Iterator[nodes.NodeTier]:
    """A cluster with one node, one for the test session; for tests that stop parts of it."""
    if given_cluster():
        pytest.skip(f"{GIVEN} is set: its parts are not ours to stop")
    if reason := nodes.why_not():
        pytest.skip(f"no node tier here: {reason}")
    with new_run() as run, ExitStack() as stack:
        yield nodes.start_node_tier(run, stack)


@pytest.fixture(scope="session")
def node_tier(request: pytest.FixtureRequest) -> RealCluster:
    """A real cluster with a node."""
    if given := given_cluster():
        if not given.image:
            pytest.skip(f"{GIVEN_IMAGE} is not set: an image with this Python, pyspark and Java")
        return given
    ours: nodes.NodeTier = request.getfixturevalue("our_node_tier")
    return RealCluster(kubeconfig=ours.api.admin, context=CONTEXT, image=ours.containers.notebook)


@pytest.fixture
def pod_namespace(node_tier: RealCluster, tmp_path: Path) -> Iterator[Namespace]:
    """A namespace whose pods run, for one test; it enforces Pod Security's strictest level."""
    with node_tier.namespace(tmp_path, labels=RESTRICTED) as namespace:
        yield namespace
