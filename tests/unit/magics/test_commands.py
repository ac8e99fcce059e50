"""What a line, or a line and a cell, asks for."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.magics.commands import (
    Cancel,
    Conf,
    Contexts,
    Gc,
    Help,
    Logs,
    Overview,
    Ps,
    Scale,
    Start,
    Status,
    Stop,
    Ui,
    parse,
)
from sparkk8s_nb.magics.grammar import COMMANDS
from sparkk8s_nb.magics.helptext import help_text
from sparkk8s_nb.model.option_help import WIDTH
from sparkk8s_nb.model.options import OPTIONS
from sparkk8s_nb.model.quantities import GIB


def values(line: str, cell: str | None = None) -> dict[str, object]:
    """Return what a start says."""
    command = parse(line, cell)
    assert isinstance(command, Start)
    return dict(command.line.values)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("", Overview()),
        ("  # only a comment", Overview()),
        ("status", Status()),
        ("scale 4", Scale(count=4)),
        ("logs", Logs()),
        ("logs 3", Logs(target="3")),
        ("logs spark-n-1-exec-3 -f", Logs(target="spark-n-1-exec-3", follow=True)),
        ("logs driver --tail 50 --follow", Logs(target="driver", tail=50, follow=True)),
        ("logs --tail=50 driver", Logs(target="driver", tail=50)),
        ("logs 3 -n 5", Logs(target="3", tail=5)),
        ("cancel", Cancel()),
        ("cancel 5", Cancel(cell=5)),
        ("cancel [5]", Cancel(cell=5)),
        ("cancel In[5]", Cancel(cell=5)),
        ("cancel --all", Cancel(everything=True)),
        ("ps", Ps()),
        ("gc", Gc()),
        ("gc --yes --all-users", Gc(yes=True, all_users=True)),
        ("gc -y", Gc(yes=True)),
        ("gc --watch", Gc(watch=True)),
        ("contexts", Contexts()),
        ("ui", Ui()),
        ("ui --last", Ui(last=True)),
        ("conf", Conf()),
        ("conf memory", Conf(key="memory")),
        ("conf spark.x=1", Conf(key="spark.x", value="1")),
        ("conf spark.x = 'a b'", Conf(key="spark.x", value="a b")),
        ("conf memory=4g", Conf(key="memory", value="4g")),
        ("stop", Stop()),
        ("stop  # done", Stop()),
        ("help", Help()),
        ("-h", Help()),
        ("--help", Help()),
        ("help start", Help(topic="start")),
        ("start --help", Help(topic="start")),
        ("start -n 0 -h", Help(topic="start")),
        ("scale -h", Help(topic="scale")),
        ("doctor --help", Help(topic="doctor")),
    ],
)
def test_every_command_is_a_value(line, command):
    """With its options, in any order."""
    assert parse(line) == command


def test_start_says_what_its_options_say():
    """Quotes as in a shell."""
    command = parse("start -n 4 --memory 8g --name 'My flights' --restart --profile big  # four")
    assert isinstance(command, Start)
    assert command.line.restart
    assert command.line.profile == "big"
    assert dict(command.line.values) == {"executors": 4, "memory": 8 * GIB, "name": "My flights"}


@pytest.mark.parametrize(
    ("line", "problem", "fix"),
    [
        ("strt -n 4", "strt is not a command", "Did you mean start?"),
        ("bananas", "bananas is not a command", "help lists"),
        ("-n 4", "-n is not a command", "%sparkk8s start -n 4"),
        ("start --memorry 4g", "no option --memorry", "Did you mean --memory?"),
        ("start 4", "what 4 is for", "-n 4"),
        ("start --name 'x", "quote is not closed", "two quotes"),
        ("scale", "scale needs N", "scale 4"),
        ("scale 0", "must be at least 1", "scale 4"),
        ("scale -1", "must be at least 1", "scale 4"),
        ("scale many", "scale many is not a whole number", "scale 4"),
        ("scale 1 2", "what 2 is for", "scale N"),
        ("scale -n 4", "scale has no option -n", "scale --help"),
        ("logs --tial 5", "no option --tial", "Did you mean --tail?"),
        ("logs --tail", "--tail has no value", "--tail 50"),
        ("logs --tail 0", "must be at least 1", "--tail 50"),
        ("logs --tail 1 --tail 2", "given twice: 1 and 2", "Keep one"),
        ("logs -f=1", "no option -f=1", "Did you mean -f?"),
        ("logs --follow=1", "--follow has no value", "logs --follow"),
        ("logs drivver", "no executor drivver", "Did you mean driver?"),
        ("logs 1 2", "what 2 is for", "logs [EXECUTOR|driver]"),
        ("cancel this", "this is not a cell's number", "cancel 5"),
        ("cancel 5 --all", "not both", "cancel 5"),
        ("stop now", "what now is for", "%sparkk8s stop"),
        ("doctor", "not available yet", "%sparkk8s start"),
        ("help strt", "strt is not a command", "Did you mean start?"),
        ("conf a b", "neither a key nor KEY=VALUE", "spark.sql.shuffle.partitions=8"),
        ("conf =3", "neither a key nor KEY=VALUE", "spark.sql.shuffle.partitions=8"),
        ("conf memory=2x", "memory=2x is not an amount", 'memory="8g"'),
        ("conf spark.driver.host=x", "set by the toolkit", "--driver-address"),
    ],
)
def test_bad_input_says_what_is_wrong_and_what_to_write(line, problem, fix):
    """Two lines."""
    with pytest.raises(UsageError) as caught:
        parse(line)
    assert problem in caught.value.problem
    assert fix in caught.value.fix
    assert "\n" not in caught.value.problem
    assert "\n" not in caught.value.fix


CELL = """\
# a small session
memory 4g            # the whole pod
--cores 2
driver-memory = '2g'
executors=3

--wait = all
--event-log off
conf spark.a = b c
conf = spark.b="#1"
spark.sql.shuffle.partitions = 8
spark.executor.memoryOverhead 1g
packages g:a:1, g:b:2
packages g:c:3
name My flights
restart
-n 3 --disk 20g
"""


def test_a_cell_has_one_option_a_line():
    """With or without dashes and equals signs; the line's options count too."""
    command = parse("start --timeout 90", CELL)
    assert isinstance(command, Start)
    assert command.line.restart
    assert dict(command.line.values) == {
        "timeout": 90.0,
        "memory": 4 * GIB,
        "cores": 2,
        "driver_memory": 2 * GIB,
        "executors": 3,
        "wait": "all",
        "event_log": False,
        "memory_overhead": GIB,
        "packages": ("g:a:1", "g:b:2", "g:c:3"),
        "name": "My flights",
        "disk": 20 * GIB,
        "conf": {"spark.a": "b c", "spark.b": "#1", "spark.sql.shuffle.partitions": "8"},
    }


@pytest.mark.parametrize(
    ("cell", "problem", "fix"),
    [
        ("\nmemorry 4g", "Cell line 3: start has no option memorry", "Did you mean memory?"),
        ("memory 2x", "Cell line 2: memory 2x is not an amount", "memory 8g"),
        ("memory", "Cell line 2: memory has no value", "memory 8g"),
        ("cores 2\n--cores 3", "Cell line 3: cores and --cores contradict: 2 and 3", "Keep one"),
        ("spark.driver.host = x", "Cell line 2: The conf spark.driver.host", "--driver-address"),
        ("4g", "Cell line 2: 4g is not an option", "memory 4g"),
        ("--memory 4g cores 2", "Cell line 2: cores is not an option", "--cores"),
        ("--bananas 2", "Cell line 2: start has no option --bananas", "--help"),
        ("name 'x", "Cell line 2: A quote", "two quotes"),
        ("min 2", "Cell line 2: min 2: dynamic allocation", "-n N"),
        ("memory 4g\nexecutor-memory 2g", "whole pod", "Keep memory"),
        ("cpu 500m", "Cell line 2: start has no option cpu", ""),
    ],
)
def test_an_error_in_a_cell_has_its_line(cell, problem, fix):
    """Counted as the editor does: the magic's own line is the first."""
    with pytest.raises(UsageError) as caught:
        parse("start", cell)
    assert problem in caught.value.problem
    assert fix in caught.value.fix


def test_line_and_cell_may_not_contradict():
    """They are one start."""
    with pytest.raises(UsageError, match="-n and executors contradict: 2 and 3"):
        parse("start -n 2", "executors 3")


def test_only_start_has_a_cell_form():
    """A command over Python code would silently swallow it."""
    with pytest.raises(UsageError, match="stop has no cell form") as caught:
        parse("stop", "df.count()")
    assert "%sparkk8s stop" in caught.value.fix
    with pytest.raises(UsageError, match="A cell needs a command"):
        parse("", "memory 4g")
    assert parse("stop", "\n") == Stop()


def test_help_names_every_command_and_every_option():
    """Nothing is hidden but what is not available."""
    overview = help_text()
    assert all(f"  {name}" in overview for name, spec in COMMANDS.items() if spec.available)
    assert "doctor" not in overview
    start = help_text("start")
    assert all(flag in start for option in OPTIONS if option.available for flag in option.flags)
    assert "--min" not in start
    assert "--tail" in help_text("logs")


@pytest.mark.parametrize("topic", ["", *COMMANDS])
def test_help_fits_a_terminal(topic):
    """No line wraps, no blank at a line's end."""
    for line in help_text(topic).splitlines():
        assert len(line) <= WIDTH
        assert line == line.rstrip()


@pytest.mark.parametrize("example", [e for spec in COMMANDS.values() for e in spec.examples])
def test_every_example_in_help_is_right(example):
    """What help shows can be typed."""
    assert parse(example)


words = st.sampled_from(
    [*COMMANDS, "-n", "4", "--tail", "--all", "=", "'", '"', "\\", "#", "-", "--", "[3]", "-f", "\n"]
)


@given(st.lists(words | st.text(max_size=6), max_size=6), st.none() | st.text(max_size=40))
def test_no_input_ends_in_anything_but_a_command_or_a_usage_error(parts, cell):
    """No SystemExit, no trace."""
    with contextlib.suppress(UsageError):
        assert parse(" ".join(parts), cell)
