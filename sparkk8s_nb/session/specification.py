"""From resolved options to the specification of a session."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.model.memory import (
    MIN_OVERHEAD,
    OVERHEAD_FACTOR,
    check_python_memory,
    off_heap,
    pod_memory_for_heap,
    python_memory,
    split_memory,
)
from sparkk8s_nb.model.names import label_value, session_name
from sparkk8s_nb.model.needs import SecretUse, VolumeUse, check_paths
from sparkk8s_nb.model.ownpod import OwnPod
from sparkk8s_nb.model.sizing import (
    Asked,
    Machine,
    check_driver_memory,
    cluster_executor,
    driver_memory,
    embedded_executor,
)
from sparkk8s_nb.model.spec import ClusterTarget, ExecutorSpec, SessionSpec, TargetKind
from sparkk8s_nb.session.notebook_identity import notebook_path, notebook_title, policy_owner, user_name

THIS_MACHINE = "sparkk8s-nb/this-machine"
"""The embedded cluster pulls nothing: its pods run the machine's own programs."""

PYTHON_LEAVES = MIN_OVERHEAD
"""What an overhead holds besides the memory that was granted to Python workers."""

URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")


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
        name=session_name(title, secrets.token_hex(4), owner=policy_owner(environ)),
        title=title,
        owner=label_value(user_name(environ)),
        notebook=label_value(notebook),
    )


def make_spec(
    options: Mapping[str, Any],
    identity: Identity,
    target: ClusterTarget,
    machine: Machine | None,
    own: OwnPod | None = None,
    *,
    cpu_limited: bool = False,
    env: Iterable[str] = (),
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
    own : OwnPod or None
        The notebook's pod, whose image executors run unless another is named.
    cpu_limited : bool
        Whether the namespace takes no pod without a CPU limit.
    env : iterable of str
        Names of the variables that executors take over from the kernel.

    Raises
    ------
    UsageError
        If sizes do not fit the machine or each other, or an image is missing.
    """
    conf = dict(options.get("conf") or {})
    limit = memory_limit()
    check_driver_memory(options.get("driver_memory"), limit)
    heap = driver_memory(limit, options.get("driver_memory"))
    executor = _with_cpu_limit(
        _executor(options, conf, machine, heap), options.get("cpu_limit"), demanded=cpu_limited
    )
    secrets, volumes = tuple(options.get("secret") or ()), tuple(options.get("volume") or ())
    check_paths(secrets, volumes)
    _check_mounts(secrets, volumes, target)
    conf.setdefault("spark.app.name", identity.title)
    return SessionSpec(
        name=identity.name,
        owner=identity.owner,
        notebook=identity.notebook,
        target=target,
        executors=options["executors"],
        executor=executor,
        driver_memory=heap,
        image=_image(options, target, own),
        conf=conf,
        packages=tuple(options.get("packages") or ()),
        py_files=local_files(options.get("py_files") or ()),
        pod_templates=tuple(path.expanduser() for path in options.get("pod_templates") or ()),
        env=tuple(env),
        secrets=secrets,
        volumes=volumes,
        labels=dict(label.split("=", 1) for label in options.get("labels") or ()),
        wait=_wait(options),
        timeout=options["timeout"],
        event_log=options["event_log"],
        progress=options["progress"],
        driver_address=options["driver_address"],
    )


def executor_env(options: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that executors take over from the kernel, with their values.

    Raises
    ------
    UsageError
        If the kernel has not got one that ``--env`` names; those of ``inherit_env`` may be missing.

    Examples
    --------
    >>> executor_env({"env": ("A",), "inherit_env": ("B", "C")}, {"A": "1", "C": "3", "D": "4"})
    {'A': '1', 'C': '3'}
    """
    asked = tuple(options.get("env") or ())
    for name in asked:
        if name not in environ:
            raise UsageError(
                f"--env {name}: this kernel has no such variable.",
                fix=f'Set it first, in a cell before: import os; os.environ["{name}"] = ...',
            )
    names = dict.fromkeys((*asked, *(options.get("inherit_env") or ())))
    return {name: environ[name] for name in names if name in environ}


def local_files(paths: Iterable[object]) -> tuple[str, ...]:
    """``--py-files`` with ``~`` resolved; what has a scheme (``s3a://``, ``https://``) is Spark's to find.

    Raises
    ------
    UsageError
        If a local one is not there.

    Examples
    --------
    >>> local_files(["https://example.com/lib.zip"])
    ('https://example.com/lib.zip',)
    """
    found = []
    for text in map(str, paths):
        if URI.match(text):
            found.append(text)
            continue
        path = Path(text).expanduser()
        if not path.is_file():
            state = "is a directory" if path.is_dir() else "is not there"
            raise UsageError(
                f"--py-files {text} {state}.", fix="Give a .py, .zip or .egg file, as this kernel sees it."
            )
        found.append(str(path))
    return tuple(found)


def memory_limit() -> int:
    """What this process may use at most: the machine's memory, or its container's limit; bytes."""
    total = int(psutil.virtual_memory().total)
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        file = Path(path)
        if file.is_file() and (text := file.read_text().strip()).isdecimal():
            return min(total, int(text))
    return total


def _executor(
    options: Mapping[str, Any], conf: Mapping[str, str], machine: Machine | None, driver: int
) -> ExecutorSpec:
    """An executor's size, and how its memory is divided where the user said something about that."""
    beside, python = off_heap(conf), python_memory(conf)
    asked = Asked(
        executors=options["executors"],
        cores=options.get("cores"),
        cpu_millis=options.get("cpu"),
        memory=_pod_memory(options, beside=beside, python=python),
        disk=options.get("disk"),
    )
    size = embedded_executor(asked, machine, driver) if machine else cluster_executor(asked)
    split = split_memory(
        size.memory,
        overhead=_overhead(options, python),
        factor=options.get("memory_overhead_factor") or OVERHEAD_FACTOR,
        beside=beside,
    )
    if python > split.overhead - PYTHON_LEAVES and options.get("memory_overhead") is None:
        split = split_memory(size.memory, overhead=python + PYTHON_LEAVES, beside=beside)
    check_python_memory(split, python)
    return replace(size, overhead=split.overhead, beside=split.beside)


def _with_cpu_limit(executor: ExecutorSpec, asked: int | None, *, demanded: bool) -> ExecutorSpec:
    """The limit that was asked for; where the namespace demands one, what the pod requests."""
    if asked is not None and asked < executor.cpu_millis:
        raise UsageError(
            f"The CPU limit of {asked}m is less than the {executor.cpu_millis}m that an executor requests.",
            fix="Raise spark.kubernetes.executor.limit.cores, or lower --cores.",
        )
    return replace(executor, cpu_limit_millis=asked or (executor.cpu_millis if demanded else None))


def _check_mounts(secrets: Iterable[SecretUse], volumes: Iterable[VolumeUse], target: ClusterTarget) -> None:
    """Executors of the embedded cluster are processes of this machine: nothing is mounted for them."""
    if target.kind is not TargetKind.EMBEDDED:
        return
    for volume in volumes:
        raise UsageError(
            f"--volume {volume}: the embedded cluster has no volumes.",
            fix="Leave it away here: executors see this machine's own directories.",
        )
    for secret in secrets:
        if secret.path:
            raise UsageError(
                f"--secret {secret}: the embedded cluster mounts nothing at a path.",
                fix=f"Write --secret {secret.name} to have it as variables, or --env NAME.",
            )


def _pod_memory(options: Mapping[str, Any], *, beside: int, python: int) -> int | None:
    """The whole pod: ``--memory``, or Spark's heap with all that Spark needs on top."""
    heap = options.get("executor_memory")
    if heap is None:
        memory: int | None = options.get("memory")
        return memory
    overhead = _overhead(options, python)
    return int(heap + overhead + beside)


def _overhead(options: Mapping[str, Any], python: int) -> int | None:
    """Bytes beside the heap where they follow from what was said; None where they follow from the pod's."""
    said: int | None = options.get("memory_overhead")
    heap = options.get("executor_memory")
    if said is not None or heap is None:
        return said
    factor = options.get("memory_overhead_factor") or OVERHEAD_FACTOR
    return pod_memory_for_heap(heap, factor) - int(heap) + python


def _image(options: Mapping[str, Any], target: ClusterTarget, own: OwnPod | None) -> str:
    if image := options.get("image"):
        return str(image)
    if own is not None and own.image:
        return own.image
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
