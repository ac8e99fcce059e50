"""One session a process, and what a second start means."""

from __future__ import annotations

import os

import pytest

from sparkk8s_nb.errors import NoSessionError, SessionExistsError, UsageError
from sparkk8s_nb.model.state import SessionState
from sparkk8s_nb.session import registry as module
from sparkk8s_nb.session.registry import Registry

OPTIONS = {"executors": 2, "cores": 1, "wait": 1, "timeout": 300.0, "conf": {}}


@pytest.fixture
def registry(world, monkeypatch):
    """A registry whose sessions are made of fakes."""

    def open_session(options, *, make_room, given=(), on_made=None):
        session = world.session(executors=options["executors"])
        make_room()
        if on_made is not None:
            on_made(session)
        session.open()
        return session

    monkeypatch.setattr(module.wiring, "open_session", open_session)
    monkeypatch.setattr(module, "active_context", lambda: None)
    return Registry()


class Context:
    """A SparkContext of somebody else."""

    def __init__(self):
        self.appName, self.master = "other", "local[*]"
        self.stopped = False

    def stop(self):
        self.stopped = True


def test_without_a_session_there_is_none(registry):
    """Asking is no error, needing it is."""
    assert registry.current is None
    with pytest.raises(NoSessionError, match="%sparkk8s start"):
        registry.stop()
    registry.leave()


def test_the_same_options_give_the_same_session(registry):
    """And say so; how long to wait is no difference."""
    first = registry.start(OPTIONS)
    again = registry.start({**OPTIONS, "wait": 2, "timeout": 5.0})
    assert again.session is first.session
    assert again.news == "The session runs already, with these options."
    assert first.news == ""


def test_the_newest_session_is_known_from_before_it_runs_and_after_it_has_ended(registry):
    """A panel shows a start, and what became of it."""
    states = []
    assert registry.newest.value is None
    session = registry.start(
        OPTIONS, on_made=lambda made: states.append((registry.newest.value is made, made.state))
    ).session
    assert states == [(True, SessionState.CHECKING)]
    registry.stop()
    assert (registry.current, registry.newest.value) == (None, session)
    assert session.state_feed.value is SessionState.STOPPED


def test_who_listens_is_told_of_every_new_session_and_of_no_old_one(registry):
    """Once it runs."""
    told = []
    registry.listen(lambda session: told.append((session, session.state)))
    session = registry.start(OPTIONS).session
    registry.start(OPTIONS)
    assert told == [(session, SessionState.RUNNING)]


def test_who_has_stopped_listening_is_not_told(registry):
    """An extension that was unloaded."""
    told = []
    registry.listen(told.append)
    registry.unlisten(told.append)
    registry.start(OPTIONS)
    assert told == []


def test_another_number_of_executors_scales(registry, world):
    """Nothing else changes."""
    first = registry.start(OPTIONS)
    again = registry.start({**OPTIONS, "executors": 3})
    assert again.session is first.session
    assert again.news == "The session runs already: scaled from 2 to 3."
    assert ("request_executors", 3) in world.driver.calls


@pytest.mark.parametrize("other", [{"cores": 2}, {"conf": {"spark.x": "1"}}, {"image": "spark:4"}])
def test_anything_else_is_an_error_that_names_restart(registry, other):
    """It says what differs; the session goes on."""
    registry.start(OPTIONS)
    with pytest.raises(SessionExistsError) as caught:
        registry.start(OPTIONS | other)
    assert next(iter(other)) in caught.value.problem
    assert "--restart" in caught.value.fix
    assert registry.current.state is SessionState.RUNNING


def test_restart_stops_the_one_that_runs(registry, world):
    """Then starts."""
    first = registry.start(OPTIONS).session
    world.place.root.mkdir(exist_ok=True)

    def again(options, *, make_room, **_):
        assert not first.closed
        make_room()
        assert first.closed
        return first

    module.wiring.open_session, real = again, module.wiring.open_session
    try:
        registry.start({**OPTIONS, "cores": 2}, restart=True)
    finally:
        module.wiring.open_session = real
    assert "Nothing left" in first.stop()


def test_a_restart_whose_options_prove_wrong_leaves_the_session_that_runs(registry, monkeypatch):
    """Nobody loses a session to a typing mistake."""
    first = registry.start(OPTIONS).session

    def refuse(*_, **__):
        raise UsageError("too much", fix="Ask for less.")

    monkeypatch.setattr(module.wiring, "open_session", refuse)
    with pytest.raises(UsageError):
        registry.start({**OPTIONS, "cores": 900}, restart=True)
    assert registry.current is first
    assert first.state is SessionState.RUNNING


def test_a_session_that_failed_makes_room_for_the_next(registry):
    """No --restart needed: there is nothing to keep."""
    first = registry.start(OPTIONS).session
    first._course.feed.publish(SessionState.FAILED)
    with pytest.raises(FileNotFoundError):  # its files are gone: the fakes have one place only
        registry.start({**OPTIONS, "cores": 2})
    assert first.closed


def test_a_lost_session_is_revived_by_a_start(registry, world):
    """Who presses start again wants it to run."""
    session = registry.start(OPTIONS).session
    world.cluster.delete("Lease", world.name)
    session._course.lost()
    assert "revived" in registry.start(OPTIONS).news
    assert session.state is SessionState.RUNNING


def test_a_start_that_fails_leaves_no_session(registry, world):
    """The next may come."""
    world.cluster.fail("create", "Lease", UsageError("x", fix="y"))
    with pytest.raises(UsageError):
        registry.start(OPTIONS)
    assert registry.current is None


def test_a_context_that_was_made_outside_is_not_taken_over(registry, monkeypatch):
    """It is named, and how to replace it."""
    context = Context()
    monkeypatch.setattr(module, "active_context", lambda: context)
    with pytest.raises(SessionExistsError) as caught:
        registry.start(OPTIONS)
    assert "app 'other' on local[*]" in caught.value.problem
    assert "--restart" in caught.value.fix
    assert not context.stopped
    registry.start(OPTIONS, restart=True)
    assert context.stopped


def test_a_forked_child_has_no_session(registry, monkeypatch):
    """It is the parent's: the child's exit must not end it."""
    registry.start(OPTIONS)
    parent = os.getpid()
    monkeypatch.setattr(module.os, "getpid", lambda: parent + 1)
    assert registry.current is None
    registry.leave()
    monkeypatch.undo()


def test_a_stopped_session_is_no_session(registry):
    """However it was stopped."""
    session = registry.start(OPTIONS).session
    assert "Nothing left" in registry.stop()
    assert registry.current is None
    assert session.closed


def test_leaving_tells_the_keeper(registry, world):
    """At the interpreter's exit."""
    registry.start(OPTIONS)
    registry.leave()
    assert world.keeper.told[-1] == ("finish",)
