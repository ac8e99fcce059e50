"""Where this kernel's programs lie."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sparkk8s_nb.spark import places
from sparkk8s_nb.spark.java import Java


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
