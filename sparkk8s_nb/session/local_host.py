"""This machine and this process, as a session's record names them."""

from __future__ import annotations

from dataclasses import replace

from sparkk8s_nb.model.ownpod import OwnPod
from sparkk8s_nb.model.record import Holder
from sparkk8s_nb.processes import boot_id, identify


def this_holder(pod: OwnPod | None = None) -> Holder:
    """The calling process as the holder of a session, and the pod it runs in, if that is in the same cluster."""
    kernel = identify()
    holder = Holder(boot=boot_id(), pid=kernel.pid, started=kernel.started)
    if pod is None:
        return holder
    return replace(
        holder,
        pod=pod.uid,
        pod_name=pod.name,
        pod_namespace=pod.namespace,
        container=pod.container,
        container_started=pod.container_started,
    )
