"""The listener's Java source is one unit, whatever number of files it is kept in."""

from __future__ import annotations

import re

from sparkk8s_nb.model.executors import ExecutorLoad, ExecutorStatus
from sparkk8s_nb.spark.activity import CLASS_NAME, ActivityListener, _source


def test_the_listeners_files_are_compiled_as_one_source() -> None:
    """One package line, then imports, each once, then all classes."""
    lines = _source().splitlines()
    imports = [line for line in lines if line.startswith("import ")]
    assert lines[0] == f"package {CLASS_NAME.rpartition('.')[0]};"
    assert lines[1 : 1 + len(imports)] == sorted(set(imports))
    assert sum(line.startswith("package ") for line in lines) == 1
    classes = re.findall(r"^(?:public |final )*class (\w+)", "\n".join(lines), re.MULTILINE)
    names = ["ActivityListener", "ExecutorWork", "JobEvents", "JsonText", "Operators", "StageSums"]
    assert sorted(classes) == [*names, "Statements", "StreamingQueries"]


class Listener:
    """What the JVM answers."""

    def executors(self) -> str:
        return '[["3",1,2,1,40,2,1024,4096,"",900000,48,400,77]]'


def test_an_executors_row_has_what_its_tasks_cost() -> None:
    """Field by field, as the listener writes them."""
    (status,) = ActivityListener(Listener()).executors()
    assert status == ExecutorStatus(
        id="3",
        cores=2,
        running=1,
        done=40,
        failed=2,
        memory_used=1024,
        memory_max=4096,
        load=ExecutorLoad(peak_memory=900_000, gc_ms=48, task_ms=400, spilled=77),
    )
    assert status.load.gc_share == 0.12
