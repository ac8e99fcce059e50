"""Archives of Spark's classes, read, verified and linked once for all drivers and executors of a machine.

Nearly all of a start is the JVMs loading some 19,000 (driver) and 12,000 (executor) classes from 280 jars. Java
maps them ready-made from a *class data sharing* archive instead (JEP 310): measured on two cores, a first SQL
result after 21 s, not 36 s, and 17 s, not 26 s, of the driver's CPU.

An archive is bound to one Java and one class path. Java itself looks whether they match and goes on without one
where they do not, so an archive is never a reason to fail: one that cannot be read is none, and neither is one
that somebody else could have written, for it is code. :mod:`sparkk8s_nb.spark.class_archive_maker` makes them; this
module says where they are and how they are used.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sparkk8s_nb.spark.java import Java

DRIVER = "driver"
EXECUTOR = "executor"
ROLES = (DRIVER, EXECUTOR)

HINT = "SPARKK8S_CLASS_ARCHIVE"
"""Tells the executors' start script of the archive; one that it cannot read there is left out."""

LAYOUT = "1"
"""Part of the key: raised when class lists or the way of making archives change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassArchives:
    """The archives of one Java and one Spark.

    Parameters
    ----------
    directory : Path
        Theirs alone; not there before they are made.
    """

    directory: Path

    def path(self, role: str) -> Path:
        """Where the archive of a role is, or will be."""
        return self.directory / f"{role}.jsa"

    def failure(self, role: str) -> Path:
        """What Java said when it could not make the archive; it is not tried again."""
        return self.directory / f"{role}.failed"

    @property
    def usable(self) -> bool:
        """Whether Java can be told of them: ``spark-submit`` takes its options apart at every blank."""
        return not any(character.isspace() for character in str(self.directory))

    def found(self, role: str) -> Path | None:
        """The archive of a role, if it has been made and is to be trusted; what is found counts as used now."""
        path = self.path(role)
        if not self.usable or not _trusted(path):
            return None
        with contextlib.suppress(OSError):  # an image's own: its builder's, and often on a read-only disk
            os.utime(self.directory)
        return path

    def missing(self) -> tuple[str, ...]:
        """Roles whose archive is still to be made; none where this user can make none."""
        if not self.usable:
            return ()
        try:
            return tuple(r for r in ROLES if not self.path(r).is_file() and not self.failure(r).is_file())
        except PermissionError:  # somebody else's directory
            return ()


def _trusted(archive: Path) -> bool:
    """Whether it can be read, and nobody but this user and root can have written it."""
    try:
        file, directory = archive.stat(), archive.parent.stat()
    except OSError:
        return False
    return (
        stat.S_ISREG(file.st_mode)
        and os.access(archive, os.R_OK)
        and all(
            each.st_uid in (0, os.getuid()) and not each.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            for each in (file, directory)
        )
    )


def archives_for(java: Java, spark_home: Path, cache: Path) -> ClassArchives:
    """The archives of this Java and this Spark, made or not.

    Parameters
    ----------
    java : Java
    spark_home : Path
    cache : Path
        The user's cache directory (:func:`sparkk8s_nb.model.paths.cache_dir`).
    """
    key = hashlib.sha256("\n".join(_identity(java, spark_home)).encode()).hexdigest()[:16]
    return ClassArchives(directory=cache / "class-archives" / key)


def archive_option(archive: Path) -> str:
    """The JVM option that maps an archive.

    >>> archive_option(Path("/cache/driver.jsa"))
    '-XX:SharedArchiveFile=/cache/driver.jsa'
    """
    return f"-XX:SharedArchiveFile={archive}"


def _identity(java: Java, spark_home: Path) -> Iterator[str]:
    """All that an archive depends on. Java compares the jars' sizes and times of change itself: so do we."""
    yield LAYOUT
    yield str(java.home.resolve())
    release = java.home / "release"
    yield release.read_text(encoding="utf-8", errors="replace") if release.is_file() else str(java.version)
    yield str(spark_home)
    for entry in sorted(os.scandir(spark_home / "jars"), key=lambda entry: entry.name):
        status = entry.stat()
        yield f"{entry.name} {status.st_size} {status.st_mtime_ns}"
