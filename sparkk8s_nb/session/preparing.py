"""Making ready ahead what a first start would make in its background: for images, and for the impatient."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from sparkk8s_nb.model.paths import cache_dir
from sparkk8s_nb.spark.class_archive_maker import make
from sparkk8s_nb.spark.class_archives import ROLES
from sparkk8s_nb.spark.java import find_java
from sparkk8s_nb.spark.places import spark_home


def prepare(say: Callable[[str], object], environ: Mapping[str, str] = os.environ) -> dict[str, Path]:
    """Make the archives of Spark's classes that are missing; returns all by role.

    Parameters
    ----------
    say : callable
        Told what is done, in a few words.

    Raises
    ------
    JavaError
        If there is no Java, or it cannot make them.
    """
    archives = make(find_java(environ), spark_home(), cache_dir(environ, Path.home()), say)
    return {role: archives.path(role) for role in ROLES}
