"""What the API's Events add to a pending pod: whether what it waits for is on its way."""

from __future__ import annotations

import pytest

from sparkk8s_nb.model.awaiting import NODE_COMING, PULLING, awaited
from sparkk8s_nb.model.executors import PodEvent, PodView


def pod(**changes: object) -> PodView:
    made: dict[str, object] = {"name": "p", "uid": "u", "executor": "1", "reason": "ContainerCreating"}
    return PodView(**(made | changes))  # type: ignore[arg-type]


def events(*said: tuple[str, str]) -> list[PodEvent]:
    """One a second, as the kubelet and others write them."""
    return [
        PodEvent(reason=reason, message=message, at=float(at)) for at, (reason, message) in enumerate(said, 1)
    ]


MOUNTS = ("FailedMount", 'MountVolume.SetUp failed for volume "x"')
PULLS = ("Pulling", 'Pulling image "spark:4.3"')
PULLED = ("Pulled", 'Successfully pulled image "spark:4.3" in 41.2s (41.2s including waiting).')
SIDECAR = ("Pulled", 'Container image "proxy:1" already present on machine')


@pytest.mark.parametrize(
    ("said", "waits"),
    [
        ([], ""),
        ([MOUNTS], ""),
        ([PULLS], PULLING),
        ([PULLS, PULLED], ""),
        ([PULLS, PULLED, MOUNTS], ""),
        ([PULLS, SIDECAR], PULLING),
        ([PULLS, PULLED, ("Pulling", 'Pulling image "proxy:1"')], PULLING),
        ([PULLS, ("Failed", 'Failed to pull image "spark:4.3": not found')], ""),
        ([PULLS, ("Failed", 'Failed to pull image "spark:4.3": timeout'), PULLS], PULLING),
    ],
)
def test_an_image_is_on_its_way_from_its_pulling_to_its_pulled(
    said: list[tuple[str, str]], waits: str
) -> None:
    """A volume that cannot be mounted looks the same in the pod's status, and never ends."""
    assert awaited(pod(node="n"), events(*said)) == waits
    assert awaited(pod(node="n"), events(*said)[::-1]) == waits


@pytest.mark.parametrize(
    ("said", "waits"),
    [
        ([("FailedScheduling", "0/3 nodes are available")], ""),
        ([("TriggeredScaleUp", "pod triggered scale-up: [{group 1->2 (max: 9)}]")], NODE_COMING),
        ([("Nominated", "Pod should schedule on: nodeclaim/default-x")], NODE_COMING),
        ([("TriggeredScaleUp", "x"), ("FailedScheduling", "0/3 nodes are available")], NODE_COMING),
        ([("TriggeredScaleUp", "x"), ("NotTriggerScaleUp", "max node group size reached")], ""),
        ([("NotTriggerScaleUp", "in backoff"), ("TriggeredScaleUp", "x")], NODE_COMING),
    ],
)
def test_a_node_is_on_its_way_once_an_autoscaler_says_so(said: list[tuple[str, str]], waits: str) -> None:
    """The scheduler repeats that there is no room until it is there."""
    assert awaited(pod(reason="Unschedulable"), events(*said)) == waits


@pytest.mark.parametrize("change", [{"phase": "Running"}, {"deleting": True}, {"reason": "ImagePullBackOff"}])
def test_old_events_say_nothing_about_a_pod_that_is_further(change: dict[str, object]) -> None:
    """Running, leaving, or failed with its pull."""
    assert awaited(pod(node="n"), events(PULLS)) == PULLING
    assert awaited(pod(node="n", **change), events(PULLS)) == ""


def test_a_pod_that_has_its_node_waits_for_none() -> None:
    """The autoscaler's event stays for an hour."""
    assert awaited(pod(node="n"), events(("TriggeredScaleUp", "x"))) == ""
