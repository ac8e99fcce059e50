"""A real driver whose one local thread stands in for executors: for what is the driver's business alone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sparkk8s_nb.model.spec import SharedPaths
from sparkk8s_nb.spark.driver import SparkDriver
from sparkk8s_nb.spark.driver_logging import write_log4j2
from sparkk8s_nb.spark.gateway import LaunchPlan, launch_jvm
from sparkk8s_nb.spark.java import find_java
from sparkk8s_nb.spark.launching import LaunchingSparkDriver

CONF = {
    "spark.master": "local[1]",
    "spark.app.name": "local-driver",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
}


def launch_plan(base: Path, *, memory: str = "1g") -> LaunchPlan:
    """A JVM that keeps all its files in a directory."""
    (base / "scratch").mkdir()
    return LaunchPlan(
        java=find_java(os.environ),
        memory=memory,
        log4j2=write_log4j2(base, base / "driver.log"),
        output=base / "driver.out",
        scratch=base / "scratch",
    )


@contextmanager
def local_driver(
    base: Path, *, shared_paths: SharedPaths | None, warehouse: Path, conf: Mapping[str, str] | None = None
) -> Iterator[SparkDriver]:
    """A driver that may write to ``shared_paths`` alone (None: everywhere), with its hooks; ended at the end."""
    launching = LaunchingSparkDriver(launch_jvm(launch_plan(base)), shared_paths=shared_paths)
    try:
        driver = launching.start({**CONF, "spark.sql.warehouse.dir": warehouse.as_uri(), **(conf or {})})
        try:
            driver.hook(lambda: None)
            yield driver
        finally:
            driver.stop(timeout=10)
    finally:
        launching.end(grace=1)
