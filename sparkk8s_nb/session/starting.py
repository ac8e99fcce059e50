"""From what a user said to a running session: settings files and line, then the registry."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path

from sparkk8s_nb.model.draft import StartLine
from sparkk8s_nb.model.settings import Settings, resolve
from sparkk8s_nb.model.startline import parse_start
from sparkk8s_nb.session.registry import Started, registry
from sparkk8s_nb.session.session import Session
from sparkk8s_nb.session.settings_files import load_layers


def settings_for(line: StartLine | None = None) -> Settings:
    """All settings as they are now, with a line on top of the files.

    Raises
    ------
    SettingsError, UsageError
    """
    layers = load_layers(os.environ, Path.home(), Path.cwd())
    return resolve(layers, line or StartLine())


OVERRIDES = "SPARKK8S_START"
"""Options of ``sparkk8s-nb run``, for the notebook that it runs: they win over the notebook's own line."""


def start(line: StartLine, *, on_made: Callable[[Session], None] | None = None) -> Started:
    """Start a session as the line and the settings files say.

    Parameters
    ----------
    line : StartLine
    on_made : callable, optional
        Told of a new session before it opens, so that a view can show it come up.

    Raises
    ------
    SparkK8sError
        With nothing left of the start.
    """
    line = _with_overrides(line)
    settings = settings_for(line)
    return registry.start(
        settings.options(),
        settings=settings,
        given=tuple(sorted(line.values)),
        restart=line.restart,
        on_made=on_made,
    )


def _with_overrides(line: StartLine) -> StartLine:
    text = os.environ.get(OVERRIDES, "")
    if not text:
        return line
    over = parse_start(shlex.split(text))
    return StartLine(
        values={**line.values, **over.values},
        restart=line.restart or over.restart,
        profile=over.profile or line.profile,
    )
