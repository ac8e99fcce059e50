"""A driver whose JVM comes up: the SparkContext is made in it when it is there."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from sparkk8s_nb.model.spec import SharedPaths
from sparkk8s_nb.processes import ProcessId
from sparkk8s_nb.spark import pyspark_state
from sparkk8s_nb.spark.driver import SparkDriver
from sparkk8s_nb.spark.gateway import LaunchedJvm
from sparkk8s_nb.spark.new_session import create_session
from sparkk8s_nb.spark.token_file import follow_sparks_token


class LaunchingSparkDriver:
    """A driver whose JVM comes up (the :class:`~sparkk8s_nb.ports.LaunchingDriver` protocol).

    Parameters
    ----------
    jvm : LaunchedJvm
    python : str
        The Python that runs tasks, as the executors' machines know it.
    token_file : Path, optional
        The API server's bearer token, where that file is rewritten during a session.
    shared_paths : SharedPaths, optional
        The only local paths that may be written to; None for all.
    """

    def __init__(
        self,
        jvm: LaunchedJvm,
        python: str = sys.executable,
        token_file: Path | None = None,
        shared_paths: SharedPaths | None = None,
    ) -> None:
        self._jvm = jvm
        self._python = python
        self._shared_paths = shared_paths
        self._token_file = token_file

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
        os.environ |= {"PYSPARK_PYTHON": self._python, "PYSPARK_DRIVER_PYTHON": sys.executable}
        try:
            made = create_session(gateway, conf, py_files, self._shared_paths)
            warnings = list(made.warnings)
            if self._token_file is not None:
                warnings.append(follow_sparks_token(made.spark.sparkContext, self._token_file))
        except BaseException:
            pyspark_state.reset_class_state()
            environment.put_back()
            raise
        finally:
            environment.put_back_signal()
        return SparkDriver(self._jvm, made.spark, environment, made.writes, tuple(filter(None, warnings)))
