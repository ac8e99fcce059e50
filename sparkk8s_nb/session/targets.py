"""Which cluster a start goes to. Never a production cluster by surprise.

* ``--context embedded``: this machine's own, always.
* ``--context NAME``: that context; outside a pod it must have a namespace, or ``--namespace`` gives one.
* In a pod with a mounted token: that cluster.
* Otherwise: the embedded one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import sparkk8s_nb.embedded.lifecycle as embedded
from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.kube.kubeconfig import ContextInfo, contexts, default_kubeconfigs, load
from sparkk8s_nb.model.spec import ClusterTarget, TargetKind
from sparkk8s_nb.model.suggest import did_you_mean
from sparkk8s_nb.service_account import in_cluster, own_namespace

EMBEDDED_NAMESPACE = "default"


def choose_target(context: str, namespace: str, environ: Mapping[str, str]) -> ClusterTarget:
    """Decide where executors go, from the options ``--context`` and ``--namespace`` (empty: not given).

    Raises
    ------
    UsageError
        For a context that is not there, or one without a namespace.
    ConnectError
        For a kubeconfig that cannot be read.
    """
    if context == TargetKind.EMBEDDED:
        return embedded_target(namespace)
    if context:
        return _named(context, namespace, environ)
    if in_cluster(environ):
        return ClusterTarget(kind=TargetKind.IN_CLUSTER, namespace=namespace or own_namespace())
    return embedded_target(namespace)


def embedded_target(namespace: str = "") -> ClusterTarget:
    """The embedded cluster of this machine and user; its kubeconfig is there once it is up."""
    return ClusterTarget(
        kind=TargetKind.EMBEDDED,
        context=TargetKind.EMBEDDED,
        namespace=namespace or EMBEDDED_NAMESPACE,
        kubeconfig=embedded.kubeconfig_path(),
    )


def known_contexts(environ: Mapping[str, str]) -> tuple[ContextInfo, ...]:
    """The contexts of the user's kubeconfig files."""
    return contexts(_kubeconfigs(environ))


def _kubeconfigs(environ: Mapping[str, str]) -> tuple[Path, ...]:
    return default_kubeconfigs(environ, Path(environ.get("HOME") or Path.home()))


def _named(context: str, namespace: str, environ: Mapping[str, str]) -> ClusterTarget:
    files = _kubeconfigs(environ)
    if not any(path.exists() for path in files):
        load(files[:1])  # says that it is not there
    known = {info.name: info for info in contexts(files)}
    found = known.get(context)
    if found is None:
        raise UsageError(
            f"There is no context {context!r} in your kubeconfig.",
            fix=did_you_mean(context, known, otherwise="%sparkk8s contexts lists those there are."),
        )
    chosen = namespace or found.namespace
    if not chosen:
        raise UsageError(
            f"The context {context!r} has no namespace.",
            fix=f"Say which: --context {context} --namespace NAME.",
        )
    return ClusterTarget(kind=TargetKind.CONTEXT, context=context, namespace=chosen)
