"""A Spark that cannot compile the check of local writes starts all the same, and the session says what it lacks."""

from __future__ import annotations

import os

import pytest

from sparkk8s_nb.spark import new_session
from sparkk8s_nb.spark.driver_logging import write_log4j2
from sparkk8s_nb.spark.gateway import LaunchPlan, launch_jvm
from sparkk8s_nb.spark.janino import compile_class
from sparkk8s_nb.spark.java import find_java
from sparkk8s_nb.spark.launching import LaunchingSparkDriver

pytestmark = pytest.mark.timeout(300)

OF_ANOTHER_SPARK = "package sparkk8s; public class LocalWrites extends org.apache.spark.sql.NotInThisOne {}"


def test_a_spark_that_cannot_compile_the_check_starts_with_a_warning(tmp_path, monkeypatch):
    """Writes go where they are told, as without the check."""
    monkeypatch.setattr(
        new_session,
        "compile_local_writes",
        lambda jvm: compile_class(jvm, OF_ANOTHER_SPARK, "sparkk8s.LocalWrites"),
    )
    (tmp_path / "scratch").mkdir()
    plan = LaunchPlan(
        java=find_java(os.environ),
        memory="1g",
        log4j2=write_log4j2(tmp_path, tmp_path / "driver.log"),
        output=tmp_path / "driver.out",
        scratch=tmp_path / "scratch",
    )
    conf = {
        "spark.master": "local[1]",
        "spark.app.name": "unchecked",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
    }
    launching = LaunchingSparkDriver(launch_jvm(plan), shared_paths=[])
    try:
        driver = launching.start(conf)
        try:
            driver.hook(lambda: None)
            (warning,) = driver.warnings
            assert "are not refused in this session" in warning
            assert "CompileException" in warning
            driver.spark.range(3).write.parquet(str(tmp_path / "out"))
            assert (tmp_path / "out" / "_SUCCESS").exists()
        finally:
            driver.stop(timeout=10)
    finally:
        launching.end(grace=1)
