"""The check of local writes is loaded beside the SparkContext's start, and is waited for so long."""

from __future__ import annotations

import threading

import pytest

from sparkk8s_nb.spark import new_session
from sparkk8s_nb.spark.new_session import Loading


def test_the_class_is_the_result(monkeypatch):
    """Of the JVM that was given."""
    monkeypatch.setattr(new_session, "load_own_class", lambda jvm, name: f"{name} of {jvm}")
    assert Loading("this").result() == "LocalWrites of this"


def test_a_compiler_that_hangs_is_given_up_and_holds_no_exit(monkeypatch):
    """Its thread is a daemon with a name."""
    go_on, began = threading.Event(), []

    def hang(*_):
        began.append(threading.current_thread())
        go_on.wait()

    monkeypatch.setattr(new_session, "load_own_class", hang)
    loading = Loading(None)
    with pytest.raises(TimeoutError, match="not loaded in 0 s"):
        loading.result(seconds=0)
    go_on.set()
    assert loading.result() is None
    assert [(thread.name, thread.daemon) for thread in began] == [("sparkk8s-load", True)]
