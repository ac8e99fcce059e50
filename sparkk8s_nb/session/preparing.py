"""Archives of Spark's classes: ahead, for images and the impatient, or in the background of a first session."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from sparkk8s_nb.errors import SparkK8sError
from sparkk8s_nb.model.paths import cache_dir
from sparkk8s_nb.model.spec import ClusterTarget, TargetKind
from sparkk8s_nb.spark.class_archive_maker import make, make_in_background
from sparkk8s_nb.spark.class_archives import ROLES, archives_for
from sparkk8s_nb.spark.java import find_java
from sparkk8s_nb.spark.places import spark_home

logger = logging.getLogger(__name__)


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
    java, cache = find_java(environ), cache_dir(environ, Path.home())
    for role in ROLES:  # who asks has a reason to think that it works now
        archives_for(java, spark_home(), cache).failure(role).unlink(missing_ok=True)
    archives = make(java, spark_home(), cache, say)
    return {role: archives.path(role) for role in ROLES if archives.usable}


def prepare_in_background(target: ClusterTarget, environ: Mapping[str, str] = os.environ) -> None:
    """Have what is missing made beside a session, where its executors are processes of this machine.

    A pod's disk goes with the pod: there an image that was prepared has them.
    """
    if target.kind is not TargetKind.EMBEDDED:
        return
    try:
        java, cache = find_java(environ), cache_dir(environ, Path.home())
        if archives_for(java, spark_home(), cache).missing():
            make_in_background(java, spark_home(), cache)
    except (OSError, SparkK8sError) as error:  # the session runs, and does not depend on them
        logger.info("no archives of Spark's classes: %s", error)
