"""The extension comes and goes without a trace."""

from __future__ import annotations

import threading

import pytest
from IPython.core.interactiveshell import InteractiveShell

import sparkk8s_nb
from sparkk8s_nb.errors import NoSessionError, UsageError
from sparkk8s_nb.magics import magics as module


@pytest.fixture
def shell():
    """A real shell, once per test."""
    InteractiveShell.clear_instance()
    found = InteractiveShell.instance()
    found.history_manager.enabled = False
    yield found
    sparkk8s_nb.unload_ipython_extension(found)
    found.history_manager.end_session()
    InteractiveShell.clear_instance()


def registered(shell):
    hooks = [name for name in ("pre_run_cell", "post_run_cell") for _ in shell.events.callbacks[name]]
    return (
        "sparkk8s" in shell.magics_manager.magics["line"],
        "sparkk8s" in shell.magics_manager.magics["cell"],
        len(shell.Completer.custom_matchers),
        len(shell.input_transformers_cleanup),
        len(hooks),
    )


def test_loading_twice_is_loading_once_and_unloading_takes_all_away(shell):
    """Magic, cell magic, completion, help, hooks."""
    before = registered(shell)
    shell.run_line_magic("load_ext", "sparkk8s_nb")
    sparkk8s_nb.load_ipython_extension(shell)
    loaded = registered(shell)
    assert loaded == (True, True, before[2] + 1, before[3] + 1, before[4] + 2)
    sparkk8s_nb.unload_ipython_extension(shell)
    assert registered(shell) == before
    sparkk8s_nb.unload_ipython_extension(shell)
    sparkk8s_nb.load_ipython_extension(shell)
    assert registered(shell) == loaded


def test_loading_starts_nothing(shell):
    """No thread, no import of pyspark that was not there."""
    before = threading.active_count()
    sparkk8s_nb.load_ipython_extension(shell)
    assert threading.active_count() == before


def test_a_failed_command_fails_its_cell(shell, capsys):
    """Two lines, no trace; Run All stops."""
    sparkk8s_nb.load_ipython_extension(shell)
    result = shell.run_cell("%sparkk8s statr")
    assert isinstance(result.error_in_exec, UsageError)
    out = capsys.readouterr().out.strip().splitlines()
    assert out == ["UsageError: statr is not a command.", "Did you mean start?"]
    assert isinstance(shell.run_cell("%sparkk8s stop").error_in_exec, NoSessionError)


def test_the_cell_form_is_read(shell):
    """One option a line."""
    sparkk8s_nb.load_ipython_extension(shell)
    error = shell.run_cell("%%sparkk8s start\nexecutors = 0\n").error_in_exec
    assert isinstance(error, UsageError)


def test_unloading_stops_the_session(shell, monkeypatch):
    """And takes ``spark`` and ``sc`` back."""
    sparkk8s_nb.load_ipython_extension(shell)
    magics, _ = getattr(shell, module.ATTRIBUTE)
    carried_out = []
    monkeypatch.setattr(type(module.registry), "current", property(lambda self: object()))
    monkeypatch.setattr(magics.actions, "run", carried_out.append)
    sparkk8s_nb.unload_ipython_extension(shell)
    assert [type(command).__name__ for command in carried_out] == ["Stop"]
