"""A user's function gets the newest progress, on a thread of its own, and holds up nobody."""

from __future__ import annotations

import threading

import pytest

from sparkk8s_nb.model.progress import JobProgress, JobState, Progress
from sparkk8s_nb.session import progress_calls
from sparkk8s_nb.session.progress_calls import called_with
from sparkk8s_nb.telemetry.feed import Feed

WAIT = 20.0


def progress(done: int) -> Progress:
    """A progress that is told by its count."""
    job = JobProgress(id=1, description="", state=JobState.RUNNING, tags=(), stages=(), tasks=9, done=done)
    return Progress.of(None, [job], 1.0)


class Calls:
    """A user's function that can be held."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.began = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, told: Progress) -> None:
        self.seen.append(told.totals.done)
        self.began.set()
        assert self.go_on.wait(WAIT)


def nothing() -> None:
    """What happens before the end of a block."""


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "sparkk8s-progress"]


def test_a_function_that_blocks_holds_up_nobody_and_then_gets_the_newest() -> None:
    """What came meanwhile is skipped; what the end of the block reads is the last."""
    feed, calls = Feed(progress(0)), Calls()

    def last() -> None:
        feed.publish(progress(5))
        calls.go_on.set()

    with called_with(feed, calls, before_end=last):
        feed.publish(progress(1))
        assert calls.began.wait(WAIT)
        for done in (2, 3, 4):
            feed.publish(progress(done))
    assert calls.seen == [1, 5]
    assert threads() == []


def test_no_call_begins_after_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where one that is under way outlasts it."""
    monkeypatch.setattr(progress_calls, "LAST_CALL", 0.01)
    feed, calls = Feed(progress(0)), Calls()
    with called_with(feed, calls, before_end=nothing):
        feed.publish(progress(1))
        assert calls.began.wait(WAIT)
    feed.publish(progress(2))
    thread = next(one for one in threading.enumerate() if one.name == "sparkk8s-progress")
    calls.go_on.set()
    thread.join(WAIT)
    assert calls.seen == [1]


def test_a_function_that_raises_is_told_of_once_where_the_block_ends_and_dropped() -> None:
    """With the error and the line that raised it."""
    feed, seen, raised = Feed(progress(0)), [], threading.Event()

    def broken(told: Progress) -> None:
        seen.append(told)
        raised.set()
        raise ValueError("no")

    def block() -> None:
        with called_with(feed, broken, before_end=nothing):
            feed.publish(progress(1))
            assert raised.wait(WAIT)
            feed.publish(progress(2))

    with pytest.warns(RuntimeWarning, match=r"raised ValueError: no \(line \d+, in broken\)") as told:
        block()
    assert len(told) == len(seen) == 1
    assert told[0].filename == __file__
    assert threads() == []


def test_what_was_told_before_the_block_is_not_told_again() -> None:
    """Nor a progress without anything in it."""
    feed, seen = Feed(progress(3)), []
    with called_with(feed, seen.append, before_end=lambda: feed.publish(Progress())):
        pass
    assert seen == []
