"""Who starts a session, and from which notebook."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping
from pathlib import Path

from sparkk8s_nb.model.names import check_owner

OWNER_VARIABLE = "SPARKK8S_OWNER"
"""What an administrator's admission policy knows the user as (``sparkk8s-nb manifests policy``)."""


def policy_owner(environ: Mapping[str, str]) -> str:
    """The user's name for an administrator's policy; empty without one.

    Raises
    ------
    UsageError
        If it is none that can stand in names.
    """
    owner = environ.get(OWNER_VARIABLE, "")
    return check_owner(owner, option=OWNER_VARIABLE) if owner else ""


def user_name(environ: Mapping[str, str]) -> str:
    """The user's name: that of the administrator's policy, JupyterHub's, or the operating system's."""
    if owner := policy_owner(environ):
        return owner
    if hub := environ.get("JUPYTERHUB_USER"):
        return hub
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's uid may have no name
        return "user"


def notebook_path(environ: Mapping[str, str], argv: list[str] | None = None) -> str:
    """The notebook's path as Jupyter or VS Code tells it, else the script's, else ``ipython``.

    Jupyter sets ``JPY_SESSION_NAME`` for every kernel it starts (jupyter-server's documentation).
    """
    if session := environ.get("JPY_SESSION_NAME"):
        return session
    main = sys.modules.get("__main__")
    vscode = getattr(main, "__vsc_ipynb_file__", None)
    if vscode:
        return str(vscode)
    program = (argv if argv is not None else sys.argv)[0:1]
    if program and program[0].endswith((".py", ".ipynb")) and "ipykernel" not in program[0]:
        return program[0]
    return "ipython"


def notebook_title(path: str) -> str:
    """A notebook's short name: without directories, extension and Jupyter's suffix.

    >>> notebook_title("work/Flights 2013.ipynb")
    'Flights 2013'
    """
    return Path(path).stem or "ipython"
