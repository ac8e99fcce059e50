"""This machine and this process, as a session's record names them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from sparkk8s_nb.model.ownpod import OwnPod
from sparkk8s_nb.model.record import Holder, SessionRecord, is_orphan
from sparkk8s_nb.processes import ProcessId, identify, is_alive

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
PID_NAMESPACE = Path("/proc/self/ns/pid")


def boot_id() -> str:
    """Where process ids mean what they mean here: this boot of this machine, and this process namespace.

    Containers of one node share the boot id and not their process ids, so the namespace belongs to it.
    Empty where there is none, and then nothing is proven.
    """
    if BOOT_ID.is_file():
        return f"{BOOT_ID.read_text().strip()}/{PID_NAMESPACE.readlink()}"
    if sys.platform == "darwin":
        command = ["sysctl", "-n", "kern.bootsessionuuid"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
        return result.stdout.strip()
    return ""


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


def proven_dead(record: SessionRecord) -> bool:
    """Whether a session's process ran on this boot of this machine and is gone."""
    return is_orphan(
        record,
        boot=boot_id(),
        alive=lambda pid, started: is_alive(ProcessId(pid=pid, started=started)),
    )
