"""From resolved options to the specification of a session."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.names import label_value, session_name
from sparkk8s_nb.model.sizing import Asked, Machine, cluster_executor, driver_memory, embedded_executor
from sparkk8s_nb.model.sparkconf import OVERHEAD_FACTOR, pod_memory_for_heap
from sparkk8s_nb.model.spec import ClusterTarget, SessionSpec, TargetKind
from sparkk8s_nb.session.notebook_identity import notebook_path, notebook_title, user_name

THIS_MACHINE = "sparkk8s-nb/this-machine"
"""The embedded cluster pulls nothing: its pods run the machine's own programs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who starts a session, from what, and what it is called.

    Parameters
    ----------
    name : str
        The session's name in the cluster, new for every session.
    title : str
        What a person would call it: the notebook's name, or ``--name``.
    owner, notebook : str
        Label values.
    """

    name: str
    title: str
    owner: str
    notebook: str


def make_identity(options: Mapping[str, Any], environ: Mapping[str, str]) -> Identity:
    """Name a new session after its notebook."""
    notebook = notebook_path(environ)
    title = options.get("name") or notebook_title(notebook)
    return Identity(
        name=session_name(title, secrets.token_hex(4)),
        title=title,
        owner=label_value(user_name(environ)),
        notebook=label_value(notebook),
    )


def make_spec(
    options: Mapping[str, Any], identity: Identity, target: ClusterTarget, machine: Machine | None
) -> SessionSpec:
    """Turn options into a specification.

    Parameters
    ----------
    options : Mapping
        Resolved values by option key; None where nothing was said.
    identity : Identity
    target : ClusterTarget
    machine : Machine or None
        What the embedded cluster's node has; None on a real cluster.

    Raises
    ------
    UsageError
        If sizes do not fit the machine, or an image is missing.
    """
    asked = Asked(
        executors=options["executors"],
        cores=options.get("cores"),
        memory=_pod_memory(options),
        driver_memory=options.get("driver_memory"),
        disk=options.get("disk"),
    )
    heap = driver_memory(memory_limit(), asked.driver_memory)
    executor = embedded_executor(asked, machine, heap) if machine else cluster_executor(asked)
    conf = dict(options.get("conf") or {})
    conf.setdefault("spark.app.name", identity.title)
    return SessionSpec(
        name=identity.name,
        owner=identity.owner,
        notebook=identity.notebook,
        target=target,
        executors=asked.executors,
        executor=executor,
        driver_memory=heap,
        image=_image(options, target),
        conf=conf,
        packages=tuple(options.get("packages") or ()),
        py_files=tuple(str(path) for path in options.get("py_files") or ()),
        pod_templates=tuple(options.get("pod_templates") or ()),
        wait=_wait(options),
        timeout=options["timeout"],
        event_log=options["event_log"],
        progress=options["progress"],
        driver_address=options["driver_address"],
    )


def memory_limit() -> int:
    """What this process may use at most: the machine's memory, or its container's limit; bytes."""
    total = int(psutil.virtual_memory().total)
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        file = Path(path)
        if file.is_file() and (text := file.read_text().strip()).isdecimal():
            return min(total, int(text))
    return total


def _pod_memory(options: Mapping[str, Any]) -> int | None:
    """The whole pod: ``--memory``, or Spark's heap with the overhead on top."""
    heap = options.get("executor_memory")
    if heap is None:
        memory: int | None = options.get("memory")
        return memory
    overhead = options.get("memory_overhead")
    if overhead is not None:
        return int(heap + overhead)
    return pod_memory_for_heap(heap, factor=options.get("memory_overhead_factor") or OVERHEAD_FACTOR)


def _image(options: Mapping[str, Any], target: ClusterTarget) -> str:
    if image := options.get("image"):
        return str(image)
    if target.kind is TargetKind.EMBEDDED:
        return THIS_MACHINE
    raise UsageError(
        "Executors on this cluster need an image.",
        fix="Name one with the kernel's Python and pyspark: --image REGISTRY/NAME:TAG, or image = in a settings file.",
    )


def _wait(options: Mapping[str, Any]) -> int:
    """``all`` is every executor."""
    wait = options.get("wait", 1)
    return int(options["executors"] if wait == "all" else wait)
