"""The classes that come compiled are the sources', and without them the sources do; a real driver."""

from __future__ import annotations

import zipfile

import pytest

from sparkk8s_nb.spark import activity, janino, own_classes
from tests.embedded.local_driver import local_driver

pytestmark = pytest.mark.timeout(300)


def test_the_jars_hold_what_janino_makes_of_the_sources(tmp_path):
    """To the byte: nobody has to believe a binary file."""
    with local_driver(tmp_path, shared_paths=None, warehouse=tmp_path / "warehouse") as driver:
        context = driver.spark.sparkContext
        for own in map(own_classes.own_class, own_classes.NAMES):
            made = janino.bytecodes(context._jvm, own.source)
            with zipfile.ZipFile(own.jar(context.version)) as jar:
                held = {
                    entry.removesuffix(".class").replace("/", "."): jar.read(entry)
                    for entry in jar.namelist()
                }
            assert held == made
            assert own.name in held


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "as a source"])
def test_a_listener_tells_of_tasks_however_it_came(tmp_path, monkeypatch, compiled):
    """For a Spark without jars of its own Janino compiles it in the driver."""
    cooked = []
    monkeypatch.setattr(
        own_classes, "compile_class", lambda *given: cooked.append(given) or janino.compile_class(*given)
    )
    if not compiled:
        monkeypatch.setattr(own_classes, "JARS", tmp_path)
    with local_driver(tmp_path, shared_paths=None, warehouse=tmp_path / "warehouse") as driver:
        listener = activity.attach_listener(driver.spark.sparkContext)
        driver.spark.sparkContext.range(0, 6, 1, 3).count()
        driver.spark.sparkContext._jsc.sc().listenerBus().waitUntilEmpty()
        (ended,) = [stage for stage in listener.drain().stages if stage.done]
        assert ended.done == 3
    assert bool(cooked) is not compiled
