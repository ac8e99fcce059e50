"""Where Spark, Java and Python are on the driver's machine: hints for the executors' start script."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sparkk8s_nb.errors import DriverError
from sparkk8s_nb.model.imagecheck import Program
from sparkk8s_nb.spark import class_archives
from sparkk8s_nb.spark.class_archives import ClassArchives
from sparkk8s_nb.spark.java import Java

IN_ANY_IMAGE = "python3"
"""Found on the path, as Spark's own default is: the driver's place of Python means nothing in another image."""


def spark_home() -> Path:
    """The Spark of this Python: ``SPARK_HOME``, else the installed pyspark.

    Raises
    ------
    DriverError
        If there is none: pyspark takes ``SPARK_HOME`` for granted.
    """
    from pyspark.find_spark_home import _find_spark_home

    home = Path(_find_spark_home())
    if not (home / "jars").is_dir():
        raise DriverError(
            f"There is no Spark at {home}: it has no directory jars.",
            fix="Point SPARK_HOME at a Spark, or leave it away to have pyspark's own; else reinstall pyspark.",
        )
    return home


def worker_python(*, same_files: bool) -> str:
    """The Python that runs tasks.

    Parameters
    ----------
    same_files : bool
        Whether executors run on this machine or in this kernel's own image: then it is the driver's very own.

    Examples
    --------
    >>> worker_python(same_files=False)
    'python3'
    """
    return sys.executable if same_files else IN_ANY_IMAGE


def executor_hints(java: Java, python: str, archives: ClassArchives | None = None) -> dict[str, str]:
    """Environment that tells an executor where the driver found things: same image, same places.

    In another image (``python`` is :data:`IN_ANY_IMAGE`) also which Python and Spark the executor must have.

    Parameters
    ----------
    java : Java
    python : str
        What runs tasks (:func:`worker_python`).
    archives : ClassArchives, optional
        The archives of classes, which may not have been made yet.
    """
    hints = {
        "SPARKK8S_JAVA_HOME": str(java.home),
        "SPARKK8S_SPARK_HOME": str(spark_home()),
        "SPARKK8S_PYTHON": sys.executable,
        "PYSPARK_PYTHON": python,
    }
    if python == IN_ANY_IMAGE:
        hints["SPARKK8S_PYTHON_VERSION"] = "{}.{}".format(*sys.version_info[:2])
        core = next((spark_home() / "jars").glob("spark-core_*.jar"), None)
        hints |= {"SPARKK8S_SPARK_CORE": core.name} if core is not None else {}
    archive = archives.found(class_archives.EXECUTOR) if archives is not None else None
    return hints | ({class_archives.HINT: str(archive)} if archive else {})


def programs(java: Java) -> tuple[Program, ...]:
    """What this kernel runs on and executors need as well: where it really lies, and since when.

    The times are those of files that nothing writes later: a first import makes ``__pycache__`` beside them.
    """
    spark = spark_home()
    python = Path(sys.executable)
    return (
        Program(
            name="Python",
            paths=_real(python, Path(sys.prefix)),
            changed=max(_changed(python), _changed(Path(sys.prefix) / "pyvenv.cfg")),
        ),
        Program(
            name="pyspark",
            paths=_real(spark / "jars"),
            changed=max(_changed(spark / "__init__.py"), _changed(spark / "RELEASE")),
        ),
        Program(name="Java", paths=_real(java.home / "bin" / "java"), changed=_changed(java.home)),
    )


def _real(*paths: Path) -> tuple[str, ...]:
    return tuple(dict.fromkeys(os.path.realpath(path) for path in paths))


def _changed(path: Path) -> float:
    """When a file or link was made; 0 if it is not there."""
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0
