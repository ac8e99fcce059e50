"""The composition root: which real parts a session is made of. Nothing else composes."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import sparkk8s_nb.embedded.lifecycle as embedded
from sparkk8s_nb.keeper.launch import launch as launch_keeper
from sparkk8s_nb.keeper.plan import KeeperPlan
from sparkk8s_nb.kube.connect import connect
from sparkk8s_nb.kube.gateway import KubeCluster
from sparkk8s_nb.kube.lease import lease_manifest, owner_reference
from sparkk8s_nb.kube.ownpod import look_inside
from sparkk8s_nb.kube.pods import KubePodSource
from sparkk8s_nb.kube.preflight import check_claims, check_rights, cpu_limit_demanded, scarce
from sparkk8s_nb.localfiles import private_dir
from sparkk8s_nb.model.imagecheck import executor_mounts
from sparkk8s_nb.model.labels import session_selector
from sparkk8s_nb.model.manifests import SCRIPTS, needs_template
from sparkk8s_nb.model.paths import cache_dir, runtime_dir, state_dir
from sparkk8s_nb.model.quantities import parse_kubernetes_cpu, parse_kubernetes_memory
from sparkk8s_nb.model.record import Holder
from sparkk8s_nb.model.sizing import Machine
from sparkk8s_nb.model.sparkconf import check_access, ends_early
from sparkk8s_nb.model.spec import MIB, ClusterAccess, ClusterTarget, SessionSpec, SharedPaths, TargetKind
from sparkk8s_nb.ports import Cluster
from sparkk8s_nb.processes import ProcessId
from sparkk8s_nb.session import orphans
from sparkk8s_nb.session.driver_network import PortTaker, driver_address
from sparkk8s_nb.session.local_host import this_holder
from sparkk8s_nb.session.notebook_identity import kernel_id
from sparkk8s_nb.session.notebook_pod import NotebookPod, check_image, notebook_pod
from sparkk8s_nb.session.parts import Kernel, Parts
from sparkk8s_nb.session.session import Session
from sparkk8s_nb.session.session_dir import SessionDir, make_keys, make_session_dir
from sparkk8s_nb.session.specification import executor_env, make_identity, make_spec
from sparkk8s_nb.session.targets import choose_target
from sparkk8s_nb.session.templates import load_template
from sparkk8s_nb.spark.class_archives import DRIVER, ClassArchives, archives_for
from sparkk8s_nb.spark.driver_logging import write_log4j2
from sparkk8s_nb.spark.gateway import LaunchPlan, launch_jvm
from sparkk8s_nb.spark.java import Java, find_java
from sparkk8s_nb.spark.launching import LaunchingSparkDriver
from sparkk8s_nb.spark.places import executor_hints, programs, spark_home, worker_python

LEASE_SECONDS = 120
RENEW_SECONDS = 30.0


def open_session(
    options: Mapping[str, Any],
    *,
    given: Sequence[str] = (),
    environ: Mapping[str, str] = os.environ,
    make_room: Callable[[], object] = lambda: None,
    on_made: Callable[[Session], None] | None = None,
) -> Session:
    """Start a session from resolved options.

    Parameters
    ----------
    options : Mapping
        Values by option key.
    given : sequence of str
        Names of the options that were given, for the record.
    environ : Mapping
    make_room : callable
        Called when all options have been looked at and nothing has been started: ends what is in the way.
    on_made : callable, optional
        Told of the session before it opens, so that a view can show it come up.

    Raises
    ------
    SparkK8sError
        After everything that was made has been undone.
    """
    java = find_java(environ)
    target = choose_target(options.get("context") or "", options.get("namespace") or "", environ)
    templates = [load_template(path) for path in options.get("pod_templates") or ()]
    identity = make_identity(options, environ)
    runtime = private_dir(runtime_dir(environ, os.getuid()))
    state = private_dir(state_dir(environ, Path.home()))
    if target.kind is TargetKind.EMBEDDED:
        embedded.up()
    archives = archives_for(java, spark_home(), cache_dir(environ, Path.home()))
    place = make_session_dir(identity.name, runtime, state, event_log=options["event_log"])
    with ExitStack() as unfinished:
        unfinished.callback(place.remove)
        cluster = connect(target, scratch=place.root / "api")
        unfinished.callback(cluster.close)
        check_access(cluster.access)
        machine = node_capacity(cluster) if target.kind is TargetKind.EMBEDDED else None
        notebook = notebook_pod(cluster, image=str(options.get("image") or ""), environ=environ)
        env = executor_env(options, environ)
        spec = make_spec(
            options, identity, target, machine, notebook.pod,
            cpu_limited=cpu_limit_demanded(cluster), env=env,
        )  # fmt: skip
        layers = [*notebook.templates(target.namespace), *templates]
        spec = replace(spec, shared_paths=_shared_paths(spec, options, notebook, layers))
        session = Session(
            spec, _parts(spec, cluster, place, java, archives, given, runtime, layers, notebook, env)
        )
        make_room()
        session.introduce()
        if on_made is not None:
            on_made(session)
        unfinished.pop_all()  # from here on the session undoes it
    session.open()
    return session


@contextmanager
def cluster_without_session(
    target: ClusterTarget, environ: Mapping[str, str] = os.environ
) -> Iterator[Cluster]:
    """A cluster for ``ps`` and ``gc``; credentials that it needs as files are there as long as it is."""
    runtime = private_dir(runtime_dir(environ, os.getuid()))
    with tempfile.TemporaryDirectory(dir=runtime, prefix="api-") as scratch:
        cluster = connect(target, scratch=Path(scratch))
        try:
            yield cluster
        finally:
            cluster.close()


def node_capacity(cluster: Cluster) -> Machine:
    """What the embedded cluster's one node has for pods."""
    allocatable = cluster.list("Node")[0]["status"]["allocatable"]
    return Machine(
        cpu_millis=parse_kubernetes_cpu(allocatable["cpu"]),
        memory=parse_kubernetes_memory(allocatable["memory"]),
    )


def _parts(
    spec: SessionSpec,
    cluster: KubeCluster,
    place: SessionDir,
    java: Java,
    archives: ClassArchives,
    given: Sequence[str],
    runtime: Path,
    templates: Sequence[Mapping[str, Any]],
    notebook: NotebookPod,
    env: Mapping[str, str],
) -> Parts:
    holder = this_holder(notebook.pod)
    address = driver_address(spec.target, cluster.access.server)
    python = worker_python(same_files=same_files(spec, notebook))
    return Parts(
        cluster=cluster,
        pods=KubePodSource(cluster),
        place=place,
        keys=make_keys(place),
        kernel=Kernel(
            holder=holder,
            uid=os.getuid(),
            gid=os.getgid(),
            address=address,
            hints=executor_hints(java, python, archives),
            options=tuple(given),
            id=kernel_id(),
        ),
        take_ports=PortTaker(spec, runtime / "ports", address),
        launch_driver=partial(_launch_driver, spec, place, java, archives, cluster.access, python),
        launch_keeper=partial(_launch_keeper, spec, cluster, place, holder),
        preflight=partial(_preflight, spec, cluster, notebook, java, templates),
        orphans=partial(orphans.remove_own, cluster, spec.owner, spec.notebook),
        scripts={name: _script(name) for name in SCRIPTS},
        now=time.time,
        lease=lambda labels, annotations: lease_manifest(
            spec.name,
            spec.target.namespace,
            labels=labels,
            annotations=annotations,
            holder=spec.name,
            duration_seconds=LEASE_SECONDS,
            now=time.time(),
            owner=notebook.lease_owner(spec.target.namespace),
        ),
        owner_reference=owner_reference,
        close=cluster.close,
        templates=templates,
        executor_env=env,
    )


def _script(name: str) -> str:
    return resources.files("sparkk8s_nb.spark").joinpath(name).read_text(encoding="utf-8")


def same_files(spec: SessionSpec, notebook: NotebookPod) -> bool:
    """Whether executors find this kernel's programs where they are here: same machine, or same image."""
    return spec.target.kind is TargetKind.EMBEDDED or notebook.runs(spec.image)


def _preflight(
    spec: SessionSpec,
    cluster: Cluster,
    notebook: NotebookPod,
    java: Java,
    templates: Sequence[Mapping[str, Any]],
) -> Sequence[str]:
    if notebook.runs(spec.image):
        check_image(
            notebook,
            programs(java),
            [*templates, needs_template(spec)],
            look_inside(os.environ).mounts,
            namespace=spec.target.namespace,
        )
    check_claims(cluster, [volume.claim for volume in spec.volumes])
    size = spec.executor
    few = scarce(cluster, spec.executors, cpu_millis=size.cpu_millis, memory=size.memory)
    return [*check_rights(cluster), *few, *ends_early(cluster.access, time.time()), *notebook.warnings]


def _shared_paths(
    spec: SessionSpec,
    options: Mapping[str, Any],
    notebook: NotebookPod,
    templates: Sequence[Mapping[str, Any]],
) -> SharedPaths | None:
    """Where Spark may write: all of the machine's disk where executors are its processes and see it."""
    if spec.target.kind is TargetKind.EMBEDDED:
        status = embedded.status()
        if status is None or not status.isolate:
            return None
    executors = executor_mounts([*templates, needs_template(spec)])
    said = options.get("shared_paths") or ()
    return notebook.shared_paths(executors, said, namespace=spec.target.namespace)


def _launch_driver(
    spec: SessionSpec,
    place: SessionDir,
    java: Java,
    archives: ClassArchives,
    access: ClusterAccess,
    python: str,
) -> LaunchingSparkDriver:
    at_launch = {
        "class_path": spec.conf.get("spark.driver.extraClassPath", ""),
        "java_options": spec.conf.get("spark.driver.extraJavaOptions", ""),
    }
    plan = LaunchPlan(
        java=java,
        memory=f"{spec.driver_memory // MIB}m",
        log4j2=write_log4j2(place.root, place.driver_log),
        output=place.driver_output,
        scratch=place.scratch,
        packages=spec.packages,
        proxy=access.proxy,
        key_algorithm=access.key_algorithm,
        class_archive=archives.found(DRIVER),
        extra={key: value for key, value in spec.conf.items() if key.startswith("spark.jars.")},
        **at_launch,
    )
    return LaunchingSparkDriver(
        launch_jvm(plan),
        python=python,
        token_file=access.token_file if access.token_changes else None,
        shared_paths=spec.shared_paths,
    )


def _launch_keeper(spec: SessionSpec, cluster: Cluster, place: SessionDir, holder: Holder) -> Any:
    return launch_keeper(
        KeeperPlan(
            kernel=ProcessId(pid=holder.pid, started=holder.started),
            access=cluster.access,
            namespace=spec.target.namespace,
            lease=spec.name,
            selector=session_selector(spec.name),
            renew_seconds=RENEW_SECONDS,
            patience=20.0 if spec.target.kind is TargetKind.EMBEDDED else 900.0,
            runtime_dir=place.root,
            log_file=place.keeper_log,
        ),
        hold=place.lock.handles,
    )
