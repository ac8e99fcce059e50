"""Apache Spark on Kubernetes from a notebook.

``%load_ext sparkk8s_nb`` and ``%sparkk8s start`` in a notebook, or ``sparkk8s_nb.start()`` in Python.
"""

from __future__ import annotations

from sparkk8s_nb.version import __version__

__all__ = ["__version__"]
