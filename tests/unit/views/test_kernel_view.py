"""A notebook's view: text until somebody draws it, then a keyframe, then what changed."""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from sparkk8s_nb.model.fleet import Fleet
from sparkk8s_nb.model.progress import CellRef, JobProgress, JobState, Progress
from sparkk8s_nb.model.state import StartPhase
from sparkk8s_nb.model.wire_delta import received
from sparkk8s_nb.telemetry.feed import Feed
from sparkk8s_nb.views import kernel_view
from sparkk8s_nb.views.action_worker import ActionWorker
from sparkk8s_nb.views.allowance import DEBT, RESERVE, Allowance
from sparkk8s_nb.views.kernel_view import KernelView
from sparkk8s_nb.views.show import fleet_drawing, progress_drawing

LONG = 60.0


class Place:
    """A cell that keeps what is shown under it."""

    kernel = object()

    def __init__(self) -> None:
        self.bundles: list[dict[str, Any]] = []
        self.displays: list[str] = []
        places.append(self)

    def display(self, bundle: dict[str, Any], display_id: str) -> None:
        self.displays.append(display_id)
        self.bundles.append(bundle)

    def update(self, bundle: dict[str, Any], display_id: str) -> None:
        self.bundles.append(bundle)

    def is_same_place(self, other: Place) -> bool:
        return self is other

    def apart(self, work: Callable[[], Any]) -> Any:
        return work()


class Widget:
    """A widget that keeps its messages."""

    size = 0

    def __init__(self, name: str, on_heard: Callable[[dict[str, Any]], None]) -> None:
        self.hear = on_heard
        self.said: queue.Queue[dict[str, Any]] = queue.Queue()
        self.shown_before = len(places[-1].bundles)
        opened.append(self)

    def ask(self) -> None:
        self.hear({"ask": "keyframe"})

    def show(self, message: dict[str, Any]) -> None:
        self.said.put(message)

    def mime(self) -> dict[str, Any]:
        return {"widget": {}}

    def end(self) -> None:
        pass

    def heard(self) -> dict[str, Any]:
        return self.said.get(timeout=LONG)


places: list[Place] = []
opened: list[Widget] = []
made: list[KernelView[Progress]] = []


def job(done: int, state: JobState = JobState.RUNNING) -> JobProgress:
    return JobProgress(
        id=1, description="count", state=state, tags=("t",), stages=(), tasks=100, done=done, submitted=90.0
    )


def progress(done: int, state: JobState = JobState.RUNNING) -> Progress:
    return Progress(cell=CellRef(tag="t", count=1), jobs=(job(done, state),), as_of=100.0)


@pytest.fixture
def feed() -> Feed[Progress]:
    return Feed(progress(10))


@pytest.fixture
def show(
    monkeypatch: pytest.MonkeyPatch, feed: Feed[Progress]
) -> Iterator[Callable[..., tuple[Widget, Place]]]:
    monkeypatch.setattr("sparkk8s_nb.views.widget.ViewWidget", Widget)
    opened.clear()
    made.clear()

    def one(allowance: Allowance | None = None, actions: ActionWorker | None = None) -> tuple[Widget, Place]:
        view = KernelView(
            feed,
            progress_drawing(lambda: 2),
            widgets=True,
            actions=actions,
            now=lambda: 100.0,
            allowance=allowance or Allowance(),
        )
        made.append(view)
        place = Place()
        view.show(place)  # type: ignore[arg-type]
        return opened[-1], place

    yield one
    for view in made:
        view.finish()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("sparkk8s-view")]


def test_a_front_end_that_asks_gets_the_whole_state_and_then_what_changes(
    show: Callable[..., tuple[Widget, Place]], feed: Feed[Progress]
) -> None:
    """Numbered one by one; whoever applies them has what a keyframe says."""
    widget, place = show()
    widget.ask()
    first = widget.heard()
    assert (first["kind"], first["seq"]) == ("keyframe", 1)
    feed.publish(progress(20))
    second = widget.heard()
    assert (second["kind"], second["seq"], second["base"]) == ("delta", 2, 1)
    assert "description" not in str(second)
    widget.ask()
    third = widget.heard()
    assert (third["kind"], third["seq"]) == ("keyframe", 3)
    assert third["progress"] == (received(first, second) or {})["progress"]
    assert "widget" in place.bundles[-1]


def test_a_cell_that_shows_it_already_does_not_show_it_twice(
    show: Callable[..., tuple[Widget, Place]],
) -> None:
    """The one that is there is live; another cell gets one of its own."""
    _widget, place = show()
    [view] = made
    other = Place()
    view.show(place)  # type: ignore[arg-type]
    view.show(other)  # type: ignore[arg-type]
    assert (len(place.displays), len(other.displays)) == (1, 1)


def test_what_is_to_be_seen_is_there_before_widgets_are_loaded(
    show: Callable[..., tuple[Widget, Place]],
) -> None:
    """Which takes a moment the first time, and means work for the browser."""
    widget, _ = show()
    assert widget.shown_before == 1


def test_what_a_button_wants_done_is_queued_and_answered_to_the_view(
    show: Callable[..., tuple[Widget, Place]],
) -> None:
    """Heard at once, done when it is; a keyframe is another matter."""
    actions = ActionWorker(lambda message: {"said": f"Scaling to {message['executors']}."})
    widget, _ = show(actions=actions)
    widget.hear({"do": "scale", "executors": 4, "id": "a"})
    assert widget.heard() == {"heard": "a"}
    assert widget.heard() == {"done": "a", "said": "Scaling to 4."}
    widget.hear({"what": "is this"})
    assert actions.join(LONG)
    assert widget.said.empty()


def test_the_answer_of_an_action_that_ended_the_view_is_its_last_line(
    show: Callable[..., tuple[Widget, Place]],
) -> None:
    """There is no widget any more to say it to."""

    def stop(_: object) -> dict[str, str]:
        made[-1].finish("Stopped after 3 s.")
        return {"said": "Stopped after 3 s."}

    actions = ActionWorker(stop)
    widget, place = show(actions=actions)
    widget.hear({"do": "stop", "id": "a"})
    assert actions.join(LONG)
    assert widget.heard() == {"heard": "a"}
    assert widget.said.empty()
    assert place.bundles[-1]["text/plain"] == "Stopped after 3 s."


def test_what_stays_of_a_cell_can_be_opened_in_a_saved_notebook_too(
    show: Callable[..., tuple[Widget, Place]], feed: Feed[Progress]
) -> None:
    """One folded line, a table under it, without any script."""
    _, place = show()
    feed.publish(progress(100, JobState.SUCCEEDED))
    made[-1].finish()
    html = place.bundles[-1]["text/html"]
    assert html.index("<details><summary") < html.index("1 job, 100 tasks") < html.index("<table")
    assert len(html) < 5 * 1024


def test_nothing_is_sent_while_nothing_changes(
    show: Callable[..., tuple[Widget, Place]], feed: Feed[Progress]
) -> None:
    """A new reading of the same state is no message, and takes no number."""
    widget, _ = show()
    widget.ask()
    widget.heard()
    feed.publish(replace(progress(10), as_of=100.5))
    feed.publish(progress(30))
    heard = widget.heard()
    assert (heard["seq"], heard["patch"]["progress"]["totals"]["done"]) == (2, 30)
    assert widget.said.empty()


def test_a_view_that_has_used_its_allowance_still_tells_of_a_jobs_end(
    show: Callable[..., tuple[Widget, Place]], feed: Feed[Progress]
) -> None:
    """What is not news waits, and is part of the next message."""
    allowance = Allowance(clock=lambda: 0.0)
    allowance.spend(RESERVE + DEBT // 2)
    widget, _ = show(allowance)
    widget.ask()
    widget.heard()
    feed.publish(progress(40))
    feed.publish(progress(100, JobState.SUCCEEDED))
    heard = widget.heard()
    assert (heard["seq"], heard["patch"]["progress"]["state"]) == (2, "SUCCEEDED")


def test_no_frame_is_made_before_somebody_draws_it(
    show: Callable[..., tuple[Widget, Place]], feed: Feed[Progress]
) -> None:
    """Text and HTML only."""
    widget, place = show()
    feed.publish(progress(100, JobState.SUCCEEDED))
    feed.close()
    assert set(place.bundles[0]) == {"text/plain", "text/html"}
    assert widget.said.empty()


def test_where_nobody_draws_a_starts_phase_counts_its_seconds_in_the_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A widget counts by itself; text is written anew although nothing is new, until the start is over."""
    for name in ("TICK_SECONDS", "TEXT_SECONDS", "FRAME_SECONDS"):
        monkeypatch.setattr(kernel_view, name, 0.0)

    class Told(Place):
        def __init__(self) -> None:
            super().__init__()
            self.reached = threading.Event()

        def update(self, bundle: dict[str, Any], display_id: str) -> None:
            super().update(bundle, display_id)
            if "Connecting Spark, 3 s" in bundle["text/plain"] and "Connecting Spark" in bundle["text/html"]:
                self.reached.set()

    seconds = itertools.count(100.0)
    feed = Feed(Fleet(wanted=1).during(StartPhase(what="Connecting Spark", since=100.0)))
    view = KernelView(
        feed,
        fleet_drawing({}, lambda: 0.0),
        widgets=False,
        now=lambda: next(seconds) / 2 + 50,
        allowance=Allowance(clock=lambda: 0.0),
    )
    place = Told()
    view.show(place)  # type: ignore[arg-type]
    assert place.reached.wait(LONG)
    view.finish()
    assert "Connecting" not in place.bundles[-1]["text/plain"]


def test_a_command_that_returns_leaves_its_cell_as_things_are_now(
    show: Callable[..., tuple[Widget, Place]], feed: Feed[Progress]
) -> None:
    """The text has a pace of its own; what comes after the cell's end is not saved with it by every runner."""
    _, place = show()
    feed.publish(progress(77))
    made[-1].settle()
    assert "77" in place.bundles[-1]["text/plain"]


def test_what_is_withdrawn_leaves_nothing_to_be_seen(show: Callable[..., tuple[Widget, Place]]) -> None:
    """The display keeps its place, for a front end cannot take it away, but takes no room."""
    _, place = show()
    assert place.bundles[-1]["text/html"]
    made[-1].withdraw()
    assert place.bundles[-1] == {"text/plain": "", "text/html": ""}
    assert made[-1].ended
