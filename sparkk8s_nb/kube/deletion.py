"""Deleting objects: one, or those that a label selector chooses; never another one of the same name."""

from __future__ import annotations

from typing import Any

from sparkk8s_nb.errors import ConflictError, NotFoundError
from sparkk8s_nb.kube.sender import Sender
from sparkk8s_nb.kube.translate import Asked, error_of


def delete_one(sender: Sender, path: str, asked: Asked, *, uid: str = "", grace: int | None = None) -> bool:
    """Delete the object at a path (only with that uid, if given); False if it was gone already.

    Raises
    ------
    ClusterError
    """
    try:
        sender.send("DELETE", path, asked, body=_options(uid=uid, grace=grace))
    except NotFoundError:
        return False
    except ConflictError:
        if uid:
            return False  # another object has taken the name: ours is gone
        raise
    return True


def delete_chosen(
    sender: Sender, path: str, asked: Asked, selector: str, *, grace: int | None = None
) -> bool:
    """Delete all objects at a path that a label selector chooses, in one request.

    Returns
    -------
    bool
        Whether the server can do that; before Kubernetes 1.23 it could not for Services.

    Raises
    ------
    ClusterError
    """
    answer = sender.answer("DELETE", path, query={"labelSelector": selector}, body=_options(grace=grace))
    if answer.status == 405:
        return False
    if not answer.ok:
        raise error_of(answer, asked)
    return True


def _options(*, uid: str = "", grace: int | None = None) -> dict[str, Any]:
    """The body of a delete: dependents go in the background."""
    options: dict[str, Any] = {
        "kind": "DeleteOptions",
        "apiVersion": "v1",
        "propagationPolicy": "Background",
    }
    if uid:
        options["preconditions"] = {"uid": uid}
    if grace is not None:
        options["gracePeriodSeconds"] = grace
    return options
