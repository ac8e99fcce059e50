"""What pods do reaches the fleet, and whoever has to act on it."""

from __future__ import annotations

import queue
import threading
from dataclasses import replace

import pytest

from sparkk8s_nb.model.fleet import Listed, PodGone, PodSeen, PodView
from sparkk8s_nb.session.fleet_state import FleetState
from sparkk8s_nb.session.pod_follower import PodFollower
from sparkk8s_nb.testing import FakeClock, ScriptedPods

WAIT = 20.0


class Caretaker:
    def __init__(self):
        self.buried = queue.SimpleQueue()
        self.looks = queue.SimpleQueue()

    def bury(self, pod):
        self.buried.put(pod.name)

    def look_at_lease(self):
        self.looks.put("looked")


@pytest.fixture
def follow():
    followers = []

    def run(source):
        fleet, caretaker = FleetState(2, on_trip=lambda reason: None), Caretaker()
        follower = PodFollower("s", source, fleet, caretaker, FakeClock(5.0))
        follower.start()
        followers.append(follower)
        return fleet, caretaker

    yield run
    for follower in followers:
        follower.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "sparkk8s-pods"]


def pod(number, phase):
    return PodView(name=f"p-{number}", uid=f"u-{number}", executor=str(number), phase=phase)


def test_a_pod_that_is_being_deleted_raises_the_question_of_the_lease_once(follow):
    """The collector gives it its time to end: the session is lost before that is over."""
    leaving = replace(pod(1, "Running"), deleting=True)
    source = ScriptedPods(
        [
            Listed(pods=(pod(1, "Running"), pod(2, "Running")), at=1.0),
            PodSeen(pod=leaving, at=2.0),
            PodSeen(pod=leaving, at=3.0),
            PodSeen(pod=pod(2, "Failed"), at=4.0),
        ]
    )
    _, caretaker = follow(source)
    assert caretaker.buried.get(timeout=WAIT) == "p-2"
    assert caretaker.looks.get(timeout=WAIT) == "looked"
    assert caretaker.looks.empty()


def test_ended_pods_are_buried_and_the_question_of_the_lease_is_raised(follow):
    """Both by a list that lacks a pod, which went while nobody watched, and by a pod that goes."""
    source = ScriptedPods(
        [
            Listed(pods=(pod(1, "Running"), pod(4, "Running")), at=0.5),
            Listed(pods=(pod(1, "Running"), pod(2, "Failed")), at=1.0),
            PodSeen(pod=pod(3, "Succeeded"), at=2.0),
            PodGone(pod=pod(1, "Running"), at=3.0),
        ]
    )
    fleet, caretaker = follow(source)
    for _ in range(2):
        assert caretaker.looks.get(timeout=WAIT)
    assert [caretaker.buried.get(timeout=WAIT) for _ in range(2)] == ["p-2", "p-3"]
    assert fleet.feed.value.find("1").phase == "failed"


def test_a_follower_that_dies_shows_as_stale(follow):
    """What is shown is old, and says so."""

    class Broken:
        def events(self, selector, stop):
            yield Listed(pods=(), at=1.0)
            raise RuntimeError("a bug")

    fleet, _ = follow(Broken())
    seen = fleet.feed.wait_for(lambda fleet: bool(fleet.stale), timeout=WAIT)
    assert seen.stale == "the pod follower died: a bug"
