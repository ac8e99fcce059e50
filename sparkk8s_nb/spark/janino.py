"""Java sources compiled in the driver's JVM.

Janino, the compiler that Spark itself uses for generated code, turns a source into a class: no JDK has to be
there. In a new JVM the first costs 1.2 s of CPU and each later one 0.1 to 0.4 s (measured), so our
own come compiled (:mod:`sparkk8s_nb.spark.own_classes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def compile_class(jvm: Any, source: str, name: str) -> Any:
    """Compile one source and return its class.

    Parameters
    ----------
    jvm : py4j.java_gateway.JVMView
    source : str
        The text of a ``.java`` file.
    name : str
        The class's full name.

    Raises
    ------
    Py4JError
        If this JVM cannot compile it: no Janino, or another Spark than it was written for.
    """
    compiler = _compiled(jvm, source)
    return compiler.getClassLoader().loadClass(name)


def bytecodes(jvm: Any, source: str) -> Mapping[str, bytes]:
    """Compile one source and return what a jar holds: the code of each class by its full name.

    Raises
    ------
    Py4JError
        As :func:`compile_class`.
    """
    return {str(name): bytes(code) for name, code in dict(_compiled(jvm, source).getBytecodes()).items()}


def _compiled(jvm: Any, source: str) -> Any:
    """A compiler that has read a source."""
    from py4j.java_gateway import JavaPackage
    from py4j.protocol import Py4JError

    made = jvm.org.codehaus.janino.SimpleCompiler
    if isinstance(made, JavaPackage):
        # What py4j takes a class for that is not there; to call it would be a TypeError.
        raise Py4JError("there is no Janino in this JVM")
    compiler = made()
    compiler.setParentClassLoader(jvm.java.lang.Thread.currentThread().getContextClassLoader())
    compiler.cook(source)
    return compiler
