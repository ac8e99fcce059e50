"""``run`` and ``shell``: a session around a script, a notebook or a prompt."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from sparkk8s_nb.cli import run_commands
from sparkk8s_nb.cli import run_script as script_module
from sparkk8s_nb.cli.main import main
from sparkk8s_nb.cli.run_commands import _take_output
from sparkk8s_nb.cli.run_notebook import START_LINE, _starts_itself
from sparkk8s_nb.errors import StartError


@pytest.fixture
def calls(monkeypatch, tmp_path):
    """What would be run."""
    found = []
    monkeypatch.chdir(tmp_path)
    (tmp_path / "etl.py").write_text("")
    (tmp_path / "lib.py").write_text("")
    (tmp_path / "nb.ipynb").write_text("{}")
    (tmp_path / "notes.txt").write_text("")
    monkeypatch.setattr(
        run_commands,
        "run_script",
        lambda path, arguments, line: found.append((path, arguments, dict(line.values))) or 7,
    )
    monkeypatch.setattr(
        run_commands,
        "run_notebook",
        lambda path, words, output=None: found.append((path, list(words), output)) or 3,
    )
    monkeypatch.setattr(run_commands, "_ipython", lambda line, words: found.append(words) or 0)
    return found


def test_a_scripts_arguments_are_its_own(calls):
    """Also those that look like ours; the exit code is the script's."""
    assert main(["run", "-n", "2", "etl.py", "-n", "9", "--output", "x", "--json"]) == 7
    assert calls == [(Path("etl.py"), ("-n", "9", "--output", "x", "--json"), {"executors": 2})]


@pytest.mark.parametrize(
    "words",
    [
        ["--output", "out.ipynb", "-n", "2", "nb.ipynb"],
        ["-n", "2", "nb.ipynb", "--output", "out.ipynb"],
        ["-n", "2", "nb.ipynb", "--output=out.ipynb"],
        ["-n", "2", "-o", "out.ipynb", "nb.ipynb"],
        ["--json", "-n", "2", "nb.ipynb", "-o", "out.ipynb"],
    ],
)
def test_a_notebooks_output_may_stand_anywhere(calls, words):
    """The start's options go to the notebook's own start."""
    assert main(["run", *words]) == 3
    assert calls == [(Path("nb.ipynb"), ["-n", "2"], Path("out.ipynb"))]


def test_a_python_file_that_is_an_options_value_is_not_the_script(calls):
    """``--py-files lib.py --output out.ipynb nb.ipynb``."""
    assert main(["run", "--py-files", "lib.py", "--output", "out.ipynb", "nb.ipynb"]) == 3
    assert calls == [(Path("nb.ipynb"), ["--py-files", "lib.py"], Path("out.ipynb"))]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], None),
        (["-n", "2"], "run needs a script or a notebook."),
        (["none.py"], "There is no file none.py."),
        (["none.ipynb"], "There is no file none.ipynb."),
        (["notes.txt"], "notes.txt is neither a script nor a notebook."),
        (["nb.ipynb", "x"], "A notebook takes no arguments: x."),
        (["--output", "o", "etl.py"], "--output is for notebooks."),
        (["--output"], "--output needs a file."),
        (["--output="], "--output needs a file."),
        (["-n", "zero", "etl.py"], "-n zero is not a whole number."),
        (["--memroy", "2g", "etl.py"], "start has no option --memroy."),
    ],
)
def test_what_cannot_be_run_is_said_before_anything_starts(calls, capsys, words, problem):
    """Two lines, exit code 2."""
    if problem is None:
        assert main(["run", *words]) == 0
        assert "usage" in capsys.readouterr().out
        return
    assert main(["run", *words]) == 2
    err = capsys.readouterr().err.splitlines()
    assert err[0] == problem
    assert len(err) == 2
    assert calls == []


def test_a_shell_takes_start_options_alone(calls, capsys):
    """They are checked before IPython starts."""
    assert main(["shell", "-n", "1", "--name", "a b"]) == 0
    assert calls == [["-n", "1", "--name", "a b"]]
    assert main(["shell", "etl.py"]) == 2
    assert main(["shell", "--help"]) == 0
    assert "--memory" in capsys.readouterr().out


def test_words_after_a_script_are_never_looked_at():
    """Not even for --output."""
    assert _take_output(["a.py", "--output", "x"]) == (["a.py", "--output", "x"], None)
    assert _take_output(["-n", "1", "--output=x", "a.ipynb"]) == (["-n", "1", "a.ipynb"], Path("x"))
    assert _take_output(["--memory"]) == (["--memory"], None)


@pytest.fixture
def started(monkeypatch):
    """A session around scripts."""
    found = SimpleNamespace(stopped=0, lines=[], error=None)

    def stop():
        found.stopped += 1
        return "Stopped. Nothing left."

    def start(line, *, on_made):
        found.lines.append(line)
        if found.error is not None:
            raise found.error
        return SimpleNamespace(session=SimpleNamespace(stop=stop))

    monkeypatch.setattr(script_module.starting, "start", start)
    return found


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("", 0),
        ("import sys; sys.exit()", 0),
        ("import sys; sys.exit(5)", 5),
        ("import sys; sys.exit(True)", 1),
        ("import sys; sys.exit('no data')", 1),
        ("raise ValueError('x')", 1),
        ("raise KeyboardInterrupt", 130),
        ("def broken(:", 1),
    ],
)
def test_a_script_ends_as_python_would_have_it_and_the_session_is_stopped(
    started, tmp_path, capsys, code, expected
):
    """Whatever it does."""
    (tmp_path / "s.py").write_text(code)
    assert script_module.run_script(tmp_path / "s.py", (), "line") == expected
    assert started.stopped == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("Stopped. Nothing left.\n")
    if "no data" in code:
        assert err.startswith("no data\n")


def test_a_script_sees_its_arguments_and_its_directory_and_they_go_again(started, tmp_path, capsys):
    """As ``python SCRIPT`` has them."""
    (tmp_path / "neighbour.py").write_text("x = 42")
    (tmp_path / "s.py").write_text(
        "import sys, neighbour; print(sys.argv[1:], neighbour.x, __name__, sys.path[0])"
    )
    argv, path = list(sys.argv), list(sys.path)
    try:
        assert script_module.run_script(tmp_path / "s.py", ("-n", "3"), "line") == 0
    finally:
        sys.modules.pop("neighbour", None)
    assert capsys.readouterr().out == f"['-n', '3'] 42 __main__ {tmp_path}\n"
    assert (sys.argv, sys.path) == (argv, path)


def test_a_start_that_fails_runs_no_script(started, tmp_path):
    """And has stopped already."""
    (tmp_path / "s.py").write_text("raise SystemExit(9)")
    started.error = StartError("No executor came.", fix="Wait.")
    with pytest.raises(StartError):
        script_module.run_script(tmp_path / "s.py", (), "line")
    assert started.stopped == 0


@pytest.mark.parametrize(
    ("source", "starts"),
    [
        ("%sparkk8s start -n 2", True),
        ("%load_ext sparkk8s_nb\n  %sparkk8s start", True),
        ("%%sparkk8s start\nexecutors = 2", True),
        ("%sparkk8s status", False),
        ("# %sparkk8s start", False),
        ("print('%sparkk8s start')", False),
    ],
)
def test_a_notebook_that_starts_itself_is_known(source, starts):
    """Any other gets a session before its first cell."""
    assert bool(START_LINE.search(source)) is starts
    notebook = SimpleNamespace(cells=[SimpleNamespace(cell_type="code", source=source)])
    assert _starts_itself(notebook) is starts
    notebook.cells[0].cell_type = "markdown"
    assert not _starts_itself(notebook)
