"""How an executor's memory is divided: heap, overhead, and what Spark adds to a pod beside the two.

``--memory`` is the whole pod: what quota, kubectl and the kernel's out-of-memory killer count. Spark knows
only the parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.quantities import format_memory, parse_memory
from sparkk8s_nb.model.spec import MIB, ExecutorSpec

MIN_OVERHEAD = 384 * MIB
OVERHEAD_FACTOR = 0.4
MIN_HEAP = 450 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySplit:
    """How a pod's memory is divided, in bytes; the parts add up to the pod's limit.

    Parameters
    ----------
    heap : int
        ``spark.executor.memory``.
    overhead : int
        ``spark.executor.memoryOverhead``: Python workers, the JVM itself.
    beside : int
        What Spark adds to the pod by itself: off-heap memory that was switched on.
    """

    heap: int
    overhead: int
    beside: int = 0

    @property
    def pod(self) -> int:
        """The whole pod."""
        return self.heap + self.overhead + self.beside


def split_memory(
    pod: int, *, overhead: int | None = None, factor: float = OVERHEAD_FACTOR, beside: int = 0
) -> MemorySplit:
    """Divide a pod's memory into heap and the rest.

    The overhead is 0.4 of the heap, at least 384 MiB: Spark's factor for Python applications. In client
    mode Spark itself takes the JVM's 0.1, a common cause of exit code 137.

    Parameters
    ----------
    pod : int
        Bytes, rounded down to MiB.
    overhead : int, optional
        Bytes of it, where that was said.
    factor : float
        Share of the heap that it is otherwise.
    beside : int
        Bytes that Spark adds by itself: they come out of the pod, too.

    Raises
    ------
    UsageError
        If the heap would be less than Spark's minimum of 450 MiB.

    Examples
    --------
    >>> split = split_memory(8 * 1024 * MIB)
    >>> split.heap // MIB, split.overhead // MIB, split.pod // MIB
    (5851, 2341, 8192)
    """
    whole, beside = pod // MIB * MIB, -(-beside // MIB) * MIB
    room = whole - beside
    if overhead is not None:
        heap = room - (-(-overhead // MIB) * MIB)
    else:
        heap = min(int(room / (1 + factor)), room - MIN_OVERHEAD) // MIB * MIB
    if heap < MIN_HEAP:
        others = (overhead if overhead is not None else MIN_OVERHEAD) + beside
        raise UsageError(
            f"--memory {whole // MIB}m is too little for an executor.",
            fix=f"Give the pod at least --memory {-(-(MIN_HEAP + others) // MIB)}m: "
            f"450m of heap, {-(-others // MIB)}m for all else.",
        )
    return MemorySplit(heap=heap, overhead=room - heap, beside=beside)


def executor_split(executor: ExecutorSpec) -> MemorySplit:
    """How the memory of an executor is divided.

    >>> executor_split(ExecutorSpec(memory=1024 * MIB)).heap // MIB
    640
    """
    return split_memory(executor.memory, overhead=executor.overhead, beside=executor.beside)


def pod_memory_for_heap(heap: int, factor: float = OVERHEAD_FACTOR) -> int:
    """The pod that a heap of that size needs: Spark's meaning of ``spark.executor.memory``.

    >>> pod_memory_for_heap(1024 * MIB) // MIB
    1433
    """
    return (heap + max(MIN_OVERHEAD, int(heap * factor))) // MIB * MIB


def off_heap(conf: Mapping[str, str]) -> int:
    """Bytes of off-heap memory that confs switch on: Spark adds them to the pod.

    >>> off_heap({"spark.memory.offHeap.enabled": "true", "spark.memory.offHeap.size": "1g"}) // MIB
    1024
    >>> off_heap({"spark.memory.offHeap.size": "1g"})
    0
    """
    if conf.get("spark.memory.offHeap.enabled", "").strip().lower() != "true":
        return 0
    key = "spark.memory.offHeap.size"
    text = conf.get(key, "0").strip()
    # Spark reads a bare number as bytes here, where a size has MiB otherwise.
    return int(text) if text.isdecimal() else parse_memory(text, option=f"--conf {key}=", example="1g")


def python_memory(conf: Mapping[str, str]) -> int:
    """Bytes that confs grant to Python workers; 0 where they say nothing.

    In client mode Spark does not add them to the pod (it does not know that the application is Python's), so
    they have to fit into the overhead.

    >>> python_memory({"spark.executor.pyspark.memory": "512m"}) // MIB
    512
    """
    key = "spark.executor.pyspark.memory"
    text = conf.get(key, "").strip()
    return parse_memory(text, option=f"--conf {key}=", example="1g") if text else 0


def check_python_memory(split: MemorySplit, python: int) -> None:
    """Refuse Python memory that the pod's overhead cannot hold.

    Raises
    ------
    UsageError
    """
    if python and split.overhead < python:
        raise UsageError(
            f"spark.executor.pyspark.memory {format_memory(python)} does not fit into the "
            f"{format_memory(split.overhead)} that an executor's pod has beside its heap.",
            fix="Raise --memory, or lower spark.executor.pyspark.memory.",
        )
