"""A CronJob that removes what dead sessions have left, for namespaces that outlive their notebooks.

It runs ``sparkk8s-nb gc``, which removes only what is proven dead: the notebook's pod is gone, or its container
has ended or been restarted, or, of one outside of the cluster, nobody renewed its Lease for the quarter of an hour in
which the job watched it. Where no such session is in question the job ends at once.
"""

from __future__ import annotations

from sparkk8s_nb.model.rights import Right
from sparkk8s_nb.recipes.rbac import role, role_binding, service_account
from sparkk8s_nb.recipes.rendering import Json, metadata

NAME = "sparkk8s-nb-reaper"
SCHEDULE = "*/15 * * * *"
UID = 185
SCRATCH = "/scratch"
DEADLINE_SECONDS = 2400
"""Longer than ``gc --watch`` takes where the API server goes away while it watches."""


HEAD = """\
Removes Spark sessions whose notebook's pod is gone or whose container was restarted, and those of notebooks
outside of the cluster whose Lease nobody renews for 15 minutes under its eyes; all others stay.
It may look at pods and delete pods and Leases of its namespace; all else goes with its Lease."""

PROOF = Right(resource="pods", verbs=("get",), feature="whether a session's notebook is still there")
RIGHTS = (
    Right(resource="leases", group="coordination.k8s.io", verbs=("list", "delete"), feature="sessions"),
    Right(resource="pods", verbs=("list", "delete"), feature="executors of dead sessions"),
    PROOF,
)
"""Secrets, ConfigMaps and Services are owned by the Lease: the cluster's collector takes them."""


def reaper(
    namespace: str, image: str, *, schedule: str = SCHEDULE, notebook_namespace: str = ""
) -> list[Json]:
    """The manifests for one namespace of executors.

    Parameters
    ----------
    namespace : str
    image : str
        With this package in it: the notebooks' own will do.
    schedule : str
        As cron writes it.
    notebook_namespace : str
        Where the notebooks run, if elsewhere: there it may get pods, and nothing more.

    Examples
    --------
    >>> [manifest["kind"] for manifest in reaper("team", "notebook:1")]
    ['ServiceAccount', 'Role', 'RoleBinding', 'CronJob']
    """
    elsewhere = [notebook_namespace] if notebook_namespace and notebook_namespace != namespace else []
    return [
        service_account(NAME, namespace),
        role(NAME, namespace, RIGHTS),
        role_binding(NAME, namespace, account=NAME, account_namespace=namespace),
        *(role(NAME, place, [PROOF]) for place in elsewhere),
        *(role_binding(NAME, place, account=NAME, account_namespace=namespace) for place in elsewhere),
        _cron_job(namespace, image, schedule),
    ]


def _cron_job(namespace: str, image: str, schedule: str) -> Json:
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": metadata(NAME, namespace),
        "spec": {
            "schedule": schedule,
            "concurrencyPolicy": "Forbid",
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 1,
            "jobTemplate": {
                "spec": {
                    "backoffLimit": 0,
                    "activeDeadlineSeconds": DEADLINE_SECONDS,
                    "template": {"metadata": metadata(NAME), "spec": _pod(image)},
                }
            },
        },
    }


def _pod(image: str) -> Json:
    """As Pod Security "restricted" wants it; what it writes is in its own volume."""
    return {
        "serviceAccountName": NAME,
        "restartPolicy": "Never",
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": UID,
            "runAsGroup": UID,
            "fsGroup": UID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "gc",
                "image": image,
                "command": ["python3", "-m", "sparkk8s_nb.cli", "gc", "--all-users", "--yes", "--watch"],
                "env": [{"name": name, "value": SCRATCH} for name in ("HOME", "TMPDIR", "XDG_RUNTIME_DIR")],
                "workingDir": SCRATCH,
                "resources": {
                    "requests": {"cpu": "100m", "memory": "256Mi"},
                    "limits": {"cpu": "1", "memory": "256Mi"},
                },
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": [{"name": "scratch", "mountPath": SCRATCH}],
            }
        ],
        "volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": "64Mi"}}],
    }
