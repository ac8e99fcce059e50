"""Where Spark, Java and Python are on the driver's machine: hints for the executors' start script."""

from __future__ import annotations

import sys
from pathlib import Path

from sparkk8s_nb.spark import class_archives
from sparkk8s_nb.spark.class_archives import ClassArchives
from sparkk8s_nb.spark.java import Java


def spark_home() -> Path:
    """The Spark of this Python: ``SPARK_HOME``, else the installed pyspark."""
    from pyspark.find_spark_home import _find_spark_home

    return Path(_find_spark_home())


def executor_hints(java: Java, archives: ClassArchives | None = None) -> dict[str, str]:
    """Environment that tells an executor where the driver found things: same image, same places."""
    hints = {
        "SPARKK8S_JAVA_HOME": str(java.home),
        "SPARKK8S_SPARK_HOME": str(spark_home()),
        "SPARKK8S_PYTHON": sys.executable,
        "PYSPARK_PYTHON": sys.executable,
    }
    archive = archives.found(class_archives.EXECUTOR) if archives is not None else None
    return hints | ({class_archives.HINT: str(archive)} if archive else {})
