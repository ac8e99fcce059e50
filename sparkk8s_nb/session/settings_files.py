"""Finding and reading the settings files: the administrator's, the user's, the project's."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from sparkk8s_nb.errors import SettingsError
from sparkk8s_nb.model.layers import Layer, Source, read_layer
from sparkk8s_nb.model.paths import ADMIN_CONFIG, config_dir

USER_FILE = "config.toml"
PROJECT_FILE = "sparkk8s.toml"


def load_layers(
    environ: Mapping[str, str], home: Path, cwd: Path, *, admin: Path = ADMIN_CONFIG
) -> tuple[Layer, ...]:
    """Read the settings files that there are.

    Parameters
    ----------
    environ : Mapping
        For ``XDG_CONFIG_HOME``.
    home, cwd : Path
        The project's file is the nearest ``sparkk8s.toml`` from ``cwd`` upwards, not above ``home``.
    admin : Path
        The administrator's file. Not from the environment: users could leave its locks that way.

    Returns
    -------
    tuple of Layer
        In the order in which they win, later over earlier; as many as there are files.

    Raises
    ------
    SettingsError
        If a file cannot be read or holds something wrong, with file and line.
    """
    found = [(Source.ADMIN, admin), (Source.USER, config_dir(environ, home) / USER_FILE)]
    if (project := project_file(cwd, home)) is not None:
        found.append((Source.PROJECT, project))
    layers = []
    for source, path in found:
        name = _shown(path, home)
        if (text := _read(path, name)) is not None:
            layers.append(read_layer(text, source=source, file=name, directory=path.parent, home=home))
    return tuple(layers)


def project_file(cwd: Path, home: Path) -> Path | None:
    """Return the nearest ``sparkk8s.toml`` from ``cwd`` upwards, not above ``home``; None without one."""
    for directory in _upwards(cwd, home):
        path = directory / PROJECT_FILE
        if _is_there(path) and _is_trusted(path):
            return path
    return None


def _upwards(cwd: Path, home: Path) -> Iterator[Path]:
    for directory in (cwd, *cwd.parents):
        yield directory
        if directory == home:
            return


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a directory that may not be searched has no project for us
        return False


def _is_trusted(path: Path) -> bool:
    """Whether it is ours or lies where only its project can write: anybody can put a file into /tmp."""
    everybody_writes = path.parent.stat().st_mode & stat.S_IWOTH
    return not everybody_writes or path.stat().st_uid in _trusted_owners()


def _trusted_owners() -> frozenset[int]:
    return frozenset({os.getuid(), 0})


def _read(path: Path, name: str) -> str | None:
    """Return a file's text; None where there is no file."""
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SettingsError(
            f"{name}:1: this settings file cannot be read: {error.strerror}.",
            fix="Make it readable for you, or remove it.",
        ) from error
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SettingsError(
            f"{name}:{line}: this is not UTF-8 text.", fix="Save the file as UTF-8."
        ) from error


def _shown(path: Path, home: Path) -> str:
    """Name a file without the user's name in it: origins are shown in notebooks, and those are saved."""
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
