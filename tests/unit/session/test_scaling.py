"""How long a start waits for its executors, and what it says meanwhile."""

from __future__ import annotations

import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest

from sparkk8s_nb.errors import StartError
from sparkk8s_nb.model.diagnosis import diagnose
from sparkk8s_nb.model.fleet import ExecutorsSeen, ExecutorStatus, PodEvent, PodEventsSeen, PodSeen, PodView
from sparkk8s_nb.session.fleet_state import FleetState
from sparkk8s_nb.session.scaling import WAITING, wait_for_executors

PULLS = PodEvent(reason="Pulling", message='Pulling image "spark:4.3"', at=2.0)
PULLED = PodEvent(reason="Pulled", message='Successfully pulled image "spark:4.3"', at=3.0)
POD = PodView(name="exec-1", uid="u", executor="1", node="node-7", reason="ContainerCreating")


class Start:
    """A start that waits for one executor, on a clock that is set by hand."""

    def __init__(self, *events, pod=POD):
        self.state = FleetState(1, on_trip=lambda reason: None)
        self.state.apply(PodSeen(pod=pod, at=1.0))
        self.state.apply(PodEventsSeen(executor="1", events=events, at=2.0))
        self.seconds = iter([0.0])
        self.last = 0.0
        self.said = []
        self.extended = threading.Event()

    def clock(self):
        self.last = next(self.seconds, self.last)
        if self.last > 300:
            self.extended.set()
        return self.last

    def wait(self):
        spec = SimpleNamespace(wait=1, executors=1, timeout=300.0)
        return wait_for_executors(
            spec,
            self.state,
            ended=lambda: False,
            why=lambda: diagnose(self.state.feed.value, now=9.0),
            say=self.said.append,
            clock=self.clock,
        )


def test_an_image_that_is_being_pulled_is_waited_for_beyond_the_timeout():
    """And the executor that comes of it is no failure."""
    start = Start(PULLS)
    start.seconds = iter([0.0, 301.0])

    def registers():
        start.extended.wait(20)
        start.state.apply(ExecutorsSeen(executors=(ExecutorStatus(id="1", cores=1),), at=5.0))

    thread = threading.Thread(target=registers)
    thread.start()
    assert start.wait() == []
    thread.join()
    assert start.said == [f"{WAITING}: an image is being pulled", WAITING]


def test_at_the_very_end_a_pull_is_told_as_the_cause():
    """Three times the timeout."""
    start = Start(PULLS)
    start.seconds = iter([0.0, 901.0])
    with pytest.raises(StartError) as caught:
        start.wait()
    assert caught.value.problem == (
        "No executor came within 15 min: 1 executor not started yet: its image is being pulled."
    )


def test_a_pod_that_waits_for_nothing_known_gets_the_timeout_alone():
    """Its container is being made, which is not going to end."""
    start = Start(PULLS, PULLED)
    start.seconds = iter([0.0, 301.0])
    with pytest.raises(StartError, match="within 5 min: "):
        start.wait()
    assert start.said == []


def test_an_image_that_is_not_there_ends_the_start_early_with_its_cause():
    """Long before the timeout, and without its seconds."""
    start = Start(pod=replace(POD, reason="ErrImagePull", message="r/spark:9: not found"))
    start.seconds = iter([0.0, 1.0, 2.0, 10.0])
    with pytest.raises(StartError) as caught:
        start.wait()
    assert caught.value.problem == (
        "No executor came: 1 executor cannot start: its image cannot be pulled: r/spark:9: not found."
    )
    assert caught.value.fix == "Check the image's name, tag and platform: --image."
