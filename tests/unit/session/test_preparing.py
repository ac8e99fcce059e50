"""What speeds starts up is made ahead on request, and beside a first session where there is room for it."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import psutil
import pytest

from sparkk8s_nb.errors import JavaError
from sparkk8s_nb.model.spec import ClusterTarget, TargetKind
from sparkk8s_nb.session import preparing
from sparkk8s_nb.spark.class_archives import DRIVER, ROLES, archives_for
from sparkk8s_nb.spark.java import find_java


@pytest.fixture
def environ(tmp_path, monkeypatch):
    """An environment whose Java makes nothing, and says so."""
    java = tmp_path / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text("#!/bin/sh\necho no archive today\nexit 3\n")
    java.chmod(0o755)
    (tmp_path / "jdk" / "release").write_text('JAVA_VERSION="17.0.15"')
    jars = tmp_path / "pyspark" / "jars"
    jars.mkdir(parents=True)
    (jars / "spark-core_2.13-4.3.0.jar").touch()
    monkeypatch.setattr("pyspark.find_spark_home._find_spark_home", lambda: str(jars.parent))
    return {"JAVA_HOME": str(tmp_path / "jdk"), "SPARKK8S_CACHE_DIR": str(tmp_path / "cache")}


def test_who_asks_for_archives_is_told_why_there_are_none_and_may_ask_again(environ, tmp_path):
    """A failure that is remembered keeps starts from trying, not people."""
    archives = archives_for(find_java(environ), tmp_path / "pyspark", tmp_path / "cache")
    for _ in range(2):
        archives.directory.mkdir(parents=True, exist_ok=True)
        archives.failure(DRIVER).write_text("as of old")
        with pytest.raises(JavaError, match="launcher"):
            preparing.prepare(lambda _: None, environ)
        assert not archives.failure(DRIVER).exists()


@pytest.fixture
def begun(monkeypatch):
    """What was begun in the background, on a machine with room."""
    begun = []
    monkeypatch.setattr(preparing, "make_in_background", lambda *given: begun.append(given[-1]))
    room(monkeypatch)
    return begun


def room(monkeypatch, *, memory=preparing.MEMORY, left=None, disk=preparing.DISK, cpus=None):
    """A machine's free memory, what its container's limit leaves, its disk, its container's cores."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=memory))
    monkeypatch.setattr(preparing, "cgroup_free_memory", lambda: left)
    monkeypatch.setattr(preparing, "cgroup_limits", lambda: (cpus, None))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=disk))


def target(kind):
    return ClusterTarget(kind=kind, namespace="n", context="c" if kind is TargetKind.CONTEXT else None)


@pytest.mark.parametrize("kind", [TargetKind.CONTEXT, TargetKind.IN_CLUSTER])
def test_where_executors_are_pods_the_driver_alone_gets_its_archive(kind, environ, begun):
    """A pod's disk goes with the pod; a driver's home often stays."""
    preparing.prepare_in_background(target(kind), environ)
    assert begun == [(DRIVER,)]


def test_where_executors_are_processes_both_get_theirs(environ, begun):
    """They start from the same disk."""
    preparing.prepare_in_background(target(TargetKind.EMBEDDED), environ)
    assert begun == [ROLES]


@pytest.mark.parametrize("kind", [TargetKind.CONTEXT, TargetKind.IN_CLUSTER])
def test_what_is_there_already_is_not_made_again(kind, environ, begun, tmp_path):
    """The executor's may be missing: no pod would see it."""
    archives = archives_for(find_java(environ), tmp_path / "pyspark", tmp_path / "cache")
    archives.directory.mkdir(parents=True)
    archives.path(DRIVER).touch()
    preparing.prepare_in_background(target(kind), environ)
    assert begun == []


@pytest.mark.parametrize(
    "less",
    [
        {"memory": preparing.MEMORY - 1},
        {"left": preparing.MEMORY - 1},
        {"disk": preparing.DISK - 1},
        {"cpus": 0.5},
    ],
    ids=lambda less: next(iter(less)),
)
def test_in_a_container_nothing_is_made_unasked_without_room(less, environ, begun, monkeypatch):
    """One that runs out of memory loses its kernel; one with a CPU limit would have the session wait."""
    room(monkeypatch, **less)
    preparing.prepare_in_background(target(TargetKind.IN_CLUSTER), environ)
    assert begun == []


@pytest.mark.parametrize("step", ["find_java", "archives_for", "make_in_background"])
@pytest.mark.parametrize("error", [OSError(11, "Resource temporarily unavailable"), JavaError("no", fix="")])
def test_a_background_that_cannot_be_started_does_not_end_the_session(environ, monkeypatch, step, error):
    """The session runs already."""

    def refuse(*_):
        raise error

    monkeypatch.setattr(preparing, step, refuse)
    preparing.prepare_in_background(ClusterTarget(kind=TargetKind.EMBEDDED, namespace="n"), environ)
