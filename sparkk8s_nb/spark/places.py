"""Where Spark, Java and Python are on the driver's machine: hints for the executors' start script."""

from __future__ import annotations

import sys

from sparkk8s_nb.spark.java import Java


def executor_hints(java: Java) -> dict[str, str]:
    """Environment that tells an executor where the driver found things: same image, same places."""
    from pyspark.find_spark_home import _find_spark_home

    return {
        "SPARKK8S_JAVA_HOME": str(java.home),
        "SPARKK8S_SPARK_HOME": _find_spark_home(),
        "SPARKK8S_PYTHON": sys.executable,
        "PYSPARK_PYTHON": sys.executable,
    }
