"""Every command asks the session and shows the answer; every failure raises."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sparkk8s_nb.errors import NoSessionError, SparkK8sError, StartError, UsageError
from sparkk8s_nb.magics import actions as module
from sparkk8s_nb.magics.actions import Actions, completion_sources
from sparkk8s_nb.magics.answers import Answers
from sparkk8s_nb.magics.commands import parse
from sparkk8s_nb.magics.namespace import Namespace
from sparkk8s_nb.model.diagnosis import Verdict
from sparkk8s_nb.model.fleet import ExecutorsSeen, ExecutorStatus, Fleet
from sparkk8s_nb.model.streams import Stream, Streams
from sparkk8s_nb.session.listing import ContextRow, SessionRow, Sweep
from sparkk8s_nb.session.registry import Started
from sparkk8s_nb.views.environment import Environment, Home


def fleet(*ids):
    statuses = tuple(ExecutorStatus(id=one, cores=1) for one in ids)
    return Fleet(wanted=len(ids)).apply(ExecutorsSeen(executors=statuses, at=1.0))


class Session:
    """What actions ask of a session."""

    def __init__(self, tmp_path, ids=("1", "2")):
        self.spark = SimpleNamespace(sparkContext="the context", version="4.3.0")
        self.fleet = fleet(*ids)
        self.fleet_feed = "the feed"
        self.streams = Streams()
        self.streams_feed = "the streams"
        self.spec = SimpleNamespace(name="s")
        self.place = SimpleNamespace(
            driver_log=tmp_path / "driver.log", driver_output=tmp_path / "driver.out", record=tmp_path / "r"
        )
        self.verdict = None
        self.closed = False
        self.calls = []

    def why(self):
        return self.verdict

    def record(self):
        return SimpleNamespace(name="s", kernel="k-1")

    def now(self):
        return 2.0

    def scale(self, count):
        self.calls.append(("scale", count))

    def log_of(self, executor, tail):
        return f"log of {executor}, {tail} lines"

    def stop(self):
        self.closed = True
        return "Stopped after 1 s. Nothing left."


class Registry:
    def __init__(self):
        self.current = None
        self.settings = None

    def require(self):
        if self.current is None:
            raise NoSessionError("No Spark session runs in this kernel.", fix="Start one.")
        return self.current


class View:
    def __init__(self):
        self.told = []

    def settle(self):
        self.told.append("settle")

    def finish(self, summary=""):
        self.told.append(summary)


@pytest.fixture
def at(tmp_path, monkeypatch):
    """Actions in an IPython terminal, with everything around them a fake."""
    around = SimpleNamespace(
        registry=Registry(),
        variables={},
        session=Session(tmp_path),
        views=[],
        starts=[],
        news="",
    )
    monkeypatch.setattr(module, "detect", lambda: Environment(home=Home.TERMINAL))

    def show(feed, info, *, actions):
        assert (info, actions) == ({"name": "s", "kernel": "k-1"}, "the buttons")
        around.views.append(View())
        return around.views[-1]

    def start(line, *, on_made):
        around.starts.append(line)
        if not around.news:
            on_made(around.session)
        if isinstance(around.news, Exception):
            raise around.news
        around.registry.current = around.session
        return Started(session=around.session, news=around.news)

    monkeypatch.setattr(module, "show_fleet", show)
    monkeypatch.setattr(module.starting, "start", start)
    monkeypatch.setattr(module, "started_sentence", lambda session, taken: f"Started; taken: {taken}")
    namespace = Namespace(around.variables)
    answers = Answers(around.registry, namespace)
    around.actions = Actions(around.registry, namespace, answers, "the buttons")
    around.run = lambda line: around.actions.run(parse(line))
    return around


def test_a_start_shows_the_view_and_defines_the_variables(at, capsys):
    """The view begins before the session is open."""
    at.run("start -n 2")
    assert at.views[0].told == ["settle"]
    assert at.variables == {"spark": at.session.spark, "sc": "the context"}
    assert capsys.readouterr().out == "Started; taken: []\n"


def test_a_second_start_says_its_news_and_defines_what_was_deleted(at, capsys):
    """No second view."""
    at.news = "The session runs already, with these options."
    at.variables["sc"] = "mine"
    at.run("start")
    assert capsys.readouterr().out == f"{at.news}\n"
    assert at.variables == {"sc": "mine", "spark": at.session.spark}
    assert at.views == []


def test_a_start_that_fails_ends_its_view_with_the_problem_and_raises(at):
    """Nothing is defined."""
    real = module.starting.start

    def failing(line, *, on_made):
        on_made(at.session)
        raise StartError("No executor came.", fix="Wait longer.")

    module.starting.start, kept = failing, real
    try:
        with pytest.raises(StartError):
            at.run("start")
    finally:
        module.starting.start = kept
    assert at.views[0].told == ["No executor came."]
    assert at.variables == {}


def test_a_start_that_is_refused_leaves_the_views_of_the_session_that_runs(at):
    """Other options than it has: the refusal is no end of it."""
    at.run("start")
    at.news = StartError("A session with other options runs.", fix="Add --restart.")
    told = list(at.views[0].told)
    with pytest.raises(StartError):
        at.run("start -n 9")
    assert at.views[0].told == told


@pytest.mark.parametrize(
    "line", ["status", "scale 2", "logs driver", "cancel --all", "ui", "stop", "conf spark.x=1"]
)
def test_without_a_session_commands_that_need_one_raise(at, line):
    """Run All stops."""
    with pytest.raises(NoSessionError):
        at.run(line)


def test_the_bare_line_says_how_to_start_or_shows_the_status(at, capsys):
    """No error: it is a question."""
    at.run("")
    assert "%sparkk8s start" in capsys.readouterr().out
    at.registry.current = at.session
    at.run("")
    assert "2 executors running" in capsys.readouterr().out


def test_the_status_ends_with_what_is_wrong(at, capsys):
    """The verdict and its fix."""
    at.registry.current = at.session
    at.session.verdict = Verdict(problem="It is full.", fix="Wait.")
    at.run("status")
    assert capsys.readouterr().out.endswith("It is full.\nWait.\n")


def test_in_a_kernel_the_status_is_the_live_view_again(at, monkeypatch):
    """It ends with the session."""
    monkeypatch.setattr(module, "detect", lambda: Environment(home=Home.KERNEL))
    at.registry.current = at.session
    monkeypatch.setattr(module, "show_fleet", lambda feed, info, *, actions: the_view)
    the_view = View()
    at.run("status")
    at.run("status")
    at.run("stop")
    assert the_view.told == ["Stopped after 1 s. Nothing left."]


def test_the_status_shows_the_streaming_queries_too(at, monkeypatch, capsys):
    """Where there are any: as text, and as a live view that ends with the session."""
    at.registry.current = at.session
    at.session.streams = Streams().seen([Stream(id="q", run="r", name="clicks", batches=3)])
    at.run("status")
    assert "clicks: running · 3 batches" in capsys.readouterr().out
    shown, the_view = [], View()

    def show(feed):
        shown.append(feed)
        return the_view

    monkeypatch.setattr(module, "show_streams", show)
    monkeypatch.setattr(module, "detect", lambda: Environment(home=Home.KERNEL))
    at.run("status")
    at.run("status")
    assert (shown, the_view.told) == (["the streams"] * 2, [])
    at.run("stop")
    assert the_view.told == [""]


def test_scaling_says_from_where_to_where(at, capsys):
    """Before it has happened."""
    at.registry.current = at.session
    at.run("scale 4")
    assert at.session.calls == [("scale", 4)]
    assert capsys.readouterr().out == "Scaling from 2 to 4 executors.\n"


def test_logs_are_an_executors_or_the_drivers(at, capsys):
    """The driver's own output where its log is empty; the only executor needs no name."""
    at.registry.current = at.session
    at.run("logs 2 --tail 5")
    assert capsys.readouterr().out == "log of 2, 5 lines\n"
    at.run("logs driver")
    assert capsys.readouterr().out == "The log is empty.\n"
    at.session.place.driver_output.write_text("a\nb\n")
    at.run("logs driver --tail 1")
    assert capsys.readouterr().out == "b\n"
    at.session.place.driver_log.write_text("log\n")
    at.run("logs driver")
    assert capsys.readouterr().out == "log\n"
    with pytest.raises(UsageError) as caught:
        at.run("logs")
    assert caught.value.fix.endswith("logs N with one of: 1, 2.")
    at.session.fleet = fleet("7")
    at.run("logs")
    assert capsys.readouterr().out == "log of 7, 100 lines\n"
    at.session.fleet = fleet()
    with pytest.raises(UsageError, match="Whose log"):
        at.run("logs")


def test_in_a_kernel_a_log_may_be_followed(at, monkeypatch):
    """In a view of its own; the command returns."""
    followed = []
    monkeypatch.setattr(module, "detect", lambda: Environment(home=Home.KERNEL))
    monkeypatch.setattr(module, "follow_log", lambda read, until: followed.append((read(), until())))
    at.registry.current = at.session
    at.run("logs 1 -f")
    assert followed == [("log of 1, 100 lines", False)]


def test_stopping_takes_the_variables_back_and_says_what_it_cost(at, capsys):
    """One line."""
    at.run("start")
    at.variables["sc"] = "mine"
    capsys.readouterr()
    at.run("stop")
    assert at.variables == {"sc": "mine"}
    assert capsys.readouterr().out == "Stopped after 1 s. Nothing left.\n"
    assert at.views[0].told == ["settle", "Stopped after 1 s. Nothing left."]


def row(name, state="dead"):
    return SessionRow(
        name=name, owner="a", notebook="n", app_id="", executors=1, cores=1, memory="", age="", state=state
    )


def test_sessions_and_clusters_are_tables(at, monkeypatch, capsys):
    """Or one sentence."""
    monkeypatch.setattr(module, "list_sessions", list)
    at.run("ps")
    assert capsys.readouterr().out == "No sessions.\n"
    monkeypatch.setattr(module, "list_sessions", lambda: [row("s-1", "alive")])
    at.run("ps")
    assert "s-1" in capsys.readouterr().out
    monkeypatch.setattr(
        module, "list_contexts", lambda: [ContextRow(name="lab", server="h", namespace="t", chosen=True)]
    )
    at.run("contexts")
    assert "lab" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "sweep", "says"),
    [
        ("gc", Sweep(dead=[], kept=[], removed=False), "Nothing to remove."),
        ("gc", Sweep(dead=[row("s-1")], kept=[], removed=False), "%sparkk8s gc --yes"),
        ("gc --yes", Sweep(dead=[row("s-1")], kept=[], removed=True), "Removed."),
    ],
)
def test_sweeping_shows_and_asks(at, monkeypatch, capsys, line, sweep, says):
    """Where nobody can be asked it removes only when told."""
    consents = []

    def swept(*, consent, all_users, watch):
        if sweep.dead:
            consents.append(consent(sweep.dead))
        return sweep

    monkeypatch.setattr(module, "sweep", swept)
    monkeypatch.setattr(module, "ask", lambda question: None)
    at.run(line)
    out = capsys.readouterr().out
    assert says in out
    assert consents == [True if "--yes" in line else None] * len(sweep.dead)
    assert ("s-1" in out) is bool(sweep.dead)


def test_whoever_is_asked_decides(at, monkeypatch, capsys):
    """The table comes before the question."""
    shown = []

    def swept(*, consent, all_users, watch):
        answer = consent([row("s-1")])
        return Sweep(dead=[row("s-1")], kept=[], removed=bool(answer), declined=answer is False)

    monkeypatch.setattr(module, "sweep", swept)
    for answer, says in ((False, "Nothing was removed.\n"), (True, "Removed.\n")):
        monkeypatch.setattr(
            module, "ask", lambda _, answer=answer: shown.append(capsys.readouterr().out) or answer
        )
        at.run("gc")
        assert "s-1" in shown.pop()
        assert capsys.readouterr().out == says


def test_a_watch_says_how_far_it_is_in_one_line(at, monkeypatch, capsys):
    """Which is written anew; the stop button ends it like any cell."""

    def swept(*, watch, **others):
        watch(2, 900.0)
        watch(1, 600.0)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "sweep", swept)
    with pytest.raises(KeyboardInterrupt):
        at.run("gc --watch")
    _, first, second = capsys.readouterr().out.split("\r")
    assert "2 sessions are held" in first
    assert "10 min whether somebody renews it. The stop button ends it." in second
    assert len(first) == len(second)


@pytest.mark.parametrize("outside", [0, 1])
def test_a_watchs_line_is_ended_before_what_it_found(at, monkeypatch, capsys, outside):
    """And where there was nothing to watch, nothing is printed for it."""

    def swept(*, consent, watch, **others):
        for _ in range(outside):
            watch(1, 600.0)
        consent([row("s-1")])
        return Sweep(dead=[row("s-1")], kept=[], removed=False)

    monkeypatch.setattr(module, "sweep", swept)
    monkeypatch.setattr(module, "ask", lambda question: None)
    at.run("gc --watch")
    assert capsys.readouterr().out.partition("NAME")[0].count("\n") == outside


def test_what_could_not_be_swept_is_an_error(at, monkeypatch):
    """Run All stops."""
    found = Sweep(dead=[row("s-1")], kept=[], removed=True, failures=["s-1: refused"])
    monkeypatch.setattr(module, "sweep", lambda **options: found)
    with pytest.raises(SparkK8sError, match="s-1: refused"):
        at.run("gc --yes")


def test_help_is_printed(at, capsys):
    """For all, or one command."""
    at.run("help")
    at.run("help scale")
    assert "scale" in capsys.readouterr().out


def test_completion_never_fails(monkeypatch):
    """The command itself will tell what is wrong."""

    def broken(*_):
        raise SparkK8sError("a", fix="b")

    monkeypatch.setattr(module, "known_contexts", broken)
    monkeypatch.setattr(module, "load_layers", broken)
    registry = Registry()
    sources = completion_sources(registry)
    assert {name: list(ask()) for name, ask in sources.items()} == {
        "contexts": [],
        "profiles": [],
        "executors": [],
    }
    registry.current = SimpleNamespace(fleet=fleet("1", "2"))
    assert list(sources["executors"]()) == ["1", "2"]
