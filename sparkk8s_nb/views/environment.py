"""Where the views are shown: a notebook's kernel, an IPython terminal, or a plain Python process."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

VARIABLE = "SPARKK8S_VIEWS"
"""``text`` keeps widgets away (what runs a notebook without a browser sets it), ``none`` shows nothing."""


class Home(StrEnum):
    """What kind of process this is."""

    KERNEL = "kernel"
    TERMINAL = "terminal"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where views go.

    Parameters
    ----------
    home : Home
    widgets : bool
        Whether widgets may be tried: a kernel cannot know its front end before that one asks.
    shown : bool
        False where nothing is to be shown at all.
    tty : bool
        Whether standard error is a terminal.
    """

    home: Home
    widgets: bool = False
    shown: bool = True
    tty: bool = False


def shell() -> Any:
    """Return IPython's shell, or None outside IPython; imports nothing."""
    ipython = sys.modules.get("IPython")
    if ipython is None:
        return None
    return ipython.get_ipython()


def detect() -> Environment:
    """Return where this process would show a view."""
    wish = os.environ.get(VARIABLE, "auto")
    here = shell()
    if here is None:
        home = Home.PLAIN
    elif getattr(here, "kernel", None) is not None:
        home = Home.KERNEL
    else:
        home = Home.TERMINAL
    return Environment(
        home=home,
        widgets=home is Home.KERNEL and wish not in {"text", "none"},
        shown=wish != "none",
        tty=_is_tty(),
    )


def _is_tty() -> bool:
    stream = sys.__stderr__
    return stream is not None and not stream.closed and stream.isatty()
