"""pyspark keeps its one driver in class attributes. Here they are read, borrowed and given back.

pyspark expects one JVM for a Python process's whole life. A session has a JVM of its own, so every trace of
it is taken out again at the end: the next ``getOrCreate()`` starts like the first in a fresh process.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

BORROWED_ENVIRONMENT = (
    "PYSPARK_PYTHON",
    "PYSPARK_DRIVER_PYTHON",
    "SPARK_AUTH_SOCKET_TIMEOUT",
    "SPARK_BUFFER_SIZE",
)


def active_context() -> Any | None:
    """The SparkContext that lives in this process, whoever made it, or None."""
    pyspark = sys.modules.get("pyspark")
    if pyspark is None:
        return None
    context = pyspark.SparkContext._active_spark_context
    return context if context is not None and context._jsc is not None else None


def context_description(context: Any) -> str:
    """What a user recognises a context by: ``app 'x' on local[*]``."""
    return f"app {context.appName!r} on {context.master}"


def forget_idle_gateway() -> None:
    """Let go of a JVM that some stopped context left behind, so that ours can take its place."""
    from pyspark import SparkContext

    if active_context() is None and SparkContext._gateway is not None:
        gateway = SparkContext._gateway
        reset_class_state()
        gateway.shutdown()
        if (process := getattr(gateway, "proc", None)) is not None:
            if process.stdin is not None:
                process.stdin.close()
            process.wait(10)


def reset_class_state() -> None:
    """Make pyspark's classes as they are in a fresh process."""
    from pyspark import SparkContext
    from pyspark.core.files import SparkFiles
    from pyspark.sql import SparkSession
    from pyspark.sql.context import SQLContext

    with SparkContext._lock:
        SparkContext._gateway = None
        SparkContext._jvm = None
        SparkContext._active_spark_context = None
        SparkContext._python_includes = None
    SparkSession._instantiatedSession = None
    SparkSession._activeSession = None
    SQLContext._instantiatedContext = None
    SparkFiles._sc = None
    SparkFiles._root_directory = None


class Environment:
    """What pyspark changes in this process, remembered so that it can be put back."""

    def __init__(self) -> None:
        self._variables = {name: os.environ.get(name) for name in BORROWED_ENVIRONMENT}
        self._path = list(sys.path)
        on_main = threading.current_thread() is threading.main_thread()
        self._sigint = signal.getsignal(signal.SIGINT) if on_main else None

    def put_back_signal(self) -> None:
        """Undo pyspark's SIGINT handler, which calls into the JVM from inside an interrupted call."""
        if self._sigint is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._sigint)

    def put_back(self) -> None:
        """Restore variables and the import path; what the user added to the path since stays."""
        for name, value in self._variables.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        # Spark's directory for a context's files, and those of its files that are packages.
        added_by_spark = [entry for entry in sys.path if entry not in self._path and "/userFiles-" in entry]
        for entry in added_by_spark:
            sys.path.remove(entry)


@contextmanager
def patched(owner: type, name: str, replacement: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """Replace a method of a class for a while; yields the original."""
    original = getattr(owner, name)
    setattr(owner, name, replacement)
    try:
        yield original
    finally:
        setattr(owner, name, original)
