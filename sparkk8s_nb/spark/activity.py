"""The listener inside the JVM: attached when the context is there, drained by one py4j call (0.7 ms)."""

from __future__ import annotations

import json
import logging
from typing import Any

from sparkk8s_nb.model.drained import Drained, parse_drained
from sparkk8s_nb.model.executors import ExecutorLoad, ExecutorStatus
from sparkk8s_nb.spark.own_classes import LISTENER, instance, load_own_class

logger = logging.getLogger(__name__)


class ActivityListener:
    """The listener of one SparkContext. Any thread may call it."""

    def __init__(self, listener: Any) -> None:
        self._listener = listener

    def drain(self) -> Drained:
        """What changed since the last call."""
        return parse_drained(self._listener.drain())

    def executors(self) -> tuple[ExecutorStatus, ...]:
        """What Spark's status store says of every executor.

        The JSON is written by hand: the first use of Jackson's Scala module costs a second of CPU, in the
        very seconds in which the executors start.
        """
        return tuple(
            ExecutorStatus(
                id=row[0],
                active=row[1] == 1,
                cores=row[2],
                running=row[3],
                done=row[4],
                failed=row[5],
                memory_used=row[6],
                memory_max=row[7],
                removed_reason=row[8],
                load=ExecutorLoad(peak_memory=row[9], gc_ms=row[10], task_ms=row[11], spilled=row[12]),
            )
            for row in json.loads(self._listener.executors())
        )


def attach_listener(context: Any) -> ActivityListener:
    """Load the listener into the driver's JVM and have it hear every event from now on.

    Raises
    ------
    Py4JError
        If this JVM cannot load it: another Spark than it was written for.
    """
    made = load_own_class(context._jvm, LISTENER)
    listener = instance(context._gateway, made, ("org.apache.spark.SparkContext", context._jsc.sc()))
    listener.attach()
    return ActivityListener(listener)
