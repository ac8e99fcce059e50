"""Who starts a session, from which notebook, in which kernel."""

from __future__ import annotations

import getpass
import re
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


def kernel_id() -> str:
    """What Jupyter calls the kernel that this is; empty outside of one. Imports nothing."""
    module = sys.modules.get("ipykernel.kernelapp")
    if module is None or not module.IPKernelApp.initialized():
        return ""
    return kernel_id_of(module.IPKernelApp.instance().connection_file)


def kernel_id_of(connection_file: str) -> str:
    """A kernel's id out of the name of its connection file, which Jupyter's servers name after it.

    >>> kernel_id_of("/run/user/7/jupyter/kernel-7c1f3e0a-55b2.json"), kernel_id_of("/tmp/mine.json")
    ('7c1f3e0a-55b2', '')
    """
    found = re.fullmatch(r"kernel-(.+)\.json", Path(connection_file).name)
    return found[1] if found else ""
