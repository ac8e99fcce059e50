"""Label and annotation keys of everything a session makes, and the selectors made of them."""

from __future__ import annotations

from sparkk8s_nb.model.spec import SessionSpec

PREFIX = "sparkk8s-nb"
SESSION = f"{PREFIX}/session"
OWNER = f"{PREFIX}/owner"
NOTEBOOK = f"{PREFIX}/notebook"
RECORD = f"{PREFIX}/record"
USAGE = f"{PREFIX}/usage"
MANAGED_BY = "app.kubernetes.io/managed-by"
SPARK_EXECUTOR_ID = "spark-exec-id"
SPARK_MARK = "spark-exec-inactive"
"""Spark's own mark on a pod whose end it has seen."""


def session_labels(spec: SessionSpec) -> dict[str, str]:
    """Labels of every object of a session; what settings add never takes the place of ours."""
    return {
        **spec.labels,
        MANAGED_BY: PREFIX,
        "app.kubernetes.io/name": "spark",
        "app.kubernetes.io/instance": spec.name,
        SESSION: spec.name,
        OWNER: spec.owner,
        NOTEBOOK: spec.notebook,
    }


def session_selector(name: str) -> str:
    """Selector of everything that belongs to one session.

    >>> session_selector("spark-a-1")
    'sparkk8s-nb/session=spark-a-1'
    """
    return f"{SESSION}={name}"


def executor_selector(name: str) -> str:
    """Selector of one session's executor pods.

    >>> executor_selector("spark-a-1")
    'sparkk8s-nb/session=spark-a-1,spark-role=executor'
    """
    return f"{session_selector(name)},spark-role=executor"


def sessions_selector(owner: str | None = None) -> str:
    """Selector of the Leases of all sessions, or of one owner's."""
    everything = f"{MANAGED_BY}={PREFIX}"
    return f"{everything},{OWNER}={owner}" if owner else everything
