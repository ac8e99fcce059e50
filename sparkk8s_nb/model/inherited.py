"""What executors take over from the notebook's own pod, as a pod template of its own.

It lies below the administrator's and the user's templates: what they say wins. Kernel and executors then run the
same image, pulled with the same secrets, on the same kind of node.
"""

from __future__ import annotations

from typing import Any

from sparkk8s_nb.model.manifests import CONTAINER
from sparkk8s_nb.model.ownpod import OwnPod

Json = dict[str, Any]


def inherited_template(own: OwnPod, namespace: str) -> Json:
    """The template that makes executors like the notebook's pod.

    User and group are the kernel's, which the base template has: a container that starts as root and then becomes
    somebody else says the wrong ones. Only ``fsGroup`` is not the process's to know.

    Parameters
    ----------
    own : OwnPod
    namespace : str
        The executors'. Pull secrets and service accounts of another namespace do not exist there.

    Examples
    --------
    >>> own = OwnPod(name="nb", uid="u", namespace="hub", container="nb", image="i", pull_secrets=("pull",))
    >>> inherited_template(own, "hub")["spec"]["imagePullSecrets"]
    [{'name': 'pull'}]
    >>> "imagePullSecrets" in inherited_template(own, "elsewhere")["spec"]
    False
    """
    spec: Json = {"containers": [{"name": CONTAINER}]}
    if own.fs_group:
        spec["securityContext"] = {"fsGroup": own.fs_group}
    if own.node_selector:
        spec["nodeSelector"] = dict(own.node_selector)
    if tolerations := [dict(each) for each in own.tolerations if not _added_by_cluster(each)]:
        spec["tolerations"] = tolerations
    if own.namespace == namespace:
        if own.pull_secrets:
            spec["imagePullSecrets"] = [{"name": name} for name in own.pull_secrets]
        if own.service_account:
            spec["serviceAccountName"] = own.service_account
    return {"kind": "Pod", "spec": spec}


def not_inherited(own: OwnPod, namespace: str) -> str:
    """What executors in another namespace go without, one sentence; empty if nothing.

    >>> own = OwnPod(name="nb", uid="u", namespace="hub", container="nb", image="i", pull_secrets=("pull",))
    >>> not_inherited(own, "hub")
    ''
    """
    if own.namespace == namespace or not own.pull_secrets:
        return ""
    return (
        "Executors run in another namespace than this notebook, without its pull secret: "
        "name one that is there in --pod-template (imagePullSecrets)."
    )


def _added_by_cluster(toleration: Any) -> bool:
    """Whether the API server gives it to every pod by itself (DefaultTolerationSeconds)."""
    return toleration.get("tolerationSeconds") == 300 and str(toleration.get("key")) in (
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    )
