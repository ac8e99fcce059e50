"""Spark's own API keeps working: what ``spark.stop()`` and ``getOrCreate()`` mean while a session runs.

* ``spark.stop()``, ``sc.stop()`` and the end of a ``with`` block stop the whole session.
* ``SparkSession.builder...getOrCreate()`` returns this session and says once which options it ignores.
* A query that fails raises its error, and writes nothing beside it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from sparkk8s_nb.spark.pyspark_state import patched
from sparkk8s_nb.spark.query_loggers import quiet_query_loggers

HARMLESS = {"spark.app.name", "spark.master", "spark.submit.deployMode"}
"""Every program sets a name and many a master; that a running session has its own surprises nobody."""


class IgnoredOptionWarning(UserWarning):
    """A builder option that a running session cannot take."""


def install(spark: Any, on_stop: Callable[[], object]) -> ExitStack:
    """Hook the classes of pyspark for the session ``spark``; close the result to undo it.

    Parameters
    ----------
    spark : SparkSession
    on_stop : callable
        Stops the whole session; called once, without arguments.
    """
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    context = spark.sparkContext
    session_stop, context_stop = SparkSession.stop, SparkContext.stop
    builder = SparkSession.Builder
    get_or_create = builder.getOrCreate
    told: set[str] = set()

    def stop_session(self: Any) -> None:
        if self._sc is context and context._jsc is not None:
            on_stop()
        else:
            session_stop(self)

    def stop_context(self: Any) -> None:
        if self is context and context._jsc is not None:
            on_stop()
        else:
            context_stop(self)

    def get_this_session(self: Any) -> Any:
        session = get_or_create(self)
        ignored = _ignored(session, self._options) - told
        if ignored:
            told.update(ignored)
            warnings.warn(
                f"The running session keeps its own {', '.join(sorted(ignored))}: "
                "give them to %sparkk8s start --restart --conf.",
                IgnoredOptionWarning,
                stacklevel=2,
            )
        return session

    undo = ExitStack()
    undo.enter_context(patched(SparkSession, "stop", stop_session))
    undo.enter_context(patched(SparkContext, "stop", stop_context))
    undo.enter_context(patched(builder, "getOrCreate", get_this_session))
    undo.enter_context(quiet_query_loggers())
    return undo


def _ignored(session: Any, options: dict[str, Any]) -> set[str]:
    """Options that only a new context could take and that differ from what runs."""
    conf = session.sparkContext.getConf()
    return {
        key
        for key, value in options.items()
        if key not in HARMLESS
        and key.startswith("spark.")
        and not session.conf.isModifiable(key)
        and conf.get(key) != str(value)
    }
