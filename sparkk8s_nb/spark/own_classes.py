"""Classes of our own in the driver's JVM: compiled ones that come with the package, else their source compiled there.

To compile them at each start costs some 1.5 s of CPU in the very seconds in which executors are asked for and
start (measured: Janino's own classes are loaded and warmed up for it). So the package carries a jar of each, as
Janino made it for one release of Spark. Its name holds a checksum of source and release: for another Spark, or
where a source was changed since, it is not found, and Janino compiles the source in the driver.
"""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from sparkk8s_nb.spark.janino import compile_class

logger = logging.getLogger(__name__)

LISTENER = "ActivityListener"
NAMES = (LISTENER, "LocalWrites", "TokenFile")
"""The simple names of all of them."""

JARS = Path(__file__).parent / "jars"

_IMPORT = re.compile(r"^import [^;]+;\n", re.MULTILINE)
_PACKAGE = "package sparkk8s;\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnClass:
    """One class, with those that it needs.

    Parameters
    ----------
    name : str
        Its full name.
    source : str
        One text with all of them: Janino compiles one at a time.
    """

    name: str
    source: str

    def jar(self, spark_version: str) -> Path:
        """Where it is in the package for a release of Spark, if it is.

        Examples
        --------
        >>> OwnClass(name="sparkk8s.TokenFile", source="...").jar("4.3.0").name
        'TokenFile-0099f03e47199c5d.jar'
        """
        simple = self.name.rpartition(".")[2]
        made_from = hashlib.sha256(f"{spark_version}\n{self.source}".encode()).hexdigest()
        return JARS / f"{simple}-{made_from[:16]}.jar"


def own_class(name: str) -> OwnClass:
    """One of :data:`NAMES`, with its source."""
    if name == LISTENER:
        return OwnClass(name=f"sparkk8s.{name}", source=_listener())
    sources = resources.files("sparkk8s_nb.spark.java_sources")
    return OwnClass(
        name=f"sparkk8s.{name}", source=sources.joinpath(f"{name}.java").read_text(encoding="utf-8")
    )


def load_own_class(jvm: Any, name: str) -> Any:
    """The class ``sparkk8s.NAME`` in a driver's JVM.

    Parameters
    ----------
    jvm : py4j.java_gateway.JVMView
    name : str
        One of :data:`NAMES`.

    Raises
    ------
    Py4JError
        If there is no compiled one for this Spark and this JVM cannot compile it: no Janino, or another Spark
        than it was written for.
    """
    own = own_class(name)
    jar = own.jar(_spark_version(jvm))
    if jar.is_file():
        return _from_jar(jvm, jar, own.name)
    logger.debug("%s is compiled in the driver: it did not come compiled for this Spark", own.name)
    return compile_class(jvm, own.source, own.name)


def instance(gateway: Any, made: Any, *arguments: tuple[str, Any]) -> Any:
    """Make an object of a class.

    Parameters
    ----------
    gateway : py4j.java_gateway.JavaGateway
    made : java.lang.Class
    *arguments : tuple of str and object
        For each parameter of the constructor, its class's name and the value.
    """
    jvm = gateway.jvm
    types = gateway.new_array(jvm.java.lang.Class, len(arguments))
    values = gateway.new_array(jvm.java.lang.Object, len(arguments))
    for index, (kind, value) in enumerate(arguments):
        types[index] = jvm.java.lang.Class.forName(kind)
        values[index] = value
    return made.getDeclaredConstructor(types).newInstance(values)


def _from_jar(jvm: Any, jar: Path, name: str) -> Any:
    urls = jvm.java.lang.reflect.Array.newInstance(jvm.java.lang.Class.forName("java.net.URL"), 1)
    urls[0] = jvm.java.io.File(str(jar)).toURI().toURL()
    parent = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    return jvm.java.net.URLClassLoader(urls, parent).loadClass(name)


def _spark_version(jvm: Any) -> str:
    """Of the JVM's own Spark: a user's SPARK_HOME may be another release than pyspark."""
    module = getattr(getattr(jvm.org.apache.spark, "package$"), "MODULE$")
    return str(module.SPARK_VERSION())


def _listener() -> str:
    files = resources.files("sparkk8s_nb.spark.listener").iterdir()
    texts = [
        file.read_text(encoding="utf-8")
        for file in sorted(files, key=lambda file: file.name)
        if file.name.endswith(".java")
    ]
    imports = sorted({line for text in texts for line in _IMPORT.findall(text)})
    bodies = [_IMPORT.sub("", text).replace(_PACKAGE, "") for text in texts]
    return "".join([_PACKAGE, *imports, *bodies])
