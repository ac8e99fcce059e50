"""Completion, as a function and inside a real IPython."""

from __future__ import annotations

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from sparkk8s_nb.errors import ConnectError
from sparkk8s_nb.magics.completion import Sources, complete, make_matcher


def broken():
    """Fail as a broken kubeconfig does."""
    raise ConnectError("No kubeconfig.", fix="Make one.")


SOURCES = Sources(
    contexts=lambda: ["kind", "prod"],
    profiles=lambda: ["big", "small"],
    executors=lambda: ["1", "2", "12"],
    cells=lambda: ["5", "7"],
    confs=lambda: ["spark.sql.shuffle.partitions"],
)


def offered(line: str) -> list[str]:
    """Complete at the end of a line."""
    return complete(line, 0, line, SOURCES)[1]


def test_commands_come_first():
    """All that are available, then those that begin so."""
    assert {"start", "stop", "scale", "logs"} <= set(offered("%sparkk8s "))
    assert "doctor" not in offered("%sparkk8s ")
    assert offered("%sparkk8s st") == ["start", "status", "stop"]
    assert offered("  %sparkk8s sca") == ["scale"]


def test_options_that_were_given_are_not_offered_again():
    """Under no name; those that may be repeated are."""
    found = offered("%sparkk8s start -n 4 --conf spark.x=1 --memory=4g ")
    assert "--executors" not in found
    assert "-n" not in found
    assert "--memory" not in found
    assert {"--conf", "--cores", "--restart"} <= set(found)
    assert "--min" not in found


def test_aliases_are_offered_to_those_who_type_them():
    """Not in the list of all."""
    assert "--num-executors" not in offered("%sparkk8s start --")
    assert offered("%sparkk8s start --num") == ["--num-executors"]
    assert offered("%sparkk8s start --driver") == ["--driver-memory", "--driver-address"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("start --wait ", ["all", "none", "1"]),
        ("start --wait=a", ["all"]),
        ("start --context ", ["embedded", "kind", "prod"]),
        ("start --profile s", ["small"]),
        ("start --driver-address ", ["ip", "dns"]),
        ("start --progress=", ["auto", "off"]),
        ("start --memory ", ["8g"]),
        ("start --image ", []),
        ("start --pod-template ", []),
        ("logs ", ["1", "2", "12", "driver", "--tail", "-f"]),
        ("logs 1", ["1", "12"]),
        ("logs 1 ", ["--tail", "-f"]),
        ("logs 1 --tail ", ["50"]),
        ("logs 1 --tail 5 -", ["-f"]),
        ("cancel ", ["5", "7", "--all"]),
        ("gc -", ["--yes", "--all-users", "--watch"]),
        ("conf spark", ["spark.sql.shuffle.partitions"]),
        ("conf mem", ["memory", "memory_overhead", "memory_overhead_factor"]),
        ("help sto", ["stop"]),
        ("stop ", []),
        ("nonsense ", []),
    ],
)
def test_values_are_offered_where_they_are_known(line, words):
    """Choices, contexts, profiles, executors, cells."""
    assert offered(f"%sparkk8s {line}") == words


@pytest.mark.parametrize(
    ("last", "fragment", "words"),
    [
        ("mem", "mem", ["memory"]),
        ("driver-", "driver-", ["driver-memory", "driver-address"]),
        ("--wait ", "", ["all", "none", "1"]),
        ("wait = a", "a", ["all"]),
        ("wait=", "", ["all", "none", "1"]),
        ("context ", "", ["embedded", "kind", "prod"]),
        ("--driver-m", "--driver-m", ["--driver-memory"]),
        ("bananas ", "", []),
    ],
)
def test_a_start_cell_is_completed_too(last, fragment, words):
    """With keys or flags, whichever is begun."""
    cell = f"%%sparkk8s start\ncores 2\n{last}"
    assert complete(cell, 2, last, SOURCES) == (fragment, words)
    assert "cores" not in complete(f"%%sparkk8s start\ncores 2\n{''}", 2, "", SOURCES)[1]


@pytest.mark.parametrize("text", ["", "x = 1", "%time st", "spark.", "%sparkk8", "%sparkk8s", "%%sql\nst"])
def test_other_text_is_none_of_our_business(text):
    """Nothing offered, so nothing of the others' is suppressed."""
    last = text.split("\n")
    assert complete(text, len(last) - 1, last[-1], SOURCES) == ("", [])


def test_a_source_that_fails_offers_nothing():
    """Errors are for commands, not for keystrokes."""
    sources = Sources(contexts=broken)
    assert complete("%sparkk8s start --context ", 0, "%sparkk8s start --context ", sources)[1] == ["embedded"]


@pytest.fixture
def shell(ipython):
    """A real IPython with names that would disturb."""
    ipython.user_ns |= {"status_of_mine": 1, "memory_of_mine": 2, "driver_x": 3}
    ipython.Completer.custom_matchers.append(make_matcher(SOURCES))
    return ipython


def in_ipython(shell: InteractiveShell, text: str) -> list[tuple[str, str]]:
    """Return what IPython offers at the end of ``text``: what would stand there, as front ends replace it."""
    with provisionalcompleter():
        found = list(shell.Completer.completions(text, len(text)))
    return [(c.text, text[: c.start] + c.text) for c in found]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("%sparkk8s st", ["start", "status", "stop"]),
        ("%sparkk8s start --driver-", ["--driver-memory", "--driver-address"]),
        ("%sparkk8s start --wait=", ["all", "none", "1"]),
        ("%sparkk8s start -n 2 --wait ", ["all", "none", "1"]),
        ("%sparkk8s logs d", ["driver"]),
        ("%%sparkk8s start\nmem", ["memory"]),
        ("x = 1\n%sparkk8s sto", ["stop"]),
    ],
)
def test_ipython_offers_ours_and_nothing_else(shell, text, words):
    """In our order, without Python's names, and replaced in the right place."""
    found = in_ipython(shell, text)
    assert [word for word, _ in found] == words
    kept = text[: max(text.rfind(" "), text.rfind("="), text.rfind("\n")) + 1]
    assert [line for _, line in found] == [f"{kept}{word}" for word in words]


def test_ipython_still_completes_python(shell):
    """Our matcher is silent there."""
    assert "status_of_mine" in [word for word, _ in in_ipython(shell, "status_o")]
