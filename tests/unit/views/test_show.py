"""Showing outside a notebook: one line, one writer, nothing left."""

from __future__ import annotations

import io
import itertools
import sys
import threading

import pytest

from sparkk8s_nb.model.fleet import Fleet
from sparkk8s_nb.model.progress import JobProgress, JobState, Progress
from sparkk8s_nb.model.state import StartPhase
from sparkk8s_nb.telemetry.feed import Feed
from sparkk8s_nb.views import terminal_view
from sparkk8s_nb.views.context import CellContext
from sparkk8s_nb.views.environment import Environment, Home, detect
from sparkk8s_nb.views.show import show_fleet, show_progress

LONG = 60.0
TERMINAL = Environment(home=Home.TERMINAL, tty=True)


class Stream(io.StringIO):
    """Standard error that tells when something was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def write(self, text: str) -> int:
        done = super().write(text)
        self.written.set()
        return done


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Stream:
    made = Stream()
    monkeypatch.setattr(sys, "__stderr__", made)
    return made


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("sparkk8s-view")]


def test_a_terminals_line_goes_when_the_command_returns(stream: Stream) -> None:
    """And what ends later has nothing to clear."""
    shown = show_fleet(Feed(Fleet(wanted=1)), {}, environment=TERMINAL)
    assert stream.written.wait(LONG)
    shown.settle()
    shown.finish("over")
    assert stream.getvalue() == "\r\x1b[2K0 of 1 executor running, 1 asked for\r\x1b[2K"
    assert threads() == []


def test_a_terminals_line_that_is_withdrawn_is_gone(stream: Stream) -> None:
    """No summary takes its place."""
    shown = show_fleet(Feed(Fleet(wanted=1)), {}, environment=TERMINAL)
    assert stream.written.wait(LONG)
    shown.withdraw()
    assert stream.getvalue() == "\r\x1b[2K0 of 1 executor running, 1 asked for\r\x1b[2K"
    assert threads() == []


def test_a_starts_phase_counts_its_seconds_in_the_line(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing new is published: the line is written anew by itself, until the start is over."""
    monkeypatch.setattr(terminal_view, "TICK_SECONDS", 0.0)
    monkeypatch.setattr(terminal_view, "FRAME_SECONDS", 0.0)
    seconds = itertools.count(100.0)
    feed = Feed(Fleet(wanted=1).during(StartPhase(what="Connecting Spark", since=100.0)))
    shown = show_fleet(feed, {}, now=lambda: next(seconds), environment=TERMINAL)
    while "Connecting Spark, 3 s; 0 of 1" not in stream.getvalue():
        assert stream.written.wait(LONG)
        stream.written.clear()
    feed.publish(Fleet(wanted=1))
    shown.settle()
    assert threads() == []


def test_a_cells_progress_in_a_terminal_ends_as_its_summary(stream: Stream) -> None:
    """The one line that stays."""
    job = JobProgress(
        id=1,
        description="x",
        state=JobState.SUCCEEDED,
        tags=(),
        stages=(),
        tasks=3,
        done=3,
        submitted=1.0,
        ended=2.0,
    )
    feed = Feed(Progress.of(None, [job], 2.0))
    shown = show_progress(feed, executors=lambda: 2, environment=TERMINAL)
    assert stream.written.wait(LONG)
    shown.finish()
    shown.finish()
    assert stream.getvalue().endswith("\r\x1b[2K1 job, 3 tasks, 1.0 s, 2 executors\n")
    assert threads() == []


def test_a_terminals_line_says_how_fast_and_how_long_in_the_room_there_is(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The least important parts are left out, not cut."""
    monkeypatch.setenv("COLUMNS", "50")
    job = JobProgress(
        id=1, description="x", state=JobState.RUNNING, tags=(), stages=(), tasks=80, done=20, submitted=1.0
    )
    shown = show_progress(Feed(Progress.of(None, [job], 11.0)), environment=TERMINAL)
    assert stream.written.wait(LONG)
    shown.settle()
    assert "\x1b[2K20/80 tasks · 10 s, 30 s left · 2/s · 1 job\r" in stream.getvalue()


def test_ipython_without_a_terminal_gets_the_summary_only(stream: Stream) -> None:
    """No thread writes into somebody's pipe."""
    feed = Feed(Fleet(wanted=1))
    shown = show_fleet(feed, {}, environment=Environment(home=Home.TERMINAL))
    assert threads() == []
    feed.publish(Fleet(wanted=2))
    shown.finish()
    assert stream.getvalue() == "0 of 2 executors running, 2 asked for\n"


def test_a_closed_feed_ends_the_line(stream: Stream) -> None:
    """The session is over: the thread goes by itself, finish only prints."""
    feed = Feed(Fleet())
    shown = show_fleet(feed, {}, environment=TERMINAL)
    feed.close()
    shown.finish("Stopped.")
    assert stream.getvalue().endswith("Stopped.\n")
    assert threads() == []


@pytest.mark.parametrize(("wish", "shown"), [("none", False), ("text", True), ("auto", True)])
def test_the_environment_variable_can_silence_all_views(
    wish: str, shown: bool, monkeypatch: pytest.MonkeyPatch, stream: Stream
) -> None:
    """For whoever wants no views at all."""
    monkeypatch.setenv("SPARKK8S_VIEWS", wish)
    environment = detect()
    assert (environment.shown, environment.widgets) == (shown, False)
    show_fleet(Feed(Fleet()), {}, environment=environment).finish("over")
    assert (stream.getvalue() != "") is shown


def test_without_a_kernel_a_context_is_empty_and_takes_everything() -> None:
    """Nothing to send to is no error."""
    context = CellContext.capture()
    context.display({"text/plain": "x"}, "id")
    context.update({"text/plain": "x"}, "id")
    assert context.cell_id == ""
    assert context.apart(lambda: 3) == 3
