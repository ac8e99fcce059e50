"""The package carries its Java classes compiled for the Spark that it is tested with."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pyspark
import pytest
from py4j.java_gateway import JavaPackage
from py4j.protocol import Py4JError

from sparkk8s_nb.spark.own_classes import JARS, LISTENER, NAMES, load_own_class, own_class


def test_the_jars_are_those_of_the_sources_and_of_this_spark():
    """And no others; after a change: make own-jars."""
    made_from = {own.jar(pyspark.__version__) for own in map(own_class, NAMES)}
    assert set(JARS.glob("*.jar")) == made_from


def jvm_without_janino(version: str) -> Any:
    """To py4j a class that is not there is a package, which cannot be called."""
    janino = SimpleNamespace(SimpleCompiler=JavaPackage("org.codehaus.janino.SimpleCompiler", None))
    spark = SimpleNamespace(**{"package$": SimpleNamespace(**{"MODULE$": SimpleNamespace()})})
    getattr(spark, "package$").__dict__["MODULE$"].SPARK_VERSION = lambda: version
    apache = SimpleNamespace(spark=spark)
    return SimpleNamespace(org=SimpleNamespace(codehaus=SimpleNamespace(janino=janino), apache=apache))


def test_another_spark_without_a_compiler_says_so():
    """The session goes on without."""
    with pytest.raises(Py4JError, match="no Janino"):
        load_own_class(jvm_without_janino("4.9.9"), "LocalWrites")


def test_the_listeners_files_are_compiled_as_one_source():
    """One package line, then imports, each once, then all classes."""
    source = own_class(LISTENER).source
    lines = source.splitlines()
    imports = [line for line in lines if line.startswith("import ")]
    assert lines[0] == "package sparkk8s;"
    assert lines[1 : 1 + len(imports)] == sorted(set(imports))
    assert sum(line.startswith("package ") for line in lines) == 1
    classes = re.findall(r"^(?:public |final )*class (\w+)", source, re.MULTILINE)
    names = ["ActivityListener", "ExecutorWork", "JobEvents", "JsonText", "Operators", "StageSums"]
    assert sorted(classes) == [*names, "Statements", "StreamingQueries"]
