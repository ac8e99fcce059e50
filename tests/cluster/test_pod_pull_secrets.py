"""Images that not everybody may pull: a Secret that is right, wrong or not there, in real pods."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from tests.cluster.node_tier import NodeTier
from tests.cluster.notebook_pods import NotebookPod, PodKernel
from tests.cluster.provision.images import notebook_image
from tests.cluster.real_cluster import Namespace
from tests.cluster.registry import NAME, forget, registry

pytestmark = [pytest.mark.node_tier, pytest.mark.timeout(600)]

SECRET = "registry"
LOGIN = "team:hunter2-8f1c"
UNREACHABLE_SECONDS = 30


@pytest.fixture
def private(our_node_tier: NodeTier) -> Iterator[str]:
    """The notebook's image under a name that the node has not got, in a registry that asks who is there."""
    made = notebook_image()
    name = f"{NAME}/team/notebook:{secrets.token_hex(4)}"
    image = replace(made, name=name, config=made.config | {"Labels": {"name": name}})
    with registry(our_node_tier.namespaces, image, login=LOGIN):
        yield name
    forget(our_node_tier.containers, image)


@contextmanager
def pull_secret(hub: Namespace, login: str) -> Iterator[None]:
    """A Secret with that login for the registry, while it is open."""
    auths = {NAME: {"auth": base64.b64encode(login.encode()).decode()}}
    data = {".dockerconfigjson": base64.b64encode(json.dumps({"auths": auths}).encode()).decode()}
    kind = "kubernetes.io/dockerconfigjson"
    hub.administrator.create({"kind": "Secret", "metadata": {"name": SECRET}, "type": kind, "data": data})
    try:
        yield
    finally:
        hub.administrator.delete("Secret", SECRET)


def refused(notebook: NotebookPod, kernel: PodKernel, options: str) -> str:
    """The two lines of a start that fails, after which nothing is left."""
    cell = kernel.run(f"%sparkk8s start -n 1 {options}", fails=True)
    assert len(cell.error.strip().splitlines()) == 2, cell.said
    assert LOGIN not in cell.said
    assert notebook.left() == []
    return cell.error


def test_a_secret_that_is_not_there_is_no_matter_where_the_image_is(
    hub: Namespace, notebook: NotebookPod, kernel: PodKernel
) -> None:
    """The kubelet says that it lacks, and starts the pod: so do we."""
    kernel.start("-n 1", executors=1)
    (pod,) = hub.administrator.list("Pod", selector="spark-role=executor")
    assert pod["spec"]["imagePullSecrets"] == [{"name": SECRET}]
    told = [event.reason for event in hub.administrator.pod_events(pod["metadata"]["name"])]
    assert "FailedToRetrieveImagePullSecret" in told
    assert kernel.why() == ""
    assert "Nothing left." in kernel.run("%sparkk8s stop").said
    assert notebook.left() == []


def test_a_secret_that_is_not_there_is_the_cause_where_a_registry_asks_for_it(
    notebook: NotebookPod, kernel: PodKernel, private: str
) -> None:
    """Named, with what to do."""
    said = refused(notebook, kernel, f"--image {private}")
    assert f"its image cannot be pulled, and the pull secret {SECRET} is not there" in said
    assert "Make that pull secret in the executors' namespace" in said


def test_a_secret_that_is_not_there_is_named_where_no_registry_answers(
    notebook: NotebookPod, kernel: PodKernel
) -> None:
    """That may pass, so it is waited for to the timeout."""
    said = refused(notebook, kernel, f"--image {NAME}/team/away:1 --timeout {UNREACHABLE_SECONDS}")
    assert "connection refused" in said
    assert f"and the pull secret {SECRET} is not there" in said


def test_a_wrong_secret_is_the_registry_s_refusal(
    hub: Namespace, notebook: NotebookPod, kernel: PodKernel, private: str
) -> None:
    """Its own words, and which things to check."""
    with pull_secret(hub, "team:wrong"):
        said = refused(notebook, kernel, f"--image {private}")
    assert "401 Unauthorized" in said
    assert "names a pull secret for it" in said


def test_the_right_secret_lets_executors_have_the_image(
    hub: Namespace, notebook: NotebookPod, kernel: PodKernel, private: str
) -> None:
    """The notebook's own pull secret, which executors take over."""
    with pull_secret(hub, LOGIN):
        kernel.start(f"-n 1 --image {private}", executors=1)
        (pod,) = hub.administrator.list("Pod", selector="spark-role=executor")
        assert [each["image"] for each in pod["spec"]["containers"]] == [private]
        assert "Nothing left." in kernel.run("%sparkk8s stop").said
    assert notebook.left() == []
