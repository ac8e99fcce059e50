"""The API server is away for minutes while a job runs, and back at the moment when others start."""

from __future__ import annotations

import os
import re
import time
from typing import Any

import pytest

from tests.cluster.node_tier import NodeTier
from tests.cluster.notebook_pods import NotebookPod, PodKernel, objects_left
from tests.cluster.real_cluster import Namespace
from tests.embedded.kernels import GONE_SECONDS
from tests.eventually import eventually

OUTAGE_SECONDS = float(os.environ.get("SPARKK8S_TEST_OUTAGE_SECONDS", "300"))
"""The promise is five minutes; whoever works on these tests may shorten it."""

pytestmark = [pytest.mark.node_tier, pytest.mark.timeout(OUTAGE_SECONDS + 1200)]

SEEN_SECONDS = 60.0
"""A watch that breaks is tried again before it counts as lost."""

START_SECONDS = 600.0
"""Five drivers at the same moment share this machine's processors."""

USERS = 5
TASKS = int(2 * OUTAGE_SECONDS) + 60
SLOW_JOB = f"""
import threading
def slow(number):
    import time
    time.sleep(0.5)
    return number
answers = []
asking = threading.Thread(target=lambda: answers.append(sc.parallelize(range({TASKS}), 1).map(slow).sum()))
asking.start()
"""


def test_a_session_goes_on_through_an_outage_and_nobody_sweeps_it_afterwards(
    our_node_tier: NodeTier, hub: Namespace, notebook: NotebookPod, kernel: PodKernel
) -> None:
    """The view says since when it is old; job, Lease and executors are the same after five users have started."""
    users = [notebook.kernel(f"work/of-{number}.ipynb", user=f"user-{number}") for number in range(USERS)]
    try:
        facts = kernel.start("")
        before = standing(hub, facts.name)
        kernel.run(SLOW_JOB)
        with our_node_tier.api.away():
            gone = time.monotonic()
            assert eventually(lambda: "not live since" in shown(kernel), SEEN_SECONDS), shown(kernel)
            assert re.search(r"not live since \d\d:\d\d:\d\d UTC", shown(kernel))
            assert "The Kubernetes API does not answer" in kernel.why()
            kernel.job()  # on the executor that is free: nothing of it needs the API
            assert kernel.fleet()["state"] == "running"
            time.sleep(max(0.0, gone + OUTAGE_SECONDS - time.monotonic()))
            assert kernel.value("answers") == []
        begun = [user.begin("%sparkk8s start -n 1") for user in users]
        for user, cell in zip(users, begun, strict=True):
            user.end(cell, timeout=START_SECONDS)
            user.wait_ready(1)
            user.job()
        kernel.run("asking.join()")
        assert kernel.value("answers") == [sum(range(TASKS))]
        assert standing(hub, facts.name) == before
        assert eventually(lambda: not kernel.why(), SEEN_SECONDS), kernel.why()
        fleet = kernel.fleet()
        assert (fleet["state"], fleet["ready"], fleet["verdict"]) == ("running", 2, "")
        for user in users:
            assert "Nothing left." in user.run("%sparkk8s stop").said
        kernel.run("%sparkk8s scale 3")
        kernel.wait_ready(3)
        assert "Nothing left." in kernel.run("%sparkk8s stop").said
        assert objects_left(hub) == []
    finally:
        for user in users:
            user.kill()
    assert eventually(lambda: not objects_left(hub), GONE_SECONDS), objects_left(hub)


def shown(kernel: PodKernel) -> str:
    """What the view says."""
    return str(kernel.value("sparkk8s_nb.current().fleet.summary()"))


def standing(hub: Namespace, name: str) -> dict[str, Any]:
    """The uids of a session's Lease and executors."""
    lease = hub.administrator.read("Lease", name)
    assert lease is not None
    pods = hub.administrator.list("Pod", selector=f"sparkk8s-nb/session={name}")
    return {"lease": lease["metadata"]["uid"], "pods": sorted(pod["metadata"]["uid"] for pod in pods)}
