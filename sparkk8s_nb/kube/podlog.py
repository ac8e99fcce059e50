"""The last lines that a pod wrote."""

from __future__ import annotations

from sparkk8s_nb.errors import InvalidError, NotFoundError
from sparkk8s_nb.kube.sender import Sender
from sparkk8s_nb.kube.translate import Asked

LOG_BYTES = 1024 * 1024
"""No log is read beyond that, however long its lines are."""

EXECUTOR_CONTAINER = "spark-kubernetes-executor"


def read_log(sender: Sender, path: str, asked: Asked, *, tail: int) -> str:
    """The last lines of the log at a path; empty if there is none (yet, or any more).

    Raises
    ------
    ClusterError
    """
    query = {"tailLines": str(tail), "limitBytes": str(LOG_BYTES)}
    try:
        answer = sender.send("GET", path, asked, query=query)
    except InvalidError as error:
        # 400 is both "still creating" and "which of its containers?", for pods with a sidecar.
        if "container name must be specified" not in error.problem:
            return ""
        answer = sender.send("GET", path, asked, query=query | {"container": EXECUTOR_CONTAINER})
    except NotFoundError:
        return ""
    return answer.body.decode("utf-8", "replace")
