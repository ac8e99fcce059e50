"""Phase and conditions of a pod."""

from __future__ import annotations

import pytest

from sparkk8s_nb.embedded import podstatus
from sparkk8s_nb.embedded.podstatus import ContainerRun

from .conftest import NOW


def run(state: str, code: int = 0, *, restarts: int = 0) -> ContainerRun:
    states = {
        "waiting": podstatus.waiting("ContainerCreating"),
        "running": podstatus.running(NOW),
        "ended": podstatus.terminated(code, "Error", started=None, finished=NOW),
    }
    return ContainerRun(name="c", image="i", state=states[state], restarts=restarts)


@pytest.mark.parametrize(
    ("containers", "inits", "policy", "phase"),
    [
        ([run("waiting")], [], "Never", "Pending"),
        ([run("running")], [], "Never", "Running"),
        ([run("running"), run("waiting")], [], "Never", "Running"),
        ([run("ended")], [], "Never", "Succeeded"),
        ([run("ended", 1)], [], "Never", "Failed"),
        ([run("ended"), run("ended", 1)], [], "Never", "Failed"),
        ([run("ended")], [], "OnFailure", "Succeeded"),
        ([run("ended", 1)], [], "OnFailure", "Running"),
        ([run("ended")], [], "Always", "Running"),
        ([run("waiting", restarts=1)], [], "Always", "Running"),
        ([run("waiting")], [run("running")], "Never", "Pending"),
        ([run("waiting")], [run("ended", 1)], "Never", "Failed"),
        ([run("waiting")], [run("ended", 1)], "OnFailure", "Pending"),
        ([run("running")], [run("ended")], "Never", "Running"),
    ],
)
def test_the_phase_follows_from_the_containers(
    containers: list[ContainerRun], inits: list[ContainerRun], policy: str, phase: str
) -> None:
    """And from the restart policy."""
    assert podstatus.phase(containers, inits, policy) == phase


def conditions(*containers: ContainerRun, phase: str) -> dict[str, tuple[str, str]]:
    found = podstatus.conditions([], list(containers), [], phase, NOW)
    return {each["type"]: (each["status"], each.get("reason", "")) for each in found}


def test_a_running_pod_is_ready() -> None:
    """kubectl wait --for=condition=Ready."""
    assert conditions(run("running"), phase="Running")["Ready"] == ("True", "")


def test_a_pod_that_has_ended_says_so_in_its_conditions() -> None:
    """PodCompleted, PodFailed."""
    assert conditions(run("ended"), phase="Succeeded")["Ready"] == ("False", "PodCompleted")
    assert conditions(run("ended", 1), phase="Failed")["Ready"] == ("False", "PodFailed")


def test_a_conditions_time_changes_with_its_value_only() -> None:
    """lastTransitionTime."""
    first = podstatus.set_condition([], "Ready", "False", NOW)
    later = NOW.replace(hour=5)
    same = podstatus.set_condition(first, "Ready", "False", later, reason="Other")
    changed = podstatus.set_condition(first, "Ready", "True", later)
    assert same[0]["lastTransitionTime"] == first[0]["lastTransitionTime"]
    assert changed[0]["lastTransitionTime"] == "2030-01-01T05:00:00Z"
