"""A real IPython."""

from __future__ import annotations

import atexit

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config


@pytest.fixture
def ipython(monkeypatch, tmp_path):
    """One without history, of the test's own."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    config = Config()
    config.HistoryManager.enabled = False
    found = InteractiveShell(config=config)
    yield found
    atexit.unregister(found.atexit_operations)
    found.atexit_operations()
    InteractiveShell.clear_instance()
