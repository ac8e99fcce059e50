"""Events on the session's Lease: start, failures, end; few, and none where we may not."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from sparkk8s_nb.errors import ConnectError, InvalidError, RefusedError, StartError
from sparkk8s_nb.model import lease_events
from sparkk8s_nb.model.executors import ExecutorView, Phase
from sparkk8s_nb.session.announcer import AGAIN_AFTER, Announcer
from sparkk8s_nb.testing import FakeClock, FakeCluster


class Desk:
    """An announcer, the cluster that it writes to, and what it has put off."""

    def __init__(self, spec):
        self.cluster = FakeCluster()
        self.clock = FakeClock(1000.0)
        self.later: list[Callable[[], object]] = []
        self.uid = "u"
        self.announcer = Announcer(
            self.cluster, spec, lambda: self.uid, now=self.clock, later=self.later.append
        )

    @property
    def said(self):
        while self.later:
            self.later.pop(0)()
        return [(event["type"], event["reason"], event["message"]) for event in self.cluster.list("Event")]


@pytest.fixture
def desk(world):
    """For a session's Lease."""
    return Desk(world.spec())


def test_an_event_is_about_the_lease_and_carries_the_session_s_labels(desk):
    """So that kubectl describe finds it, and an administrator those of a team."""
    desk.announcer.write(lease_events.STARTED, "2 executors")
    (event,) = desk.cluster.list("Event")
    about = event["involvedObject"]
    assert (about["kind"], about["uid"], about["apiVersion"]) == ("Lease", "u", "coordination.k8s.io/v1")
    assert about["name"] == event["metadata"]["labels"]["sparkk8s-nb/session"]
    assert event["metadata"]["namespace"] == about["namespace"]


def test_the_same_thing_is_said_once_a_minute(desk):
    """A crash loop is one Event; another thing is another."""
    view = ExecutorView(id="3", pod="p", phase=Phase.FAILED, reason="used more memory than its 1 GiB")
    for _ in range(3):
        desk.announcer.failed("3", view)
        desk.announcer.say(lease_events.GIVEN_UP, "Stopped asking.")
    failed = ("Warning", "ExecutorFailed", "Executor 3: used more memory than its 1 GiB.")
    assert desk.said == [failed, ("Warning", "ExecutorsGivenUp", "Stopped asking.")]
    desk.clock.sleep(AGAIN_AFTER)
    desk.announcer.failed("4", None)
    assert ("Warning", "ExecutorFailed", "Executor 4: failed.") in desk.said


def test_an_executor_that_was_given_back_is_no_failure(desk):
    """Java ends with 143 when it is told to: its pod has failed, it has not."""
    desk.announcer.failed("3", ExecutorView(id="3", pod="p", phase=Phase.DONE, reason="given back"))
    assert desk.said == []


def test_without_the_right_there_are_none_and_nobody_hears_of_it(desk):
    """And the server is not asked again."""
    desk.cluster.fail("create", "Event", RefusedError("no", fix="ask"))
    desk.announcer.say(lease_events.STARTED, "2 executors")
    desk.announcer.write_last(lease_events.STOPPED, "bye")
    desk.announcer.write_last(lease_events.STOPPED, "bye")
    assert desk.said == []
    assert [call.kind for call in desk.cluster.calls if call.verb == "create"] == ["Event"]


def test_before_there_is_a_lease_there_is_nothing_to_write_about(desk):
    """A start may fail before."""
    desk.uid = ""
    desk.announcer.write_last(lease_events.START_FAILED, "no")
    assert desk.said == []


def test_the_last_word_is_no_reason_to_fail(desk):
    """Others are tried again by whoever writes them."""
    desk.cluster.fail("create", "Event", ConnectError("away", fix="wait"))
    desk.announcer.write_last(lease_events.STOPPED, "bye")
    with pytest.raises(ConnectError):
        desk.announcer.write(lease_events.STOPPED, "bye")
    desk.cluster.fail("create", "Event", InvalidError("too long", fix="cut"))
    desk.announcer.write_last(lease_events.STOPPED, "bye")


def test_a_message_is_as_long_as_the_server_takes(desk):
    """In bytes, and whole letters."""
    desk.announcer.write(lease_events.STOPPED, "x" + "ü" * 1000)
    message = desk.said[0][2]
    assert len(message.encode()) <= 1024
    assert set(message) == {"x", "ü"}


def test_reasons_are_in_camel_case():
    """As Kubernetes' own."""
    for reason in {*lease_events.TROUBLE, lease_events.STARTED, lease_events.STOPPED}:
        assert reason[0].isupper()
        assert reason.isalpha()


def test_a_session_tells_of_its_start_and_its_end(world):
    """With what it has used."""
    told = threading.Event()
    make = world.cluster.create

    def create(manifest, **options):
        made = make(manifest, **options)
        if manifest["kind"] == "Event":
            told.set()
        return made

    world.cluster.create = create
    session = world.opened()
    assert told.wait(world.wait)
    session.stop()
    said = {event["reason"]: event["message"] for event in world.cluster.list("Event")}
    assert set(said) == {"SessionStarted", "SessionStopped"}
    assert "core-hours" in said["SessionStopped"]


def test_a_start_that_fails_tells_why(world):
    """Whatever refused it, before the Lease goes."""
    world.cluster.fail("create", "Pod", RefusedError("exceeded quota: team", fix="Ask for less."))
    with pytest.raises(StartError):
        world.opened()
    (event,) = world.cluster.list("Event")
    assert (event["reason"], event["type"]) == ("SessionStartFailed", "Warning")
    assert "exceeded quota: team" in event["message"]
    assert world.left == []
