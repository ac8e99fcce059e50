"""Starts from a notebook pod that cannot work: the cause in two lines, soon, and nothing is left of them.

They take minutes, and meanwhile a kernel of another namespace is stopped for as long: the last test wakes it.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.cluster.node_tier import NodeTier
from tests.cluster.notebook_pods import NotebookPod, PodKernel, objects_left, start_notebook_pod
from tests.cluster.real_cluster import RESTRICTED, Namespace, RealCluster, session_rules
from tests.cluster.registry import registry
from tests.embedded.kernels import GONE_SECONDS, SessionFacts
from tests.eventually import eventually

STOPPED_SECONDS = float(os.environ.get("SPARKK8S_TEST_STOPPED_SECONDS", "180"))
"""The promise is three minutes; whoever works on these tests may shorten it."""

pytestmark = [pytest.mark.node_tier, pytest.mark.timeout(STOPPED_SECONDS + 600)]

TIMEOUT = 240
SURE_SECONDS = 120.0
"""A JVM that comes up, the kubelet's first try and the time until it is sure: half the timeout."""


@dataclass(frozen=True, kw_only=True)
class Asleep:
    """A kernel that is stopped, with its session."""

    kernel: PodKernel
    facts: SessionFacts
    lease: dict[str, Any]
    since: float

    @property
    def namespace(self) -> Namespace:
        """Where it is."""
        return self.kernel.pod.namespace


@pytest.fixture(scope="module", autouse=True)
def asleep(node_tier: RealCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asleep]:
    """A notebook pod in a namespace of its own whose kernel is stopped until the last test, as by a debugger."""
    with node_tier.namespace(tmp_path_factory.mktemp("asleep"), labels=RESTRICTED) as namespace:
        namespace.user("notebook", session_rules())
        pod = start_notebook_pod(namespace, "notebook")
        try:
            kernel = pod.kernel("work/asleep.ipynb")
            facts = kernel.start("-n 1", executors=1)
            kernel.send(signal.SIGSTOP)
            lease = namespace.administrator.read("Lease", facts.name)
            assert lease is not None
            yield Asleep(kernel=kernel, facts=facts, lease=dict(lease), since=time.monotonic())
        finally:
            pod.close()
        assert eventually(lambda: not objects_left(namespace), GONE_SECONDS), objects_left(namespace)


def refused(notebook: NotebookPod, kernel: PodKernel, command: str) -> str:
    """What a start says that fails."""
    cell = kernel.run(command, fails=True)
    assert "Traceback" not in cell.error, cell.said
    assert notebook.left() == []
    return cell.error


def test_an_image_that_does_not_exist_ends_the_start_long_before_its_timeout(
    our_node_tier: NodeTier, notebook: NotebookPod, kernel: PodKernel
) -> None:
    """The registry's words, and what to check."""
    with registry(our_node_tier.namespaces) as name:
        image = f"{name}/no-such-image:1"
        begun = time.monotonic()
        said = refused(notebook, kernel, f"%sparkk8s start -n 1 --image {image} --timeout {TIMEOUT}")
        assert time.monotonic() - begun < SURE_SECONDS
    assert (
        f"No executor came: 1 executor cannot start: its image cannot be pulled: {image}: not found" in said
    )
    assert "Check the image's name, tag and platform: --image." in said


def test_a_quota_that_no_executor_fits_is_quoted_before_spark_asks(
    hub: Namespace, notebook: NotebookPod, kernel: PodKernel
) -> None:
    """The API server looks at one pod in a dry run; afterwards the same kernel can start."""
    quota = {
        "kind": "ResourceQuota",
        "metadata": {"name": "none"},
        "spec": {"hard": {"limits.memory": "64Mi"}},
    }
    hub.administrator.create(quota)
    try:
        said = refused(notebook, kernel, "%sparkk8s start -n 1")
    finally:
        hub.administrator.delete("ResourceQuota", "none")
    assert "The cluster would refuse the executors" in said
    assert "quota: none" in said
    kernel.start("-n 1", executors=1)
    assert "Nothing left." in kernel.run("%sparkk8s stop").said


def test_a_kernel_that_was_stopped_for_minutes_goes_on_as_if_nothing_had_been(asleep: Asleep) -> None:
    """The keeper renews the Lease meanwhile, and everything lives."""
    time.sleep(max(0.0, asleep.since + STOPPED_SECONDS - time.monotonic()))
    lease = asleep.namespace.administrator.read("Lease", asleep.facts.name)
    asleep.kernel.send(signal.SIGCONT)
    assert lease is not None
    assert lease["metadata"]["uid"] == asleep.lease["metadata"]["uid"]
    assert lease["spec"]["renewTime"] > asleep.lease["spec"]["renewTime"]
    asleep.kernel.job()
    fleet = asleep.kernel.fleet()
    assert (fleet["state"], fleet["ready"], fleet["verdict"]) == ("running", 1, "")
    assert [row[0] for row in fleet["executors"]] == ["1"]
    assert "Nothing left." in asleep.kernel.run("%sparkk8s stop").said
    assert asleep.kernel.pod.left() == []
