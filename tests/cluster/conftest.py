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

from sparkk8s_nb.embedded import lifecycle
from sparkk8s_nb.model.spec import ClusterAccess
from tests.cluster import node_tier as nodes
from tests.cluster.apiserver import Api, start_api_tier
from tests.cluster.cleanup import new_run
from tests.cluster.credentials import CONTEXT
from tests.cluster.notebook_pods import NotebookPod, PodKernel, start_notebook_pod
from tests.cluster.plain_client import Place, Server
from tests.cluster.provision.places import API_BINARIES, missing_binaries
from tests.cluster.real_cluster import RESTRICTED, Namespace, RealCluster, session_rules
from tests.embedded.kernels import GONE_SECONDS
from tests.eventually import eventually
from tests.unit.session.conftest import World

GIVEN = "SPARKK8S_TEST_KUBECONFIG"
GIVEN_IMAGE = "SPARKK8S_TEST_IMAGE"


def given_cluster() -> RealCluster | None:
    """The user's own cluster, if one is named: its current context is used, never another."""
    if not (path := os.environ.get(GIVEN)):
        return None
    return RealCluster(kubeconfig=Path(path).resolve(), image=os.environ.get(GIVEN_IMAGE, ""))


@pytest.fixture(scope="session")
def our_api_tier() -> Iterator[Api]:
    """An API server with its etcd, one for the test session; for tests that stop parts of it."""
    if given_cluster():
        pytest.skip(f"{GIVEN} is set: its parts are not ours to stop")
    if missing := missing_binaries(API_BINARIES):
        pytest.skip(f"not built here: {', '.join(missing)} (make test-cluster builds them)")
    with new_run() as run, ExitStack() as stack:
        yield start_api_tier(run, stack)


@pytest.fixture(scope="session")
def api_tier(request: pytest.FixtureRequest) -> RealCluster:
    """A real API server."""
    if given := given_cluster():
        return given
    ours: Api = request.getfixturevalue("our_api_tier")
    return RealCluster(kubeconfig=ours.admin, context=CONTEXT, controllers=False)


@pytest.fixture
def namespace(api_tier: RealCluster, tmp_path: Path) -> Iterator[Namespace]:
    """A namespace of the real API server, for one test."""
    with api_tier.namespace(tmp_path) as namespace:
        yield namespace


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """What is around a session, beside the cluster."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    made = World(tmp_path / "world")
    yield made
    for session in made.sessions:
        session.stop()
    made.place.lock.release()


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


@pytest.fixture(scope="session")
def hub(node_tier: RealCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespace]:
    """A namespace with the strictest Pod Security, and an account ``notebook`` that may do what a session does."""
    with node_tier.namespace(tmp_path_factory.mktemp("hub"), labels=RESTRICTED) as namespace:
        namespace.user("notebook", session_rules())
        yield namespace


@pytest.fixture(scope="session")
def notebook(hub: Namespace) -> Iterator[NotebookPod]:
    """A notebook pod there, for all tests that leave it as they found it."""
    pod = start_notebook_pod(hub, "notebook")
    yield pod
    pod.close()


@pytest.fixture
def kernel(notebook: NotebookPod) -> Iterator[PodKernel]:
    """A kernel in it; whatever a test leaves, the next one does not find."""
    kernel = notebook.kernel("work/flights.ipynb")
    yield kernel
    kernel.kill()
    assert eventually(lambda: not notebook.left(), GONE_SECONDS), notebook.left()


@pytest.fixture(scope="session")
def embedded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The embedded cluster's API: a daemon of its own, with directories of its own."""
    base = tmp_path_factory.mktemp("sparkk8s")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARKK8S_RUNTIME_DIR", str(base / "run"))
        patch.setenv("SPARKK8S_STATE_DIR", str(base / "state"))
        cluster = lifecycle.up(settings=lifecycle.NodeSettings(idle_seconds=600), timeout=60)
    access = ClusterAccess(server=cluster.server, ca_file=cluster.ca_file, token_file=cluster.token_file)
    try:
        yield Server(access=access, embedded=True, kubeconfig=cluster.kubeconfig)
    finally:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SPARKK8S_RUNTIME_DIR", str(base / "run"))
            patch.setenv("SPARKK8S_STATE_DIR", str(base / "state"))
            lifecycle.down(timeout=30)


@pytest.fixture(scope="session")
def real_server(api_tier: RealCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real API server."""
    administrator = api_tier.connect("default", tmp_path_factory.mktemp("real-server"))
    yield Server(access=administrator.access, embedded=False, kubeconfig=api_tier.kubeconfig)
    administrator.close()


@pytest.fixture(params=["kubernetes", "embedded"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A namespace of each of the two servers in turn, for one test."""
    fixture = "embedded_server" if request.param == "embedded" else "real_server"
    server: Server = request.getfixturevalue(fixture)
    with server.place() as place:
        yield place
