"""Where in the user's code an action was called: Spark itself sees only that Python called.

pyspark tells Spark so for RDDs, ``collect`` and ``toPandas``; for the other actions of DataFrames nobody does,
and their jobs are called after whichever method of Spark happens to run them.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

from sparkk8s_nb.spark.short_trace import libraries

ACTIONS = {
    "count": "count",
    "showString": "show",
    "isEmpty": "isEmpty",
    "save": "save",
    "saveAsTable": "saveAsTable",
    "insertInto": "insertInto",
    "parquet": "parquet",
    "csv": "csv",
    "json": "json",
    "orc": "orc",
    "text": "text",
    "jdbc": "jdbc",
    "fit": "fit",
    "checkpoint": "checkpoint",
    "localCheckpoint": "localCheckpoint",
}
"""Methods of the JVM that run jobs, and what they are called in Python."""


class CallSites:
    """Tells Spark, before an action, which line called it; whatever follows on that thread is not that line's.

    Parameters
    ----------
    context : SparkContext
    client : py4j.clientserver.JavaClient
        It has one connection a thread, and the JVM one thread a connection, which has the call site.
    """

    def __init__(self, context: Any, client: Any) -> None:
        self._context = context
        self._client = client
        self._local = _Told()

    def update(self, command: str) -> None:
        """Have the JVM's thread know where the command that comes next was called; nothing but actions costs."""
        told = self._local
        parts = command.split("\n", 3)
        if told.busy or parts[0] != "c" or len(parts) < 4:
            return
        action = ACTIONS.get(parts[2])
        if action is None and told.site == "":
            return
        site = f"{action} at {_users_line()}" if action is not None else ""
        connection = self._client.get_thread_connection()
        same_thread = connection is not None and told.connection() is connection
        if site != (told.site if same_thread else ""):
            self._tell(site)

    def _tell(self, site: str) -> None:
        from py4j.protocol import Py4JError

        told = self._local
        told.busy = True
        told.site = None  # the stop button may end the call: the JVM has the line then, or has it not
        try:
            if site:
                self._context._jsc.setCallSite(site)
            else:
                self._context._jsc.clearCallSite()
        except (Py4JError, OSError, AttributeError):
            # The JVM is gone, or the context is stopped: the command that follows will say so itself.
            told.site = site
        else:
            told.site = site
        finally:
            connection = self._client.get_thread_connection()
            told.connection = _no_connection if connection is None else weakref.ref(connection)
            told.busy = False


def _users_line() -> str:
    """File and line of the nearest caller that is no part of Spark or of this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(libraries()):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _no_connection() -> None:
    return None


class _Told(threading.local):
    """What the JVM's thread of a thread's connection has."""

    busy = False
    site: str | None = ""
    """None where it is not known."""
    connection: Callable[[], Any] = staticmethod(_no_connection)
