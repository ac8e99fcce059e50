"""Where files live, as pure functions of the environment.

===================  ==============================================  ==========================
directory            Linux, macOS                                    holds
===================  ==============================================  ==========================
runtime directory    ``$XDG_RUNTIME_DIR/sparkk8s`` or                what dies with the machine:
                     ``$TMPDIR/sparkk8s-<uid>``                      records, secrets, slots
state directory      ``$XDG_STATE_HOME/sparkk8s`` or                 what outlives a session:
                     ``~/.local/state/sparkk8s``                     driver logs, event logs
config directory     ``$XDG_CONFIG_HOME/sparkk8s`` or                the user's ``config.toml``
                     ``~/.config/sparkk8s``
cache directory      ``$XDG_CACHE_HOME/sparkk8s`` or                 what can be made again:
                     ``~/.cache/sparkk8s``                           archives of Spark's classes
===================  ==============================================  ==========================

``SPARKK8S_RUNTIME_DIR``, ``SPARKK8S_STATE_DIR`` and ``SPARKK8S_CACHE_DIR`` win over these (tests and
administrators use them).
The directories are made by :mod:`sparkk8s_nb.localfiles`, with mode 0700.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

ADMIN_CONFIG = Path("/etc/sparkk8s/config.toml")

SESSIONS = "sessions"
"""Directory in the runtime directory with one directory for each session, of the session's name."""
EVENT_LOGS = "events"
"""Directory in the state directory where Spark writes event logs, all sessions of a user together."""
PAST = "past"
"""Directory in the runtime directory of the history server, while it runs."""
PAST_LOGS = "logs"
"""Directory in that one with links to the event logs that it shows."""
RECORD_FILE = "record.json"
UI_KEY_FILE = "ui.key"
DRIVER_FILE = "driver.json"
"""Says which process the session's driver JVM is, for whoever finds the directory when nobody else is left."""
LOCK_FILE = "lock"
"""Locked as long as a process uses the session's directory."""


def runtime_dir(environ: Mapping[str, str], uid: int) -> Path:
    """Directory for what dies with the machine; mode 0700 is the maker's business.

    >>> runtime_dir({"XDG_RUNTIME_DIR": "/run/user/7"}, 7).as_posix()
    '/run/user/7/sparkk8s'
    >>> runtime_dir({}, 7).as_posix()
    '/tmp/sparkk8s-7'
    """
    if explicit := environ.get("SPARKK8S_RUNTIME_DIR"):
        return Path(explicit)
    if base := environ.get("XDG_RUNTIME_DIR"):
        return Path(base) / "sparkk8s"
    return Path(environ.get("TMPDIR") or "/tmp") / f"sparkk8s-{uid}"  # noqa: S108 (0700, owner checked)


def state_dir(environ: Mapping[str, str], home: Path) -> Path:
    """Directory for what outlives a session: driver logs, event logs.

    >>> state_dir({}, Path("/home/ada")).as_posix()
    '/home/ada/.local/state/sparkk8s'
    """
    if explicit := environ.get("SPARKK8S_STATE_DIR"):
        return Path(explicit)
    base = environ.get("XDG_STATE_HOME")
    return (Path(base) if base else home / ".local" / "state") / "sparkk8s"


def cache_dir(environ: Mapping[str, str], home: Path) -> Path:
    """Directory for what can be made again at any time.

    >>> cache_dir({}, Path("/home/ada")).as_posix()
    '/home/ada/.cache/sparkk8s'
    """
    if explicit := environ.get("SPARKK8S_CACHE_DIR"):
        return Path(explicit)
    base = environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else home / ".cache") / "sparkk8s"


def config_dir(environ: Mapping[str, str], home: Path) -> Path:
    """Directory of the user's ``config.toml``.

    >>> config_dir({"XDG_CONFIG_HOME": "/c"}, Path("/home/ada")).as_posix()
    '/c/sparkk8s'
    """
    base = environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else home / ".config") / "sparkk8s"


def embedded_dir(environ: Mapping[str, str], uid: int) -> Path:
    """Directory of the embedded cluster: its kubeconfig, socket, lock, pod directories.

    >>> embedded_dir({"SPARKK8S_RUNTIME_DIR": "/r"}, 7).as_posix()
    '/r/embedded'
    """
    return runtime_dir(environ, uid) / "embedded"
