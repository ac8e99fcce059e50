"""Where executors find Python, Spark and Java, and where this kernel's programs lie."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from sparkk8s_nb.errors import DriverError
from sparkk8s_nb.spark import places
from sparkk8s_nb.spark.java import Java
from sparkk8s_nb.spark.places import executor_hints, worker_python


def test_programs_are_found_where_they_really_lie(tmp_path, monkeypatch):
    """Links resolved, since a link in the image may lead to a volume; with the time of their installation."""
    spark = tmp_path / "site-packages" / "pyspark"
    (spark / "jars").mkdir(parents=True)
    (spark / "__init__.py").touch()
    os.utime(spark / "__init__.py", (1, 1234))
    (tmp_path / "link").symlink_to(tmp_path / "site-packages")
    monkeypatch.setattr(
        "pyspark.find_spark_home._find_spark_home", lambda: str(tmp_path / "link" / "pyspark")
    )
    (tmp_path / "jdk" / "bin").mkdir(parents=True)
    python, pyspark, java = places.programs(Java(home=tmp_path / "jdk", version=17))
    assert (pyspark.name, pyspark.paths, pyspark.changed) == (
        "pyspark", (os.path.realpath(spark / "jars"),), 1234,
    )  # fmt: skip
    assert python.paths == tuple(dict.fromkeys(map(os.path.realpath, (sys.executable, sys.prefix))))
    assert python.changed >= Path(sys.executable).lstat().st_mtime
    assert java.paths == (os.path.realpath(tmp_path / "jdk" / "bin" / "java"),)
    assert java.changed == (tmp_path / "jdk").stat().st_mtime


def test_a_spark_home_without_a_spark_is_said_at_once(tmp_path, monkeypatch):
    """pyspark itself believes the variable; what comes of that names neither."""
    monkeypatch.setenv("SPARK_HOME", str(tmp_path / "spark-3"))
    with pytest.raises(DriverError, match=r"There is no Spark at .*spark-3") as caught:
        places.spark_home()
    assert "SPARK_HOME" in caught.value.fix
    (tmp_path / "spark-3" / "jars").mkdir(parents=True)
    assert places.spark_home() == tmp_path / "spark-3"


def test_where_executors_share_the_driver_s_files_its_very_python_runs_tasks() -> None:
    """This machine, or the notebook's own image."""
    assert worker_python(same_files=True) == sys.executable


def test_in_another_image_the_python_on_the_path_runs_tasks() -> None:
    """A laptop's path of Python is in no image, a notebook's not in that of --image."""
    python = worker_python(same_files=False)
    assert python == "python3"
    hints = executor_hints(Java(home=Path("/jdk"), version=17), python)
    assert hints["PYSPARK_PYTHON"] == "python3"
    assert hints["SPARKK8S_JAVA_HOME"] == "/jdk"


def test_only_in_another_image_the_executor_looks_what_it_has_there() -> None:
    """This machine's own are what the driver runs on."""
    java = Java(home=Path("/jdk"), version=17)
    there = executor_hints(java, worker_python(same_files=False))
    assert there["SPARKK8S_PYTHON_VERSION"] == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert there["SPARKK8S_SPARK_CORE"].startswith("spark-core_")
    here = executor_hints(java, worker_python(same_files=True))
    assert not {"SPARKK8S_PYTHON_VERSION", "SPARKK8S_SPARK_CORE"} & set(here)
