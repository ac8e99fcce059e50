"""What speeds starts up is made ahead on request, and beside a first session of the embedded cluster only."""

from __future__ import annotations

import pytest

from sparkk8s_nb.errors import JavaError
from sparkk8s_nb.model.spec import ClusterTarget, TargetKind
from sparkk8s_nb.session import preparing
from sparkk8s_nb.spark.class_archives import DRIVER, archives_for
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


@pytest.mark.parametrize("kind", [TargetKind.CONTEXT, TargetKind.IN_CLUSTER])
def test_on_a_cluster_nothing_is_made_in_the_background(kind, environ, monkeypatch):
    """A pod's disk goes with the pod."""
    monkeypatch.setattr(preparing, "make_in_background", lambda *_: pytest.fail("made"))
    preparing.prepare_in_background(ClusterTarget(kind=kind, namespace="n", context="c"), environ)


@pytest.mark.parametrize("step", ["find_java", "archives_for", "make_in_background"])
@pytest.mark.parametrize("error", [OSError(11, "Resource temporarily unavailable"), JavaError("no", fix="")])
def test_a_background_that_cannot_be_started_does_not_end_the_session(environ, monkeypatch, step, error):
    """The session runs already."""

    def refuse(*_):
        raise error

    monkeypatch.setattr(preparing, step, refuse)
    preparing.prepare_in_background(ClusterTarget(kind=TargetKind.EMBEDDED, namespace="n"), environ)
