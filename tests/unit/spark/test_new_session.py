"""The check of local writes compiles beside the SparkContext's start, and is waited for so long."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from py4j.java_gateway import JavaPackage
from py4j.protocol import Py4JError

from sparkk8s_nb.spark import new_session
from sparkk8s_nb.spark.new_session import Compiling


def test_the_class_is_the_result(monkeypatch):
    """Of the JVM that was given."""
    monkeypatch.setattr(new_session, "compile_local_writes", lambda jvm: f"class of {jvm}")
    assert Compiling("this").result() == "class of this"


def test_a_compiler_that_hangs_is_given_up_and_holds_no_exit(monkeypatch):
    """Its thread is a daemon with a name."""
    go_on, began = threading.Event(), []

    def hang(_):
        began.append(threading.current_thread())
        go_on.wait()

    monkeypatch.setattr(new_session, "compile_local_writes", hang)
    compiling = Compiling(None)
    with pytest.raises(TimeoutError, match="no answer in 0 s"):
        compiling.result(seconds=0)
    go_on.set()
    assert compiling.result() is None
    assert [(thread.name, thread.daemon) for thread in began] == [("sparkk8s-compile", True)]


def test_a_jvm_without_janino_says_so():
    """To py4j a class that is not there is a package, which cannot be called."""
    janino = SimpleNamespace(SimpleCompiler=JavaPackage("org.codehaus.janino.SimpleCompiler", None))
    jvm = SimpleNamespace(org=SimpleNamespace(codehaus=SimpleNamespace(janino=janino)))
    with pytest.raises(Py4JError, match="no Janino"):
        Compiling(jvm).result()
