"""The kernel's session as one value: from its first moment, after its end, and woken by all of it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sparkk8s_nb.errors import SessionError
from sparkk8s_nb.magics.live_session import LiveSession, view_info
from sparkk8s_nb.model.fleet import Fleet
from sparkk8s_nb.model.progress import Progress
from sparkk8s_nb.model.record import Holder, SessionRecord
from sparkk8s_nb.model.state import SessionState
from sparkk8s_nb.model.streams import Streams
from sparkk8s_nb.telemetry.feed import Feed
from sparkk8s_nb.views.session_comm import LiveState


class Session:
    """A session whose driver comes later."""

    def __init__(self):
        self.fleet_feed = Feed(Fleet(wanted=2))
        self.state_feed = Feed(SessionState.CHECKING)
        self.driver = None

    def run(self):
        self.driver = SimpleNamespace(progress=Feed(Progress()), streams=Feed(Streams()))

    @property
    def progress_feed(self):
        if self.driver is None:
            raise SessionError("The session has no driver yet.", fix="Wait.")
        return self.driver.progress

    @property
    def streams_feed(self):
        return self.driver.streams

    fleet = property(lambda self: self.fleet_feed.value)
    state = property(lambda self: self.state_feed.value)
    progress = property(lambda self: self.driver.progress.value if self.driver else Progress())
    streams = property(lambda self: Streams())

    def record(self):
        return SessionRecord(
            name="s", owner="ada", notebook="flights", namespace="d",
            holder=Holder(boot="b", pid=1, started=1.0), executors=2, started=5.0, kernel="k-1",
            ui_url="http://127.0.0.1:4040" if self.driver else "",
        )  # fmt: skip


@pytest.fixture
def at():
    registry = SimpleNamespace(newest=Feed(None))
    live = LiveSession(registry)
    return SimpleNamespace(registry=registry, live=live, wakes=[], session=Session())


def test_before_the_first_start_there_is_nothing(at):
    """And that is a state like any other."""
    assert at.live.read() == LiveState()


def test_a_session_is_told_from_its_first_moment_to_after_its_end(at):
    """Its last state stays, without its Spark UI."""
    at.registry.newest.publish(at.session)
    assert at.live.read().session == {
        "name": "s", "kernel": "k-1", "notebook": "flights", "app_id": "", "state": "checking",
        "executors": 2, "started": 5.0, "ui": False,
    }  # fmt: skip
    at.session.run()
    at.session.state_feed.publish(SessionState.RUNNING)
    assert at.live.read().session["ui"] is True
    at.session.state_feed.publish(SessionState.STOPPED)
    last = at.live.read()
    assert (last.session["state"], last.session["ui"], last.fleet.wanted) == ("stopped", False, 2)


def test_every_part_wakes_the_reader_as_soon_as_it_is_there(at):
    """The fleet before the driver runs, the cells' progress once it does, the next session."""
    at.live.listen(lambda: at.wakes.append("woken"))
    at.registry.newest.publish(at.session)
    at.live.read()
    at.session.fleet_feed.publish(Fleet(wanted=3))
    at.session.state_feed.publish(SessionState.CONNECTING)
    assert len(at.wakes) == 3
    at.session.run()
    at.live.read()
    at.session.driver.progress.publish(Progress())
    at.session.driver.streams.publish(Streams())
    assert len(at.wakes) == 5


def test_who_listens_no_more_is_not_woken_by_anything(at):
    """Neither by the old session once there is another."""
    at.live.listen(lambda: at.wakes.append("woken"))
    at.registry.newest.publish(at.session)
    at.live.read()
    other = Session()
    at.registry.newest.publish(other)
    at.live.read()
    at.wakes.clear()
    at.session.fleet_feed.publish(Fleet())
    assert at.wakes == []
    at.live.unlisten()
    at.live.unlisten()
    other.fleet_feed.publish(Fleet())
    at.registry.newest.publish(other)
    at.live.read()
    other.fleet_feed.publish(Fleet())
    assert at.wakes == []


def test_a_view_under_a_cell_is_told_only_what_stays_the_same(at):
    """It has the rest in its own feed."""
    assert view_info(at.session) == {"name": "s", "kernel": "k-1"}
