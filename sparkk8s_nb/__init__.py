"""Apache Spark on Kubernetes from a notebook.

``%load_ext sparkk8s_nb`` and ``%sparkk8s start`` in a notebook, or ``sparkk8s_nb.start()`` in Python.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from sparkk8s_nb.version import __version__

if TYPE_CHECKING:
    from sparkk8s_nb.api import current, start, stop
    from sparkk8s_nb.errors import SparkK8sError
    from sparkk8s_nb.session.session import Session

__all__ = ["Session", "SparkK8sError", "__version__", "current", "load_ipython_extension", "start", "stop"]

# Where nobody listens, Python writes warnings to the standard error of whichever cell runs now.
logging.getLogger(__name__).addHandler(logging.NullHandler())

_LAZY = {
    "start": "sparkk8s_nb.api",
    "stop": "sparkk8s_nb.api",
    "current": "sparkk8s_nb.api",
    "Session": "sparkk8s_nb.session.session",
    "SparkK8sError": "sparkk8s_nb.errors",
}


def __getattr__(name: str) -> Any:
    """Import on first use: the keeper and the daemon import this package and need none of it."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """What Jupyter's server asks for: the module that it loads; nothing of the kernel's comes with it."""
    return [{"module": "sparkk8s_nb.server.extension"}]


def load_ipython_extension(ipython: Any) -> None:
    """``%load_ext sparkk8s_nb``."""
    from sparkk8s_nb.magics.magics import load

    load(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    """``%unload_ext sparkk8s_nb``: stops the session and takes the hooks away."""
    from sparkk8s_nb.magics.magics import unload

    unload(ipython)
