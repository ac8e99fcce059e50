"""Around every cell: its jobs get its tag, and it goes with the cell."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from sparkk8s_nb.errors import DriverError
from sparkk8s_nb.magics import hooks as module
from sparkk8s_nb.magics.hooks import CellHooks
from sparkk8s_nb.model.progress import CellRef, JobProgress, JobState, Progress
from sparkk8s_nb.model.streams import Stream, Streams
from sparkk8s_nb.telemetry.feed import Feed
from sparkk8s_nb.testing import FakeDriver
from sparkk8s_nb.views.live import NothingShown

LONG = 60.0


class Session:
    """What the hooks ask of a session."""

    def __init__(self):
        self.spec = SimpleNamespace(name="s", progress=False)
        self.state = SimpleNamespace(over=False)
        self.driver = FakeDriver()
        self.fleet = SimpleNamespace(ready=2)
        self.closed = False
        self.followed = []
        self.feeds = []

    def answers(self):
        return True

    def follow_cell(self, cell, *, beside=False):
        self.followed.append((cell.tag, "beside") if beside else cell.tag)
        followed = Followed(self, cell.tag)
        self.feeds.append(followed.feed)
        return followed


class Followed:
    """A cell that is followed."""

    def __init__(self, session, tag):
        self.session = session
        self.tag = tag
        self.feed = Feed(Progress())

    def final(self):
        return Progress()

    def end(self):
        self.session.followed.append(None)


class Events:
    def __init__(self):
        self.callbacks = []

    def register(self, name, callback):
        self.callbacks.append((name, callback))

    def unregister(self, name, callback):
        self.callbacks.remove((name, callback))


class Registry:
    def __init__(self):
        self.listeners = []
        self.listen, self.unlisten = self.listeners.append, self.listeners.remove


@pytest.fixture
def at(monkeypatch):
    history = SimpleNamespace(input_hist_parsed=["", "%load_ext sparkk8s_nb", "%sparkk8s start"])
    ip = SimpleNamespace(history_manager=history, events=Events(), displayhook=object())
    registry = Registry()
    registry.current = Session()
    return SimpleNamespace(ip=ip, registry=registry, session=registry.current, hooks=CellHooks(ip, registry))


def run(at, source="spark.range(9).count()", cell_id="abc"):
    info = SimpleNamespace(raw_cell=source, cell_id=cell_id)
    at.hooks.before_cell(info)
    return SimpleNamespace(info=info)


def tags(at):
    return [call[1] for call in at.session.driver.calls if call[0] == "enter_cell"]


def test_hooks_come_and_go(at):
    """Before and after every cell, and when a session begins."""
    at.hooks.register()
    assert [name for name, _ in at.ip.events.callbacks] == ["pre_run_cell", "post_run_cell"]
    assert len(at.registry.listeners) == 1
    at.hooks.unregister()
    assert (at.ip.events.callbacks, at.registry.listeners) == ([], [])


def test_the_cell_that_starts_a_session_is_its_first(at):
    """However it did: the rest of the cell has its tag and its stop button."""
    at.hooks.register()
    session, at.registry.current = at.registry.current, None
    result = run(at, "session = sk.start()")
    assert tags(SimpleNamespace(session=session)) == []
    at.registry.current = session
    at.registry.listeners[0](session)
    assert tags(at) == ["s-cell-abc-3"]
    at.hooks.after_cell(result)
    assert at.session.followed[-1] is None


def test_a_session_that_a_users_thread_starts_is_no_cells_yet(at):
    """No cell of that thread would ever end."""
    at.hooks.register()
    starter = threading.Thread(target=at.registry.listeners[0], args=[at.session])
    starter.start()
    starter.join()
    assert tags(at) == []
    run(at)
    assert tags(at) == ["s-cell-abc-3"]


def test_a_session_that_starts_outside_of_cells_takes_none_over(at):
    """A startup file, a widget's callback: the next cell is one of its own, and ends."""
    at.hooks.register()
    at.registry.listeners[0](at.session)
    assert tags(at) == []
    at.hooks.after_cell(run(at))
    assert at.session.followed == ["s-cell-abc-3", None]


@pytest.mark.parametrize("capture", ["", "%%capture\n"])
def test_a_session_that_the_loading_cell_starts_has_the_rest_of_it(at, ipython, capture):
    """There were no hooks when it began; a startup file of the same IPython is no cell."""
    hooks = CellHooks(ipython, at.registry)
    seen = []

    def load():
        hooks.register()
        at.registry.listeners[0](at.session)
        seen.extend(at.session.followed)

    ipython.push({"load": load})
    ipython.run_cell(f"{capture}load()")
    (tag,) = seen
    assert at.session.followed == [tag, None]
    at.registry.listeners[0](at.session)
    assert at.session.followed == [tag, None]
    ipython.run_cell("1 + 1", cell_id="next")
    assert len(at.session.followed) == 4
    assert "-next-" in at.session.followed[2]


def test_cells_of_the_main_thread_are_not_beside_whichever_thread_loads_the_extension(at):
    """A widget's callback on a thread of its own may load it."""
    made = []
    loader = threading.Thread(target=lambda: made.append(CellHooks(at.ip, at.registry)))
    loader.start()
    loader.join()
    (at.hooks,) = made
    at.hooks.after_cell(run(at))
    assert at.session.followed == ["s-cell-abc-3", None]


def test_a_cell_has_its_tag_while_it_runs(at):
    """Session, cell, execution; the progress is its own until it ends."""
    result = run(at)
    (tag,) = tags(at)
    assert tag == "s-cell-abc-3"
    assert at.session.followed == [tag]
    at.hooks.after_cell(result)
    assert at.session.followed == [tag, None]
    assert at.session.driver.calls[-1][0] != "enter_cell"


def test_every_execution_has_a_tag_of_its_own(at):
    """Also where the count stays the same, and with front ends whose ids are paths."""
    for _ in range(2):
        at.hooks.after_cell(run(at))
    at.hooks.after_cell(run(at, cell_id="a/b,c"))
    assert len(set(tags(at))) == 3
    assert not any("," in tag for tag in tags(at))


def test_cells_in_a_cell_are_the_outer_ones(at):
    """``%run`` of a notebook."""
    outer = run(at)
    inner = run(at, cell_id="inner")
    at.hooks.after_cell(inner)
    at.hooks.after_cell(outer)
    assert len(tags(at)) == 1
    assert at.session.followed[-1] is None


def test_an_empty_cell_ends_without_having_begun(at):
    """IPython tells of its end alone."""
    at.hooks.after_cell(SimpleNamespace(info=SimpleNamespace(raw_cell="")))
    assert tags(at) == []


@pytest.mark.parametrize(
    "source", ["%sparkk8s stop", "  %sparkk8s status\n", "%%sparkk8s start\nexecutors = 2"]
)
def test_our_own_commands_have_no_jobs(at, source):
    """``stop`` must work on a JVM that is stuck, too."""
    at.hooks.after_cell(run(at, source))
    assert tags(at) == []


@pytest.mark.parametrize("source", ["%sparkk8s stop\nspark.x", "x = '%sparkk8s'", "%sparkk8sx"])
def test_other_cells_may_have_jobs(source):
    """Although they name it."""
    assert not module._is_command(source)


def test_without_a_session_nothing_happens(at):
    """Nor with one that is over."""
    at.session.state.over = True
    at.hooks.after_cell(run(at))
    at.registry.current = None
    at.hooks.after_cell(run(at))
    assert tags(at) == []


def test_a_session_that_starts_in_a_cell_has_the_rest_of_it(at):
    """``%sparkk8s start`` above the first job."""
    session, at.registry.current = at.registry.current, None
    result = run(at)
    at.registry.current = session
    at.hooks.begin(session)
    assert len(tags(at)) == 1
    at.hooks.after_cell(result)
    assert session.followed[-1] is None


def test_a_driver_that_is_gone_breaks_no_cell(at):
    """The cell will say so itself if it needs Spark."""

    def gone(tag):
        raise DriverError("gone", fix="-")

    at.session.driver = SimpleNamespace(enter_cell=gone)
    at.hooks.after_cell(run(at))


def test_the_cell_that_loads_the_extension_is_known_by_its_request(at):
    """Its hooks come after its beginning; cells inside of it are still its own."""
    at.ip.history_manager.input_hist_parsed.append("%load_ext sparkk8s_nb\n%sparkk8s start")
    at.ip.get_parent = lambda: {"metadata": {"cellId": "whole"}}
    at.hooks.begin(at.session)
    at.hooks.after_cell(run(at, cell_id="inner"))
    assert tags(at) == ["s-cell-whole-3"]
    assert at.session.followed[-1] == "s-cell-whole-3"
    at.hooks.after_cell(SimpleNamespace(info=SimpleNamespace(raw_cell="%load_ext sparkk8s_nb")))
    assert at.session.followed[-1] is None


def test_a_cell_without_a_result_has_ended(at):
    """One with ``await`` that was cancelled."""
    run(at)
    at.hooks.after_cell(None)
    assert at.session.followed[-1] is None


def test_a_subshells_cell_runs_beside_and_takes_nothing_over(at):
    """It has a tag and a progress of its own; the session's stays the main one's."""
    main = run(at)
    thread = threading.Thread(target=lambda: at.hooks.after_cell(run(at, cell_id="beside")))
    thread.start()
    thread.join()
    assert tags(at) == ["s-cell-abc-3", "s-cell-beside-3"]
    assert at.session.followed == ["s-cell-abc-3", ("s-cell-beside-3", "beside"), None]
    at.hooks.after_cell(main)
    assert at.session.followed[-1] is None


def test_a_session_that_starts_anew_in_a_cell_has_the_rest_of_it(at):
    """``%sparkk8s start --restart``: the one before lets go."""
    result = run(at)
    other = Session()
    at.hooks.begin(other)
    assert ("leave_cell", "s-cell-abc-3") in at.session.driver.calls
    assert other.followed == ["s-cell-abc-3-2"]
    at.hooks.after_cell(result)
    assert other.followed[-1] is None


def running_since(started):
    job = JobProgress(
        id=1, description="count", state=JobState.RUNNING, tags=("c",), stages=(), tasks=9, submitted=started
    )
    return Progress(cell=CellRef(tag="s-cell-abc-3", count=3), jobs=(job,))


@pytest.fixture
def shown(at, monkeypatch):
    """Says when the cell's progress is shown."""
    event = threading.Event()

    def show(*_, **__):
        event.set()
        return NothingShown()

    monkeypatch.setattr(module, "show_progress", show)
    monkeypatch.setattr(module, "view_info", lambda session: {})
    monkeypatch.setattr(module, "NEXT_LOOK", 3600.0)
    at.session.spec.progress = True
    return event


def test_a_jobs_progress_is_shown_when_it_has_run_for_a_moment_though_nothing_new_is_told(at, shown):
    """Not only with the next reading."""
    result = run(at)
    at.session.feeds[-1].publish(running_since(time.time()))
    assert shown.wait(LONG)
    at.hooks.after_cell(result)


def test_a_job_that_was_quick_is_not_shown_while_its_cell_goes_on(at):
    """It seems to have taken no time."""
    result = run(at)
    cell = at.hooks._thread.running
    progress = running_since(time.time() - 1.0)
    assert cell._due(progress) <= 0
    quick = replace(progress.jobs[0], state=JobState.SUCCEEDED, ended=progress.started + 0.01)
    assert cell._due(replace(progress, jobs=(quick,))) > 0
    at.hooks.after_cell(result)


class Ended:
    """A view that notes how it ends."""

    def __init__(self):
        self.ends = []

    def withdraw(self):
        self.ends.append("withdrawn")

    def finish(self, summary=""):
        self.ends.append(summary.partition(",")[0])


BESIDE = Streams().seen([Stream(id="s", run="r", name="clicks")])


@pytest.mark.parametrize(
    ("seconds", "change", "streams", "end"),
    [
        (0.3, {}, Streams(), "withdrawn"),
        (0.6, {}, Streams(), "1 job"),
        (0.3, {"state": JobState.FAILED}, Streams(), "1 job (1 failed)"),
        (0.3, {"submitted": 0.0}, Streams(), "1 job"),
        (0.3, {}, BESIDE, "1 job"),
        (0.3, {}, BESIDE.told([], at=9.0), "withdrawn"),
    ],
    ids=["quick", "not quick", "failed", "of unknown time", "beside a stream", "after a stream"],
)
def test_jobs_that_were_over_in_half_a_second_leave_nothing(
    at, shown, monkeypatch, seconds, change, streams, end
):
    """They were shown while they ran. What failed, what nobody timed, and what runs beside a stream keeps its line."""
    view = Ended()
    monkeypatch.setattr(module, "show_progress", lambda *_, **__: shown.set() or view)
    begun = time.time()
    running = running_since(begun)
    job = replace(running.jobs[0], **{"state": JobState.SUCCEEDED, "ended": begun + seconds, **change})
    last = replace(running, jobs=(job,), streams=streams)
    monkeypatch.setattr(Followed, "final", lambda followed: last)
    monkeypatch.setattr(at.session, "answers", lambda: True, raising=False)
    result = run(at)
    at.session.feeds[-1].publish(running)
    assert shown.wait(LONG)
    at.hooks.after_cell(result)
    assert view.ends == [end]


def test_the_stop_button_at_the_very_end_of_a_cell_breaks_nothing(at, monkeypatch):
    """There is nothing left to stop but the reading of the last numbers."""

    def pressed(cell):
        raise KeyboardInterrupt

    monkeypatch.setattr(Followed, "end", pressed)
    result = run(at)
    at.hooks.after_cell(result)
    assert at.session.driver.calls[-1] == ("leave_cell", "s-cell-abc-3")
