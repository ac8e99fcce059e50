"""Compile the package's own Java classes with Spark's Janino and write them where the package carries them.

Run as ``make own-jars`` after a change of a ``.java`` file or of Spark (:mod:`sparkk8s_nb.spark.own_classes`).
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from sparkk8s_nb.spark.janino import bytecodes
from sparkk8s_nb.spark.own_classes import JARS, NAMES, own_class

ALWAYS = (1980, 1, 1, 0, 0, 0)
"""The time of every entry: the same classes make the same file."""


def main() -> None:
    """Write them all; jars of other sources and other releases go."""
    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    for old in JARS.glob("*.jar"):
        old.unlink()
    for own in map(own_class, NAMES):
        write(own.jar(spark.version), bytecodes(spark.sparkContext._jvm, own.source))
    spark.stop()


def write(jar: Path, classes: Mapping[str, Any]) -> None:
    """Write classes by their full names into a jar."""
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED) as made:
        for name, code in sorted(classes.items()):
            made.writestr(zipfile.ZipInfo(f"{name.replace('.', '/')}.class", ALWAYS), bytes(code))
    print(f"{jar.name}: {len(classes)} classes, {jar.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
