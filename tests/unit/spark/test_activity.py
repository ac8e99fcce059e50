"""What the listener in the JVM answers is read whole."""

from __future__ import annotations

from sparkk8s_nb.model.executors import ExecutorLoad, ExecutorStatus
from sparkk8s_nb.spark.activity import ActivityListener


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
