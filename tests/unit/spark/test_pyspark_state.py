"""What pyspark keeps in classes and in the process is borrowed and given back."""

from __future__ import annotations

import os
import signal
import sys

import pytest
from pyspark import SparkContext
from pyspark.sql import SparkSession

from sparkk8s_nb.spark import pyspark_hooks, pyspark_state
from sparkk8s_nb.spark.pyspark_hooks import IgnoredOptionWarning
from sparkk8s_nb.spark.pyspark_state import Environment, active_context, context_description, patched


class Jsc:
    """What a living context has."""


class Conf(dict):
    def isModifiable(self, key):
        return key.startswith("spark.sql.")


@pytest.fixture
def session():
    """A SparkSession without a JVM, as the class state has it."""
    context = object.__new__(SparkContext)
    context._jsc = Jsc()
    context.getConf = lambda: {"spark.executor.cores": "2"}
    found = object.__new__(SparkSession)
    found._sc = context
    SparkContext._active_spark_context = context
    yield found
    pyspark_state.reset_class_state()


def test_a_context_is_active_while_it_has_a_jvm(session):
    """A stopped one is none."""
    assert active_context() is session._sc
    session._sc._jsc = None
    assert active_context() is None


def test_a_context_is_described_as_users_know_it():
    """By name and master."""
    context = type("Context", (), {"appName": "x", "master": "local[*]"})()
    assert context_description(context) == "app 'x' on local[*]"


def test_resetting_makes_pyspark_as_in_a_fresh_process(session):
    """The next getOrCreate() inherits nothing."""
    SparkContext._gateway = SparkContext._jvm = object()
    SparkSession._instantiatedSession = session
    pyspark_state.reset_class_state()
    assert (SparkContext._gateway, SparkContext._jvm, SparkContext._active_spark_context) == (None,) * 3
    assert SparkSession._instantiatedSession is None


def test_the_environment_is_put_back(monkeypatch):
    """Variables, Spark's entries of the import path, the interrupt's handler; the user's own entries stay."""
    monkeypatch.setenv("PYSPARK_PYTHON", "/usr/bin/python3")
    monkeypatch.delenv("SPARK_BUFFER_SIZE", raising=False)
    monkeypatch.setattr(sys, "path", ["/mine"])
    before = signal.getsignal(signal.SIGINT)
    environment = Environment()
    os.environ["PYSPARK_PYTHON"], os.environ["SPARK_BUFFER_SIZE"] = "other", "65536"
    sys.path += [
        "/tmp/spark-1/userFiles-2",
        "/tmp/spark-1/userFiles-2/lib.zip",
        "/home/ada/spark-jobs",
        "/later",
    ]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    environment.put_back_signal()
    environment.put_back()
    assert os.environ["PYSPARK_PYTHON"] == "/usr/bin/python3"
    assert "SPARK_BUFFER_SIZE" not in os.environ
    assert sys.path == ["/mine", "/home/ada/spark-jobs", "/later"]
    assert signal.getsignal(signal.SIGINT) is before


def test_an_idle_gateway_is_let_go_and_a_busy_one_is_not(session):
    """A JVM that a stopped context left behind would take our place."""
    gone = []
    gateway = type("Gateway", (), {"shutdown": lambda self: gone.append("shut"), "proc": None})()
    SparkContext._gateway = gateway
    pyspark_state.forget_idle_gateway()
    assert gone == []
    session._sc._jsc = None
    pyspark_state.forget_idle_gateway()
    assert gone == ["shut"]
    assert SparkContext._gateway is None


def test_a_patch_ends_with_its_block():
    """Whatever happens in it."""

    class Owner:
        def method(self):
            return "original"

    def fail():
        with patched(Owner, "method", lambda self: "new"):
            assert Owner().method() == "new"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert Owner().method() == "original"


def test_stopping_spark_stops_the_session_and_only_this_one(session):
    """``spark.stop()``, ``sc.stop()``; another context's stop is its own."""
    stopped = []
    with pyspark_hooks.install(SparkSessionLike(session), lambda: stopped.append("session")):
        SparkSession.stop(session)
        SparkContext.stop(session._sc)
        assert stopped == ["session", "session"]
    assert SparkSession.stop.__module__ == "pyspark.sql.session"
    assert SparkContext.stop.__module__ == "pyspark.core.context"


class SparkSessionLike:
    """The part of a session that the hooks look at."""

    def __init__(self, session):
        self.sparkContext = session._sc
        self.conf = Conf()


def test_options_that_a_running_session_ignores_are_named_once(session):
    """Not its name and master, not what it has already, not what can be changed now."""
    found = SparkSessionLike(session)
    options = {
        "spark.app.name": "mine",
        "spark.master": "local",
        "spark.executor.cores": "2",
        "spark.executor.memory": "1g",
        "spark.sql.shuffle.partitions": "8",
        "other": "x",
    }
    assert pyspark_hooks._ignored(found, options) == {"spark.executor.memory"}


def test_get_or_create_warns_once_for_each_option(session, monkeypatch):
    """And returns this session."""
    found = SparkSessionLike(session)
    monkeypatch.setattr(SparkSession.Builder, "getOrCreate", lambda self: found)
    with pyspark_hooks.install(found, lambda: None):
        builder = SparkSession.Builder()
        builder._options = {"spark.executor.memory": "1g"}
        with pytest.warns(IgnoredOptionWarning, match=r"spark\.executor\.memory.*--restart"):
            assert builder.getOrCreate() is found
        assert builder.getOrCreate() is found
