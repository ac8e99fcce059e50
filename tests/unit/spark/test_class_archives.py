"""Archives belong to one Java and one Spark; they are made once, whole, and a failure is remembered."""

from __future__ import annotations

import errno
import fcntl
import os
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from sparkk8s_nb.errors import JavaError
from sparkk8s_nb.spark import class_archive_maker
from sparkk8s_nb.spark.class_archives import DRIVER, EXECUTOR, HINT, archives_for
from sparkk8s_nb.spark.java import Java
from sparkk8s_nb.spark.places import executor_hints

LAUNCHER_WORDS = (
    r"\0\n/jdk/bin/java\0-cp\0/conf:/spark/jars/*\0-Xmx1g\0--add-opens=a/b=C"
    r"\0org.apache.spark.deploy.SparkSubmit\0pyspark-shell\0"
)

JAVA = f"""\
    #!/bin/sh
    echo "$@" >> "$0.calls"
    case "$*" in
        *launcher.Main*) printf '{LAUNCHER_WORDS}' ;;
        *-Xshare:dump*)
            [ -e "$0.killed" ] && kill -9 $$
            [ -e "$0.broken" ] && echo "[error] no such luck" && exit 1
            for word in "$@"; do
                case "$word" in -XX:SharedArchiveFile=*) echo made > "${{word#*=}}" ;; esac
            done ;;
    esac
"""


@pytest.fixture
def java(tmp_path):
    """A Java that answers as Spark's launcher and makes archives, and writes down how it was called."""
    home = tmp_path / "jdk"
    (home / "bin").mkdir(parents=True)
    (home / "release").write_text('JAVA_VERSION="17.0.15"')
    program = home / "bin" / "java"
    program.write_text(textwrap.dedent(JAVA))
    program.chmod(0o755)
    return Java(home=home, version=17)


@pytest.fixture
def spark(tmp_path):
    """A Spark of one jar."""
    jars = tmp_path / "pyspark" / "jars"
    jars.mkdir(parents=True)
    (jars / "spark-core_2.13-4.3.0.jar").write_bytes(b"jar")
    return jars.parent


def test_another_java_or_another_jar_has_other_archives(java, spark, tmp_path):
    """Java would refuse an archive of others, and nobody would make a new one."""
    seen = {archives_for(java, spark, tmp_path).directory}
    (java.home / "release").write_text('JAVA_VERSION="17.0.16"')
    seen.add(archives_for(java, spark, tmp_path).directory)
    os.utime(spark / "jars" / "spark-core_2.13-4.3.0.jar", (1, 1))
    seen.add(archives_for(java, spark, tmp_path).directory)
    (spark / "jars" / "more.jar").write_bytes(b"")
    seen.add(archives_for(java, spark, tmp_path).directory)
    assert len(seen) == 4


def test_both_archives_are_made_once_with_the_class_path_of_their_role(java, spark, tmp_path):
    """The driver's is what Spark's launcher says, without its heap; an executor's what the start script says."""
    said = []
    archives = class_archive_maker.make(java, spark, tmp_path / "cache", said.append)
    assert archives.missing() == ()
    assert archives.found(DRIVER).read_text() == "made\n"
    assert len(said) == 2
    calls = (java.home / "bin" / "java.calls").read_text().splitlines()
    driver, executor = (call for call in calls if "-Xshare:dump" in call)
    assert driver.startswith("--add-opens=a/b=C -Xmx512m")
    assert driver.endswith("-cp /conf:/spark/jars/*")
    assert executor.endswith(f"-cp /opt/spark/conf:{spark}/jars/*")
    class_archive_maker.make(java, spark, tmp_path / "cache", said.append)
    assert len(said) == 2


def test_nobody_else_can_write_archives(java, spark, tmp_path):
    """They are code: what others could have written is not used."""
    archives = class_archive_maker.make(java, spark, tmp_path / "cache")
    for path in (archives.directory, archives.directory.parent):
        assert path.stat().st_mode & 0o777 == (0o755 if os.getuid() == 0 else 0o700)
    for path, mode in ((archives.directory, 0o770), (archives.path(DRIVER), 0o602)):
        before = path.stat().st_mode
        path.chmod(mode)
        assert archives.found(DRIVER) is None
        path.chmod(before)
        assert archives.found(DRIVER) == archives.path(DRIVER)


@pytest.mark.skipif(os.getuid() != 0, reason="it is root's archives that others may read")
def test_what_root_has_made_everybody_can_read(java, spark, tmp_path):
    """Who builds an image is root, who runs it is not."""
    archives = class_archive_maker.make(java, spark, tmp_path / "cache")
    for role in (DRIVER, EXECUTOR):
        assert archives.path(role).stat().st_mode & 0o777 == 0o644


def test_archives_on_a_disk_that_cannot_be_written_are_used(java, spark, tmp_path, monkeypatch):
    """An image's; that they were used is then not noted."""
    archives = class_archive_maker.make(java, spark, tmp_path / "cache")

    def refuse(*_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "utime", refuse)
    assert archives.found(DRIVER) == archives.path(DRIVER)


def test_archives_that_cannot_be_reached_are_none_and_none_is_made(java, spark, tmp_path, monkeypatch):
    """A home that is another user's is no reason not to start."""
    archives = class_archive_maker.make(java, spark, tmp_path / "cache")

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", refuse)
        assert archives.found(DRIVER) is None
        assert archives.missing() == ()


def test_a_java_that_cannot_make_one_is_said_and_not_asked_again(java, spark, tmp_path):
    """Every start would cost a minute of a core for nothing."""
    (java.home / "bin" / "java.broken").touch()
    with pytest.raises(JavaError, match="no such luck"):
        class_archive_maker.make(java, spark, tmp_path / "cache")
    archives = archives_for(java, spark, tmp_path / "cache")
    assert archives.missing() == (EXECUTOR,)
    assert archives.found(DRIVER) is None
    assert "no such luck" in archives.failure(DRIVER).read_text()
    assert sorted(path.name for path in archives.directory.iterdir()) == ["driver.failed", "lock"]


def test_a_java_that_was_killed_is_asked_again(java, spark, tmp_path):
    """Want of memory passes; nothing half-made takes an archive's place."""
    (java.home / "bin" / "java.killed").touch()
    with pytest.raises(JavaError, match="Java ended with -9"):
        class_archive_maker.make(java, spark, tmp_path / "cache")
    archives = archives_for(java, spark, tmp_path / "cache")
    assert archives.missing() == (DRIVER, EXECUTOR)
    (java.home / "bin" / "java.killed").unlink()
    assert class_archive_maker.make(java, spark, tmp_path / "cache").missing() == ()


def test_where_a_path_has_blanks_starts_go_without(java, spark, tmp_path):
    """spark-submit would take the option apart, and the JVM look for a main class of the second half."""
    archives = class_archive_maker.make(java, spark, tmp_path / "Ada's cache")
    assert archives.missing() == ()
    assert archives.found(DRIVER) is None


def test_what_a_killed_predecessor_left_goes(java, spark, tmp_path):
    """A half-made archive is never taken for a whole one, and does not fill the disk."""
    archives = archives_for(java, spark, tmp_path / "cache")
    (archives.directory / ".driver-x7").mkdir(parents=True)
    (archives.directory / ".driver-x7" / "archive").write_text("half")
    class_archive_maker.make(java, spark, tmp_path / "cache")
    names = sorted(path.name for path in archives.directory.iterdir())
    assert names == ["driver.jsa", "executor.jsa", "lock"]


def test_archives_of_old_javas_and_sparks_go(java, spark, tmp_path):
    """An upgrade every month would fill the cache."""
    base = tmp_path / "cache" / "class-archives"
    for number in range(4):
        (base / f"old-{number}").mkdir(parents=True)
        os.utime(base / f"old-{number}", (number, number))
    archives = class_archive_maker.make(java, spark, tmp_path / "cache")
    assert {path.name for path in base.iterdir()} == {archives.directory.name, "old-2", "old-3"}


def test_the_background_makes_them_and_ends(java, spark, tmp_path):
    """A process of its own, which nobody has to wait for."""
    class_archive_maker.make_in_background(java, spark, tmp_path / "cache")
    archives = archives_for(java, spark, tmp_path / "cache")
    deadline = time.monotonic() + 60
    while archives.missing():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with (archives.directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    assert psutil.Process().children() == []


@pytest.mark.parametrize("role", [DRIVER, EXECUTOR])
def test_the_lists_name_sparks_classes_and_none_that_is_made_at_run_time(role):
    """Names that only one JVM has would be looked for in vain."""
    names = class_archive_maker.class_list(role).decode().splitlines()
    assert len(names) > 10_000
    assert "org/apache/spark/SparkContext" in names or role == EXECUTOR
    assert not [name for name in names if "GeneratedClass" in name or "$$Lambda$" in name]


def test_executors_are_told_of_an_archive_only_when_there_is_one(java, spark, tmp_path):
    """A hint that leads nowhere would stand in every pod's description."""
    archives = archives_for(java, spark, tmp_path / "cache")
    assert HINT not in executor_hints(java, "python3", archives)
    class_archive_maker.make(java, spark, tmp_path / "cache")
    assert executor_hints(java, "python3", archives)[HINT] == str(archives.path(EXECUTOR))


def test_a_background_leaves_the_work_to_who_is_at_it(java, spark, tmp_path):
    """Twenty notebooks that start at once make the archives once, and nobody waits for them."""
    archives = archives_for(java, spark, tmp_path / "cache")
    archives.directory.mkdir(parents=True)
    with (archives.directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        class_archive_maker.make(java, spark, tmp_path / "cache", pytest.fail, wait=False)
    assert archives.missing() == (DRIVER, EXECUTOR)
