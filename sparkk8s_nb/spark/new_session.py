"""The SparkContext and SparkSession of a new driver, and Spark's refusals in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sparkk8s_nb.errors import DriverError, PortTakenError
from sparkk8s_nb.spark.local_writes import LocalWrites, compile_local_writes


def create_session(
    gateway: Any, conf: Mapping[str, str], py_files: Sequence[str], shared_paths: Sequence[str] | None
) -> tuple[Any, LocalWrites | None]:
    """Make the SparkContext and the SparkSession in a JVM that listens.

    Parameters
    ----------
    gateway : py4j.java_gateway.JavaGateway
    conf : Mapping of str to str
    py_files : sequence of str
    shared_paths : sequence of str or None
        The only local paths that Spark may write to; None for all.

    Returns
    -------
    tuple of SparkSession and LocalWrites or None

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
        if shared_paths is None:
            return SparkSession(SparkContext(conf=spark_conf, pyFiles=list(py_files))), None
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="sparkk8s-compile") as pool:
            compiling = pool.submit(compile_local_writes, gateway.jvm)
            context = SparkContext(conf=spark_conf, pyFiles=list(py_files))
            writes = LocalWrites(context, compiling.result(), shared_paths)
        return SparkSession(context, jsparkSession=writes.new_session(context)), writes
    except (Py4JError, PySparkException, OSError) as error:
        # pyspark turns some Java exceptions into its own; a JVM that dies meanwhile closes its socket.
        raise _refusal(error) from error


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
