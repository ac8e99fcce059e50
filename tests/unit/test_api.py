"""The Python API in IPython is the same session with the same cells as the magic's."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from IPython.core.interactiveshell import InteractiveShell

import sparkk8s_nb
from sparkk8s_nb import api


@pytest.fixture
def starts(monkeypatch):
    """Starts that were asked for."""
    lines = []
    monkeypatch.setattr(
        api.starting, "start", lambda line: lines.append(line) or SimpleNamespace(session="the session")
    )
    return lines


def test_in_ipython_a_start_loads_the_extension_once(starts):
    """Whoever only imports the package has progress and a stop button too."""
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    try:
        for _ in range(2):
            assert api.start(executors=3) == "the session"
        assert [len(shell.events.callbacks[name]) for name in ("pre_run_cell", "post_run_cell")] == [1, 1]
        assert "sparkk8s" in shell.magics_manager.magics["line"]
        assert shell.run_line_magic("load_ext", "sparkk8s_nb") is None
        assert [len(shell.events.callbacks[name]) for name in ("pre_run_cell", "post_run_cell")] == [1, 1]
    finally:
        sparkk8s_nb.unload_ipython_extension(shell)
        shell.history_manager.end_session()
        InteractiveShell.clear_instance()
    assert [line.values["executors"] for line in starts] == [3, 3]


def test_outside_of_ipython_there_is_nothing_to_load(starts, monkeypatch):
    """A script."""
    monkeypatch.setattr(api, "shell", lambda: None)
    assert api.start() == "the session"
    assert len(starts) == 1
