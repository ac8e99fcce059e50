"""The command line: exit codes, two lines for an error, JSON for programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from sparkk8s_nb.cli import cluster_commands, session_commands
from sparkk8s_nb.cli import main as module
from sparkk8s_nb.cli.main import main
from sparkk8s_nb.embedded.lifecycle import EmbeddedStatus
from sparkk8s_nb.errors import EmbeddedError, SparkK8sError, UsageError
from sparkk8s_nb.session.listing import ContextRow, SessionRow, Sweep
from sparkk8s_nb.version import __version__

STATUS = EmbeddedStatus(
    pid=7, server="https://127.0.0.1:1", started=1.0, node="n", capacity_cpus=2, capacity_memory=2**34,
    allocatable_cpus=2, allocatable_memory=2**33, pods=2, running_pods=1, sessions=1, idle_for=None,
    idle_seconds=900.0, isolate=False, version="1",
)  # fmt: skip


def row(name, state="alive"):
    return SessionRow(
        name=name, owner="a", notebook="n", app_id="", executors=1, cores=1, memory="", age="", state=state
    )


def command(monkeypatch, name, what):
    monkeypatch.setattr(module, "COMMANDS", {**module.COMMANDS, name: what})


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"], ["help"]])
def test_help_names_every_command(capsys, words):
    """And is no error."""
    assert main(words) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in module.COMMANDS)


def test_the_version_is_printed(capsys):
    """Either way."""
    assert main(["--version"]) == main(["version"]) == 0
    assert capsys.readouterr().out.split() == ["sparkk8s-nb", __version__] * 2


@pytest.mark.parametrize(
    ("words", "fix"),
    [
        (["rnu"], "Did you mean run?"),
        (["zzz"], "See sparkk8s-nb --help."),
        (["ps", "--all-user"], "Did you mean --all-users?"),
        (["gc", "now"], "usage: sparkk8s-nb gc [--yes] [--all-users] [--watch]"),
        (["contexts", "--jsno"], "Did you mean --json?"),
        (["cluster", "upp"], "Did you mean up?"),
        (
            ["cluster", "down", "--isolate"],
            "usage: sparkk8s-nb cluster up [--isolate] | down | status | kubeconfig",
        ),
    ],
)
def test_wrong_usage_is_two_lines_and_2(capsys, words, fix):
    """The second says what was meant."""
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 2
    assert err.splitlines()[1] == fix


def test_a_failure_is_two_lines_and_1(monkeypatch, capsys):
    """With what could not be undone below."""

    def fail(words, output):
        error = SparkK8sError("It broke.", fix="Mend it.")
        error.add_note("Not undone: x.")
        raise error

    command(monkeypatch, "ps", fail)
    assert main(["ps"]) == 1
    assert capsys.readouterr().err == "It broke.\nMend it.\nNot undone: x.\n"


def test_an_interrupt_is_130(monkeypatch):
    """As a shell has it."""

    def interrupted(words, output):
        raise KeyboardInterrupt

    command(monkeypatch, "ps", interrupted)
    assert main(["ps"]) == 130


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_reader_that_has_enough_is_no_error():
    """``sparkk8s-nb ps | head -1``: no trace, not even at the interpreter's exit."""
    code = (
        "import sys; from sparkk8s_nb.cli import main as m\n"
        "m.COMMANDS = {'ps': lambda words, output: print('x' * 100_000) or 0}\n"
        "sys.exit(m.main(['ps']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_sessions_are_a_table_or_json(monkeypatch, capsys):
    """Of this user, or of all."""
    asked = []
    monkeypatch.setattr(session_commands, "list_sessions", lambda **o: asked.append(o) or [row("s-1")])
    assert main(["ps"]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("NAME")
    assert main(["ps", "--all-users", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["name"] == "s-1"
    assert asked == [{"all_users": False}, {"all_users": True}]
    monkeypatch.setattr(session_commands, "list_sessions", lambda **o: [])
    main(["ps"])
    main(["ps", "--json"])
    assert capsys.readouterr().out == "No sessions.\n[]\n"


@pytest.mark.parametrize(
    ("found", "code", "says"),
    [
        (Sweep(dead=[], kept=[], removed=False), 0, "Nothing to remove."),
        (Sweep(dead=[], kept=[row("a")], removed=False), 0, "1 other session is alive"),
        (Sweep(dead=[], kept=[row("a"), row("b")], removed=False), 0, "2 other sessions are alive"),
        (Sweep(dead=[row("d", "dead")], kept=[], removed=False), 0, "sparkk8s-nb gc --yes"),
        (Sweep(dead=[row("d", "dead")], kept=[], removed=True), 0, "Removed."),
        (Sweep(dead=[row("d", "dead")], kept=[], removed=False, declined=True), 0, "Nothing was removed."),
        (Sweep(dead=[row("d", "dead")], kept=[], removed=True, failures=["d: refused"]), 1, "d: refused"),
    ],
)
def test_sweeping_says_what_it_found_and_did(monkeypatch, capsys, found, code, says):
    """A failure is an exit code."""
    monkeypatch.setattr(session_commands, "sweep", lambda **options: found)
    assert main(["gc"]) == code
    assert says in capsys.readouterr().out
    assert main(["gc", "--json"]) == code
    assert json.loads(capsys.readouterr().out)["removed"] is found.removed


@pytest.mark.parametrize(
    ("words", "answers", "consents"),
    [
        (["gc"], [True], [True]),
        (["gc"], [False], [False]),
        (["gc"], [None], [None]),
        (["gc", "--yes"], [], [True]),
        (["gc", "--json"], [], [None]),
        (["gc", "--json", "--yes"], [], [True]),
    ],
)
def test_sweeping_shows_and_then_asks_once(monkeypatch, capsys, words, answers, consents):
    """A program that reads JSON cannot be asked, and its document stays one."""
    said, shown = [], []

    def sweep(*, consent, all_users, watch):
        said.append(consent([row("d", "dead")]))
        shown.append(capsys.readouterr().out)
        return Sweep(dead=[row("d", "dead")], kept=[], removed=bool(said[0]), declined=said[0] is False)

    monkeypatch.setattr(session_commands, "sweep", sweep)
    monkeypatch.setattr(session_commands, "ask", lambda question: answers.pop())
    assert main(words) == 0
    assert (said, answers) == (consents, [])
    assert ("dead" in shown[0]) is ("--json" not in words)
    assert ("--yes" in capsys.readouterr().out) is (consents == [None] and "--json" not in words)


def test_watching_is_asked_for_and_says_so_beside_the_result(monkeypatch, capsys):
    """It takes a quarter of an hour."""
    asked = []

    def sweep(*, watch, **others):
        asked.append(watch)
        if watch is not None:
            watch(2, 900.0)
            watch(2, 870.0)
            watch(1, 840.0)
        return Sweep(dead=[], kept=[], removed=False)

    monkeypatch.setattr(session_commands, "sweep", sweep)
    assert main(["gc"]) == main(["gc", "--watch", "--json"]) == 0
    assert asked[0] is None
    assert capsys.readouterr().err == (
        "2 sessions are held outside of the cluster: watching for 15 min whether somebody renews them.\n"
        "1 session is held outside of the cluster: watching for 14 min whether somebody renews it.\n"
    )


def test_contexts_are_a_table_or_json(monkeypatch, capsys):
    """The chosen one is marked."""
    rows = [ContextRow(name="lab", server="h", namespace="t", chosen=True)]
    monkeypatch.setattr(session_commands, "list_contexts", lambda: rows)
    assert main(["contexts"]) == 0
    assert "lab" in capsys.readouterr().out
    assert main(["contexts", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["chosen"] is True


def test_the_clusters_status_is_its_exit_code(monkeypatch, capsys):
    """1 where none runs: scripts ask so."""
    monkeypatch.setattr(cluster_commands.embedded, "status", lambda: None)
    assert main(["cluster", "status"]) == 1
    assert "No cluster runs" in capsys.readouterr().out
    monkeypatch.setattr(cluster_commands.embedded, "status", lambda: STATUS)
    assert main(["cluster", "status"]) == 0
    assert "1 of 2 pods running, 1 session\n" in capsys.readouterr().out
    assert main(["cluster", "status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pid"] == 7


def test_the_cluster_goes_up_and_down(monkeypatch, capsys):
    """With its settings; what ran is said."""
    ups = []
    monkeypatch.setattr(cluster_commands.embedded, "up", lambda settings: ups.append(settings))
    monkeypatch.setattr(cluster_commands.embedded, "status", lambda: STATUS)
    assert main(["cluster", "up"]) == main(["cluster", "up", "--isolate"]) == 0
    assert (ups[0], ups[1].isolate) == (None, True)
    for ran, says in ((True, "Nothing left"), (False, "No cluster ran")):
        monkeypatch.setattr(cluster_commands.embedded, "down", lambda ran=ran: ran)
        assert main(["cluster", "down"]) == 0
        assert says in capsys.readouterr().out
    assert main(["cluster"]) == 0


def test_the_kubeconfig_is_named_only_while_it_works(monkeypatch, capsys):
    """``KUBECONFIG=$(sparkk8s-nb cluster kubeconfig)`` must fail where there is none."""
    monkeypatch.setattr(cluster_commands.embedded, "status", lambda: None)
    assert main(["cluster", "kubeconfig"]) == 1
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(cluster_commands.embedded, "status", lambda: STATUS)
    assert main(["cluster", "kubeconfig"]) == 0
    assert capsys.readouterr().out.strip().endswith("kubeconfig")


def test_a_cluster_of_another_version_is_an_error_that_says_what_to_do(monkeypatch, tmp_path):
    """Not a TypeError: people upgrade while it runs."""
    from sparkk8s_nb.embedded import lifecycle

    known = {"pid": 7, "server": "https://127.0.0.1:1"}
    answer = {key: value for key, value in vars_of(STATUS).items() if key not in {"pid", "server"}}
    monkeypatch.setattr(lifecycle, "directory", lambda: tmp_path)
    monkeypatch.setattr(lifecycle, "_identity", lambda home: known)
    monkeypatch.setattr(lifecycle, "_ask", lambda home, known: {**answer, "colour": "red"})
    assert lifecycle.status() == STATUS
    del answer["sessions"]
    monkeypatch.setattr(lifecycle, "_ask", lambda home, known: answer)
    with pytest.raises(EmbeddedError, match="of another version") as caught:
        lifecycle.status()
    assert "sparkk8s-nb cluster down" in caught.value.fix


def vars_of(status):
    return {name: getattr(status, name) for name in type(status).__dataclass_fields__}


def test_usage_errors_are_told_from_failures():
    """Their exit codes differ."""
    assert issubclass(UsageError, SparkK8sError)
