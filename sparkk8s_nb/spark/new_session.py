"""The SparkContext and SparkSession of a new driver, and Spark's refusals in one line."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sparkk8s_nb.errors import DriverError, PortTakenError
from sparkk8s_nb.model.spec import SharedPaths
from sparkk8s_nb.spark.local_writes import LocalWrites
from sparkk8s_nb.spark.own_classes import load_own_class
from sparkk8s_nb.spark.unnamed_user import log_in

LOAD_SECONDS = 30.0
"""How long is waited for the check of local writes once the SparkContext is there; to compile it takes 1 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """What was made in the JVM.

    Parameters
    ----------
    spark : SparkSession
    writes : LocalWrites or None
        The check of local writes; None where every path is shared, or where it could not be made.
    warnings : tuple of str
        What the user should know: the check could not be made.
    """

    spark: Any
    writes: LocalWrites | None = None
    warnings: tuple[str, ...] = ()


def create_session(
    gateway: Any, conf: Mapping[str, str], py_files: Sequence[str], shared_paths: SharedPaths | None
) -> NewSession:
    """Make the SparkContext and the SparkSession in a JVM that listens.

    Parameters
    ----------
    gateway : py4j.java_gateway.JavaGateway
    conf : Mapping of str to str
    py_files : sequence of str
    shared_paths : SharedPaths or None
        The only local paths that Spark may write to; None for all.

    Raises
    ------
    DriverError
        If Spark refuses; :class:`~sparkk8s_nb.errors.PortTakenError` if a port was taken.
    """
    from py4j.protocol import Py4JError
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    SparkContext._ensure_initialized(gateway=gateway)
    spark_conf = SparkConf(_jvm=gateway.jvm)
    for key, value in conf.items():
        spark_conf.set(key, value)
    try:
        log_in(gateway.jvm)
        loading = None if shared_paths is None else Loading(gateway.jvm)
        context = SparkContext(conf=spark_conf, pyFiles=list(py_files))
        if loading is None or shared_paths is None:
            return NewSession(spark=SparkSession(context))
        try:
            writes = LocalWrites(context, loading.result(), shared_paths)
            first = writes.new_session(context)
        except (Py4JError, TimeoutError) as error:
            # A JVM that is gone is found by the next call; the context does not depend on the check.
            return NewSession(spark=SparkSession(context), warnings=(_unguarded(error),))
        return NewSession(spark=SparkSession(context, jsparkSession=first), writes=writes)
    except (Py4JError, PySparkException, OSError) as error:
        # pyspark turns some Java exceptions into its own; a JVM that dies meanwhile closes its socket.
        raise _refusal(error) from error


class Loading:
    """The check of local writes while it is loaded, on a thread beside the SparkContext's start: it may be compiled.

    Parameters
    ----------
    jvm : py4j.java_gateway.JVMView
    """

    def __init__(self, jvm: Any) -> None:
        self._jvm = jvm
        self._outcome: list[Any] = []
        self._thread = threading.Thread(target=self._run, name="sparkk8s-load", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._outcome.append(load_own_class(self._jvm, "LocalWrites"))
        except Exception as error:  # noqa: BLE001 (raised on the thread that asks for the result)
            self._outcome.append(error)

    def result(self, seconds: float = LOAD_SECONDS) -> Any:
        """The class, waited for.

        Raises
        ------
        Py4JError
            If this JVM cannot load it.
        TimeoutError
            If it takes longer than ``seconds``.
        """
        self._thread.join(seconds)
        if not self._outcome:
            raise TimeoutError(f"it was not loaded in {seconds:.0f} s")
        (result,) = self._outcome
        if isinstance(result, Exception):
            raise result
        return result


def _unguarded(error: Exception) -> str:
    return (
        "Writes to local paths that executors do not share are not refused in this session, and what they write "
        f"is lost: this Spark cannot load the check ({first_line(error)})."
    )


def first_line(error: Exception) -> str:
    """What a Java exception says, without its trace."""
    java = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    lines = str(java.toString() if java is not None else error).splitlines()
    return lines[0] if lines else type(error).__name__


def _refusal(error: Exception) -> DriverError:
    """Spark's own reason in one line, without the trace."""
    text = first_line(error)
    if "BindException" in text or "Address already in use" in text:
        return PortTakenError(
            "One of the driver's ports is taken.", fix="Start again: the next ports are tried."
        )
    _, _, reason = text.partition(": ")
    return DriverError(
        f"Spark does not start: {reason or text}",
        fix="Check the --conf options; %sparkk8s logs driver has more.",
    )
