"""A view's button is a command of the magic, and answers with its words."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sparkk8s_nb.errors import DriverError, NoSessionError, UsageError
from sparkk8s_nb.magics import commands
from sparkk8s_nb.magics.answers import Answers
from sparkk8s_nb.magics.namespace import Namespace
from sparkk8s_nb.magics.view_actions import LONGEST_LINE, ViewActions
from sparkk8s_nb.model.cells import Cells
from sparkk8s_nb.model.fleet import Fleet
from sparkk8s_nb.model.progress import CellRef
from sparkk8s_nb.model.state import SessionState
from sparkk8s_nb.telemetry.feed import Feed


class Session:
    """What the buttons ask of a session."""

    def __init__(self):
        self.fleet = Fleet(wanted=2)
        self.cells = Cells().begin(CellRef(tag="t-1", count=4, cell_id="c-4"), at=1.0)
        self.state = SessionState.RUNNING
        self.closed = False
        self.dead = False
        self.calls = []

    def scale(self, count):
        if count > 100:
            raise UsageError("That is too many.", fix="Ask for less.")
        self.calls.append(("scale", count))

    def cancel(self, cell=None, *, tag=""):
        if self.dead:
            raise DriverError("The driver is gone.", fix="Start again.")
        self.calls.append(("cancel", tag or cell))
        return 1

    def stop(self):
        self.calls.append("stop")
        self.closed = True
        return "Stopped after 1 s. Nothing left."

    def log_of(self, executor, tail):
        return "\n".join(f"{executor} {number} " + "x" * 900 for number in range(tail + 50))


class Registry:
    def __init__(self, session):
        self.current = session
        self.newest = Feed(session)

    def require(self):
        if self.current is None:
            raise NoSessionError("No Spark session runs in this kernel.", fix="Start one.")
        return self.current


@pytest.fixture
def at():
    session = Session()
    registry = Registry(session)
    variables = {}
    namespace = Namespace(variables)
    namespace.offer({"spark": 1})
    answers = Answers(registry, namespace)
    actions = ViewActions(registry, answers)
    return SimpleNamespace(
        session=session, registry=registry, answers=answers, variables=variables, do=actions.carry_out
    )


def magic(line):
    """What the magic says of a line that it refuses."""
    with pytest.raises(UsageError) as caught:
        commands.parse(line)
    return {"problem": caught.value.problem, "fix": caught.value.fix}


def test_scaling_says_what_the_magic_says(at):
    """From where to where."""
    assert at.do({"do": "scale", "executors": 4}) == {"said": "Scaling from 2 to 4 executors."}
    assert at.session.calls == [("scale", 4)]


@pytest.mark.parametrize("number", [0, -1, 2.5, "many", "", "4 5", "'", None, True, [4]])
def test_a_number_that_is_none_is_refused_with_the_magics_words(at, number):
    """Nothing is done."""
    answer = at.do({"do": "scale", "executors": number})
    assert answer["problem"]
    assert answer["fix"]
    assert at.session.calls == []
    if number in (0, -1, "many"):
        assert answer == magic(f"scale {number}")


def test_what_the_session_refuses_is_said_with_its_words(at):
    """A quota, a fleet that is Spark's to size."""
    answer = at.do({"do": "scale", "executors": 101})
    assert answer == {"problem": "That is too many.", "fix": "Ask for less."}


@pytest.mark.parametrize(
    ("asked", "cancelled"),
    [
        ({"cell": "c-4"}, "t-1"),
        ({"cell": 4}, 4),
        ({"tag": "t-1"}, "t-1"),
        ({"tag": "t-1", "cell": "c-beside"}, "t-1"),
    ],
)
def test_a_cells_jobs_are_cancelled_by_its_tag_its_id_or_its_number(at, asked, cancelled):
    """Tag and id mean one execution, the number all that have it; the tag goes before."""
    at.session.cells = at.session.cells.begin(CellRef(tag="t-2", count=4, cell_id="c-beside"), at=2.0)
    assert at.do({"do": "cancel", **asked}) == {"said": "Cancelled 1 job of cell [4]."}
    assert at.session.calls == [("cancel", cancelled)]


@pytest.mark.parametrize(
    "asked",
    [
        *({"cell": cell} for cell in ("c-9", "", None, True, {})),
        *({"tag": tag, "cell": "c-4"} for tag in ("t-9", ["t-1"], True)),
        {"tag": "t-9", "cell": 4},
    ],
)
def test_a_cell_that_nobody_knows_cancels_nothing(at, asked):
    """Least of all everything, or another execution than the one that is named."""
    assert at.do({"do": "cancel", **asked})["problem"] == "That cell has not run in this session."
    assert at.session.calls == []


def test_all_jobs_are_cancelled_only_where_that_is_said(at):
    """Of every cell, and streaming queries too."""
    assert at.do({"do": "cancel_all"}) == {"said": "Cancelled 1 job of any cell."}
    assert at.session.calls == [("cancel", None)]


def test_stopping_cancels_first_and_takes_variables_and_views_with_it(at):
    """A cell that waits for a job ends as with the stop button."""
    told = []
    at.answers.views = [SimpleNamespace(finish=told.append)]
    at.answers.streams = SimpleNamespace(finish=lambda: told.append("streams"))
    assert at.do({"do": "stop"}) == {"said": "Stopped after 1 s. Nothing left."}
    assert at.session.calls == [("cancel", None), "stop"]
    assert told == ["Stopped after 1 s. Nothing left.", "streams"]
    assert at.variables == {}


def test_a_session_without_a_driver_is_stopped_all_the_same(at):
    """There is nothing to cancel."""
    at.session.dead = True
    assert "said" in at.do({"do": "stop"})
    assert at.session.calls == ["stop"]


def test_a_log_is_bounded_in_lines_and_in_their_length(at):
    """A page is no pager."""
    lines = at.do({"do": "log", "executor": "3"})["lines"]
    assert len(lines) == 200
    assert max(map(len, lines)) == LONGEST_LINE
    assert lines[-1].startswith("3 249 ")
    assert at.do({"do": "log"})["problem"] == "Whose log?"


def test_without_a_session_the_magics_words_say_so(at):
    """Whatever is asked."""
    at.registry.current = None
    at.registry.newest.publish(None)
    for what in ("scale", "cancel", "cancel_all", "stop", "log"):
        assert at.do({"do": what}) == {
            "problem": "No Spark session runs in this kernel.",
            "fix": "Start one.",
        }


def test_a_session_that_is_still_starting_says_how_to_end_that(at):
    """Its view is there already, with its buttons."""
    at.registry.current = None
    answer = at.do({"do": "stop"})
    assert answer["problem"] == "The session is still starting."
    assert "interrupt its cell" in answer["fix"]
    at.session.state = SessionState.FAILED
    assert at.do({"do": "stop"})["problem"] == "No Spark session runs in this kernel."


@pytest.mark.parametrize("what", ["explode", None, 3])
def test_what_this_kernel_does_not_know_is_said(at, what):
    """The page is newer than the kernel."""
    assert "does not know" in at.do({"do": what})["problem"]
    assert at.session.calls == []
