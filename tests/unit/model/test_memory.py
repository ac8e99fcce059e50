"""A pod's memory is divided, and its parts add up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.memory import (
    MIN_HEAP,
    MIN_OVERHEAD,
    MemorySplit,
    check_python_memory,
    off_heap,
    pod_memory_for_heap,
    python_memory,
    split_memory,
)
from sparkk8s_nb.model.spec import GIB, MIB

sizes = st.integers(min_value=MIN_HEAP + MIN_OVERHEAD, max_value=4096 * GIB)


@given(sizes)
def test_the_parts_add_up_to_the_pod(pod):
    """Whole MiB, Spark's minimum of heap, 384 MiB for the rest at least."""
    split = split_memory(pod)
    assert split.pod == pod // MIB * MIB
    assert split.heap % MIB == split.overhead % MIB == 0
    assert split.heap >= MIN_HEAP
    assert split.overhead >= MIN_OVERHEAD
    assert split.overhead >= int(0.4 * split.heap)


@given(sizes, st.integers(0, 2 * GIB), st.integers(1, 2 * GIB), st.floats(0.01, 5))
def test_the_pod_stays_what_was_said_however_it_is_divided(pod, beside, overhead, factor):
    """Or the division is refused, with what would do."""
    for options in ({"overhead": overhead}, {"factor": factor}):
        try:
            split = split_memory(pod, beside=beside, **options)
        except UsageError:
            continue
        assert split.pod == pod // MIB * MIB
        assert split.heap >= MIN_HEAP
        assert split.beside >= beside


@given(st.integers(MIN_HEAP // MIB, 10**6))
def test_the_pod_for_a_heap_has_room_for_it(mib):
    """Spark's meaning of executor memory, there and back."""
    assert split_memory(pod_memory_for_heap(mib * MIB)).heap >= (mib - 1) * MIB


def test_a_pod_that_is_too_small_says_the_least_that_is_not():
    """And that least works."""
    with pytest.raises(UsageError, match="--memory 800m is too little") as caught:
        split_memory(800 * MIB)
    assert "--memory 834m" in caught.value.fix
    assert split_memory(834 * MIB).heap == MIN_HEAP
    with pytest.raises(UsageError) as caught:
        split_memory(2 * GIB, overhead=2 * GIB)
    assert "--memory 2498m" in caught.value.fix


def test_confs_that_cost_memory_are_read_as_spark_reads_them():
    """Off-heap sizes are bytes, Python's MiB; what is not a size is refused with the conf's name."""
    on = {"spark.memory.offHeap.enabled": "TRUE", "spark.memory.offHeap.size": str(GIB)}
    assert off_heap(on) == GIB
    assert off_heap({**on, "spark.memory.offHeap.enabled": "false"}) == 0
    assert off_heap({"spark.memory.offHeap.enabled": "true"}) == 0
    assert python_memory({}) == 0
    assert python_memory({"spark.executor.pyspark.memory": "512"}) == 512 * MIB
    with pytest.raises(UsageError, match=r"spark\.executor\.pyspark\.memory"):
        python_memory({"spark.executor.pyspark.memory": "2x"})


def test_python_memory_that_does_not_fit_is_refused():
    """Client-mode Spark would let the pod be killed for it."""
    split = MemorySplit(heap=GIB, overhead=GIB)
    check_python_memory(split, GIB)
    check_python_memory(split, 0)
    with pytest.raises(UsageError, match="does not fit"):
        check_python_memory(split, GIB + MIB)
