"""A driver whose JVM comes up: the SparkContext is made in it when it is there."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from sparkk8s_nb.errors import DriverError, PortTakenError
from sparkk8s_nb.processes import ProcessId
from sparkk8s_nb.spark import pyspark_state
from sparkk8s_nb.spark.driver import SparkDriver, first_line
from sparkk8s_nb.spark.gateway import LaunchedJvm


class LaunchingSparkDriver:
    """A driver whose JVM comes up (the :class:`~sparkk8s_nb.ports.LaunchingDriver` protocol)."""

    def __init__(self, jvm: LaunchedJvm) -> None:
        self._jvm = jvm

    @property
    def process(self) -> ProcessId:
        """The JVM."""
        return self._jvm.process

    def end(self, grace: float) -> None:
        """End the JVM in whatever state it is. Idempotent."""
        self._jvm.end(grace)

    def start(self, conf: Mapping[str, str], py_files: Sequence[str] = ()) -> SparkDriver:
        """Wait for the JVM and make the SparkContext in it. May be called again after a PortTakenError.

        Parameters
        ----------
        conf : Mapping of str to str
            From :func:`sparkk8s_nb.model.sparkconf.spark_conf`; set through py4j, never on a command line.
        py_files : sequence of str
            Added to the executors' Python path.

        Raises
        ------
        PortTakenError
            If a driver port was taken meanwhile.
        DriverError
            If the JVM does not come up, or Spark refuses the configuration.
        """
        environment = pyspark_state.Environment()
        pyspark_state.forget_idle_gateway()
        gateway = self._jvm.connect()
        os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
        try:
            spark = _create_session(gateway, conf, py_files)
        except BaseException:
            pyspark_state.reset_class_state()
            environment.put_back()
            raise
        finally:
            environment.put_back_signal()
        return SparkDriver(self._jvm, spark, environment)


def _create_session(gateway: Any, conf: Mapping[str, str], py_files: Sequence[str]) -> Any:
    from py4j.protocol import Py4JError
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    SparkContext._ensure_initialized(gateway=gateway)
    spark_conf = SparkConf(_jvm=gateway.jvm)
    for key, value in conf.items():
        spark_conf.set(key, value)
    try:
        return SparkSession(SparkContext(conf=spark_conf, pyFiles=list(py_files)))
    except (Py4JError, PySparkException, OSError) as error:
        # pyspark turns some Java exceptions into its own; a JVM that dies meanwhile closes its socket.
        raise _refusal(error) from error


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
