"""RDDs ask before they are saved, however their methods are called."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from pyspark import RDD

from sparkk8s_nb.model.spec import SharedPaths
from sparkk8s_nb.spark import local_writes
from sparkk8s_nb.spark.local_writes import BY_CONF, BY_PATH, OUTPUT_CONFS, LocalWrites


class RefusedError(Exception):
    """What the check in the JVM raises."""


class Check:
    """The check, without a JVM: nothing may be written below /alone."""

    def check(self, path: str) -> None:
        if path.startswith("/alone"):
            raise RefusedError(path)


@pytest.fixture
def writes(monkeypatch):
    monkeypatch.setattr(local_writes, "instance", lambda *_: Check())
    context = SimpleNamespace(_gateway=None, _jsc=SimpleNamespace(sc=object))
    return LocalWrites(context, None, SharedPaths(shared=("/shared",)))


@pytest.mark.parametrize("name", BY_PATH)
def test_a_path_is_looked_at_by_position_and_by_keyword(writes, name):
    """The names of the parameters are pyspark's."""
    with writes.guarded_rdds():
        for given in ({"path": "/alone/x"}, ("/alone/x",)):
            with pytest.raises(RefusedError, match="/alone/x"):
                _call(name, given)


@pytest.mark.parametrize("name", BY_CONF)
def test_a_configurations_output_is_looked_at_by_position_and_by_keyword(writes, name):
    """Under the name of the old and of the new API."""
    with writes.guarded_rdds():
        for key in OUTPUT_CONFS:
            for given in ({"conf": {key: "/alone/x"}}, ({key: "/alone/x"},)):
                with pytest.raises(RefusedError, match="/alone/x"):
                    _call(name, given)


def test_what_is_shared_is_saved_as_it_was_asked(writes, monkeypatch):
    """And RDDs are pyspark's own again afterwards."""
    saved = []

    def save(rdd, path, codec=None):
        saved.append((path, codec))

    monkeypatch.setattr(RDD, "saveAsTextFile", save)
    with writes.guarded_rdds():
        _call("saveAsTextFile", {"path": "/shared/x", "codec": "gzip"})
        _call("saveAsTextFile", ("/shared/y", "lz4"))
    assert saved == [("/shared/x", "gzip"), ("/shared/y", "lz4")]
    assert RDD.saveAsTextFile is save


def test_a_call_without_a_target_is_refused_in_pysparks_words(writes):
    """It is no write."""
    with (
        writes.guarded_rdds(),
        pytest.raises(TypeError, match="missing 1 required positional argument: 'path'"),
    ):
        _call("saveAsTextFile", ())


def _call(name, given):
    rdd = object.__new__(RDD)
    if isinstance(given, dict):
        return getattr(rdd, name)(**given)
    return getattr(rdd, name)(*given)
