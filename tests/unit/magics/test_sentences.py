"""What a start says when it is done."""

from __future__ import annotations

from types import SimpleNamespace

from sparkk8s_nb.magics.sentences import started_sentence
from sparkk8s_nb.model.fleet import ExecutorsSeen, ExecutorStatus, Fleet
from sparkk8s_nb.model.spec import GIB, ClusterTarget, ExecutorSpec, SessionSpec, TargetKind


def session(*, warnings=(), beside=0, cores=1):
    return SimpleNamespace(
        spark=SimpleNamespace(version="4.3.0"),
        fleet=Fleet(wanted=1).apply(ExecutorsSeen(executors=(ExecutorStatus(id="1", cores=1),), at=1.0)),
        warnings=list(warnings),
        start_seconds=7.4,
        spec=SessionSpec(
            name="spark-secret-project-1",
            owner="ada",
            notebook="n",
            target=ClusterTarget(kind=TargetKind.CONTEXT, namespace="team", context="production"),
            executor=ExecutorSpec(cores=cores, memory=2 * GIB, beside=beside),
            driver_memory=2 * GIB,
        ),
    )


def test_it_says_sizes_and_how_memory_is_divided():
    """And where ``spark`` is."""
    assert started_sentence(session()).splitlines() == [
        "Spark 4.3.0, started in 7 s: 1 executor running.",
        "Each executor: 1 core, 2 GiB (1.4 GiB heap, 586 MiB Python and overhead).",
        "Driver: 2 GiB heap.",
        "spark and sc are ready.",
    ]
    assert "2 cores" in started_sentence(session(cores=2))
    assert "256 MiB off-heap" in started_sentence(session(beside=256 * 1024**2))


def test_it_names_no_cluster_namespace_or_user():
    """It stays in the saved notebook."""
    text = started_sentence(session(warnings=["Going on without logs."]), ["spark"])
    for name in ("production", "team", "ada", "secret-project"):
        assert name not in text
    assert "Going on without logs." in text


def test_a_variable_that_was_left_alone_is_named():
    """With the way to the session."""
    both, one = (started_sentence(session(), taken).splitlines()[-1] for taken in (["spark", "sc"], ["sc"]))
    assert both == ("spark and sc are your own variables and stay; the session: sparkk8s_nb.current().spark")
    assert one.startswith("sc is your own variable and stays")
