"""Which Spark confs are the toolkit's, which mean an option, and which hold something secret.

A conf is *owned* where another value would break the driver's identity, the session's lifetime or its
security; the table says what to use instead. A conf *means an option* where Spark has its own name for
something that ``start`` has an option for: it is taken with Spark's meaning. All others pass through.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

_ADDRESS = "Use --driver-address ip or --driver-address dns; host and ports are the toolkit's."
_SECURED = "Leave it away: the toolkit authenticates and encrypts Spark's connections itself."
_CLUSTER = "Use --context to name a cluster of your kubeconfig."
_IMAGE = "Use --image."
_TEMPLATE = "Use --pod-template FILE."
_LIFETIME = "Leave it away: the toolkit needs its own value to clean up and to say why an executor ended."
_SCALING = "Dynamic allocation is not available yet: use -n N, and %sparkk8s scale N later."
_UI = "Leave it away: %sparkk8s ui opens the Spark UI, for you alone."

EXECUTOR_ENV = "spark.executorEnv."
_NOT_IN_PODS = (
    "Use --env NAME for this kernel's own value, or --secret SECRET for one of the namespace: "
    "a value here would stand in every pod for all to read."
)

OWNED_CONFS: Mapping[str, str] = MappingProxyType(
    {
        "spark.master": _CLUSTER,
        "spark.remote": "Leave it away: the driver runs in this kernel.",
        "spark.api.mode": "Leave it away: the driver runs in this kernel.",
        "spark.submit.deployMode": "Leave it away: the driver runs in this kernel (client mode).",
        "spark.app.name": "Use --name.",
        "spark.app.id": "Use --name; Spark's own application id stays unique that way.",
        "spark.driver.host": _ADDRESS,
        "spark.driver.port": _ADDRESS,
        "spark.driver.bindAddress": _ADDRESS,
        "spark.driver.blockManager.port": _ADDRESS,
        "spark.port.maxRetries": _ADDRESS,
        "spark.kubernetes.executor.useDriverPodIP": _ADDRESS,
        "spark.authenticate*": _SECURED,
        "spark.network.crypto.*": _SECURED,
        "spark.ssl.*": _SECURED,
        "spark.ui.filters": _UI,
        "spark.ui.port": _UI,
        "spark.ui.proxyBase": _UI,
        "spark.ui.reverseProxy*": _UI,
        "spark.org.apache.spark.ui.JWSFilter.*": _UI,
        "spark.kubernetes.namespace": "Use --namespace.",
        "spark.kubernetes.context": _CLUSTER,
        "spark.kubernetes.driver.master": _CLUSTER,
        "spark.kubernetes.authenticate.*": "Use --context: your kubeconfig says who you are.",
        "spark.kubernetes.trust.certificates": "Put the cluster's certificate into your kubeconfig.",
        "spark.kubernetes.container.image": _IMAGE,
        "spark.kubernetes.driver.container.image": _IMAGE,
        "spark.kubernetes.executor.container.image": _IMAGE,
        "spark.kubernetes.driver.podTemplateFile": _TEMPLATE,
        "spark.kubernetes.executor.podTemplateFile": _TEMPLATE,
        "spark.kubernetes.executor.podTemplateContainerName": _TEMPLATE,
        "spark.kubernetes.executor.podNamePrefix": "Use --name.",
        "spark.kubernetes.driver.pod.name": _LIFETIME,
        "spark.kubernetes.executor.deleteOnTermination": _LIFETIME,
        "spark.kubernetes.executor.disableConfigMap": _LIFETIME,
        "spark.kubernetes.allocation.pods.allocator": _LIFETIME,
        "spark.executor.maxNumFailures": _LIFETIME,
        "spark.local.dir": "Use --disk: scratch space is the session's own and goes with it.",
        "spark.eventLog.*": "Use --event-log on or --event-log off; the logs are kept in your state directory.",
        "spark.scheduler.minRegisteredResourcesRatio": "Use --wait N, --wait all or --wait none.",
        "spark.scheduler.maxRegisteredResourcesWaitingTime": "Use --timeout.",
        "spark.repl.class.outputDir": "Leave it away: the toolkit sets it so that Scala cells work.",
        "spark.pyspark.python": "Use --image: the executors' Python is the one in their image.",
        "spark.pyspark.driver.python": "Leave it away: the driver's Python is this kernel's.",
        "spark.dynamicAllocation.*": _SCALING,
    }
)
"""Confs that ``start`` refuses, each with what to do; a key that ends in ``*`` is a prefix."""

_PASSING = frozenset({"spark.kubernetes.authenticate.executor.serviceAccountName"})

CONFS_OF_OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "spark.executor.instances": "executors",
        "spark.executor.cores": "cores",
        "spark.executor.memory": "executor_memory",
        "spark.executor.memoryOverhead": "memory_overhead",
        "spark.executor.memoryOverheadFactor": "memory_overhead_factor",
        "spark.kubernetes.memoryOverheadFactor": "memory_overhead_factor",
        "spark.kubernetes.executor.request.cores": "cpu",
        "spark.kubernetes.executor.limit.cores": "cpu_limit",
        "spark.driver.memory": "driver_memory",
        "spark.jars.packages": "packages",
        "spark.submit.pyFiles": "py_files",
        "spark.eventLog.enabled": "event_log",
    }
)
"""Confs that become the value of an option, with Spark's meaning."""

# Spark's own spark.redaction.regex, and the words that other connectors use.
_SECRET = re.compile(r"secret|password|passwd|token|access[.]?key|account[.]?key|credential", re.IGNORECASE)
_REGISTRIES = frozenset({"spark.jars.repositories", "spark.jars.ivySettings"})


def owner_says(key: str, value: str = "") -> str | None:
    """Return what to do instead of setting conf ``key``, or None if anybody may set it.

    Switching off what is off anyway (``spark.dynamicAllocation.enabled=false``) is not refused.

    >>> owner_says("spark.kubernetes.namespace")
    'Use --namespace.'
    >>> owner_says("spark.sql.shuffle.partitions") is None
    True
    >>> owner_says("spark.executorEnv.AWS_SECRET_ACCESS_KEY").startswith("Use --env NAME")
    True
    """
    if (
        key in _PASSING
        or key in CONFS_OF_OPTIONS
        or (key == "spark.dynamicAllocation.enabled" and value.strip().lower() == "false")
    ):
        return None
    if key.startswith(EXECUTOR_ENV) and is_secret(key):
        return _NOT_IN_PODS
    for pattern, fix in OWNED_CONFS.items():
        if key == pattern or (pattern.endswith("*") and key.startswith(pattern[:-1])):
            return fix
    return None


def is_secret(key: str) -> bool:
    """Whether a conf's value must never be shown.

    >>> is_secret("spark.hadoop.fs.s3a.secret.key"), is_secret("spark.executor.cores")
    (True, False)
    """
    return bool(_SECRET.search(key))


def project_refusal(key: str) -> str | None:
    """Return why a project's file may not hold conf ``key``, or None if it may.

    A project's file is shared with everybody who has the project: it names no registry, no credential.

    >>> project_refusal("spark.jars.repositories")
    'a registry'
    """
    if key in _REGISTRIES:
        return "a registry"
    return "a credential" if is_secret(key) else None
