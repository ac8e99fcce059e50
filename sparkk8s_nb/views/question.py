"""A question to whoever sits there, where somebody does."""

from __future__ import annotations

import sys
from typing import TextIO

from sparkk8s_nb.views.environment import Home, detect


def ask(question: str) -> bool | None:
    """Ask once; anything but a yes is no. None where nobody can be asked.

    In a kernel the front end says whether it takes questions (``allow_stdin``: JupyterLab does, papermill
    and nbclient do not); elsewhere it takes a terminal on both sides.

    Parameters
    ----------
    question : str
        One sentence that yes or no answers.

    Examples
    --------
    >>> ask("Remove it?")                                    # doctest: +SKIP
    Remove it? [y/N] y
    True
    """
    if detect().home is Home.KERNEL:
        return _ask_front_end(question)
    return _answered(question) if _is_tty(sys.stdin) and _is_tty(sys.stdout) else None


def _ask_front_end(question: str) -> bool | None:
    from IPython.core.error import StdinNotImplementedError

    try:
        return _answered(question)
    except StdinNotImplementedError:
        return None


def _answered(question: str) -> bool:
    try:
        answer = input(f"{question} [y/N] ")
    except EOFError:
        return False
    return answer.strip().lower() in {"y", "yes"}


def _is_tty(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()
