"""No write to a local path that executors do not share.

Each executor would write its part to its own disk, the job would report success, and the folder on the driver's
disk would hold nothing but ``_SUCCESS``.

Where it is looked at, and why there: Spark plans every write of a file source (``df.write``, ``saveAsTable``,
``INSERT``, ``CREATE TABLE ... AS``, ``INSERT OVERWRITE DIRECTORY``, a streaming sink) as one of a few commands,
and a *check rule* of the session's extensions sees each analysed plan, from Python, SQL and Scala alike, before
any job. The rule is loaded from Python, so no jar has to be on a class path; it is injected before the session
makes its analyzer, and a session made by ``newSession()`` has it too. RDDs are written without a plan, and Hadoop's
commit protocol offers no hook that an executor would not have to load as well: their ``saveAs...`` methods are
wrapped in Python and ask the same object.

Which paths are shared is said by whoever makes the session. On the embedded cluster executors are processes of
this machine and a write to its disk is whole, so nothing is refused there: a refusal would say what is not true.
With isolated executors (``cluster up --isolate``) and with pods it is. So the same notebook has the same result
everywhere or a clear error, never a silent other one.

Not seen: formats that are no file source (Delta, Iceberg), file sources that a user moves to Spark's V2 API
(``spark.sql.sources.useV1SourceList``), RDDs saved from Scala. The first two fail loudly when they are read.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from sparkk8s_nb.errors import UnsharedPathError
from sparkk8s_nb.model.spec import SharedPaths
from sparkk8s_nb.spark.own_classes import instance
from sparkk8s_nb.spark.pyspark_state import patched

UNSHARED = "sparkk8s.LocalWrites$Unshared"

BY_PATH = (
    "saveAsTextFile",
    "saveAsPickleFile",
    "saveAsSequenceFile",
    "saveAsHadoopFile",
    "saveAsNewAPIHadoopFile",
)
BY_CONF = ("saveAsHadoopDataset", "saveAsNewAPIHadoopDataset")
OUTPUT_CONFS = ("mapreduce.output.fileoutputformat.outputdir", "mapred.output.dir")


class LocalWrites:
    """The check in the driver's JVM.

    Parameters
    ----------
    context : SparkContext
    made : java.lang.Class
        ``LocalWrites`` of :mod:`sparkk8s_nb.spark.own_classes`.
    paths : SharedPaths
        What driver and executors share.
    """

    def __init__(self, context: Any, made: Any, paths: SharedPaths) -> None:
        scala_context = ("org.apache.spark.SparkContext", context._jsc.sc())
        lines = [("java.lang.String", "\n".join(each)) for each in (paths.shared, paths.apart)]
        self._check = instance(context._gateway, made, scala_context, *lines)

    def new_session(self, context: Any) -> Any:
        """The JVM's first SparkSession, with the check in it."""
        from pyspark.sql import SparkSession

        session = SparkSession._get_j_spark_session_class(context._jvm)(context._jsc.sc(), {})
        session.extensions().injectCheckRule(self._check)
        return session

    @contextmanager
    def guarded_rdds(self) -> Iterator[None]:
        """While it is open, RDDs ask before they are saved."""
        from pyspark import RDD

        with ExitStack() as undo:
            for name in BY_PATH:
                undo.enter_context(patched(RDD, name, self._asking(getattr(RDD, name), "path", str)))
            for name in BY_CONF:
                undo.enter_context(patched(RDD, name, self._asking(getattr(RDD, name), "conf", _output)))
            yield

    def _asking(
        self, save: Callable[..., Any], parameter: str, where: Callable[[Any], str]
    ) -> Callable[..., Any]:
        """``save``, asked before it writes to what its first parameter says."""

        @functools.wraps(save)
        def asking(rdd: Any, *arguments: Any, **options: Any) -> Any:
            target = arguments[0] if arguments else options.get(parameter)
            if target is not None and (path := where(target)):
                self._check.check(path)
            return save(rdd, *arguments, **options)

        return asking


def unshared_path(error: Any) -> UnsharedPathError | None:
    """Ours in place of the check's exception, wherever in a chain of causes it is; None for any other."""
    cause = getattr(error, "java_exception", None)
    while cause is not None:
        if cause.getClass().getName() == UNSHARED:
            return UnsharedPathError(
                f"{cause.getMessage()} is not shared with the executors: each would write its part to a disk of "
                "its own, and nothing would be in it here.",
                fix="Write to storage that all reach (s3a://..., a volume of both with --volume); if they do share "
                "it, say so: shared_paths in a settings file.",
            )
        cause = cause.getCause()
    return None


def _output(conf: Any) -> str:
    return str(next((conf[key] for key in OUTPUT_CONFS if key in conf), ""))
