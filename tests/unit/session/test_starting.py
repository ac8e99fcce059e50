"""A start is its line, with what a runner wants on top."""

from __future__ import annotations

import pytest

from sparkk8s_nb.errors import SettingsError
from sparkk8s_nb.model.startline import parse_start
from sparkk8s_nb.session import starting


@pytest.fixture
def started(monkeypatch, tmp_path):
    calls = []
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        starting.registry, "start", lambda options, **other: calls.append((options, other)) or "started"
    )
    return calls


def test_options_and_their_names_reach_the_registry(started):
    """Names for the record; never values."""
    assert starting.start(parse_start(["-n", "4", "--memory", "2g"])) == "started"
    options, other = started[0]
    assert (options["executors"], options["memory"]) == (4, 2 * 1024**3)
    assert other["given"] == ("executors", "memory")


def test_a_runners_options_win(started, monkeypatch):
    """``sparkk8s-nb run -n 1 notebook.ipynb`` over the notebook's own line."""
    monkeypatch.setenv(starting.OVERRIDES, "-n 1 --name 'night run' --restart")
    starting.start(parse_start(["-n", "4", "--cores", "2"]))
    options, other = started[0]
    assert (options["executors"], options["cores"], options["name"]) == (1, 2, "night run")
    assert other["restart"] is True


def test_a_settings_file_with_a_wrong_key_is_named_with_its_line(started, tmp_path):
    """Before anything is made."""
    (tmp_path / "sparkk8s.toml").write_text("[start]\nmemroy = 4\n")
    with pytest.raises(SettingsError, match=r"sparkk8s\.toml:2") as caught:
        starting.start(parse_start([]))
    assert "memory" in caught.value.fix
    assert started == []
