"""Archives of Spark's classes: ahead, for images and the impatient, or in the background of a first session."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from sparkk8s_nb.cgroup import cgroup_free_memory, cgroup_limits
from sparkk8s_nb.errors import SparkK8sError
from sparkk8s_nb.model.paths import cache_dir
from sparkk8s_nb.model.spec import ClusterTarget, TargetKind
from sparkk8s_nb.spark.class_archive_maker import make, make_in_background
from sparkk8s_nb.spark.class_archives import DRIVER, ROLES, archives_for
from sparkk8s_nb.spark.java import find_java
from sparkk8s_nb.spark.places import spark_home

logger = logging.getLogger(__name__)

MEMORY = 2 << 30
DISK = 1 << 30
"""Bytes that must be free for an archive to be made unasked: it takes 1.1 GiB and 150 MB (measured), and a container
that runs out of memory loses its kernel."""


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
    """Have what is missing made beside a session, where there is room for it.

    Where executors are pods it is the driver's archive alone: their disks go with them (there an image that was
    prepared has the archive), and the driver's home often stays. The room is looked for there only: it is a
    container's.

    Parameters
    ----------
    target : ClusterTarget
        Where the executors are.
    environ : Mapping of str to str
    """
    roles = ROLES if target.kind is TargetKind.EMBEDDED else (DRIVER,)
    try:
        java, cache = find_java(environ), cache_dir(environ, Path.home())
        if not set(roles) & set(archives_for(java, spark_home(), cache).missing()):
            return
        if target.kind is TargetKind.EMBEDDED or _has_room(cache):
            make_in_background(java, spark_home(), cache, roles)
    except (OSError, SparkK8sError) as error:  # the session runs, and does not depend on them
        logger.info("no archives of Spark's classes: %s", error)


def _has_room(cache: Path) -> bool:
    """Whether memory and disk are left, and no CPU limit that idle work would use up instead of the session."""
    cpus, _ = cgroup_limits()
    if cpus is not None and cpus < (os.cpu_count() or 1):
        return False
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    free = cgroup_free_memory()
    available = int(psutil.virtual_memory().available)
    return (
        min(available, available if free is None else free) >= MEMORY
        and shutil.disk_usage(cache).free >= DISK
    )
