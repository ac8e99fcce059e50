"""A Spark that cannot compile the check of local writes starts all the same, and the session says what it lacks."""

from __future__ import annotations

import pytest

from sparkk8s_nb.model.spec import SharedPaths
from sparkk8s_nb.spark import new_session
from sparkk8s_nb.spark.janino import compile_class
from tests.embedded.local_driver import local_driver

pytestmark = pytest.mark.timeout(300)

OF_ANOTHER_SPARK = "package sparkk8s; public class LocalWrites extends org.apache.spark.sql.NotInThisOne {}"


def test_a_spark_that_cannot_compile_the_check_starts_with_a_warning(tmp_path, monkeypatch):
    """Writes go where they are told, as without the check."""
    monkeypatch.setattr(
        new_session,
        "load_own_class",
        lambda jvm, name: compile_class(jvm, OF_ANOTHER_SPARK, f"sparkk8s.{name}"),
    )
    with local_driver(tmp_path, shared_paths=SharedPaths(), warehouse=tmp_path / "warehouse") as driver:
        (warning,) = driver.warnings
        assert "are not refused in this session" in warning
        assert "CompileException" in warning
        driver.spark.range(3).write.parquet(str(tmp_path / "out"))
        assert (tmp_path / "out" / "_SUCCESS").exists()
