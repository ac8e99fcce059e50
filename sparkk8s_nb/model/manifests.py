"""The Kubernetes objects of a session, as plain JSON-like dictionaries.

Everything but the Lease is owned by it: delete the Lease and the cluster's garbage collector removes the
rest. None of them holds a secret but the Secret.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from sparkk8s_nb.model.labels import session_labels
from sparkk8s_nb.model.podmerge import merge_pods
from sparkk8s_nb.model.sparkconf import DECOMMISSION_SCRIPT, SECRET_FILE, DriverNetwork
from sparkk8s_nb.model.spec import MIB, SessionSpec, TargetKind

Json = dict[str, Any]

TOOLS_DIR = DECOMMISSION_SCRIPT.rpartition("/")[0]
WORK_DIR = "/opt/sparkk8s/work"
SECRET_DIR = SECRET_FILE.rpartition("/")[0]
START_SCRIPT = "executor.sh"
SCRIPTS = (START_SCRIPT, DECOMMISSION_SCRIPT.rpartition("/")[2])
"""Files of ``sparkk8s_nb.spark`` that executors get."""

PASSWD = "passwd"  # noqa: S105 (the file with the names of users)
CONTAINER = "spark-kubernetes-executor"
SPARK_UID = 185


def metadata(spec: SessionSpec, name: str, owner: Mapping[str, Any] | None) -> Json:
    """Name, labels and owner of one of the session's objects."""
    result: Json = {"name": name, "namespace": spec.target.namespace, "labels": session_labels(spec)}
    if owner is not None:
        result["ownerReferences"] = [dict(owner)]
    return result


def rpc_secret(spec: SessionSpec, owner: Mapping[str, Any], secret: bytes) -> Json:
    """The Secret with Spark's RPC secret, mounted as a file into the executors."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(spec, f"{spec.name}-rpc", owner),
        "type": "Opaque",
        "immutable": True,
        "data": {"rpc": base64.b64encode(secret).decode()},
    }


def env_secret(spec: SessionSpec, owner: Mapping[str, Any], values: Mapping[str, str]) -> Json:
    """The Secret with the values of the variables that executors take over from the kernel."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(spec, env_secret_name(spec), owner),
        "type": "Opaque",
        "immutable": True,
        "data": {
            name: base64.b64encode(value.encode(errors="surrogateescape")).decode()
            for name, value in values.items()
        },
    }


def env_secret_name(spec: SessionSpec) -> str:
    """Name of that Secret."""
    return f"{spec.name}-env"


def tools_config_map(
    spec: SessionSpec, owner: Mapping[str, Any], scripts: Mapping[str, str], template: Mapping[str, Any]
) -> Json:
    """The ConfigMap with the executors' scripts by name, and a name for the user of the pod ``template``."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(spec, f"{spec.name}-tools", owner),
        "immutable": True,
        "data": {**scripts, PASSWD: _passwd(template)},
    }


def _passwd(template: Mapping[str, Any]) -> str:
    """An ``/etc/passwd`` in which the executor's user has a name: Hadoop's login fails for one without.

    An image knows its own users, and neither a cluster's random one nor that of another machine's kernel.
    """
    spec = template["spec"]
    ours = next(each for each in spec["containers"] if each["name"] == CONTAINER)
    identity = {**(spec.get("securityContext") or {}), **(ours.get("securityContext") or {})}
    user, group = identity.get("runAsUser", SPARK_UID), identity.get("runAsGroup", SPARK_UID)
    return (
        "root:x:0:0:root:/root:/bin/sh\n"
        f"spark:x:{user}:{group}:Spark executor:{WORK_DIR}:/bin/sh\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
    )


def driver_service(spec: SessionSpec, owner: Mapping[str, Any], network: DriverNetwork) -> Json:
    """The headless Service that gives the driver a name and makes it visible."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(spec, spec.name, owner),
        "spec": {"clusterIP": "None", "ports": _ports(network, "targetPort")},
    }


def driver_endpoints(spec: SessionSpec, owner: Mapping[str, Any], network: DriverNetwork) -> Json | None:
    """The EndpointSlice behind the Service, or None for a loopback address, which a real API refuses."""
    if ipaddress.ip_address(network.address).is_loopback:
        return None
    meta = metadata(spec, spec.name, owner)
    meta["labels"] |= {
        "kubernetes.io/service-name": spec.name,
        "endpointslice.kubernetes.io/managed-by": "sparkk8s-nb",
    }
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": meta,
        "addressType": "IPv4",
        "endpoints": [{"addresses": [network.address], "conditions": {"ready": True}}],
        "ports": _ports(network, None),
    }


def _ports(network: DriverNetwork, target: str | None) -> list[Json]:
    ports: list[Json] = [
        {"name": "driver-rpc", "port": network.driver_port, "protocol": "TCP"},
        {"name": "blockmanager", "port": network.block_manager_port, "protocol": "TCP"},
    ]
    if target:
        for port in ports:
            port[target] = port["port"]
    return ports


def pod_template(
    spec: SessionSpec,
    owner: Mapping[str, Any],
    *,
    uid: int,
    gid: int,
    hints: Mapping[str, str],
    templates: Sequence[Mapping[str, Any]] = (),
) -> Json:
    """The executors' pod template: base < templates in order < options < what the toolkit must have.

    Parameters
    ----------
    spec : SessionSpec
    owner : Mapping
        The ownerReference to the Lease.
    uid, gid : int
        Of the kernel; 0 becomes Spark's own 185, since "restricted" refuses root.
    hints : Mapping
        Environment for the start script: where the driver found Spark, Java and Python.
    templates : Sequence of Mapping
        The administrator's first, then the user's, as
        :func:`~sparkk8s_nb.model.podmerge.read_template` gives them.
    """
    merged = _base(spec, uid=uid, gid=gid, hints=hints)
    for template in templates:
        merged = merge_pods(merged, template)
    return merge_pods(merge_pods(merged, needs_template(spec)), _invariants(spec, owner))


def _base(spec: SessionSpec, *, uid: int, gid: int, hints: Mapping[str, str]) -> Json:
    """What administrators and users may change."""
    env = {"HOME": WORK_DIR, "TMPDIR": WORK_DIR, **hints}
    scratch: Json = {"name": "sparkk8s-work", "emptyDir": {}}
    if spec.executor.disk is not None:
        scratch["emptyDir"] = {"sizeLimit": f"{spec.executor.disk // MIB}Mi"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "spec": {
            "terminationGracePeriodSeconds": 30,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": uid or SPARK_UID,
                "runAsGroup": gid or SPARK_UID,
                "fsGroup": gid or SPARK_UID,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": CONTAINER,
                    "workingDir": WORK_DIR,
                    "env": [{"name": name, "value": value} for name, value in env.items()],
                    "volumeMounts": _passwd_mount(spec),
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
            "volumes": [scratch],
        },
    }


def _passwd_mount(spec: SessionSpec) -> list[Json]:
    """Over the image's file; on the embedded cluster executors run as the user of this machine."""
    if spec.target.kind is TargetKind.EMBEDDED:
        return []
    mount = {"name": "sparkk8s-tools", "mountPath": "/etc/passwd", "subPath": PASSWD, "readOnly": True}
    return [mount]


def needs_template(spec: SessionSpec) -> Json:
    """The template that ``--env``, ``--secret`` and ``--volume`` make. A value is in none of it."""
    keyed = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": env_secret_name(spec), "key": name}}}
        for name in spec.env
    ]
    volumes: list[Json] = []
    mounts: list[Json] = []
    for index, use in enumerate(each for each in spec.secrets if each.path):
        name = f"sparkk8s-secret-{index}"
        volumes.append({"name": name, "secret": {"secretName": use.name, "defaultMode": 0o440}})
        mounts.append({"name": name, "mountPath": use.path, "readOnly": True})
    for index, claim in enumerate(dict.fromkeys(volume.claim for volume in spec.volumes)):
        name = f"sparkk8s-volume-{index}"
        uses = [volume for volume in spec.volumes if volume.claim == claim]
        # A kubelet mounts a claim once for a pod: read-only for one use would be so for all.
        source = {"claimName": claim, "readOnly": all(use.read_only for use in uses)}
        volumes.append({"name": name, "persistentVolumeClaim": source})
        mounts += [{"name": name, "mountPath": use.path, "readOnly": use.read_only} for use in uses]
    container: Json = {"name": CONTAINER}
    lists = {
        "env": keyed,
        "envFrom": [{"secretRef": {"name": use.name}} for use in spec.secrets if not use.path],
        "volumeMounts": mounts,
    }
    container |= {key: items for key, items in lists.items() if items}
    return {"kind": "Pod", "spec": {"containers": [container], **({"volumes": volumes} if volumes else {})}}


def _invariants(spec: SessionSpec, owner: Mapping[str, Any]) -> Json:
    """What lifetime and security rest on: merged last, so it wins."""
    return {
        "metadata": {
            "namespace": spec.target.namespace,
            "labels": session_labels(spec) | {"app.kubernetes.io/component": "executor"},
            "ownerReferences": [dict(owner)],
        },
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "containers": [
                {
                    "name": CONTAINER,
                    "command": ["/bin/sh", f"{TOOLS_DIR}/{START_SCRIPT}"],
                    "volumeMounts": [
                        {"name": "sparkk8s-work", "mountPath": WORK_DIR},
                        {"name": "sparkk8s-tools", "mountPath": TOOLS_DIR, "readOnly": True},
                        {"name": "sparkk8s-rpc", "mountPath": SECRET_DIR, "readOnly": True},
                    ],
                }
            ],
            "volumes": [
                {
                    "name": "sparkk8s-tools",
                    "configMap": {"name": f"{spec.name}-tools", "defaultMode": 0o555},
                },
                {
                    "name": "sparkk8s-rpc",
                    "secret": {"secretName": f"{spec.name}-rpc", "defaultMode": 0o440},
                },
            ],
        },
    }


def probe_pod(spec: SessionSpec, template: Mapping[str, Any]) -> Json:
    """A pod like the executors', to ask the API server by a dry run whether it would take them.

    Quota, limit ranges, Pod Security and admission policies answer before Spark asks, in their own words.
    """
    pod = merge_pods(
        template, {"metadata": {"name": f"{spec.name}-probe", "namespace": spec.target.namespace}}
    )
    resources = {"cpu": f"{spec.executor.cpu_millis}m", "memory": f"{spec.executor.memory // MIB}Mi"}
    limits = {"memory": resources["memory"]}
    if spec.executor.cpu_limit_millis is not None:
        limits["cpu"] = f"{spec.executor.cpu_limit_millis}m"
    own = {
        "name": CONTAINER,
        "image": spec.image,
        "args": ["executor"],
        "resources": {"requests": resources, "limits": limits},
    }
    return merge_pods(pod, {"spec": {"restartPolicy": "Never", "containers": [own]}})
