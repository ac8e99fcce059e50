"""What tasks cost: sums, shares, and kinds of failure without their texts."""

from __future__ import annotations

import pytest

from sparkk8s_nb.model.task_metrics import FailureCause, TaskMetrics


def test_sums_are_sums_of_every_number() -> None:
    """None is forgotten, in pairs or over many."""
    one = TaskMetrics(**{name: number for number, name in enumerate(TaskMetrics.__slots__, 1)})
    three = TaskMetrics(**{name: 3 * number for number, name in enumerate(TaskMetrics.__slots__, 1)})
    assert one + one + one == three
    assert TaskMetrics.total([one, one, one]) == three
    assert TaskMetrics.total([]) == TaskMetrics()


def test_garbage_collection_has_no_share_of_nothing() -> None:
    """A stage whose tasks have not ended."""
    assert TaskMetrics().gc_share == 0.0
    assert TaskMetrics(run_ms=200, gc_ms=50).gc_share == 0.25


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("java.lang.RuntimeException: boom on node-7", "RuntimeException"),
        (
            "org.apache.spark.api.python.PythonException: Traceback (most recent call last):",
            "PythonException",
        ),
        ("FetchFailed(BlockManagerId(1, 10.2.3.4, 40001, None), shuffleId=1", "FetchFailed"),
        ("ExecutorLostFailure (executor 3 exited caused by one of the running tasks)", "ExecutorLostFailure"),
        ("com.example.Job$Inner: x", "Inner"),
        ("TaskResultLost", "TaskResultLost"),
        ("other causes", "other"),
        ("10.2.3.4: gone", "other"),
        ("", "other"),
    ],
)
def test_a_kind_of_failure_is_its_class_alone(reason: str, kind: str) -> None:
    """Pods, hosts and users' data are in the text."""
    assert FailureCause(reason=reason, count=1).kind == kind
