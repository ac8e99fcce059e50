"""Where files live follows from the environment alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparkk8s_nb.model.paths import config_dir, embedded_dir, runtime_dir, state_dir

HOME = Path("/home/ada")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "/tmp/sparkk8s-7"),
        ({"TMPDIR": "/t"}, "/t/sparkk8s-7"),
        ({"TMPDIR": "/t", "XDG_RUNTIME_DIR": "/run/user/7"}, "/run/user/7/sparkk8s"),
        ({"XDG_RUNTIME_DIR": "/run/user/7", "SPARKK8S_RUNTIME_DIR": "/mine"}, "/mine"),
        ({"XDG_RUNTIME_DIR": "", "SPARKK8S_RUNTIME_DIR": ""}, "/tmp/sparkk8s-7"),
    ],
)
def test_the_runtime_directory_is_one_users(environ, expected):
    """Two users of one machine never share one."""
    assert runtime_dir(environ, 7).as_posix() == expected
    assert embedded_dir(environ, 7) == Path(expected) / "embedded"


def test_state_and_config_follow_xdg():
    """An empty variable is none."""
    assert state_dir({"XDG_STATE_HOME": "/s"}, HOME).as_posix() == "/s/sparkk8s"
    assert state_dir({"SPARKK8S_STATE_DIR": "/mine", "XDG_STATE_HOME": "/s"}, HOME).as_posix() == "/mine"
    assert state_dir({"XDG_STATE_HOME": ""}, HOME) == HOME / ".local/state/sparkk8s"
    assert config_dir({}, HOME) == HOME / ".config/sparkk8s"
